/** Rules that look at how the work was done and what it left: codes, parts, times, place, loose ends. */

import { type Asked, yesIf } from "../asked.js";
import { field, isNumber, isPresent } from "../json.js";
import type { Finding } from "../types.js";

/** A resolution code is given, a cause code too where there is a list of them, and each is on its list. */
export function resolutionCodes(asked: Asked): Finding {
  const [codes, causes] = [asked.param<string[]>("codes", []), asked.param<string[]>("cause_codes", [])];
  const { resolution_code, cause_code } = asked.submission;
  const fixes: string[] = [];
  if (!isPresent(resolution_code) || (codes.length > 0 && !codes.includes(resolution_code!))) {
    const key = codes.length > 0 ? "resolution_codes.fix.listed" : "resolution_codes.fix";
    fixes.push(asked.say(key, { codes: codes.join(", ") }));
  }
  if (causes.length > 0 && !(cause_code !== null && causes.includes(cause_code))) {
    fixes.push(asked.say("resolution_codes.fix.cause", { codes: causes.join(", ") }));
  }
  const facts = { codes, cause_codes: causes, resolution_code, cause_code };
  return asked.finding(yesIf(fixes.length === 0), { fix: fixes.join(" ") }, facts);
}

/** At least one part was recorded, or it is said that none was used. */
export function partsDeclared(asked: Asked): Finding {
  const [{ movements }, { no_parts_used }] = [asked.facts, asked.submission];
  const met = movements > 0 || no_parts_used;
  return asked.finding(yesIf(met), { fix: met ? "" : asked.say("parts_declared.fix") }, { movements, no_parts_used });
}

/** So much work was recorded at least; when nobody knows how much, too little was. */
export function laborPresent(asked: Asked): Finding {
  const [minutes, worked_seconds] = [asked.number("min_minutes") ?? 1, asked.facts.worked_seconds];
  const met = worked_seconds !== null && worked_seconds >= minutes * 60;
  const texts = { message: asked.say("labor_present", { minutes }), fix: met ? "" : asked.say("labor_present.fix") };
  return asked.finding(yesIf(met), texts, { worked_seconds, min_minutes: minutes });
}

/** The work took no less and no more than these multiples of the estimate; where one is not known, it passes. */
export function durationSanity(asked: Asked): Finding {
  const { worked_seconds: worked, estimated_minutes: estimated } = asked.facts;
  const [low, high] = [asked.number("min_factor"), asked.number("max_factor")];
  const unknown = worked === null ? ["worked_seconds"] : [];
  if (estimated === null || estimated <= 0) unknown.push("estimated_minutes");
  let [met, fix] = [true, ""];
  if (worked !== null && estimated !== null && unknown.length === 0) {
    const planned = estimated * 60;
    met = (low === null || worked >= planned * low) && (high === null || worked <= planned * high);
    if (!met) fix = asked.say("duration_sanity.fix", { worked: Math.floor(worked / 60), estimated });
  }
  return asked.finding(yesIf(met), { fix }, {
    worked_seconds: worked,
    estimated_minutes: estimated,
    min_factor: low,
    max_factor: high,
    unknown,
  });
}

/** The technician was near the site; when nobody knows where, not. */
export function geoPresence(asked: Asked): Finding {
  const [radius, presence_m] = [asked.number("radius_m") ?? 250, asked.facts.presence_m];
  const met = presence_m !== null && presence_m <= radius;
  const texts = { message: asked.say("geo_presence", { radius }), fix: met ? "" : asked.say("geo_presence.fix") };
  return asked.finding(yesIf(met), texts, { presence_m, radius_m: radius, source: asked.param("source", "any") });
}

const OPEN_ITEMS = ["tasks", "returns", "requests"];

/** No task, part to return or request is open, of those that the rule names. */
export function noOpenItems(asked: Asked): Finding {
  const named = asked.param("of", OPEN_ITEMS);
  const open: [string, number][] = [];
  for (const name of OPEN_ITEMS) {
    const count = field(asked.facts.open_items, name);
    if (named.includes(name) && isNumber(count) && count > 0) open.push([name, count]);
  }
  const items = open.map(([name, count]) => asked.say(`open.${name}`, { count })).join(", ");
  const fix = open.length > 0 ? asked.say("no_open_items.fix", { items }) : "";
  return asked.finding(yesIf(open.length === 0), { fix }, { open: Object.fromEntries(open) });
}
