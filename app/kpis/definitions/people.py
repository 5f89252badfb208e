"""Customers, technicians, money and machines."""

from app.domain.kpis.tallies import Measure
from app.kpis.definitions.definition import BAND, DOWN, UP, WORK_ORDER, Definition
from app.kpis.options import Option, choice
from app.kpis.queries import assets, money, people, sources, surveys, times

COHORT = choice(
    "completed", "responded", meaning="which instant puts an answer into a period: its work's completion or its own"
)
PER = choice("work_order", "answer", meaning="count the newest answer of each work order, or each answer")

DEFINITIONS = (
    Definition(
        key="visit_duration",
        title="Visit duration",
        measure=Measure.MEAN,
        unit="seconds",
        direction=BAND,
        leading=False,
        period_by="ended_at",
        records=times.visit_durations,
        dimensions=sources.VISITS.dimensions,
        pair="first_time_fix_rate",
    ),
    Definition(
        key="utilization",
        title="Utilization",
        measure=Measure.SUMS,
        unit="percent",
        direction=BAND,
        leading=False,
        period_by="the time itself, clipped",
        records=people.shifts,
        dimensions=people.TECHNICIANS.dimensions,
        pair="first_time_fix_rate",
        options={"include": choice("all", "travel_only", "work_only", meaning="which time counts as used")},
    ),
    Definition(
        key="csat",
        title="Customer satisfaction",
        measure=Measure.SHARE,
        unit="percent",
        direction=UP,
        leading=True,
        period_by="first_completed_at",
        records=surveys.ratings,
        dimensions=sources.ANSWERS.dimensions,
        pair="survey_response_rate",
        category="score",
        options={"cohort": COHORT, "per": PER},
    ),
    Definition(
        key="nps",
        title="Net promoter score",
        measure=Measure.POINTS,
        unit="points",
        direction=UP,
        leading=False,
        period_by="first_completed_at",
        records=surveys.recommendations,
        dimensions=sources.ANSWERS.dimensions,
        pair="csat",
        category="attitude",
        categories=lambda question: ("promoters", "passives", "detractors"),
        options={"cohort": COHORT, "per": PER},
    ),
    Definition(
        key="survey_response_rate",
        title="Survey response rate",
        measure=Measure.SHARE,
        unit="percent",
        direction=UP,
        leading=True,
        period_by="sent_at",
        records=surveys.invitations,
        dimensions={**sources.SURVEYS.dimensions},
        pair="csat",
        options={
            "basis": choice(
                "delivered",
                "closed",
                meaning="delivered: of the surveys that arrived; closed: rating answers for each closed work order",
            )
        },
    ),
    Definition(
        key="cost_per_work_order",
        title="Cost per work order",
        measure=Measure.MEAN,
        unit="minor_units",
        direction=DOWN,
        leading=False,
        period_by="first_completed_at",
        records=money.costs,
        dimensions=WORK_ORDER,
        pair="csat",
        shows_costs=True,
        options={
            "costs": choice(
                "tracked",
                "imported",
                meaning="tracked: labor, travel, parts, contractor and "
                "overhead; imported: totals that came with the records",
            )
        },
    ),
    Definition(
        key="parts_used",
        title="Parts used",
        measure=Measure.COUNT,
        unit="pieces",
        direction=BAND,
        leading=False,
        period_by="effective_at",
        records=money.part_quantities,
        dimensions=sources.MOVEMENTS.dimensions,
        pair="first_time_fix_rate",
        category="part",
    ),
    Definition(
        key="mtbf",
        title="Mean time between failures",
        measure=Measure.MEAN,
        unit="seconds",
        direction=UP,
        leading=False,
        period_by="period clip",
        records=assets.time_between_failures,
        dimensions=WORK_ORDER,
        pair="backlog",
        options={
            "basis": choice(
                "operating",
                "gaps",
                meaning="operating: operating time over failures; gaps: the mean "
                "time from each failure of an asset to its next",
            ),
            "failures": Option(
                lambda said: said, "corrective", "the work class that means a failure", shows="corrective"
            ),
        },
    ),
)
