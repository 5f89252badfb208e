/** The items of a checklist, and how answers to them are judged: `app/domain/checklist_answers.py`. */

import { holds, type Values } from "./conditions.js";
import { field, isNumber, isObject, isPresent, isText, type Json, same } from "./json.js";
import { inLanguage } from "./say.js";

/** One question; the fields are those of the stored item, read once. */
export interface Item {
  id: string;
  label: Json;
  kind: string;
  required: boolean;
  requiredIf: Json;
  showIf: Json;
  phase: Json;
  form: Json;
  choices: Json[];
  min: number | null;
  max: number | null;
  passes: Json[];
  onFail: Json;
}

/** Ids of items in the order of the checklist: required but unanswered; answered impossibly; answered badly. */
export interface AnswerSheet {
  missing: string[];
  invalid: string[];
  failed: string[];
}

/** Id → photo or signature: what answers may name. */
export type KnownEvidence = ReadonlyMap<string, string>;

/** What has no id or no known kind is left out; a field of a wrong shape is none. */
export function itemsOf(checklist: unknown): Item[] {
  return (Array.isArray(checklist) ? checklist : []).filter(isItem).map((entry) => {
    const [choices, good] = [field(entry, "choices"), field(entry, "pass")];
    return {
      id: field(entry, "id") as string,
      label: field(entry, "label"),
      kind: field(entry, "kind") as string,
      required: field(entry, "required") === true,
      requiredIf: field(entry, "required_if"),
      showIf: field(entry, "show_if"),
      phase: field(entry, "phase"),
      form: field(entry, "form"),
      choices: Array.isArray(choices) ? choices : [],
      min: numberIn(entry, "min"),
      max: numberIn(entry, "max"),
      passes: good === null ? [] : Array.isArray(good) ? good : [good],
      onFail: field(entry, "on_fail"),
    };
  });
}

function isItem(entry: unknown): boolean {
  const kind = field(entry, "kind");
  return isObject(entry) && isText(field(entry, "id")) && typeof kind === "string" && FITS.has(kind);
}

function numberIn(entry: unknown, name: string): number | null {
  const value = field(entry, name);
  return isNumber(value) ? value : null;
}

/** The items that are asked now: those whose `show_if` is true of the values. */
export const visible = (items: Item[], values: Values): Item[] => items.filter((item) => holds(item.showIf, values));

export const isRequired = (item: Item, values: Values): boolean =>
  item.required || (item.requiredIf !== null && holds(item.requiredIf, values));

/** Judges the answers to the items that are visible. */
export function judge(items: Item[], answers: unknown, values: Values, evidence: KnownEvidence): AnswerSheet {
  const sheet: AnswerSheet = { missing: [], invalid: [], failed: [] };
  for (const item of visible(items, values)) {
    const answer = field(answers, item.id);
    if (!isPresent(answer)) {
      if (isRequired(item, values)) sheet.missing.push(item.id);
    } else if (!FITS.get(item.kind)!(item, answer, evidence)) {
      sheet.invalid.push(item.id);
    } else if (!isGood(item, answer)) {
      sheet.failed.push(item.id);
    }
  }
  return sheet;
}

type Fits = (item: Item, answer: Json, evidence: KnownEvidence) => boolean;

const RATING = 5;
const TIME = /^([01][0-9]|2[0-3]):[0-5][0-9]$/;
const isOneOf = (answer: Json, listed: Json[]): boolean => listed.some((one) => same(answer, one));

/** Whether the answer is one that an item of the kind can have. */
const FITS: ReadonlyMap<string, Fits> = new Map<string, Fits>([
  ["yes_no", (_, answer) => typeof answer === "boolean"],
  ["text", (_, answer) => typeof answer === "string"],
  ["scan", (_, answer) => typeof answer === "string"],
  ["number", (_, answer) => isNumber(answer)],
  ["measurement", (_, answer) => isNumber(answer)],
  ["rating", ({ max }, answer) => Number.isInteger(answer) && inRange(answer, 1, max ?? RATING)],
  ["date", (_, answer) => typeof answer === "string" && isDate(answer)],
  ["time", (_, answer) => typeof answer === "string" && TIME.test(answer)],
  ["choice", ({ choices }, answer) => isOneOf(answer, choices)],
  ["choices", ({ choices }, answer) => Array.isArray(answer) && answer.every((part) => isOneOf(part, choices))],
  ["photo", (_, answer, known) => Array.isArray(answer) && answer.every((one) => is("photo", one, known))],
  ["signature", (_, answer, known) => is("signature", answer, known)],
]);

const is = (kind: string, id: Json, known: KnownEvidence): boolean => typeof id === "string" && known.get(id) === kind;

function isDate(text: string): boolean {
  const found = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  if (!found) return false;
  const [year, month, day] = found.slice(1).map(Number) as [number, number, number];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= days;
}

export function inRange(value: unknown, min: number | null, max: number | null): boolean {
  return isNumber(value) && (min === null || value >= min) && (max === null || value <= max);
}

const BOUNDED = ["number", "measurement", "rating"];

function isGood({ kind, min, max, passes }: Item, answer: Json): boolean {
  if (BOUNDED.includes(kind) && !inRange(answer, min, max)) return false;
  const given = Array.isArray(answer) ? answer : [answer];
  return passes.length === 0 || given.every((part) => isOneOf(part, passes));
}

/** A work order that a bad answer opens; what is null, the new one has from the old one. */
export interface FollowUp {
  item_id: string;
  title: string;
  /** Its key. */
  work_type: string | null;
  priority: number | null;
  problem_code: string | null;
}

/** What the bad answers among `failed` open, in the order of the checklist. */
export function followUps(items: Item[], failed: string[], language: string): FollowUp[] {
  return items.flatMap((item) => {
    const order = field(item.onFail, "create_work_order");
    if (!failed.includes(item.id) || !isObject(order)) return [];
    const [type, priority, code] = [field(order, "work_type"), field(order, "priority"), field(order, "problem_code")];
    return [
      {
        item_id: item.id,
        title: inLanguage(field(order, "title"), language) || inLanguage(item.label, language) || item.id,
        work_type: typeof type === "string" ? type : null,
        priority: Number.isInteger(priority) ? (priority as number) : null,
        problem_code: typeof code === "string" ? code : null,
      },
    ];
  });
}
