"""Closure rules that the customer satisfies: with a code, or by saying that the work is done."""

from app.domain.closure_facts import Asked, Finding, Met

WHY_NOT = ("wrong", "expired", "locked")


def customer_code(asked: Asked) -> Finding:
    """The code that the customer was sent has been given; where the policy wants it, checked by the server."""
    code, online = asked.facts.code or {}, asked.param("online_required", False)
    state, how = code.get("state"), code.get("how")
    reason = "" if state == "ok" else state if state in WHY_NOT else "none"
    if not reason and online and how != "online":
        reason = "online"
    return asked.finding(
        Met.NO if reason else Met.YES,
        fix=asked.say(f"customer_code.fix.{reason}") if reason else "",
        state=state if state == "ok" or state in WHY_NOT else None,
        how=how if how in ("online", "offline") else None,
        online_required=online,
    )


def customer_confirm(asked: Asked) -> Finding:
    """The customer says that the work is done. Silence is no yes, unless the policy takes it for one."""
    answer = (asked.facts.confirmation or {}).get("answer")
    silence = asked.param("silence", "ask")
    met, fix = Met.AWAITING, ""
    if answer == "yes" or (answer == "not_answered" and silence == "accept"):
        met = Met.YES
    elif answer in ("no", "not_answered"):
        met, fix = Met.NO, asked.say(f"customer_confirm.fix.{answer}")
    known = answer if answer in ("yes", "no", "not_answered") else "waiting"
    return asked.finding(met, fix=fix, answer=known, silence=silence)
