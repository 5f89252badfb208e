"""Every KPI, by key: how its value is made, in which unit, with what pair, by which query and variants."""

from collections.abc import Mapping

from app.kpis.definitions import flow, people, quality
from app.kpis.definitions.definition import Definition

__all__ = ["DEFINITIONS", "Definition"]

DEFINITIONS: Mapping[str, Definition] = {
    one.key: one for one in (*quality.DEFINITIONS, *flow.DEFINITIONS, *people.DEFINITIONS)
}
