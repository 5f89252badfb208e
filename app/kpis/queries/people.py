"""Candidates of utilization: the shifts of each technician, and what was done in them."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.domain.calendars import DAY, local_date
from app.domain.intervals import Interval, clipped
from app.domain.kpis.utilization import Shift, judge_shift, overtime_seconds, within
from app.domain.kpis.verdicts import Verdict
from app.kpis.queries.sql import Dimension, Source, Statement, fetch
from app.kpis.questions import Question, Record

TECHNICIANS = Source(
    "technicians",
    "te",
    "te.id",
    "te.name",
    None,
    {
        "t": "LEFT JOIN teams t ON t.organization_id = te.organization_id AND t.id = te.team_id",
        "pa": "LEFT JOIN partners pa ON pa.organization_id = te.organization_id AND pa.id = te.partner_id",
    },
    {
        "technician": Dimension("te.id", "te.name"),
        "technician_ref": Dimension("te.external_ref", "te.name"),
        "team": Dimension("te.team_id", "t.name", ("t",)),
        "team_ref": Dimension("t.external_ref", "t.name", ("t",)),
        "employment": Dimension("te.employment"),
        "partner": Dimension("te.partner_id", "pa.name", ("pa",)),
        "territory": Dimension("te.home_territory"),
    },
)


class WeeklyShift(NamedTuple):
    weekday: int
    starts: time
    ends: time
    unpaid_break_minutes: int
    valid_from: date | None
    valid_until: date | None


class Day(NamedTuple):
    """One shift on one day."""

    on: date
    hours: Interval
    unpaid_break_seconds: int


def shifts(db: Session, question: Question) -> list[Record]:
    """One record per technician and shift in the period; one left out per technician who worked without any.

    Overtime (work and travel outside every shift) is a component, never a part of the ratio.
    """
    entries = _by_technician(db, question, _ENTRIES)
    start, end = _period(question, entries)
    if start is None or end is None or start >= end:
        return []
    weekly, absences = _by_technician(db, question, _SHIFTS), _by_technician(db, question, _ABSENCES)
    records: list[Record] = []
    statement = Statement(TECHNICIANS, question, "te.id", ("te.time_zone",), period=False)
    for row in fetch(db, statement.text(), statement.parameters()):
        week = [WeeklyShift(*one) for one in weekly.get(row[0], ())]
        zone = ZoneInfo(row[6]) if row[6] else question.zone
        days = list(_days(week, start, end, zone))
        off = [Interval(*one) for one in absences.get(row[0], ())]
        records += _of_technician(row, days, off, _timed(entries.get(row[0], ()), start, end), question, start)
    return records


def _of_technician(
    row: tuple[Any, ...],
    days: list[Day],
    off: list[Interval],
    timed: dict[str, list[Interval]],
    question: Question,
    start: datetime,
) -> list[Record]:
    working, traveling = timed["work"], timed["travel"]

    def of(name: str, at: datetime, verdict: Verdict) -> Record:
        return Record(f"{row[0]}/{name}", row[1], None, at, row[4], row[5], verdict)

    if not days:
        busy = [*working, *traveling]
        return [of("none", min(busy).start, judge_shift(Shift(None, (), working, traveling)))] if busy else []
    include = question.options["include"]
    records = [of(day.on.isoformat(), day.hours.start, judge_shift(_shift(day, off, timed), include)) for day in days]
    extra = overtime_seconds([*working, *traveling], [day.hours for day in days])
    if extra:
        overtime = Verdict(weight=0, amount=0, components={"overtime": extra})
        records.append(of("overtime", start, overtime))
    return records


def _shift(day: Day, off: list[Interval], timed: dict[str, list[Interval]]) -> Shift:
    return Shift(
        day.hours,
        off,
        within(timed["work"], day.hours),
        within(timed["travel"], day.hours),
        day.unpaid_break_seconds,
    )


def _timed(entries: Any, start: datetime, end: datetime) -> dict[str, list[Interval]]:
    """Kind to its intervals, cut to the period; running time ends with it."""
    timed: dict[str, list[Interval]] = {"work": [], "travel": []}
    for kind, started_at, ended_at in entries:
        if part := clipped(Interval(started_at, ended_at or end), start, end):
            timed[kind].append(part)
    return timed


def _days(week: list[WeeklyShift], start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[Day]:
    """Each shift of the period; one that ends before it starts ends on the next day."""
    day = local_date(start, zone) - DAY
    while day <= local_date(end, zone):
        for shift in week:
            if shift.weekday == day.isoweekday() and _valid(shift, day):
                ends_on = day if shift.ends > shift.starts else day + DAY
                hours = Interval(datetime.combine(day, shift.starts, zone), datetime.combine(ends_on, shift.ends, zone))
                if inside := clipped(_in_utc(hours), start, end):
                    yield Day(day, inside, 60 * shift.unpaid_break_minutes)
        day += timedelta(days=1)


def _in_utc(hours: Interval) -> Interval:
    utc = ZoneInfo("UTC")
    return Interval(hours.start.astimezone(utc), hours.end.astimezone(utc))


def _valid(shift: WeeklyShift, day: date) -> bool:
    return (shift.valid_from is None or shift.valid_from <= day) and (
        shift.valid_until is None or day <= shift.valid_until
    )


_ENTRIES = (
    "SELECT technician_id, kind, started_at, ended_at FROM time_entries "
    "WHERE organization_id = %(organization_id)s AND kind IN ('work', 'travel') AND started_at < %(as_of)s"
)
_SHIFTS = (
    "SELECT technician_id, weekday, starts, ends, unpaid_break_minutes, valid_from, valid_until FROM shifts "
    "WHERE organization_id = %(organization_id)s"
)
_ABSENCES = (
    "SELECT technician_id, starts_at, ends_at FROM absences WHERE organization_id = %(organization_id)s AND approved"
)


def _by_technician(db: Session, question: Question, text: str) -> dict[UUID, list[tuple[Any, ...]]]:
    rows = fetch(db, text, {"organization_id": question.organization_id, "as_of": question.at})
    found: dict[UUID, list[tuple[Any, ...]]] = defaultdict(list)
    for technician_id, *facts in rows:
        found[technician_id].append(tuple(facts))
    return found


def _period(question: Question, entries: dict[UUID, list[tuple[Any, ...]]]) -> tuple[datetime | None, datetime | None]:
    """The period up to the question; an unbounded one starts with the first time that was recorded."""
    first = min((entry[1] for mine in entries.values() for entry in mine), default=None)
    end = question.at if question.end is None else min(question.end, question.at)
    return (first if question.start is None else question.start), end
