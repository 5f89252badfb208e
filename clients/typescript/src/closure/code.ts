/** The customer's code, checked while there is no network. The server checks it again: six digits are soon guessed. */

import { field, type Json } from "./json.js";

/** `closure.code` of a job document: salt and hash in base64, the costs of scrypt, and until when the code is good. */
export interface CodeBundle {
  id: string;
  salt: string;
  hash: string;
  n: number;
  r: number;
  p: number;
  expires_at: string;
}

/** RFC 7914. The app brings one: a platform has it, or a library. */
export type Scrypt = (
  password: Uint8Array,
  salt: Uint8Array,
  costs: { N: number; r: number; p: number; dkLen: number },
) => Promise<Uint8Array> | Uint8Array;

/** `facts.code` of a case. Only the server knows that a code is `locked`. */
export interface CodeFact {
  state: "ok" | "wrong" | "expired";
  how: "offline";
}

/**
 * What the code is worth, as far as the device can say; null when this job has none that can be checked here.
 *
 * `now`: milliseconds since 1970.
 */
export async function checkCustomerCode(
  code: string,
  bundle: CodeBundle | null | undefined,
  scrypt: Scrypt,
  now: number = Date.now(),
): Promise<CodeFact | null> {
  if (!bundle) return null;
  const expected = bytesOf(bundle.hash);
  const costs = { N: bundle.n, r: bundle.r, p: bundle.p, dkLen: expected.length };
  const made = await scrypt(new TextEncoder().encode(code), bytesOf(bundle.salt), costs);
  const right = areEqual(made, expected);
  const expired = !(now < Date.parse(bundle.expires_at));
  return { state: right ? (expired ? "expired" : "ok") : "wrong", how: "offline" };
}

/** The `closure.code` of the job; null when it has none. */
export function codeOf(job: Json | { [name: string]: unknown }): CodeBundle | null {
  return field(field(job, "closure"), "code") as unknown as CodeBundle | null;
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** Takes as long whatever differs; nothing equals no bytes at all. */
function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < other.length; at++) difference |= (one[at] ?? 0) ^ other[at]!;
  return other.length > 0 && difference === 0;
}
