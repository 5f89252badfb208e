/** The words of the evaluator: what goes in, what comes out. All of it is JSON, named as the server names it. */

import type { Json, JsonObject } from "./json.js";

/** A rule of a closure policy; `docs/closure.md` has the params of each kind. */
export interface Rule {
  id: string;
  kind: string;
  severity?: "block" | "warn" | null;
  when?: Json;
  params?: JsonObject | null;
  waivable_by?: "none" | "technician" | "supervisor" | null;
  message?: { [language: string]: string } | null;
}

export interface Review {
  always?: boolean | null;
  /** 0 to 100. */
  sample_percent?: number | null;
  risk?: string[] | "default" | null;
}

export interface Policy {
  id?: string | null;
  version?: number | null;
  rules?: Rule[] | null;
  review?: Review | null;
}

/** What the technician says. */
export interface Submission {
  /** Checklist item → answer. */
  answers: JsonObject;
  resolution_code: string | null;
  cause_code: string | null;
  no_parts_used: boolean;
  /** Role → why there is no signature. */
  refusals: { [role: string]: string };
  waivers: JsonObject[];
  readings: JsonObject[];
  scans: JsonObject[];
  tests: JsonObject[];
}

/** A photo or a signature of this visit: one that the server has (`stored`), or one that the device promises. */
export interface EvidenceFact {
  id: string;
  kind: "photo" | "signature";
  tag: string;
  stored: boolean;
  captured_at: string | null;
  /** From the site. */
  distance_m: number | null;
  signer_name: string | null;
  reused: boolean;
  document_hash: string | null;
  /** Whether `document_hash` is that of a document which the submission shows; null when there is none. */
  bound: boolean | null;
}

/** What is known beside the submission. */
export interface Facts {
  ended_at: string;
  arrived_at: string | null;
  work_order: JsonObject;
  asset: JsonObject;
  checklist: JsonObject[];
  evidence: EvidenceFact[];
  movements: number;
  waivers: JsonObject[];
  code: { state: string; how: string } | null;
  confirmation: { answer: string } | null;
  worked_seconds: number | null;
  estimated_minutes: number | null;
  presence_m: number | null;
  open_items: { tasks?: number; returns?: number; requests?: number };
  risks: string[];
  sent_back: boolean;
  /** The lot of the work order, 0 to 9999; null where it is not known, as on a phone. */
  draw: number | null;
}

/** What `evaluateCase` judges: whatever is left out is not known, or not done. */
export interface Case {
  policy: Policy;
  submission?: Partial<Submission>;
  facts: Partial<Facts>;
  language?: string;
}

export type Met = "yes" | "no" | "awaiting" | "waived";

/** What one rule says. `how_to_fix` is empty when nothing is to be done. */
export interface Finding {
  rule_id: string;
  kind: string;
  severity: string;
  met: Met;
  message: string;
  how_to_fix: string;
  facts: JsonObject;
}

/**
 * `unmet` keeps the visit open; every other completes it. What people decide, `changes_requested` or `rejected`, only
 * the server says.
 */
export type VerdictKind = "verified" | "awaiting_evidence" | "pending_review" | "unmet" | "waived";

export interface Verdict {
  verdict: VerdictKind;
  findings: Finding[];
  /** Ids of promised evidence that the server does not have. */
  missing: string[];
  /** Why a supervisor is asked. */
  review: string[];
}
