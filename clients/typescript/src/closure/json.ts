/** JSON values as the closure code reads them. Whatever odd thing comes, it is looked at and never trusted. */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The field, or null; what every object inherits (`constructor`, `toString`) is no field. */
export function field(of: unknown, name: string): Json {
  return isObject(of) && Object.hasOwn(of, name) ? (of[name] ?? null) : null;
}

/** `JSON.parse` reads 1e400 as infinity: that is no number here, and none on the server. */
export const isNumber = (value: unknown): value is number => Number.isFinite(value);

/** Text that is not blank. */
export const isText = (value: unknown): value is string => typeof value === "string" && value.trim() !== "";

/** False, 0 and "no" are answers; null, blank text, empty lists and empty objects are none. */
export function isPresent(value: unknown): boolean {
  if (typeof value === "string") return isText(value);
  if (Array.isArray(value)) return value.length > 0;
  if (isObject(value)) return Object.keys(value).length > 0;
  return value !== null && value !== undefined;
}

/** Equal as JSON scalars: 1 is 1.0, but true is not 1 and "1" is not 1; lists and objects equal nothing. */
export function same(one: unknown, other: unknown): boolean {
  if (typeof one === "number") return isNumber(one) && one === other;
  return one === other && (one === null || typeof one === "string" || typeof one === "boolean");
}
