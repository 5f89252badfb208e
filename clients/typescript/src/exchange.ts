/** One exchange: operations up, results and changes down. Killed at any line, it goes on where it was. */

import type { Device } from "./device.js";
import {
  type Operation, type Page, type Removal, type Result, type State, type Waiting, applyDifference, applyPage,
  applyResults, digestOf, have, heldEntries, keep, stateOf, waiting,
} from "./replica.js";
import type { Storage, Transaction } from "./storage.js";
import { NoNetwork, Refused, type Wire } from "./wire.js";

export interface Limits {
  max_ops: number;
  max_body_bytes: number;
  chunk_bytes: number;
}

/** What the exchange tells while it runs. */
export interface News {
  result(result: Result): void;
  removed(removal: Removal): void;
  changed(): void;
  log(line: string): void;
}

interface Reply extends Page {
  results: Result[];
  reset?: { code: string; recovery: string };
  poll_after_s?: number;
}

const PAGE = 100;
const RECONCILED_AT_ONCE = 5000;
const A_DAY = 86_400_000;
/** Answers that say that something in the batch is at fault; a crash says so only when it comes again and again. */
const BLAMED = new Set([400, 413, 422, 500]);
const CRASHES = 3;
/** More resets than this in one exchange are a quarrel; it goes on later. */
const RESETS = 4;

export class Exchange {
  /** When the server wants to be asked again. */
  pollAfterMs = 60_000;
  private batchSize: number;
  private crashes = 0;
  private resets = 0;
  private checked = false;

  constructor(
    private readonly wire: Wire,
    private readonly storage: Storage,
    private readonly device: Device,
    private readonly limits: Limits,
    private readonly news: News,
  ) {
    this.batchSize = limits.max_ops;
  }

  /** Sends every waiting report once, in batches, and applies what comes back. Throws `NoNetwork` or `Refused`. */
  async run(): Promise<void> {
    this.resets = 0;
    const asked = new Set<string>();
    for (let isDone = false; ; ) {
      const { batch, state } = await this.storage.transaction((tx) => this.take(tx, asked));
      if (batch.length === 0 && state.revoked) throw new Refused(403, { code: "device_revoked" });
      if (batch.length === 0 && isDone) return;
      const reply = await this.push(batch, state);
      if (!reply) continue;
      isDone = true;
      batch.forEach((row) => asked.add(row.op.op_id));
      if (reply.reset) await this.recover(reply.reset.recovery);
      else if ((reply.has_more || !reply.changes) && !state.revoked) await this.pull();
    }
  }

  /** The next batch: what was never answered before what was deferred, within the limits. */
  private async take(tx: Transaction, asked: Set<string>): Promise<{ batch: Waiting[]; state: State }> {
    const rows = (await waiting(tx)).filter((row) => !asked.has(row.op.op_id));
    const batch: Waiting[] = [];
    let room = this.limits.max_body_bytes - 1024;
    for (const row of [...rows.filter(isPending), ...rows.filter((one) => !isPending(one))]) {
      room -= new TextEncoder().encode(JSON.stringify(row.op)).length + 32;
      if (batch.length === this.batchSize || (room < 0 && batch.length > 0)) break;
      batch.push(row);
    }
    return { batch: batch.sort((a, b) => a.op.seq - b.op.seq), state: await stateOf(tx) };
  }

  /** The reply to a batch, applied; undefined when the batch was at fault: then a smaller one is next. */
  private async push(batch: Waiting[], state: State): Promise<Reply | undefined> {
    let reply: Reply;
    try {
      reply = await this.send(batch, state.cursor);
    } catch (error) {
      await this.blame(batch, state, error);
      return undefined;
    }
    this.crashes = 0;
    this.batchSize = Math.min(this.limits.max_ops, this.batchSize * 2);
    if (reply.poll_after_s) this.pollAfterMs = reply.poll_after_s * 1000;
    const operations = batch.map((row) => row.op);
    const results = await this.apply(state, reply.changes && reply, applyPage, operations, reply.results);
    results.forEach((result) => this.news.result(result));
    return reply;
  }

  private async send(batch: Waiting[], cursor: string | null, limit = PAGE): Promise<Reply> {
    this.device.step("before sending");
    const operations = batch.map((row) => ({ ...row.op, age_ms: this.device.age(row) }));
    const envelope = { sent_at: this.device.time(), cursor, limit, operations };
    const reply = (await this.wire.json("POST", "/v1/sync", envelope)) as Reply | undefined;
    this.device.step("after sending");
    if (!Array.isArray(reply?.results)) throw new NoNetwork("an answer without results");
    return reply;
  }

  /** Halves a batch that the server cannot take. One report alone is put aside, with its text. */
  private async blame(batch: Waiting[], state: State, error: unknown): Promise<void> {
    if (!(error instanceof Refused) || !BLAMED.has(error.status) || batch.length === 0) throw error;
    if (error.status === 500 && ++this.crashes < CRASHES) throw error;
    this.crashes = 0;
    this.batchSize = Math.ceil(batch.length / 2);
    if (batch.length > 1) return;
    // It is to blame only if the server understands the same without it; if not, this throws.
    await this.send([], state.cursor, 1);
    const row = batch[0]!;
    const code = error.problem.code ?? String(error.status);
    const result: Result = { op_id: row.op.op_id, status: "unanswered", code };
    await this.storage.transaction(async (tx) => {
      await tx.put("attention", row.op.op_id, { ...row, result });
      await tx.delete("outbox", row.op.op_id);
    });
    this.news.result(result);
    this.news.changed();
  }

  /** Pages until there are no more: the last one; undefined when there was none or all was begun anew. */
  private async pull(more = ""): Promise<Page | undefined> {
    for (;;) {
      const state = await this.storage.transaction(stateOf);
      const from = state.cursor === null ? "" : `&cursor=${encodeURIComponent(state.cursor)}`;
      let page: Page | undefined;
      try {
        page = await this.wire.json("GET", `/v1/sync/changes?limit=${PAGE}${more}${from}`);
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 410) throw error;
        await this.recover(error.problem.recovery);
        return undefined;
      }
      this.device.step("page here");
      if (!page) return undefined;
      if (page.has_more && page.cursor === state.cursor) throw new Refused(502, { detail: "the same page again" });
      await this.apply(state, page, applyPage);
      if (!page.has_more) return page;
    }
  }

  /** A cursor that is good no more: compare what is held, or begin anew. The outbox is none of its business. */
  private async recover(recovery: string | undefined): Promise<void> {
    if (++this.resets > RESETS) throw new Refused(503, { detail: "reset again and again" });
    if (recovery === "reconcile") return this.reconcile();
    await this.storage.transaction(async (tx) => keep(tx, { ...(await stateOf(tx)), cursor: null }));
    this.device.step("cursor forgotten");
    await this.pull();
  }

  private async reconcile(): Promise<void> {
    for (;;) {
      const state = await this.storage.transaction(stateOf);
      const entries = await this.storage.transaction(heldEntries);
      if (state.cursor === null || entries.length > RECONCILED_AT_ONCE) return this.recover("bootstrap");
      let page: Page;
      try {
        page = await this.wire.json("POST", "/v1/sync/reconcile", { have: have(entries), limit: 2 * PAGE });
      } catch (error) {
        if (!(error instanceof Refused) || (error.status !== 410 && error.status !== 413)) throw error;
        return this.recover("bootstrap");
      }
      this.device.step("difference here");
      if (page.has_more && page.changes.length === 0) throw new Refused(502, { detail: "more of nothing" });
      await this.apply(state, page, applyDifference);
      if (!page.has_more) return;
    }
  }

  /** Once a day and at the start: does this device hold what the server thinks it holds? */
  async check(): Promise<void> {
    const { digest_at } = await this.storage.transaction(stateOf);
    if (this.checked && Math.abs(this.device.now() - digest_at) < A_DAY) return;
    const page = await this.pull("&digest=1");
    const mine = await digestOf(await this.storage.transaction(heldEntries), this.device.sha256);
    this.device.step("digest here");
    if (page?.digest && page.digest !== mine) {
      this.news.log(`digest ${mine} here, ${page.digest} there: reconciling`);
      await this.reconcile();
    }
    this.checked = true;
    await this.storage.transaction(async (tx) => keep(tx, { ...(await stateOf(tx)), digest_at: this.device.now() }));
  }

  /** All that an answer brought, in one local transaction. A page that another tab has overtaken is not applied. */
  private async apply(
    asked: State,
    page: Page | undefined | null,
    how: typeof applyPage,
    operations: Operation[] = [],
    results: Result[] = [],
  ): Promise<Result[]> {
    const [final, gone] = await this.storage.transaction(async (tx) => {
      const answered = await applyResults(tx, operations, results);
      this.device.step("results applied");
      const state = await stateOf(tx);
      const removed = page && !state.revoked && state.cursor === asked.cursor ? await how(tx, state, page) : [];
      this.device.step("before keeping");
      return [answered, removed] as const;
    });
    this.device.step("kept");
    gone.forEach((removal) => this.news.removed(removal));
    if (operations.length > 0 || (page?.changes.length ?? 0) > 0) this.news.changed();
    return final;
  }
}

const isPending = (row: Waiting): boolean => row.state === "pending";
