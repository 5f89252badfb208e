/**
 * What comes as JSON is read forgivingly, field by field, and exactly as `app/domain/closure_case.py` does: a text,
 * number, object or list of another type is none.
 */

import { field, isNumber, isObject, type Json, type JsonObject } from "./json.js";
import type { EvidenceFact, Facts, Policy, Review, Rule, Submission } from "./types.js";

export function readSubmission(given: unknown): Submission {
  const refusals = Object.entries(objectIn(given, "refusals"));
  return {
    answers: objectIn(given, "answers"),
    resolution_code: textIn(given, "resolution_code"),
    cause_code: textIn(given, "cause_code"),
    no_parts_used: field(given, "no_parts_used") === true,
    refusals: Object.fromEntries(refusals.filter((one): one is [string, string] => typeof one[1] === "string")),
    waivers: objectsIn(given, "waivers"),
    readings: objectsIn(given, "readings"),
    scans: objectsIn(given, "scans"),
    tests: objectsIn(given, "tests"),
  };
}

/** A case that does not say when the work ended has it end in 1970. */
export function readFacts(given: unknown): Facts {
  const [code, confirmation] = [field(given, "code"), field(given, "confirmation")];
  return {
    ended_at: timeIn(given, "ended_at") ?? "1970-01-01T00:00:00Z",
    arrived_at: timeIn(given, "arrived_at"),
    work_order: objectIn(given, "work_order"),
    asset: objectIn(given, "asset"),
    checklist: objectsIn(given, "checklist"),
    evidence: objectsIn(given, "evidence").flatMap(readEvidence),
    movements: wholeIn(given, "movements") ?? 0,
    waivers: objectsIn(given, "waivers"),
    code: isObject(code) ? (code as unknown as Facts["code"]) : null,
    confirmation: isObject(confirmation) ? (confirmation as unknown as Facts["confirmation"]) : null,
    worked_seconds: wholeIn(given, "worked_seconds"),
    estimated_minutes: wholeIn(given, "estimated_minutes"),
    presence_m: numberIn(given, "presence_m"),
    open_items: objectIn(given, "open_items"),
    risks: listIn(given, "risks").filter((one) => typeof one === "string"),
    sent_back: field(given, "sent_back") === true,
    draw: wholeIn(given, "draw"),
  };
}

/** None when it has no id or no kind; it is stored unless it says that it is not. */
function readEvidence(given: JsonObject): EvidenceFact[] {
  const [id, kind, bound] = [textIn(given, "id"), textIn(given, "kind"), field(given, "bound")];
  if (id === null || kind === null) return [];
  return [
    {
      id,
      kind: kind as EvidenceFact["kind"],
      tag: textIn(given, "tag") ?? "",
      stored: field(given, "stored") !== false,
      captured_at: timeIn(given, "captured_at"),
      distance_m: numberIn(given, "distance_m"),
      signer_name: textIn(given, "signer_name"),
      reused: field(given, "reused") === true,
      document_hash: textIn(given, "document_hash"),
      bound: typeof bound === "boolean" ? bound : null,
    },
  ];
}

/** Of a policy, the server has looked at the rest. */
export const rulesOf = (policy: unknown): Rule[] => objectsIn(policy, "rules") as unknown as Rule[];

export const reviewOf = (policy: unknown): Review => objectIn(policy, "review") as Policy["review"] & Review;

export const objectIn = (of: unknown, name: string): JsonObject => {
  const value = field(of, name);
  return isObject(value) ? value : {};
};

export const listIn = (of: unknown, name: string): Json[] => {
  const value = field(of, name);
  return Array.isArray(value) ? value : [];
};

export const objectsIn = (of: unknown, name: string): JsonObject[] => listIn(of, name).filter(isObject);

const textIn = (of: unknown, name: string): string | null => {
  const value = field(of, name);
  return typeof value === "string" ? value : null;
};

const numberIn = (of: unknown, name: string): number | null => {
  const value = field(of, name);
  return isNumber(value) ? value : null;
};

/** A whole number that a double holds exactly: 3.0 is one, 3.5 and 2^53 are none. */
const wholeIn = (of: unknown, name: string): number | null => {
  const value = field(of, name);
  return Number.isSafeInteger(value) ? (value as number) : null;
};

const timeIn = (of: unknown, name: string): string | null => {
  const value = textIn(of, name);
  return millisOf(value) === null ? null : value;
};

const DAY = /^([1-9][0-9]{3}-[0-9]{2}-[0-9]{2})/;
const TIME = /T([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))$/;
const MOMENT = new RegExp(DAY.source + TIME.source);

/** Milliseconds since 1970, rounded down; null when there is no such day or time. */
export function millisOf(time: string | null): number | null {
  const found = MOMENT.exec(time ?? "");
  if (!found) return null;
  const [, day, clock, fraction = "", sign, hours = "00", minutes = "00"] = found;
  if (Number(hours) > 23 || Number(minutes) > 59) return null;
  // `Date` takes February 30th for March 2nd, and 24:00 for the next day: neither comes out as it went in.
  const written = `${day}T${clock}.${fraction.padEnd(3, "0").slice(0, 3)}Z`;
  const local = new Date(written);
  if (Number.isNaN(local.getTime()) || local.toISOString() !== written) return null;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return local.getTime() - (sign === "-" ? -offset : offset);
}
