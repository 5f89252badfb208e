/** Whether a supervisor looks at it, and why. */

import { field, isNumber, type Json } from "./json.js";
import type { Facts, Finding, Review, Submission } from "./types.js";

/** What `"risk": "default"` stands for. */
export const DEFAULT_RISKS = [
  "install", "retired_asset", "busy_asset", "contractor", "signature_refused", "odd_duration", "reused_photo",
  "geo_mismatch", "waiver_used", "new_technician",
];

/** The technician cannot mend what the customer says or does not say. */
export const isCustomersNo = ({ kind, met }: Finding): boolean => kind === "customer_confirm" && met === "no";

/**
 * Each reason once; none when nobody has to look. In this order: `sent_back`, what the customer said, then for each
 * review `always`, `sample`, its risks by name.
 */
export function reasonsForReview(
  reviews: Review[],
  submission: Submission,
  facts: Facts,
  findings: Finding[],
): string[] {
  const reasons = facts.sent_back ? ["sent_back"] : [];
  for (const finding of findings.filter((one) => isCustomersNo(one) && one.severity === "block")) {
    reasons.push(finding.facts["answer"] === "no" ? "customer_disagreed" : "customer_not_answered");
  }
  const risks = risksOf(submission, facts, findings);
  for (const review of reviews) {
    if (field(review, "always") === true) reasons.push("always");
    if (isSampled(facts.draw, field(review, "sample_percent"))) reasons.push("sample");
    reasons.push(...risksIn(field(review, "risk")).filter((risk) => risks.has(risk)).sort());
  }
  return [...new Set(reasons)];
}

function risksIn(risk: Json): string[] {
  if (risk === "default") return DEFAULT_RISKS;
  return Array.isArray(risk) ? risk.filter((one) => typeof one === "string") : [];
}

/** Those that are known of the work, and those that the submission itself shows. */
function risksOf(submission: Submission, facts: Facts, findings: Finding[]): Set<string> {
  const risks = new Set(facts.risks);
  if (Object.keys(submission.refusals).length > 0) risks.add("signature_refused");
  if (facts.evidence.some((one) => one.reused)) risks.add("reused_photo");
  if (findings.some((one) => one.met === "waived")) risks.add("waiver_used");
  return risks;
}

/** When the lot is not known, only where the sample is everything. */
function isSampled(draw: number | null, percent: Json): boolean {
  if (!isNumber(percent)) return false;
  return draw === null ? percent >= 100 : draw < percent * 100;
}
