/** What the evaluator says to people, by language, and what the office wrote instead. */

import { isObject, isText, type Json } from "./json.js";
import { TEXTS } from "./texts.js";

const ENGLISH = TEXTS["en"]!;

/** The text in the language (`de-AT`: else in `de`, else in English), with the values put in. */
export function say(language: string, key: string, values: { [name: string]: string | number } = {}): string {
  const table = tableOf(language) ?? tableOf(firstPart(language)) ?? ENGLISH;
  return table[key]!.replace(/\{([a-z]+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/**
 * What the office wrote: one text, or one by language: this one, its first part, English, else the first by code
 * points. Blank texts are none; without any it is empty.
 */
export function inLanguage(texts: Json | undefined, language: string): string {
  if (!isObject(texts)) return isText(texts) ? texts : "";
  const order = [language, firstPart(language), "en", ...Object.keys(texts).sort(byCodePoints)];
  const found = order.find((name) => Object.hasOwn(texts, name) && isText(texts[name]));
  return found === undefined ? "" : (texts[found] as string);
}

/** JavaScript compares UTF-16 units, where U+1F600 comes before U+FB00. */
export function byCodePoints(one: string, other: string): number {
  const [left, right] = [[...one], [...other]];
  for (let at = 0; at < left.length && at < right.length; at++) {
    const difference = left[at]!.codePointAt(0)! - right[at]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

const tableOf = (language: string): { [key: string]: string } | undefined =>
  Object.hasOwn(TEXTS, language) ? TEXTS[language] : undefined;

const firstPart = (language: string): string => language.split("-")[0]!;
