/** Rules that the customer satisfies: with a code, or by saying that the work is done. */

import { type Asked, yesIf } from "../asked.js";
import { field, type Json } from "../json.js";
import type { Finding } from "../types.js";

const WHY_NOT: Json[] = ["wrong", "expired", "locked"];

/** The code that the customer was sent has been given; where the policy wants it, checked by the server. */
export function customerCode(asked: Asked): Finding {
  const online = asked.param("online_required", false);
  const [state, how] = [field(asked.facts.code, "state"), field(asked.facts.code, "how")];
  const why = state === "ok" ? (online && how !== "online" ? "online" : "") : WHY_NOT.includes(state) ? state : "none";
  return asked.finding(yesIf(why === ""), { fix: why === "" ? "" : asked.say(`customer_code.fix.${why}`) }, {
    state: state === "ok" || WHY_NOT.includes(state) ? state : null,
    how: how === "online" || how === "offline" ? how : null,
    online_required: online,
  });
}

/** The customer says that the work is done. Silence is no yes, unless the policy takes it for one. */
export function customerConfirm(asked: Asked): Finding {
  const [answer, silence] = [field(asked.facts.confirmation, "answer"), asked.param<string>("silence", "ask")];
  const isKnown = answer === "yes" || answer === "no" || answer === "not_answered";
  const facts = { answer: isKnown ? answer : "waiting", silence };
  if (answer === "yes" || (answer === "not_answered" && silence === "accept")) return asked.finding("yes", {}, facts);
  if (facts.answer === "waiting") return asked.finding("awaiting", {}, facts);
  return asked.finding("no", { fix: asked.say(`customer_confirm.fix.${facts.answer}`) }, facts);
}
