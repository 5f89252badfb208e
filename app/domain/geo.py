"""How far two places are from one another."""

from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_M = 6_371_008.8


def distance_m(one_lat: float, one_lng: float, other_lat: float, other_lng: float) -> float:
    """Meters along the surface of a round earth (haversine); half a percent off at worst."""
    north, east = radians(other_lat - one_lat) / 2, radians(other_lng - one_lng) / 2
    chord = sin(north) ** 2 + cos(radians(one_lat)) * cos(radians(other_lat)) * sin(east) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(chord)))
