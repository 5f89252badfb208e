// The closure evaluator in a test's hand: one question a line on stdin, one answer a line on stdout.
import { scryptSync } from "node:crypto";
import { createInterface } from "node:readline";

const closure = await import(process.argv[2]);

/** As an app on Node would pass it in. */
const scrypt = (password, salt, { dkLen, ...costs }) => scryptSync(password, salt, dkLen, { ...costs, maxmem: 2 ** 27 });

const questions = {
  canonical: ({ value }) => closure.canonicalJson(value),
  hash: ({ value }) => closure.documentHash(value),
  holds: ({ condition, values }) => closure.holds(condition, values),
  evaluate: ({ case: given }) => closure.canonicalJson(closure.evaluateCase(given)),
  checklist: ({ case: { items, values, evidence, language } }) => {
    const read = closure.itemsOf(items);
    const sheet = closure.judge(read, values.answers, values, new Map(Object.entries(evidence)));
    return closure.canonicalJson({ ...sheet, follow_ups: closure.followUps(read, sheet.failed, language) });
  },
  verdict: ({ case: given }) => closure.evaluateCase(given),
  code: ({ code, bundle, now }) => closure.checkCustomerCode(code, bundle, scrypt, now),
  case: ({ job, typed, more }) => closure.caseOf(job, typed, more),
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const question = JSON.parse(line);
    answer = { value: (await questions[question.do](question)) ?? null };
  } catch (error) {
    answer = { error: String(error.stack) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
