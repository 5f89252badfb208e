import pytest

from app.domain.geo import distance_m


@pytest.mark.parametrize(
    ("one", "other", "meters"),
    [
        ((52.52, 13.405), (52.52, 13.405), 0),
        ((52.52, 13.405), (48.8566, 2.3522), 877_500),
        ((0, 179.9), (0, -179.9), 22_239),
        ((90, 0), (-90, 0), 20_015_100),
    ],
)
def test_the_distance_is_right_to_a_thousandth(
    one: tuple[float, float], other: tuple[float, float], meters: float
) -> None:
    assert distance_m(*one, *other) == pytest.approx(meters, rel=1e-3, abs=0.001)
    assert distance_m(*other, *one) == pytest.approx(distance_m(*one, *other))
