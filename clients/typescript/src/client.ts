/** What an app talks to: report something, look at the jobs, and let it sync by itself. */

import { Device, type DeviceOptions } from "./device.js";
import { Exchange, type Limits } from "./exchange.js";
import { listen, pause } from "./hints.js";
import type { Events, Outcome, View } from "./outcome.js";
import { type Project, project } from "./project.js";
import {
  type Attention, type Doc, type Entry, type Operation, type Waiting, dropFile, dropStubs, forgetCustomers, hex, keep,
  stateOf, waiting,
} from "./replica.js";
import type { Storage, Transaction } from "./storage.js";
import { type FileRow, Uploads } from "./uploads.js";
import { NoNetwork, Refused, Wire, type WireOptions } from "./wire.js";

export interface ClientOptions extends WireOptions, DeviceOptions {
  storage: Storage;
  /** From the answer of `POST /v1/devices`. */
  limits?: Partial<Limits>;
  /** How reports show on a document before they are answered. */
  project?: Project;
  /** True where bytes cost money: then photos and videos that no closure asks for wait. */
  metered?: () => boolean;
}

const LIMITS: Limits = { max_ops: 100, max_body_bytes: 262_144, chunk_bytes: 262_144 };
const SHORTEST = 2_000;
const LONGEST = 900_000;

export class OfflineClient {
  private readonly wire: Wire;
  private readonly device: Device;
  private readonly exchange: Exchange;
  private readonly uploads: Uploads;
  private readonly storage: Storage;
  private readonly listeners = new Map<keyof Events, Set<(event: any) => void>>();
  private syncing: Promise<Outcome> | undefined;
  private failures = 0;
  private urgent = false;
  private resting = new AbortController();
  private stopping: AbortController | undefined;

  constructor(private readonly options: ClientOptions) {
    const limits = { ...LIMITS, ...options.limits };
    this.storage = options.storage;
    this.device = new Device(options);
    this.wire = new Wire(options);
    this.exchange = new Exchange(this.wire, this.storage, this.device, limits, {
      result: (result) => this.emit("result", result),
      removed: (removal) => this.emit("removed", removal),
      changed: () => this.emit("change", undefined),
      log: (line) => this.emit("log", line),
    });
    this.uploads = new Uploads(this.wire, this.storage, this.device, {
      chunkBytes: limits.chunk_bytes,
      metered: options.metered ?? (() => false),
      changed: () => this.emit("change", undefined),
    });
  }

  // What the technician does.

  /** Reports something; it is kept before this returns. `target`: a visit's id. The report's id. */
  async enqueue(type: string, target: string | null, args?: Doc, more: { dependsOn?: string[] } = {}): Promise<string> {
    const id = await this.storage.transaction((tx) => this.add(tx, type, target, args, more.dependsOn));
    this.reported();
    return id;
  }

  /** Reports a file and keeps it until the server has it. `more`: captured_at, preview, … The attachment's id. */
  async attach(visitId: string, blob: Blob, role: string, more: Doc = {}): Promise<string> {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const mime = blob.type || "application/octet-stream";
    const told = { role, mime, bytes: bytes.length, sha256: hex(await this.device.sha256(bytes)) };
    const id = this.device.uuid();
    const file: FileRow = { ...told, id, visit: visitId, state: "waiting", url: null, upload: null };
    const args = { attachment_id: id, ...told, captured_at: this.device.time(), ...more };
    await this.storage.transaction(async (tx) => {
      await tx.put("bytes", id, bytes);
      await tx.put("files", id, file);
      await this.add(tx, "attachment.add", visitId, args);
    });
    this.reported();
    return id;
  }

  /** Sends a report of the attention list again, edited or as it was; the id that it has now. */
  async resend(opId: string, args?: Doc): Promise<string> {
    const id = await this.storage.transaction(async (tx) => {
      const one = await tx.get<Attention>("attention", opId);
      if (!one) throw new Error(`Nothing needs attention under ${opId}.`);
      await tx.delete("attention", opId);
      // What was never answered may have been done: under its old id it cannot be done twice.
      const known = one.result.status === "unanswered" && !args ? one.op : { occurred_at: one.op.occurred_at };
      return this.add(tx, one.op.type, one.op.target, args ?? one.op.args, one.op.depends_on, { ...known }, one.mark);
    });
    this.reported();
    return id;
  }

  /** The technician has seen it and lets it go; a file that it announced goes with it. */
  async dismiss(opId: string): Promise<void> {
    await this.storage.transaction(async (tx) => {
      const one = await tx.get<Attention>("attention", opId);
      await tx.delete("attention", opId);
      if (one?.op.type === "attachment.add") await dropFile(tx, one.op.args!["attachment_id"]);
      await dropStubs(tx);
    });
    this.emit("change", undefined);
  }

  private async add(
    tx: Transaction,
    type: string,
    target: string | null,
    args?: Doc,
    dependsOn: string[] = [],
    known: Partial<Operation> = {},
    mark = this.device.mark(),
  ): Promise<string> {
    const state = await stateOf(tx);
    const version = (await tx.get<Entry>("replica", `job|${target}`))?.doc["version"];
    const made = { op_id: this.device.uuid(), seq: state.seq + 1, occurred_at: this.device.time() };
    const op: Operation = { ...made, type, target };
    if (version !== undefined) op.base_version = version;
    if (dependsOn.length > 0) op.depends_on = dependsOn;
    if (args !== undefined) op.args = args;
    Object.assign(op, known);
    await tx.put("outbox", op.op_id, { op, state: "pending", mark } satisfies Waiting);
    await keep(tx, { ...state, seq: state.seq + 1 });
    return op.op_id;
  }

  // What the technician sees.

  async jobs(): Promise<View[]> {
    const start = (view: View): string => view.doc["scheduled"]?.["start"] ?? "";
    return (await this.views("job")).sort((a, b) => start(a).localeCompare(start(b)) || a.id.localeCompare(b.id));
  }

  async job(id: string): Promise<View | undefined> {
    return (await this.views("job")).find((view) => view.id === id);
  }

  /** What went otherwise than reported, as the server says. */
  async issues(): Promise<Doc[]> {
    return (await this.views("issue")).map((view) => view.doc).filter((doc) => (doc["state"] ?? "open") === "open");
  }

  /** Reports that need a person, with their text. */
  attention(): Promise<Attention[]> {
    return this.storage.transaction((tx) => tx.all<Attention>("attention"));
  }

  /** Reports that have no final answer yet, in the order in which they were made. */
  outbox(): Promise<Operation[]> {
    return this.storage.transaction(async (tx) => (await waiting(tx)).map((row) => row.op));
  }

  /** Files that the server does not have yet; the `refused` ones it will not take. */
  files(): Promise<FileRow[]> {
    return this.storage.transaction((tx) => tx.all<FileRow>("files"));
  }

  /** All that is held of a kind; of kinds that an app does not know, it does not ask. */
  views(kind: string): Promise<View[]> {
    const show = this.options.project ?? project;
    return this.storage.transaction(async (tx) => {
      const entries = (await tx.all<Entry>("replica")).filter((entry) => entry.kind === kind);
      const unsent = (await waiting(tx)).map((row) => row.op);
      const stuck = await tx.all<Attention>("attention");
      return entries.map(({ id, doc, locked = false }) => {
        const mine = unsent.filter((op) => op.target === id);
        const attention = stuck.filter((one) => one.op.target === id);
        return { id, doc: locked ? doc : show(doc, mine), locked, waiting: mine, attention };
      });
    });
  }

  /** Calls `listener` for each event; what it returns ends that. */
  on<K extends keyof Events>(name: K, listener: (event: Events[K]) => void): () => void {
    const all = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, all.add(listener));
    return () => void all.delete(listener);
  }

  private emit<K extends keyof Events>(name: K, event: Events[K]): void {
    this.listeners.get(name)?.forEach((listener) => listener(event));
  }

  // How it syncs.

  /** One sync; who calls while one runs gets its outcome. */
  sync(): Promise<Outcome> {
    return (this.syncing ??= this.alone(() => this.once()).finally(() => (this.syncing = undefined)));
  }

  /** Syncs until `stop`: when something is reported, when the server hints, and else as often as it wishes. */
  start(): void {
    if (this.stopping) return;
    const { signal } = (this.stopping = new AbortController());
    const online = (): void => this.resting.abort();
    globalThis.addEventListener?.("online", online);
    signal.addEventListener("abort", () => globalThis.removeEventListener?.("online", online));
    void listen(this.wire, () => this.hint(), (failures) => this.backOff(failures), signal);
    void this.loop(signal);
  }

  stop(): void {
    this.stopping?.abort();
    this.stopping = undefined;
    this.resting.abort();
  }

  /** There may be something new (a push message says so): pull now, unless the server asked for patience. */
  hint(): void {
    this.urgent = true;
    if (this.failures === 0) this.resting.abort();
  }

  /** The person has signed in (again): whatever was said before, go on. */
  async signedIn(): Promise<void> {
    await this.storage.transaction(async (tx) => keep(tx, { ...(await stateOf(tx)), revoked: false }));
    this.failures = 0;
    this.hint();
  }

  private reported(): void {
    this.emit("change", undefined);
    this.hint();
  }

  private async loop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.resting = new AbortController();
      const { state, waitMs } = await this.sync().catch((error: unknown): Outcome => {
        this.emit("log", `not kept: ${error}`);
        return { state: "refused", waitMs: this.backOff(this.failures++) };
      });
      if (!(this.urgent && state === "synced")) await pause(signal.aborted ? 0 : waitMs, this.resting.signal);
    }
  }

  /** Two tabs of a browser take turns. */
  private async alone(work: () => Promise<Outcome>): Promise<Outcome> {
    const locks = globalThis.navigator?.locks;
    return locks ? await locks.request(`firstfix ${this.options.baseUrl}`, work) : await work();
  }

  private async once(): Promise<Outcome> {
    this.emit("status", { state: "syncing" });
    this.urgent = false;
    let outcome: Outcome;
    try {
      await this.exchange.run();
      await this.exchange.check();
      await this.uploads.tick(() => this.urgent);
      this.failures = 0;
      outcome = { state: "synced", waitMs: this.exchange.pollAfterMs };
    } catch (error) {
      outcome = await this.afterFailure(error);
    }
    this.emit("status", outcome);
    return outcome;
  }

  /** What a failure means. None of it touches the outbox. */
  private async afterFailure(error: unknown): Promise<Outcome> {
    if (!(error instanceof NoNetwork || error instanceof Refused)) throw error;
    const waitMs = this.backOff(this.failures++);
    if (error instanceof NoNetwork) return { state: "offline", waitMs, error };
    const later = { waitMs: waitMs + error.retryAfterS * 1000, error };
    if (error.status === 401) return { state: "signed_out", ...later };
    if (error.status === 426) return { state: "update_required", ...later, waitMs: LONGEST };
    if (error.status === 429 || error.status === 503) return { state: "offline", ...later };
    if (error.problem.code !== "device_revoked") return { state: "refused", ...later };
    await this.storage.transaction(forgetCustomers);
    this.emit("change", undefined);
    return { state: "revoked", ...later };
  }

  /** Full jitter below a bound that doubles from 2 s to 15 min. */
  private backOff(failures: number): number {
    return this.device.random() * Math.min(LONGEST, SHORTEST * 2 ** Math.min(failures, 20));
  }
}
