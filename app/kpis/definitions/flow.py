"""How does work flow: durations, backlog, volumes."""

from datetime import time

from app.domain.kpis.backlog import band_names
from app.domain.kpis.tallies import Measure
from app.kpis.definitions.definition import BAND, DOWN, UP, WORK_ORDER, Definition
from app.kpis.options import choice, clock, dates, flag, numbers, text, weekdays
from app.kpis.queries import backlog, sources, times, work

NET = flag("leave out the time on hold")
UNTIL_CLOSED = "the milestone that ends the time and puts the work order into the period"
POPULATION = choice(
    "active",
    "unclosed",
    "intake",
    meaning="active: approved, scheduled, in progress or on hold; unclosed: asked for and not closed; "
    "intake: not yet approved",
)
FIELDS = {
    "requested_at": "requested",
    "created_at": "requested",
    "assigned_at": "assigned",
    "first_assigned_at": "assigned",
    "first_completed_at": "completed",
    "resolved_at": "resolved",
    "first_closed_at": "first_closed",
    "closed_at": "closed",
    "due_at": "due",
    "approved_at": "approved",
}

DEFINITIONS = (
    Definition(
        key="cycle_time",
        title="Cycle time",
        measure=Measure.MEAN,
        unit="seconds",
        direction=DOWN,
        leading=False,
        period_by="the milestone of `until`",
        records=times.cycle_times,
        dimensions=WORK_ORDER,
        pair="first_time_fix_rate",
        options={"until": choice("first_closed", "completed", "closed", meaning=UNTIL_CLOSED), "net": NET},
    ),
    Definition(
        key="lead_time",
        title="Lead time",
        measure=Measure.MEAN,
        unit="seconds",
        direction=DOWN,
        leading=False,
        period_by="the milestone of `until`",
        records=times.lead_times,
        dimensions=WORK_ORDER,
        pair="first_time_fix_rate",
        options={"until": choice("closed", "first_closed", meaning=UNTIL_CLOSED), "net": NET},
    ),
    Definition(
        key="resolution_time",
        title="Resolution time",
        measure=Measure.MEAN,
        unit="seconds",
        direction=DOWN,
        leading=False,
        period_by="the milestone of `until`",
        records=times.resolution_times,
        dimensions=WORK_ORDER,
        pair="reopen_rate",
        options={
            "until": choice(
                "completed",
                "resolved",
                "closed",
                meaning="completed: the first completion; resolved: "
                "the last one, or the closing where no work order has one",
            ),
            "net": NET,
        },
    ),
    Definition(
        key="business_time",
        title="Business time",
        measure=Measure.MEAN,
        unit="seconds",
        direction=DOWN,
        leading=False,
        period_by="the milestone of `to_field`",
        records=times.business_times,
        dimensions=WORK_ORDER,
        pair="first_time_fix_rate",
        options={
            "from_field": choice(*times.MILESTONES, meaning="the milestone that starts the time", aliases=FIELDS),
            "to_field": choice(
                "closed",
                *(name for name in times.MILESTONES if name != "closed"),
                meaning="the milestone that ends the time",
                aliases=FIELDS,
            ),
            "weekdays": weekdays(frozenset({1, 2, 3, 4, 5}), "ISO weekdays with business hours"),
            "open": clock(time(8), "local time at which business hours begin"),
            "close": clock(time(17), "local time at which they end"),
            "holidays": dates("local dates without business hours"),
            "net": NET,
        },
    ),
    Definition(
        key="time_in_state",
        title="Time in state",
        measure=Measure.MEAN,
        unit="seconds",
        direction=DOWN,
        leading=True,
        period_by="the time itself, clipped",
        records=times.stays,
        dimensions=sources.STAYS.dimensions,
        pair="cycle_time",
        category="state",
        options={
            "words": choice(
                "ours",
                "recorded",
                meaning="recorded: the source's own words, from one recorded "
                "event to the next, the last adding nothing",
            )
        },
    ),
    Definition(
        key="substatus_share",
        title="Work that passed a substatus",
        measure=Measure.SHARE,
        unit="percent",
        direction=BAND,
        leading=True,
        period_by="requested_at",
        records=times.substatus_reaches,
        dimensions=WORK_ORDER,
        pair="time_in_state",
        options={"reached": text("the substatus, in the organization's or the source's own words")},
    ),
    Definition(
        key="backlog",
        title="Backlog",
        measure=Measure.COUNT,
        unit="work_orders",
        direction=BAND,
        leading=False,
        period_by="open at the instant",
        records=backlog.backlog,
        dimensions=sources.STAYS.dimensions,
        pair="first_time_fix_rate",
        category="age_band",
        categories=lambda question: band_names(question.options["ageing_days"]),
        options={
            "population": POPULATION,
            "ageing_days": numbers((7, 30, 90), "upper edges of the age bands, in days"),
        },
        at_instant=True,
        series=backlog.backlog_series,
    ),
    Definition(
        key="overdue_share",
        title="Overdue share of the backlog",
        measure=Measure.SHARE,
        unit="percent",
        direction=DOWN,
        leading=True,
        period_by="open at the instant",
        records=backlog.overdue,
        dimensions=sources.STAYS.dimensions,
        pair="first_time_fix_rate",
        options={"population": POPULATION},
        at_instant=True,
    ),
    Definition(
        key="new_vs_closed",
        title="New against closed",
        measure=Measure.COUNT,
        unit="work_orders",
        direction=BAND,
        leading=True,
        period_by="requested_at and closed_at",
        records=work.flows,
        dimensions=WORK_ORDER,
        pair="backlog",
        categories=lambda question: ("created", "closed"),
        options={"flow": choice("net", "created", "closed", meaning="the value: created less closed, or one")},
    ),
    Definition(
        key="throughput",
        title="Throughput",
        measure=Measure.COUNT,
        unit="work_orders",
        direction=UP,
        leading=False,
        period_by="the milestone of `until`",
        records=work.completions,
        dimensions=WORK_ORDER,
        pair="reopen_rate",
        options={"until": choice("closed", "first_closed", "completed", meaning="what counts as done")},
    ),
)
