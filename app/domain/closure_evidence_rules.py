"""Closure rules that look at what was filled in, photographed and signed."""

from app.domain.checklist import Item, items_of, judge
from app.domain.closure_facts import Asked, EvidenceFact, Finding, Met, millis
from app.domain.closure_texts import in_language
from app.domain.conditions import is_text

MINUTE_MS = 60_000


def checklist(asked: Asked) -> Finding:
    """All required visible items are answered, every answer is possible, and none is bad unless that is only noted."""
    facts, answers = asked.facts, asked.submission.answers
    items = [item for item in items_of(facts.checklist) if _is_asked(item, asked)]
    known = {one.id: one.kind for one in facts.evidence}
    sheet = judge(items, answers, facts.values_with(asked.submission), known)
    blocks = asked.param("failures", "block") == "block"
    wrong = [*sheet.missing, *sheet.invalid, *(sheet.failed if blocks else ())]
    labels = {item.id: in_language(item.label, asked.language) or item.id for item in items}
    return asked.finding(
        Met.NO if wrong else Met.YES,
        fix=asked.say("checklist.fix", items=", ".join(labels[name] for name in wrong)) if wrong else "",
        missing=list(sheet.missing),
        invalid=list(sheet.invalid),
        failed=list(sheet.failed),
    )


def _is_asked(item: Item, asked: Asked) -> bool:
    """`items` are ids in the checklist; where the rule names a form, those in the form are as good."""
    form, only, phase = asked.param("form"), asked.param("items"), asked.param("phase")
    names = (item.id, item.id.removeprefix(f"{form}.")) if form is not None else (item.id,)
    return (
        (form is None or item.form == form)
        and (only is None or any(name in only for name in names))
        and (phase is None or item.phase == phase)
    )


def photo(asked: Asked) -> Finding:
    """Enough photos with the tag. Where the policy bounds age, time or place, only photos within bounds count.

    A photo that does not say when or where it was taken counts, and the finding says how many of those there are. One
    that was used before counts too: that is a risk, and a supervisor's to judge.
    """
    tag, needed = asked.param("tag"), asked.param("min", 1)
    tagged = [one for one in asked.facts.evidence if one.kind == "photo" and (tag is None or one.tag == tag)]
    rejected = {one.id: why for one in tagged if (why := _out_of_bounds(one, asked))}
    good = [one for one in tagged if one.id not in rejected]
    stored = [one for one in good if one.stored]
    key = "photo" if tag is None else "photo.tagged"
    more = needed - len(good)
    return asked.finding(
        Met.YES if len(stored) >= needed else Met.AWAITING if more <= 0 else Met.NO,
        message=asked.say(key, needed=needed, tag=tag),
        fix=asked.say(f"{key}.fix", more=more, tag=tag) if more > 0 else "",
        needed=needed,
        stored=len(stored),
        promised=len(good) - len(stored),
        not_counted=rejected,
        without_time=sum(one.captured_at is None for one in good),
        without_place=sum(one.distance_m is None for one in good),
        reused=[one.id for one in good if one.reused],
    )


def _out_of_bounds(one: EvidenceFact, asked: Asked) -> str | None:
    """Why a photo does not count: `too-old`, `not-during-visit` or `too-far`; None when it does."""
    facts = asked.facts
    ended = millis(facts.ended_at)
    if one.captured_at is not None:
        taken, age, slack = millis(one.captured_at), asked.param("max_age_minutes"), asked.param("tolerance_minutes")
        if age is not None and taken < ended - age * MINUTE_MS:
            return "too-old"
        if slack is not None:
            began = ended if facts.arrived_at is None else millis(facts.arrived_at)
            if not began - slack * MINUTE_MS <= taken <= ended + slack * MINUTE_MS:
                return "not-during-visit"
    radius = asked.param("radius_m")
    if radius is not None and one.distance_m is not None and one.distance_m > radius:
        return "too-far"
    return None


def signature(asked: Asked) -> Finding:
    """Somebody in the role has signed; or refused, where the policy lets them.

    Where it wants a name, or a signature that is bound to what was shown, only such a signature counts.
    """
    role, refusable = asked.param("role", "customer"), asked.param("refusal_allowed", False)
    signed = [one for one in asked.facts.evidence if one.kind == "signature" and one.tag == role]
    bound = [one for one in signed if one.bound is True or not asked.param("bound", False)]
    good = [one for one in bound if is_text(one.signer_name) or not asked.param("name_required", False)]
    reason = asked.submission.refusals.get(role)
    refused = refusable and is_text(reason)
    who = asked.say(f"role.{role}")
    met, fix = Met.NO, ""
    if any(one.stored for one in good) or refused:
        met = Met.YES
    elif good:
        met = Met.AWAITING
    elif bound:
        fix = asked.say("signature.fix.name")
    elif signed:
        fix = asked.say("signature.fix.bound", role=who)
    else:
        fix = asked.say("signature.fix.or_refused" if refusable else "signature.fix", role=who)
    return asked.finding(
        met,
        message=asked.say("signature", role=who),
        fix=fix,
        role=role,
        refusal=reason if refused else None,
        refusal_allowed=refusable,
        unbound=[one.id for one in signed if one.bound is not True] if asked.param("bound", False) else [],
    )
