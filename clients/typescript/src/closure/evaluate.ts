/**
 * Is the work proven? What a technician is about to send, judged on the device as the server will judge it:
 * `app/domain/closure.py` is the same evaluator, and `openapi/closure-vectors` is the contract of both.
 */

import { Asked, entries, severityOf } from "./asked.js";
import { holds, valuesOf } from "./conditions.js";
import { field, isText, type Json } from "./json.js";
import { readFacts, readSubmission, reviewOf, rulesOf } from "./read.js";
import { isCustomersNo, reasonsForReview } from "./review.js";
import { customerCode, customerConfirm } from "./rules/customer.js";
import { checklist, photo, signature } from "./rules/evidence.js";
import { functionalTest, meter, serialScan } from "./rules/measured.js";
import {
  durationSanity, geoPresence, laborPresent, noOpenItems, partsDeclared, resolutionCodes,
} from "./rules/work.js";
import { say } from "./say.js";
import type { Case, Facts, Finding, Policy, Review, Rule, Submission, Verdict, VerdictKind } from "./types.js";

const CHECKS: ReadonlyMap<string, (asked: Asked) => Finding> = new Map([
  ["checklist", checklist],
  ["photo", photo],
  ["signature", signature],
  ["customer_code", customerCode],
  ["customer_confirm", customerConfirm],
  ["resolution_codes", resolutionCodes],
  ["parts_declared", partsDeclared],
  ["labor_present", laborPresent],
  ["duration_sanity", durationSanity],
  ["meter", meter],
  ["serial_scan", serialScan],
  ["functional_test", functionalTest],
  ["geo_presence", geoPresence],
  ["no_open_items", noOpenItems],
]);

/** What a supervisor waives when promised bytes never came: then they are counted as never promised. */
const EVIDENCE = "evidence";

/** The verdict on a case as the vectors have it. It never throws, whatever odd thing is in the case. */
export function evaluateCase({ policy, submission, facts, language }: Case): Verdict {
  return evaluate(policy, submission ?? {}, facts, typeof language === "string" ? language : "en");
}

/**
 * Judges the submission by each rule whose condition is true.
 *
 * What blocks comes first: `unmet`, then `awaiting_evidence`, then `pending_review`, then `waived`, else `verified`.
 */
export function evaluate(
  policy: Policy,
  submission: Partial<Submission>,
  facts: Partial<Facts>,
  language = "en",
): Verdict {
  return judgedBy(policy, readSubmission(submission), readFacts(facts), language);
}

function judgedBy(policy: Policy, submission: Submission, facts: Facts, language: string): Verdict {
  const lost = facts.evidence.filter((one) => !one.stored).map((one) => one.id);
  const givenUp = lost.length > 0 ? granted(facts.waivers, EVIDENCE, "supervisor") : null;
  const known = givenUp ? { ...facts, evidence: facts.evidence.filter((one) => one.stored) } : facts;
  const missing = givenUp ? [] : lost;
  const values = valuesOf(submission, known);
  const rules = rulesOf(policy).filter((rule) => holds(rule.when, values));
  const findings = rules
    .filter((rule) => rule.kind !== "supervisor_review")
    .map((rule) => waived(rule, check(new Asked(rule, submission, known, language)), submission, known));
  findings.push(...aboutEvidence(lost, givenUp, language));
  // One that only warns never waits for anybody.
  const asked = rules.filter((rule) => rule.kind === "supervisor_review" && severityOf(rule) === "block");
  const reviews = [reviewOf(policy), ...asked.map((rule) => (rule.params ?? {}) as Review)];
  const review = reasonsForReview(reviews, submission, known, findings);
  const verdict = verdictOf(findings, missing, review);
  return { verdict, findings: [...findings, ...aboutReview(review, language)], missing, review };
}

/** A kind of rule that is newer than this client is for the server to judge. */
function check(asked: Asked): Finding {
  const judge = CHECKS.get(asked.rule.kind);
  if (judge) return judge(asked);
  return asked.finding("awaiting", { message: asked.rule.kind }, {});
}

function verdictOf(findings: Finding[], missing: string[], review: string[]): VerdictKind {
  const blocking = findings.filter((one) => one.severity === "block" && !isCustomersNo(one));
  const met = new Set(blocking.map((one) => one.met));
  if (met.has("no")) return "unmet";
  if (missing.length > 0 || met.has("awaiting")) return "awaiting_evidence";
  if (review.length > 0) return "pending_review";
  return met.has("waived") ? "waived" : "verified";
}

/** The finding, waived when it would block and somebody who may has said why it need not. */
function waived(rule: Rule, finding: Finding, submission: Submission, facts: Facts): Finding {
  const by = rule.waivable_by ?? "none";
  if (finding.severity !== "block" || finding.met === "yes" || by === "none") return finding;
  const mine = (): Waiver | null => (by === "technician" ? granted(submission.waivers, rule.id, "technician") : null);
  const waiver = granted(facts.waivers, rule.id, "supervisor") ?? mine();
  if (waiver === null) return finding;
  return { ...finding, met: "waived", how_to_fix: "", facts: { ...finding.facts, waived: waiver } };
}

type Waiver = { reason: string; role: string };

/** The first waiver of the rule; one without a reason is none. */
function granted(waivers: Json[], ruleId: string, role: string): Waiver | null {
  for (const one of entries(waivers, "rule_id", ruleId)) {
    const reason = field(one, "reason");
    const says = Object.hasOwn(one as object, "role") ? field(one, "role") : role;
    if (isText(reason) && says === role) return { reason, role };
  }
  return null;
}

/** A finding of no rule of the office: what was promised and is not here. */
function aboutEvidence(lost: string[], givenUp: Waiver | null, language: string): Finding[] {
  if (lost.length === 0) return [];
  const told = { rule_id: EVIDENCE, kind: EVIDENCE, severity: "block" };
  if (givenUp) {
    const facts = { missing: lost, waived: givenUp };
    return [{ ...told, met: "waived", message: say(language, "evidence.waived"), how_to_fix: "", facts }];
  }
  const [message, how_to_fix] = [say(language, "evidence"), say(language, "evidence.fix")];
  return [{ ...told, met: "awaiting", message, how_to_fix, facts: { missing: lost } }];
}

function aboutReview(reasons: string[], language: string): Finding[] {
  if (reasons.length === 0) return [];
  const told = { rule_id: "review", kind: "supervisor_review", severity: "block", how_to_fix: "" };
  return [{ ...told, met: "awaiting", message: say(language, "review"), facts: { reasons } }];
}
