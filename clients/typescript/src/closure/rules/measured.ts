/** Rules that look at what was read, scanned and tested. */

import { type Asked, entries, yesIf } from "../asked.js";
import { inRange } from "../checklist.js";
import { field, isNumber, same } from "../json.js";
import type { Finding } from "../types.js";

/**
 * A scan, with the tag where one is asked for, says the expected serial number. Blanks and the case of ASCII letters do
 * not count. Without a known serial number any scan will do.
 */
export function serialScan(asked: Asked): Finding {
  const tag = asked.param<string | null>("tag", null);
  const said = asked.param<string | string[]>("expected", []);
  const wanted = Array.isArray(said) ? said : [field(asked.facts.asset, "serial")];
  const expected = wanted.filter((one) => bare(one) !== "");
  const good = new Set(expected.map(bare));
  const scans = asked.submission.scans.filter((one) => bare(field(one, "value")) !== "");
  const scanned = scans.filter((one) => tag === null || field(one, "tag") === tag).map((one) => field(one, "value"));
  const met = scanned.some((one) => good.size === 0 || good.has(bare(one)));
  const fix = met ? "" : asked.say(scanned.length > 0 ? "serial_scan.fix.other" : "serial_scan.fix");
  return asked.finding(yesIf(met), { fix }, { tag, scanned, expected });
}

/** Not `toUpperCase()`: what that does to letters beyond ASCII differs from language to language. */
function bare(value: unknown): string {
  if (typeof value !== "string") return "";
  return value.replace(/\s/g, "").replace(/[a-z]/g, (letter) => letter.toUpperCase());
}

/** A reading with the label, and in the unit where one is asked for, is within its range. */
export function meter(asked: Asked): Finding {
  const [label, unit] = [asked.param("label", ""), asked.param<string | null>("unit", null)];
  const [min, max] = [asked.number("min"), asked.number("max")];
  const read = entries(asked.submission.readings, "label", label)
    .filter((one) => unit === null || field(one, "unit") === unit)
    .map((one) => field(one, "value"))
    .filter(isNumber);
  const met = read.some((value) => inRange(value, min, max));
  const range = rangeText(asked, min, max);
  const message = range ? asked.say("meter", { label, range }) : asked.say("meter.any", { label });
  const fix = met ? "" : asked.say(read.length > 0 ? "meter.fix.range" : "meter.fix", { label });
  return asked.finding(yesIf(met), { message, fix }, { label, read, min, max, unit });
}

/** A test of the name gave a number in the range, or what is expected: true, where nothing else is said. */
export function functionalTest(asked: Asked): Finding {
  const [name, min, max] = [asked.param("name", ""), asked.number("min"), asked.number("max")];
  const ranged = min !== null || max !== null;
  const expected = asked.param<string | number | boolean | null>("expected", ranged ? null : true);
  const done = entries(asked.submission.tests, "name", name)
    .map((one) => field(one, "value"))
    .filter((value) => value !== null);
  const met = done.some(
    (value) => (expected !== null && same(value, expected)) || (ranged && inRange(value, min, max)),
  );
  const message = asked.say("functional_test", { name });
  const fix = met ? "" : asked.say(done.length > 0 ? "functional_test.fix.failed" : "functional_test.fix", { name });
  return asked.finding(yesIf(met), { message, fix }, { name, tested: done.length, min, max, expected });
}

/** The bounds in words; empty when there are none. */
function rangeText(asked: Asked, min: number | null, max: number | null): string {
  if (min !== null && max !== null) return asked.say("range.between", { min, max });
  if (min !== null) return asked.say("range.from", { min });
  return max !== null ? asked.say("range.to", { max }) : "";
}
