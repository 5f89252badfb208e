"""Does the work hold, and were the promises kept?"""

from app.domain.kpis.closures import DECISIONS
from app.domain.kpis.tallies import Measure
from app.kpis.definitions.definition import DOWN, UP, WORK_ORDER, Definition
from app.kpis.options import choice, flag, number
from app.kpis.queries import closures, sources, visits, work

DEFINITIONS = (
    Definition(
        key="first_time_fix_rate",
        title="First-time fix rate",
        measure=Measure.SHARE,
        unit="percent",
        direction=UP,
        leading=False,
        period_by="first_completed_at",
        records=work.first_fixes,
        dimensions=sources.FIRST_VISIT_CREDIT.dimensions,
        pair="cycle_time",
        category="loss_reason",
        options={
            "basis": choice(
                "trips",
                "single_visit",
                meaning="trips: one trip, no reopen, no callback; "
                "single_visit: closed work with exactly one visit, which resolved it",
            ),
            "callback_days": number(30, 0, 365, "a new repair this soon after the completion is a callback"),
            "exclude_no_access": flag("do not count a visit to an absent customer as a trip"),
            "strict": flag("count work that could not be completed as not fixed"),
            "mature": flag("leave out cohorts whose callback window is still open"),
        },
    ),
    Definition(
        key="reopen_rate",
        title="Reopen rate",
        measure=Measure.SHARE,
        unit="percent",
        direction=DOWN,
        leading=False,
        period_by="first_completed_at",
        records=work.reopens,
        dimensions=WORK_ORDER,
        pair="first_time_fix_rate",
        categories=lambda question: ("reopened", "stayed_done"),
        options={
            "basis": choice(
                "work_orders",
                "recorded",
                meaning="recorded: whole recorded status histories, where "
                "leaving resolved or closed for anything but those or canceled is a reopening",
            ),
            "within_days": number(30, 0, 3650, "reopened this soon after the first completion"),
        },
    ),
    Definition(
        key="failed_verifications",
        title="Failed verifications",
        measure=Measure.COUNT,
        unit="visits",
        direction=DOWN,
        leading=False,
        period_by="verified_at",
        records=visits.failed_verifications,
        dimensions=sources.VISITS.dimensions,
        pair="visit_duration",
    ),
    Definition(
        key="closure_first_pass_rate",
        title="Closures good at once",
        measure=Measure.SHARE,
        unit="percent",
        direction=UP,
        leading=True,
        period_by="the first decision",
        records=closures.first_passes,
        dimensions=sources.CLOSURES.dimensions,
        pair="cycle_time",
        category="decision",
        categories=lambda question: DECISIONS,
    ),
    Definition(
        key="sla_compliance",
        title="SLA compliance",
        measure=Measure.SHARE,
        unit="percent",
        direction=UP,
        leading=False,
        period_by="the target, after pauses",
        records=work.sla_milestones,
        dimensions=WORK_ORDER,
        pair="reopen_rate",
        category="verdict",
        categories=lambda question: ("met", "done_late", "open_past_target"),
        options={
            "basis": choice(
                "targets",
                "closed",
                meaning="targets: every promise due in the period, open ones "
                "included; closed: work closed in the period, by its first target",
            ),
            "milestone": choice("resolution", "response", meaning="which promise"),
        },
    ),
    Definition(
        key="on_time_arrival",
        title="On-time arrival",
        measure=Measure.SHARE,
        unit="percent",
        direction=UP,
        leading=False,
        period_by="window_end",
        records=visits.arrivals,
        dimensions=sources.VISITS.dimensions,
        pair="overdue_share",
        category="window_accuracy",
        categories=lambda question: ("early", "on_time", "late_1_15", "late_16_60", "late_60+", "no_show"),
        options={
            "grace_minutes": number(15, 0, 1440, "this late is still on time"),
            "early_grace_minutes": number(0, 0, 1440, "this early is still on time"),
            "original": flag("judge by the first window promised, not the last"),
        },
    ),
    Definition(
        key="cancellation_rate",
        title="Cancellation rate",
        measure=Measure.SHARE,
        unit="percent",
        direction=DOWN,
        leading=True,
        period_by="scheduled_start",
        records=visits.cancellations,
        dimensions=sources.VISITS.dimensions,
        pair="on_time_arrival",
        category="cause",
    ),
)
