/** The case of a job as the device holds it, and of what is about to be sent: what will the verdict be? */

import type { Doc } from "../replica.js";
import { documentHash } from "./canonical.js";
import { itemsOf, judge } from "./checklist.js";
import type { CodeFact } from "./code.js";
import { valuesOf } from "./conditions.js";
import { field, isNumber, isObject, type Json, type JsonObject } from "./json.js";
import { listIn, millisOf, objectIn, objectsIn, readFacts, readSubmission } from "./read.js";
import type { Case, EvidenceFact, Facts, Policy, Submission } from "./types.js";

export interface MoreKnown {
  /** When the work ended: RFC 3339 in UTC or with an offset. */
  endedAt: string;
  /** What `checkCustomerCode` said, or the server. */
  code?: CodeFact | { state: string; how: "online" } | null;
  /** Without it: from the start of the work to its end, and the hours in `labour`; pauses are not known. */
  workedSeconds?: number;
  language?: string;
  /** For React Native, where `crypto.subtle` is not there. */
  sha256?: (bytes: Uint8Array) => Promise<Uint8Array> | Uint8Array;
}

/**
 * `job`: the document of the job, best with the reports in it that wait (`client.job(id)`'s `doc`). `args`: the args of
 * the `visit.complete` that is about to be enqueued.
 *
 * What only the server knows is left out: whether the work order is in the sample, what the customer will answer, some
 * risks, parts that are on order. So the server may ask for more than the verdict here says, never for less.
 */
export async function caseOf(job: Doc, args: Doc, more: MoreKnown): Promise<Case> {
  const proof = objectIn(args, "closure");
  const closure = objectIn(job, "closure");
  const submission = submissionOf(job, args, proof, closure);
  const shown = listIn(proof, "shown").map((document) => documentHash(document, more.sha256));
  const evidence = evidenceOf(job, args, proof, new Set(await Promise.all(shown)));
  const facts = readFacts({ ...factsOf(job, args, closure, more), evidence });
  const presence_m = metresFromSite(job, proof["location"]);
  const known = { ...facts, presence_m, risks: risksOf(job, presence_m, evidence) };
  const tasks = openTasks(submission, known);
  const policy = { rules: closure["rules"], review: closure["review"] } as Policy;
  return { policy, submission, facts: { ...known, open_items: { tasks } }, language: more.language ?? "en" };
}

/** What is not said now was perhaps ticked or waived on this visit before. */
function submissionOf(job: Json, args: Json, proof: JsonObject, closure: JsonObject): Submission {
  const ticked = objectsIn(job, "tasks").filter((task) => task["done"] === true);
  const answers = ticked.map((task): [string, Json] => [String(task["id"]), task["value"] ?? true]);
  const refused = objectsIn(proof, "refused_signatures");
  const waivers = objectsIn(closure, "waivers").filter((one) => one["role"] === "technician");
  return readSubmission({
    ...proof,
    answers: { ...Object.fromEntries(answers), ...objectIn(args, "checklist") },
    resolution_code: field(args, "resolution"),
    cause_code: field(args, "cause"),
    refusals: Object.fromEntries(refused.map((one) => [String(one["role"]), one["reason"] ?? null])),
    waivers: [...waivers, ...objectsIn(proof, "waivers")],
  });
}

function factsOf(job: Json, args: Json, closure: JsonObject, more: MoreKnown): JsonObject {
  const order = { ...objectIn(job, "work_order"), ...(job as JsonObject), work_class: field(job, "class") };
  return {
    ended_at: more.endedAt,
    arrived_at: field(field(job, "times"), "arrived_at"),
    work_order: picked(order, OF_WORK_ORDER),
    asset: picked(objectIn(job, "asset"), OF_ASSET),
    checklist: listIn(job, "tasks"),
    movements: listIn(job, "parts_used").length + listIn(args, "parts").length,
    waivers: objectsIn(closure, "waivers").filter((one) => one["role"] === "supervisor"),
    code: (more.code ?? null) as Json,
    worked_seconds: more.workedSeconds ?? workedSeconds(job, args, more.endedAt),
    estimated_minutes: field(job, "estimated_minutes"),
    sent_back: closure["changes_requested"] === true || isObject(closure["sent_back"]),
  };
}

/** What conditions may speak of. */
const OF_WORK_ORDER = [
  "priority", "type", "work_class", "channel", "territory", "problem_code", "reopen_count", "purpose",
];
const OF_ASSET = ["name", "model", "serial"];

const picked = (from: JsonObject, names: string[]): JsonObject =>
  Object.fromEntries(names.map((name) => [name, field(from, name)]));

/** The server's own, and what is promised beside it; a picture that comes twice is one picture. */
function evidenceOf(job: Json, args: Json, proof: JsonObject, shown: Set<string>): EvidenceFact[] {
  const signature = objectIn(args, "signature");
  const { attachment_id: id, name: signer_name, role: tag, document_hash } = signature;
  const signed = { id, kind: "signature", tag: tag ?? "customer", signer_name, document_hash } as JsonObject;
  const promised = [...objectsIn(proof, "evidence"), ...(id ? [signed] : [])];
  const stored = objectsIn(job, "attachments").filter(isProof).map((file): JsonObject => {
    const role = String(file["role"]);
    const kind = role.startsWith(SIGNATURE) ? "signature" : "photo";
    const told = promised.find((one) => one["id"] === file["id"]) ?? {};
    return { ...told, id: file["id"]!, kind, tag: role.replace(SIGNATURE, ""), sha256: file["sha256"]! };
  });
  const seen = new Set<Json | undefined>();
  const facts: JsonObject[] = [];
  for (const one of [...stored, ...promised]) {
    const names = [one["id"], one["sha256"]].filter((name) => typeof name === "string");
    if (names.some((name) => seen.has(name))) continue;
    names.forEach((name) => seen.add(name));
    const hash = one["document_hash"] ?? null;
    const bound = hash === null ? null : shown.has(String(hash));
    facts.push({ ...one, stored: stored.includes(one), bound, distance_m: metresFromSite(job, one["location"]) });
  }
  return readFacts({ evidence: facts }).evidence;
}

const SIGNATURE = "signature:";

/** A paper proves nothing. */
function isProof(file: JsonObject): boolean {
  return file["state"] === "stored" && file["role"] !== "document" && String(file["mime"]).startsWith("image/");
}

function workedSeconds(job: Json, args: Json, endedAt: string): number | null {
  const began = field(field(job, "times"), "started_at");
  const hours = objectsIn(args, "labour").filter((one) => (one["kind"] ?? "work") === "work");
  const all = [...(began ? [{ started_at: began, ended_at: endedAt }] : []), ...hours];
  const spans = all.map((one) => [time(one["started_at"]), time(one["ended_at"])] as const);
  const known = spans.filter((span): span is readonly [number, number] => span[0] !== null && span[1] !== null);
  let [total, reached] = [0, -Infinity];
  for (const [from, until] of known.sort((a, b) => a[0] - b[0])) {
    total += Math.max(0, until - Math.max(from, reached));
    reached = Math.max(reached, until);
  }
  return known.length > 0 ? Math.floor(total / 1000) : null;
}

const time = (value: Json | undefined): number | null => millisOf(typeof value === "string" ? value : null);

const FAR_M = 500;

function risksOf(job: Json, presence: number | null, evidence: EvidenceFact[]): string[] {
  const distances = [presence, ...evidence.map((one) => one.distance_m)];
  const far = distances.some((metres) => metres !== null && metres > FAR_M);
  const isInstall = field(field(job, "work_order"), "purpose") === "installation";
  return [...(isInstall ? ["install"] : []), ...(far ? ["geo_mismatch"] : [])];
}

/** Required items that are asked and have no answer. */
function openTasks(submission: Submission, facts: Facts): number {
  const evidence = new Map(facts.evidence.map(({ id, kind }) => [id, kind]));
  return judge(itemsOf(facts.checklist), submission.answers, valuesOf(submission, facts), evidence).missing.length;
}

const EARTH_RADIUS_M = 6_371_008.8;
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Along the surface of a round earth (haversine); null when either place is unknown. */
function metresFromSite(job: Json, place: unknown): number | null {
  const site = field(job, "site");
  const [lat, lng, toLat, toLng] = [field(site, "lat"), field(site, "lng"), field(place, "lat"), field(place, "lng")];
  if (!isNumber(lat) || !isNumber(lng) || !isNumber(toLat) || !isNumber(toLng)) return null;
  const [north, east] = [Math.sin(radians(toLat - lat) / 2), Math.sin(radians(toLng - lng) / 2)];
  const chord = north ** 2 + Math.cos(radians(lat)) * Math.cos(radians(toLat)) * east ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(chord)));
}
