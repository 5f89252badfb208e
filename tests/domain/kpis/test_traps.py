"""The hand-checkable traps, on the formulas themselves; tests/kpis plays them through the API."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from app.domain.intervals import Interval
from app.domain.kpis.arrivals import Arrival, ArrivalRules, judge_arrival, judge_cancellation
from app.domain.kpis.costs import Overhead, PartUsed, TimeSpent, WorkCost, judge_cost, labor_seconds
from app.domain.kpis.durations import Span, judge_span
from app.domain.kpis.first_fix import Attendance, FirstFix, FirstFixRules, judge_first_fix
from app.domain.kpis.sla import Milestone, judge_milestone
from app.domain.kpis.surveys import Answer, judge_csat
from app.domain.kpis.tallies import Measure, Status, Tally
from app.domain.kpis.utilization import Shift, judge_shift
from app.domain.kpis.verdicts import Verdict, no, yes

NOW = datetime(2026, 9, 1, tzinfo=UTC)
MAY = datetime(2026, 5, 4, tzinfo=UTC)
HOUR = 3600


def at(hour: float) -> datetime:
    return MAY + timedelta(hours=hour)


def hours(start: float, end: float) -> Interval:
    return Interval(at(start), at(end))


def tally(verdicts: list[Verdict]) -> Tally:
    whole = Tally()
    for verdict in verdicts:
        whole.add(verdict)
    return whole


def labor(person: str, start: float, end: float, rate: int | None = 6000) -> TimeSpent:
    return TimeSpent(person, "work", False, hours(start, end), None if rate is None else Decimal(rate), "EUR")


def cost_of(*time: TimeSpent, parts: tuple[PartUsed, ...] = ()) -> Verdict:
    (verdict,) = judge_cost(WorkCost(None, time, parts, "EUR"), Overhead())
    return verdict


def test_t1_nested_labor_is_paid_once() -> None:
    verdict = cost_of(labor("ana", 9, 12), labor("ana", 10, 11))

    assert verdict.components is not None
    assert verdict.components["labor"] == 3 * 6000


def test_t2_an_empty_period_has_no_rate() -> None:
    nothing = Tally()

    assert nothing.value(Measure.SHARE) is None
    assert nothing.status(Measure.SHARE, 20) is Status.NO_DATA
    assert nothing.value(Measure.MEAN) is None
    assert nothing.value(Measure.COUNT) == 0


def test_t3_csat_counts_ratings_in_the_top_boxes_not_comments() -> None:
    ratings = [5, 5, 4, 3, 1, 1, None]

    found = tally([judge_csat(Answer(None, rating, 1, 5)) for rating in ratings])

    assert (found.numerator, found.denominator, found.value(Measure.SHARE)) == (3, 6, 50.0)
    assert found.excluded == {"no_rating": 1}


def test_t4_time_on_hold_is_left_out_even_when_resolved_from_hold() -> None:
    started, held, resolved = (datetime(2026, *day, tzinfo=UTC) for day in ((1, 20), (2, 1), (8, 1)))
    span = Span(None, started, resolved, [Interval(held, resolved)])

    assert judge_span(span, net=True).value == timedelta(days=12).total_seconds()
    assert judge_span(span).value == timedelta(days=193).total_seconds()

    promise = Milestone(None, datetime(2026, 2, 2, tzinfo=UTC), resolved, None, [Interval(held, resolved)])
    assert judge_milestone(promise, NOW).category == "met"


def test_t5_what_is_still_open_past_its_target_is_violated() -> None:
    due = at(10)
    done_times = [at(9)] * 6 + [at(11)] * 2 + [None] * 2

    found = tally([judge_milestone(Milestone(None, due, done, None, []), NOW) for done in done_times])

    assert (found.numerator, found.denominator, found.value(Measure.SHARE)) == (6, 10, 60.0)
    assert found.categories == {"met": 6, "done_late": 2, "open_past_target": 2}


def visit(start: float, end: float, outcome: str = "resolved", reason: str | None = None) -> Attendance:
    return Attendance(at(start), at(end), outcome, None, reason)


def completed(*visits: Attendance, reopened: bool = False, callback_at: datetime | None = None) -> FirstFix:
    return FirstFix(None, at(48), True, 1, "resolved", reopened, callback_at, visits)


def test_t6_first_time_fix_is_a_cohort_with_its_reopens_and_callbacks() -> None:
    work = [
        completed(visit(9, 10)),
        completed(visit(9, 10), reopened=True),
        completed(visit(9, 10), callback_at=at(48) + timedelta(days=10)),
        completed(visit(9, 10, "not_resolved", "parts"), visit(33, 34)),
        completed(),
    ]

    found = tally([judge_first_fix(one, FirstFixRules(NOW)) for one in work])

    assert (found.numerator, found.denominator, found.value(Measure.SHARE)) == (1, 4, 25.0)
    assert found.excluded == {"remote": 1}
    assert found.categories == {"fixed": 1, "reopened": 1, "callback": 1, "parts": 1}


def test_t7_groups_are_added_again_and_never_averaged() -> None:
    one = tally([yes()])
    other = tally([yes()] * 50 + [no()] * 50)

    assert (one + other).value(Measure.SHARE) == 50.5


def test_t8_without_a_shift_there_is_no_utilization() -> None:
    no_calendar = tally([judge_shift(Shift(None, [], [hours(8, 14)], []))])
    eight_hours = tally([judge_shift(Shift(hours(8, 16), [], [hours(8, 14)], []))])

    assert no_calendar.value(Measure.SUMS) is None
    assert no_calendar.excluded == {"no_shift": 1}
    assert eight_hours.value(Measure.SUMS) == 75.0


def test_t10_a_corrected_clock_is_on_time_where_the_device_clock_is_not() -> None:
    rules = ArrivalRules(NOW)

    def accuracy(arrived_at: datetime) -> Verdict:
        return judge_arrival(Arrival(None, at(9), at(10), arrived_at, False, None, None), rules)

    device, sent, received = at(10) + timedelta(minutes=31), at(16) + timedelta(minutes=47), at(16)
    assert accuracy(device - (sent - received)).amount == 1
    assert accuracy(device).amount == 0
    assert accuracy(received).amount == 0


def test_t11_parts_cost_what_they_cost_when_they_were_used() -> None:
    verdict = cost_of(parts=(PartUsed(Decimal(2), Decimal(1000), "EUR"),))

    assert verdict.components is not None
    assert verdict.components["parts"] == 2000


def test_t13_a_crew_of_two_is_one_trip_and_four_labor_hours() -> None:
    crew = completed(visit(9, 11), visit(9, 11))

    assert judge_first_fix(crew, FirstFixRules(NOW)).amount == 1
    assert labor_seconds([labor("ana", 9, 11), labor("ben", 9, 11)]) == 4 * HOUR


def test_t14_canceled_visits_are_in_the_denominator_of_the_cancellation_rate() -> None:
    ends = ["canceled", "completed", "completed", "incomplete", "scheduled"]

    found = tally([judge_cancellation(status, cause="customer") for status in ends])

    assert (found.numerator, found.denominator, found.value(Measure.SHARE)) == (1, 4, 25.0)
