/**
 * When a closure rule applies, or a question is asked: a small expression in JSON over the answers, the work order and
 * the asset, as `app/domain/conditions.py` has it.
 *
 *     {"and": [c, …]}   {"or": [c, …]}   {"not": c}
 *     {"eq": ["answers.leak", true]}   {"in": ["work_order.priority", [1, 2]]}
 *     {"gt": ["answers.pressure", 2.5]}   {"present": "asset.serial"}
 */

import { field, isNumber, isObject, isPresent, type Json, type JsonObject, same } from "./json.js";

/** Group → field → value. */
export type Values = { [group: string]: Json };

type Fields = { work_order: JsonObject; asset: JsonObject };

export function valuesOf({ answers }: { answers: JsonObject }, { work_order, asset }: Fields): Values {
  return { answers, work_order, asset };
}

const DEEPEST = 16;

/** Whether it is true of these values; no condition is true, one that makes no sense is false. */
export function holds(condition: unknown, values: Values): boolean {
  return condition === null || condition === undefined || isTrue(condition, values, 0);
}

function isTrue(condition: unknown, values: Values, depth: number): boolean {
  if (depth >= DEEPEST || !isObject(condition)) return false;
  const [only, ...more] = Object.entries(condition);
  if (only === undefined || more.length > 0) return false;
  const [operator, operand] = only;
  return OPERATORS.get(operator)?.(operand, values, depth + 1) ?? false;
}

type Operator = (operand: Json, values: Values, depth: number) => boolean;

const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ["and", (parts, values, depth) => Array.isArray(parts) && parts.every((part) => isTrue(part, values, depth))],
  ["or", (parts, values, depth) => Array.isArray(parts) && parts.some((part) => isTrue(part, values, depth))],
  ["not", (part, values, depth) => isObject(part) && !isTrue(part, values, depth)],
  ["eq", compares((found, expected) => same(found, expected))],
  ["in", compares((found, allowed) => Array.isArray(allowed) && allowed.some((one) => same(found, one)))],
  ["gt", compares((found, limit) => isNumber(found) && isNumber(limit) && found > limit)],
  ["present", (path, values) => typeof path === "string" && isPresent(valueAt(path, values))],
]);

function compares(test: (found: Json, with_: Json) => boolean): Operator {
  return (operand, values) => {
    if (!Array.isArray(operand) || operand.length !== 2 || typeof operand[0] !== "string") return false;
    return test(valueAt(operand[0], values), operand[1] ?? null);
  };
}

/** `answers.a.b` is the field `a.b` of the answers. */
function valueAt(path: string, values: Values): Json {
  const dot = path.indexOf(".");
  const [group, name] = dot < 0 ? [path, ""] : [path.slice(0, dot), path.slice(dot + 1)];
  return field(field(values, group), name);
}
