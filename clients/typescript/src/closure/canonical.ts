/** One way to write a JSON value, so that phone and server get the same hash of it: RFC 8785. */

import { digest } from "../device.js";
import { hex } from "../replica.js";
import { isObject, type Json } from "./json.js";

/**
 * The canonical text: keys in the order of their UTF-16 units, numbers as JavaScript writes them, no space. Fields that
 * are `undefined` are left out, as `JSON.stringify` does.
 *
 * Throws `TypeError` for what is no JSON: NaN, infinity, half a surrogate pair, a function, a `Date`.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value);
  if (typeof value === "string") return canonicalText(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (isObject(value) && isPlain(value)) {
    const names = Object.keys(value).filter((name) => value[name] !== undefined);
    return `{${names.sort().map((name) => `${canonicalText(name)}:${canonicalJson(value[name])}`).join(",")}}`;
  }
  throw new TypeError(`This is no JSON: ${String(value)}`);
}

/** With `u` a whole pair is one character, so what matches is a half. */
const HALF_A_PAIR = /[\ud800-\udfff]/u;

function canonicalText(text: string): string {
  if (HALF_A_PAIR.test(text)) throw new TypeError("A text with half a surrogate pair is no JSON.");
  return JSON.stringify(text);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * The SHA-256, in hex, of what was shown to the person who signs: goes with the signature as `document_hash`, while the
 * document itself goes into `shown`.
 *
 * `sha256`: for React Native, where `crypto.subtle` is not there.
 */
export async function documentHash(
  shown: Json,
  sha256: (bytes: Uint8Array) => Promise<Uint8Array> | Uint8Array = digest,
): Promise<string> {
  return hex(await sha256(new TextEncoder().encode(canonicalJson(shown))));
}
