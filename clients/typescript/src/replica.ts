/** What the server sent and how it is kept: pages, removals, answers. All of it runs inside one transaction. */

import type { Transaction } from "./storage.js";

export type Doc = Record<string, any>;

/** What was reported, as it is sent; it never changes. `sent_at` and `age_ms` come at each attempt. */
export interface Operation {
  op_id: string;
  seq: number;
  type: string;
  target: string | null;
  occurred_at: string;
  args?: Doc;
  base_version?: number;
  depends_on?: string[];
}

/** A report that has no final answer yet. `mark`: what the monotonic clock of that run of the program said. */
export interface Waiting {
  op: Operation;
  state: "pending" | "deferred";
  mark: { run: string; ms: number };
  code?: string;
}

/** A report that needs a person: rejected by the server, or (`unanswered`) never understood by it. */
export interface Attention extends Waiting {
  result: Result;
}

export interface Result {
  op_id: string;
  status: string;
  code?: string;
  version?: number;
  issue_id?: string;
  retry_after_s?: number;
  upload?: "not_needed" | { url: string };
  [more: string]: unknown;
}

/** One thing of the server's. A `locked` one is a stub: it left this device while a report on it is unanswered. */
export interface Entry {
  kind: string;
  id: string;
  rev: string;
  doc: Doc;
  gen: number;
  locked?: boolean;
}

export interface Change {
  kind: string;
  id: string;
  op: "put" | "remove";
  rev?: string;
  data?: Doc;
  reason?: string;
}

export interface Page {
  changes: Change[];
  cursor: string | null;
  has_more: boolean;
  digest?: string;
}

export interface Removal {
  kind: string;
  id: string;
  reason: string;
}

/** Where this device stands. `gen` counts its bootstraps; while `sweeping`, what is of an older one goes at the end. */
export interface State {
  cursor: string | null;
  gen: number;
  sweeping: boolean;
  seq: number;
  revoked: boolean;
  digest_at: number;
}

const BEGINNING: State = { cursor: null, gen: 0, sweeping: false, seq: 0, revoked: false, digest_at: 0 };
const FINAL = new Set(["applied", "noted", "rejected", "quarantined"]);
/** What a stub still shows. */
const OF_A_STUB = ["id", "no", "summary", "status", "type"];

export const stateOf = async (tx: Transaction): Promise<State> =>
  (await tx.get<State>("meta", "state")) ?? { ...BEGINNING };
export const keep = (tx: Transaction, state: State): Promise<void> => tx.put("meta", "state", state);

export const waiting = async (tx: Transaction): Promise<Waiting[]> =>
  (await tx.all<Waiting>("outbox")).sort((a, b) => a.op.seq - b.op.seq);

/** The next page of the feed. The first one without a cursor begins a generation, the last one sweeps those before. */
export async function applyPage(tx: Transaction, state: State, page: Page): Promise<Removal[]> {
  if (state.cursor === null) Object.assign(state, { gen: state.gen + 1, sweeping: true });
  const gone = await applyChanges(tx, state.gen, page.changes);
  if (state.sweeping && !page.has_more) {
    const old = (await tx.all<Entry>("replica")).filter((entry) => entry.gen < state.gen && !entry.locked);
    const removals = old.map(({ kind, id }) => ({ kind, id, op: "remove" as const }));
    gone.push(...(await applyChanges(tx, state.gen, removals)));
    state.sweeping = false;
  }
  state.cursor = page.cursor;
  await keep(tx, state);
  return gone;
}

/** The difference that a reconcile answers. Until its last part the old cursor stays, so that it begins again. */
export async function applyDifference(tx: Transaction, state: State, page: Page): Promise<Removal[]> {
  const gone = await applyChanges(tx, state.gen, page.changes);
  if (!page.has_more) Object.assign(state, { cursor: page.cursor, sweeping: false });
  await keep(tx, state);
  return gone;
}

async function applyChanges(tx: Transaction, gen: number, changes: Change[]): Promise<Removal[]> {
  const gone: Removal[] = [];
  const busy = changes.some((change) => change.op === "remove") ? await unanswered(tx) : new Set<string | null>();
  for (const { kind, id, op, rev, data, reason } of changes) {
    const key = `${kind}|${id}`;
    if (op === "put") await tx.put("replica", key, { kind, id, rev, doc: data, gen });
    if (op !== "remove") continue;
    const entry = await tx.get<Entry>("replica", key);
    if (!entry) continue;
    if (busy.has(id)) await tx.put("replica", key, { ...entry, doc: stub(entry.doc), rev: "", locked: true });
    else await tx.delete("replica", key);
    gone.push({ kind, id, reason: reason ?? "reconcile" });
  }
  return gone;
}

function stub(doc: Doc): Doc {
  return Object.fromEntries(OF_A_STUB.filter((name) => name in doc).map((name) => [name, doc[name]]));
}

/** Puts the answers to what was sent where they belong; only a final one takes a report out of the outbox. */
export async function applyResults(tx: Transaction, sent: Operation[], results: Result[]): Promise<Result[]> {
  const asked = new Set(sent.map((op) => op.op_id));
  const final: Result[] = [];
  for (const result of results) {
    const row = await tx.get<Waiting>("outbox", result.op_id);
    if (!row || !asked.has(result.op_id)) continue;
    if (!FINAL.has(result.status)) {
      await tx.put("outbox", result.op_id, { ...row, state: "deferred", code: result.code });
      continue;
    }
    if (result.status === "rejected") await tx.put("attention", result.op_id, { ...row, result });
    if (row.op.type === "attachment.add") await linkFile(tx, row.op, result);
    await tx.delete("outbox", result.op_id);
    final.push(result);
  }
  if (final.length > 0) await dropStubs(tx);
  return final;
}

/** A file waits for the answer to its link: what is not wanted is let go, what is wanted gets its turn. */
async function linkFile(tx: Transaction, op: Operation, { status, upload }: Result): Promise<void> {
  const id = op.args!["attachment_id"] as string;
  const file = await tx.get<Doc>("files", id);
  if (!file || status === "rejected") return;
  if (upload === "not_needed") return dropFile(tx, id);
  await tx.put("files", id, { ...file, state: "linked", url: upload?.url ?? null });
}

export async function dropFile(tx: Transaction, id: string): Promise<void> {
  await tx.delete("files", id);
  await tx.delete("bytes", id);
}

/** A stub goes when the last report on it is answered. */
export async function dropStubs(tx: Transaction): Promise<void> {
  const busy = await unanswered(tx);
  for (const { kind, id, locked } of await tx.all<Entry>("replica")) {
    if (locked && !busy.has(id)) await tx.delete("replica", `${kind}|${id}`);
  }
}

async function unanswered(tx: Transaction): Promise<Set<string | null>> {
  const stuck = (await tx.all<Attention>("attention")).filter((one) => one.result.status === "unanswered");
  return new Set([...(await waiting(tx)), ...stuck].map((one) => one.op.target));
}

/** Customer data goes; what the technician has reported and not yet sent stays. */
export async function forgetCustomers(tx: Transaction): Promise<void> {
  for (const { kind, id } of await tx.all<Entry>("replica")) await tx.delete("replica", `${kind}|${id}`);
  await keep(tx, { ...(await stateOf(tx)), cursor: null, sweeping: false, revoked: true });
}

/** What this device holds, as a reconcile asks for it: kind → id → rev; stubs are no longer the server's. */
export function have(entries: Entry[]): Record<string, Record<string, string>> {
  const held: Record<string, Record<string, string>> = {};
  for (const { kind, id, rev } of entries) (held[kind] ??= {})[id] = rev;
  return held;
}

export const heldEntries = async (tx: Transaction): Promise<Entry[]> =>
  (await tx.all<Entry>("replica")).filter((entry) => !entry.locked);

/** `"<count>:<hex>"`: XOR over everything held of the first 8 bytes of SHA-256(`kind|id|rev`). */
export async function digestOf(entries: Entry[], sha256: (bytes: Uint8Array) => Promise<Uint8Array>): Promise<string> {
  const mixed = new Uint8Array(8);
  for (const { kind, id, rev } of entries) {
    const hash = await sha256(new TextEncoder().encode(`${kind}|${id}|${rev}`));
    mixed.forEach((byte, at) => (mixed[at] = byte ^ hash[at]!));
  }
  return `${entries.length}:${hex(mixed)}`;
}

export const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
