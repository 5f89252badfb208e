export { canonicalJson, documentHash } from "./canonical.js";
export { caseOf, type MoreKnown } from "./case.js";
export {
  type AnswerSheet, type FollowUp, followUps, isRequired, type Item, itemsOf, judge, type KnownEvidence, visible,
} from "./checklist.js";
export { checkCustomerCode, type CodeBundle, type CodeFact, codeOf, type Scrypt } from "./code.js";
export { holds, type Values } from "./conditions.js";
export { evaluate, evaluateCase } from "./evaluate.js";
export type { Json, JsonObject } from "./json.js";
export { inLanguage } from "./say.js";
export type * from "./types.js";
