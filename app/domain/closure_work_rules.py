"""Closure rules that look at how the work was done and what it left: codes, parts, times, place, loose ends."""

from typing import Any

from app.domain.closure_facts import Asked, Finding, Met, plain_number
from app.domain.closure_params import OPEN_ITEMS
from app.domain.conditions import is_present


def resolution_codes(asked: Asked) -> Finding:
    """A resolution code is given, a cause code too where there is a list of them, and each is on its list."""
    codes, causes = asked.param("codes", []), asked.param("cause_codes", [])
    given, cause = asked.submission.resolution_code, asked.submission.cause_code
    fixes = []
    if not is_present(given) or (codes and given not in codes):
        key = "resolution_codes.fix.listed" if codes else "resolution_codes.fix"
        fixes.append(asked.say(key, codes=", ".join(codes)))
    if causes and cause not in causes:
        fixes.append(asked.say("resolution_codes.fix.cause", codes=", ".join(causes)))
    return asked.finding(
        Met.NO if fixes else Met.YES,
        fix=" ".join(fixes),
        codes=list(codes),
        cause_codes=list(causes),
        resolution_code=given,
        cause_code=cause,
    )


def parts_declared(asked: Asked) -> Finding:
    """At least one part was recorded, or it is said that none was used. What was recorded outweighs what is said."""
    movements, none_used = asked.facts.movements, asked.submission.no_parts_used
    met = movements > 0 or none_used
    return asked.finding(
        Met.YES if met else Met.NO,
        fix="" if met else asked.say("parts_declared.fix"),
        movements=movements,
        no_parts_used=none_used,
    )


def labor_present(asked: Asked) -> Finding:
    """So much work was recorded at least; when nobody knows how much, too little was."""
    minutes, worked = asked.param("min_minutes", 1), asked.facts.worked_seconds
    met = worked is not None and worked >= minutes * 60
    return asked.finding(
        Met.YES if met else Met.NO,
        message=asked.say("labor_present", minutes=minutes),
        fix="" if met else asked.say("labor_present.fix"),
        worked_seconds=worked,
        min_minutes=plain_number(minutes),
    )


def duration_sanity(asked: Asked) -> Finding:
    """The work took no less and no more than these multiples of the estimate; where one is not known, it passes."""
    worked, estimated = asked.facts.worked_seconds, asked.facts.estimated_minutes
    low, high = asked.param("min_factor"), asked.param("max_factor")
    unknown = ["worked_seconds"] if worked is None else []
    if estimated is None or estimated <= 0:
        unknown.append("estimated_minutes")
    met, fix = True, ""
    if worked is not None and estimated is not None and not unknown:
        planned = estimated * 60
        met = (low is None or worked >= planned * low) and (high is None or worked <= planned * high)
        fix = "" if met else asked.say("duration_sanity.fix", worked=worked // 60, estimated=estimated)
    return asked.finding(
        Met.YES if met else Met.NO,
        fix=fix,
        worked_seconds=worked,
        estimated_minutes=estimated,
        min_factor=plain_number(low),
        max_factor=plain_number(high),
        unknown=unknown,
    )


def geo_presence(asked: Asked) -> Finding:
    """The technician was near the site; when nobody knows where, not."""
    radius, away = asked.param("radius_m", 250), asked.facts.presence_m
    met = away is not None and away <= radius
    return asked.finding(
        Met.YES if met else Met.NO,
        message=asked.say("geo_presence", radius=radius),
        fix="" if met else asked.say("geo_presence.fix"),
        presence_m=plain_number(away),
        radius_m=plain_number(radius),
        source=asked.param("source", "any"),
    )


def no_open_items(asked: Asked) -> Finding:
    """No task, part to return or request is open, of those that the rule names."""
    named = asked.param("of", OPEN_ITEMS)
    left = {name: count for name in OPEN_ITEMS if name in named and (count := _count(asked, name)) > 0}
    items = ", ".join(asked.say(f"open.{name}", count=count) for name, count in left.items())
    return asked.finding(
        Met.NO if left else Met.YES,
        fix=asked.say("no_open_items.fix", items=items) if left else "",
        open=left,
    )


def _count(asked: Asked, name: str) -> Any:
    return plain_number(asked.facts.open_items.get(name)) or 0
