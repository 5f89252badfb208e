/** What a technician sees: the server's document with the reports on top that the server has not answered yet. */

import type { Doc, Operation } from "./replica.js";

/** A new document; the one that it gets stays as it is. Reports that it does not know leave no trace. */
export type Project = (doc: Doc, operations: Operation[]) => Doc;

const STATUS_AFTER: Record<string, string> = {
  "visit.accept": "accepted",
  "visit.decline": "declined",
  "visit.depart": "en_route",
  "visit.arrive": "on_site",
  "visit.start": "in_progress",
  "visit.pause": "paused",
  "visit.complete": "completed",
  "visit.end_incomplete": "incomplete",
  "visit.no_access": "incomplete",
};

/** Which status operations make sense next, so that a whole job can be done without network. */
const NEXT: Record<string, string[]> = {
  accepted: ["decline", "depart", "arrive", "start"],
  en_route: ["arrive", "start", "pause", "end_incomplete", "no_access"],
  on_site: ["start", "pause", "complete", "end_incomplete", "no_access"],
  in_progress: ["pause", "complete", "end_incomplete"],
  paused: ["resume", "complete", "end_incomplete"],
};

const EFFECTS: Record<string, (doc: Doc, op: Operation, args: Doc) => void> = {
  "note.add": (doc, op, { text }) => {
    doc["notes"] = [{ id: op.op_id, text, at: op.occurred_at, waiting: true }, ...(doc["notes"] ?? [])];
  },
  "part.use": (doc, op, { part, qty }) => {
    doc["parts_used"] = [...(doc["parts_used"] ?? []), { op_id: op.op_id, kind: "used", part, qty, waiting: true }];
  },
  "part.return": (doc, op, { part, qty }) => {
    doc["parts_used"] = [...(doc["parts_used"] ?? []), { op_id: op.op_id, kind: "returned", part, qty, waiting: true }];
  },
  "task.set": (doc, _op, { task_id, done, value = null }) => {
    doc["tasks"] = (doc["tasks"] ?? []).map((task: Doc) =>
      task["id"] === task_id ? { ...task, done, value, waiting: true } : task,
    );
  },
  "attachment.add": (doc, _op, { attachment_id: id, role, mime, bytes, sha256 }) => {
    const file = { id, role, mime, bytes, sha256, state: "pending", waiting: true };
    doc["attachments"] = [...(doc["attachments"] ?? []), file];
  },
};

export const project: Project = (doc, operations) => {
  const shown = { ...doc };
  let beforePause = "in_progress";
  for (const op of operations) {
    EFFECTS[op.type]?.(shown, op, op.args ?? {});
    const status = op.type === "visit.resume" ? beforePause : STATUS_AFTER[op.type];
    if (!status) continue;
    if (status === "paused") beforePause = shown["status"];
    shown["status"] = status;
    const others = (shown["allowed"] ?? []).filter((type: string) => !type.startsWith("visit."));
    shown["allowed"] = [...(NEXT[status] ?? []).map((action) => `visit.${action}`), ...others];
  }
  return shown;
};
