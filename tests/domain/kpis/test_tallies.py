from hypothesis import given
from hypothesis import strategies as st

from app.domain.kpis.pairs import Direction, PairVerdict, improvement, judge_pair
from app.domain.kpis.tallies import Measure, Status, Tally
from app.domain.kpis.verdicts import Verdict, excluded, measured, no, weighed, yes
from app.domain.statistics import Range

verdicts = st.one_of(
    st.sampled_from([yes("good"), no("bad"), excluded("test")]),
    st.integers(0, 10**6).map(lambda seconds: measured(seconds / 8)),
    st.tuples(st.integers(0, 100), st.integers(0, 100)).map(lambda pair: weighed(*pair)),
    st.integers(0, 500).map(lambda minor: Verdict(amount=minor, components={"labor": minor, "parts": None})),
)


def tally(of: list[Verdict]) -> Tally:
    found = Tally()
    for verdict in of:
        found.add(verdict)
    return found


@given(st.lists(st.lists(verdicts, max_size=8), max_size=6))
def test_groups_added_again_are_the_whole(groups: list[list[Verdict]]) -> None:
    whole = tally([verdict for group in groups for verdict in group])
    again = sum((tally(group) for group in groups), Tally())

    for measure in Measure:
        assert again.value(measure) == whole.value(measure)
        assert again.interval(measure) == whole.interval(measure)
        assert again.status(measure, 20) == whole.status(measure, 20)
    assert again.spread() == whole.spread()
    assert again.excluded == whole.excluded
    assert again.parts() == whole.parts()


@given(st.lists(verdicts, min_size=1), st.randoms())
def test_the_order_of_the_records_changes_nothing(some: list[Verdict], luck: object) -> None:
    mixed = list(some)
    luck.shuffle(mixed)  # type: ignore[attr-defined]

    assert tally(mixed).numerator == tally(some).numerator
    assert tally(mixed).spread() == tally(some).spread()


def test_a_value_of_few_records_is_called_insufficient() -> None:
    assert tally([yes()] * 19).status(Measure.SHARE, 20) is Status.INSUFFICIENT
    assert tally([yes()] * 20).status(Measure.SHARE, 20) is Status.OK


def test_a_component_that_one_record_does_not_know_is_unknown() -> None:
    found = tally([Verdict(amount=5, components={"labor": 5}), Verdict(amount=0, components={"labor": None})])

    assert found.parts() == {"labor": None}
    assert found.status(Measure.MEAN, 1) is Status.INCOMPLETE


WIDE = Range(40, 60)


def test_a_gain_that_the_pair_pays_for_is_suspected_only_beyond_the_noise() -> None:
    assert judge_pair(20, -1, WIDE) is PairVerdict.GAMING_SUSPECTED
    assert judge_pair(19, -1, WIDE) is PairVerdict.OK
    assert judge_pair(20, 1, WIDE) is PairVerdict.OK
    assert judge_pair(-20, -1, WIDE) is PairVerdict.BOTH_BAD
    assert judge_pair(20, -1, None) is PairVerdict.OK


def test_less_is_a_gain_where_lower_is_better() -> None:
    assert improvement(-3, Direction.DOWN) == 3
    assert improvement(-3, Direction.UP) == -3
    assert improvement(-3, Direction.BAND) == 0
    assert improvement(None, Direction.UP) == 0
