/** The device around the client: its clocks, its chance, its hash function. All of it can be given from outside. */

import type { Waiting } from "./replica.js";

export interface DeviceOptions {
  /** The wall clock, in milliseconds since 1970. */
  now?: () => number;
  /** A clock that only rises and goes on while the device sleeps, in milliseconds; it may begin anywhere. */
  monotonic?: () => number;
  /** From 0 up to 1. */
  random?: () => number;
  sha256?: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** Called between all steps; a test throws here to end the program at that line. */
  step?: (name: string) => void;
}

/** More than this between the two clocks means that the device slept, or that its clock was set. */
const STEADY_MS = 30_000;

export class Device {
  readonly now: () => number;
  readonly random: () => number;
  readonly sha256: (bytes: Uint8Array) => Promise<Uint8Array>;
  readonly step: (name: string) => void;
  /** Ages are measured within one run of the program only. */
  private readonly run: string;
  private readonly monotonic: () => number;

  constructor(private readonly options: DeviceOptions) {
    this.now = options.now ?? Date.now;
    this.monotonic = options.monotonic ?? (() => performance.now());
    this.random = options.random ?? (() => crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32);
    this.sha256 = options.sha256 ?? digest;
    this.step = options.step ?? (() => undefined);
    this.run = this.uuid();
  }

  time(): string {
    return new Date(this.now()).toISOString();
  }

  mark(): Waiting["mark"] {
    return { run: this.run, ms: this.monotonic() };
  }

  /** Milliseconds since it was reported, by the monotonic clock; null when nobody can know: after a restart. */
  age({ mark, op }: Waiting): number | null {
    if (mark.run !== this.run) return null;
    const age = Math.max(0, Math.round(this.monotonic() - mark.ms));
    // The clock of a page stands still while the device sleeps, except on Windows.
    const slept = !this.options.monotonic && this.now() - Date.parse(op.occurred_at) - age > STEADY_MS;
    return slept ? null : age;
  }

  /** UUID version 7 (RFC 9562). */
  uuid(): string {
    const digit = (): string => Math.floor(this.random() * 16).toString(16);
    const digits = (count: number): string => Array.from({ length: count }, digit).join("");
    const ms = this.now().toString(16).padStart(12, "0");
    const variant = (8 + Math.floor(this.random() * 4)).toString(16);
    return `${ms.slice(0, 8)}-${ms.slice(8)}-7${digits(3)}-${variant}${digits(3)}-${digits(12)}`;
  }
}

/** SHA-256 by WebCrypto. */
export async function digest(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
}
