/** One rule, put to one submission, in the language of who reads the answer. */

import { field, isNumber, type Json, type JsonObject } from "./json.js";
import { inLanguage, say } from "./say.js";
import type { Facts, Finding, Met, Rule, Submission } from "./types.js";

export class Asked {
  constructor(
    readonly rule: Rule,
    readonly submission: Submission,
    readonly facts: Facts,
    readonly language: string,
  ) {}

  /** Null is as good as left out. */
  param<T extends Json>(name: string, usual: T): T {
    return (field(this.rule.params, name) as T | null) ?? usual;
  }

  has(name: string): boolean {
    return field(this.rule.params, name) !== null;
  }

  number(name: string): number | null {
    const value = field(this.rule.params, name);
    return isNumber(value) ? value : null;
  }

  say(key: string, values: { [name: string]: string | number } = {}): string {
    return say(this.language, key, values);
  }

  /** `message`: when it is not the plain one of this kind of rule; the office's own words replace either. */
  finding(met: Met, { message = "", fix = "" }: { message?: string; fix?: string }, facts: JsonObject): Finding {
    const { id, kind } = this.rule;
    const told = inLanguage(this.rule.message, this.language) || message || this.say(kind);
    return { rule_id: id, kind, severity: severityOf(this.rule), met, message: told, how_to_fix: fix, facts };
  }
}

/** Where somebody was is a warning, unless the office says otherwise. */
export const severityOf = (rule: Rule): string => rule.severity ?? (rule.kind === "geo_presence" ? "warn" : "block");

export const yesIf = (met: boolean): Met => (met ? "yes" : "no");

/** Those entries whose field `name` is this text. */
export function entries(listed: Json[], name: string, value: string): Json[] {
  return listed.filter((one) => field(one, name) === value);
}
