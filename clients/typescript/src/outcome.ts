/** What an app gets to see: how a sync ended, one thing as it is shown, and the events. */

import type { Attention, Doc, Operation, Removal, Result } from "./replica.js";

/** How a sync ended, and when to come again. */
export interface Outcome {
  state: "synced" | "offline" | "signed_out" | "revoked" | "update_required" | "refused";
  waitMs: number;
  error?: Error;
}

/** One thing as it is shown: its document with the waiting reports on top. */
export interface View {
  id: string;
  doc: Doc;
  /** It has left this device but for a stub, until the reports on it are answered. */
  locked: boolean;
  waiting: Operation[];
  attention: Attention[];
}

export interface Events {
  change: undefined;
  status: Outcome | { state: "syncing" };
  result: Result;
  removed: Removal;
  log: string;
}
