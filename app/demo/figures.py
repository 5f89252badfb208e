"""A handful of KPIs before and after the day, and in words why they differ, from their own numerators."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.demo.cast import TIME_ZONE
from app.demo.talk import DayFailed, Somebody, Storyteller

DAYS = 90
Figure = Mapping[str, Any]
Figures = Mapping[str, Figure]


def figures(max_: Somebody, tell: Storyteller) -> Figures:
    """The answers of the API, from KPI to answer."""
    today = datetime.now(ZoneInfo(TIME_ZONE)).date()
    period = {"from": str(today - timedelta(days=DAYS)), "through": str(today), "pair": "false"}
    found: dict[str, Figure] = {}
    for key in CHANGES:
        found[key] = max_.get(f"/v1/kpis/{key}", **({"pair": "false"} if key == "backlog" else period))
        tell.say(f"{found[key]['title']}: {shown(found[key])}")
    return found


def shown(figure: Figure) -> str:
    value = figure["value"]
    if value is None:
        return "no value yet"
    if figure["unit"] == "percent":
        return f"{value:.2f} %"
    if figure["unit"].startswith("minor"):
        return f"{value / 100:,.2f} {figure['currency']}"
    return f"{value:,.0f}"


def _share(before: Figure, after: Figure, of: str) -> str:
    was, now = (f"{one['numerator']:g} of {one['denominator']:g}" for one in (before, after))
    return f"{was} {of} before, {now} now"


def _grew(before: Figure, after: Figure, name: str) -> bool:
    return bool(after[name] == before[name] + 1)


Judge = Callable[[Figure, Figure], tuple[bool, str]]


def _first_fix(before: Figure, after: Figure) -> tuple[bool, str]:
    fits = _grew(before, after, "numerator") and _grew(before, after, "denominator")
    return fits, f"{_share(before, after, 'jobs')}: Ana's one trip was enough."


def _on_time(before: Figure, after: Figure) -> tuple[bool, str]:
    fits = _grew(before, after, "numerator") and _grew(before, after, "denominator")
    return fits, f"{_share(before, after, 'visits')}: Ana came within the window that Cleo was told."


def _csat(before: Figure, after: Figure) -> tuple[bool, str]:
    fits = _grew(before, after, "numerator") and _grew(before, after, "denominator")
    return fits, f"{_share(before, after, 'answers')}: Cleo's five stars are one more satisfied answer."


def _answered(before: Figure, after: Figure) -> tuple[bool, str]:
    fits = _grew(before, after, "numerator") and _grew(before, after, "denominator")
    return fits, f"{_share(before, after, 'invitations')}: one more was sent, and it was answered."


def _cost(before: Figure, after: Figure) -> tuple[bool, str]:
    added = after["numerator"] - before["numerator"]
    known = {name: (amount or 0) - (before["components"][name] or 0) for name, amount in after["components"].items()}
    parts = ", ".join(f"{name} {amount / 100:,.2f}" for name, amount in known.items() if amount)
    jobs = f"{before['denominator']:g} jobs before, {after['denominator']:g} now"
    fits = _grew(before, after, "denominator") and added > 0
    return fits, f"{jobs}: the new one cost {added / 100:,.2f} {after['currency']} ({parts})."


def _backlog(before: Figure, after: Figure) -> tuple[bool, str]:
    fits = bool(after["value"] == before["value"] - 1)
    return fits, f"{before['value']:g} open jobs before, {after['value']:g} now: Cleo's is done."


CHANGES: Mapping[str, Judge] = {
    "first_time_fix_rate": _first_fix,
    "on_time_arrival": _on_time,
    "csat": _csat,
    "survey_response_rate": _answered,
    "cost_per_work_order": _cost,
    "backlog": _backlog,
}


def explain(before: Figures, after: Figures, tell: Storyteller) -> None:
    """What the day changed, a sentence for each KPI.

    Raises:
        DayFailed: a KPI did not change as one job must change it.
    """
    for key, judge in CHANGES.items():
        fits, why = judge(before[key], after[key])
        line = f"{after[key]['title']}: {shown(before[key])} → {shown(after[key])}. {why}"
        if not fits:
            raise DayFailed(f"one job should not do this: {line}")
        tell.good(line)
