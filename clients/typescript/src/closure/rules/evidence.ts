/** Rules that look at what was filled in, photographed and signed. */

import { type Asked, yesIf } from "../asked.js";
import { type Item, itemsOf, judge } from "../checklist.js";
import { valuesOf } from "../conditions.js";
import { field, isText } from "../json.js";
import { millisOf } from "../read.js";
import { inLanguage } from "../say.js";
import type { EvidenceFact, Finding } from "../types.js";

/** All required visible items are answered, every answer is possible, and none is bad unless that is only noted. */
export function checklist(asked: Asked): Finding {
  const { facts, submission, language } = asked;
  const items = itemsOf(facts.checklist).filter((item) => isAsked(item, asked));
  const known = new Map(facts.evidence.map(({ id, kind }) => [id, kind]));
  const { missing, invalid, failed } = judge(items, submission.answers, valuesOf(submission, facts), known);
  const blocks = asked.param("failures", "block") === "block";
  const wrong = [...missing, ...invalid, ...(blocks ? failed : [])];
  const labels = new Map(items.map((item) => [item.id, inLanguage(item.label, language) || item.id]));
  const told = wrong.map((id) => labels.get(id)).join(", ");
  const fix = wrong.length > 0 ? asked.say("checklist.fix", { items: told }) : "";
  return asked.finding(yesIf(wrong.length === 0), { fix }, { missing, invalid, failed });
}

/** `items` are ids in the checklist; where the rule names a form, those in the form are as good. */
function isAsked(item: Item, asked: Asked): boolean {
  const [form, phase] = [asked.param("form", ""), asked.param("phase", "")];
  const only = asked.param<string[] | null>("items", null);
  const named = asked.has("form");
  const short = named && item.id.startsWith(`${form}.`) ? item.id.slice(form.length + 1) : item.id;
  return (
    (!named || item.form === form) &&
    (only === null || only.includes(item.id) || only.includes(short)) &&
    (!asked.has("phase") || item.phase === phase)
  );
}

/**
 * Enough photos with the tag. Where the policy bounds age, time or place, only photos within bounds count; one that
 * does not say when or where it was taken counts too.
 */
export function photo(asked: Asked): Finding {
  const [tag, needed] = [asked.param<string | null>("tag", null), asked.param("min", 1)];
  const tagged = asked.facts.evidence.filter((one) => one.kind === "photo" && (tag === null || one.tag === tag));
  const rejected = new Map<string, string>();
  for (const one of tagged) {
    const why = outOfBounds(one, asked);
    if (why !== null) rejected.set(one.id, why);
  }
  const good = tagged.filter((one) => !rejected.has(one.id));
  const stored = good.filter((one) => one.stored).length;
  const [key, more] = [tag === null ? "photo" : "photo.tagged", needed - good.length];
  const message = asked.say(key, { needed, tag: tag ?? "" });
  const fix = more > 0 ? asked.say(`${key}.fix`, { more, tag: tag ?? "" }) : "";
  return asked.finding(stored >= needed ? "yes" : more <= 0 ? "awaiting" : "no", { message, fix }, {
    needed,
    stored,
    promised: good.length - stored,
    not_counted: Object.fromEntries(rejected),
    without_time: good.filter((one) => one.captured_at === null).length,
    without_place: good.filter((one) => one.distance_m === null).length,
    reused: good.filter((one) => one.reused).map((one) => one.id),
  });
}

const MINUTE_MS = 60_000;

/** Why a photo does not count; null when it does. */
function outOfBounds(one: EvidenceFact, asked: Asked): string | null {
  const ended = millisOf(asked.facts.ended_at)!;
  const taken = millisOf(one.captured_at);
  if (taken !== null) {
    const [age, slack] = [asked.number("max_age_minutes"), asked.number("tolerance_minutes")];
    if (age !== null && taken < ended - age * MINUTE_MS) return "too-old";
    const began = millisOf(asked.facts.arrived_at) ?? ended;
    if (slack !== null && !(began - slack * MINUTE_MS <= taken && taken <= ended + slack * MINUTE_MS)) {
      return "not-during-visit";
    }
  }
  const radius = asked.number("radius_m");
  return radius !== null && one.distance_m !== null && one.distance_m > radius ? "too-far" : null;
}

/**
 * Somebody in the role has signed; or refused, where the policy lets them. Where it wants a name, or a signature that
 * is bound to what was shown, only such a signature counts.
 */
export function signature(asked: Asked): Finding {
  const [role, refusable] = [asked.param("role", "customer"), asked.param("refusal_allowed", false)];
  const [wantsName, wantsBound] = [asked.param("name_required", false), asked.param("bound", false)];
  const signed = asked.facts.evidence.filter((one) => one.kind === "signature" && one.tag === role);
  const bound = signed.filter((one) => one.bound === true || !wantsBound);
  const good = bound.filter((one) => isText(one.signer_name) || !wantsName);
  const reason = field(asked.submission.refusals, role);
  const refused = refusable && isText(reason);
  const met = good.some((one) => one.stored) || refused ? "yes" : good.length > 0 ? "awaiting" : "no";
  const who = asked.say(`role.${role}`);
  const fix = (): string => {
    if (bound.length > 0) return asked.say("signature.fix.name");
    if (signed.length > 0) return asked.say("signature.fix.bound", { role: who });
    return asked.say(refusable ? "signature.fix.or_refused" : "signature.fix", { role: who });
  };
  return asked.finding(met, { message: asked.say("signature", { role: who }), fix: met === "no" ? fix() : "" }, {
    role,
    refusal: refused ? reason : null,
    refusal_allowed: refusable,
    unbound: wantsBound ? signed.filter((one) => one.bound !== true).map((one) => one.id) : [],
  });
}
