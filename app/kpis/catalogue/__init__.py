"""The KPI library: what each one means, how to read it, and what to beware of."""

from typing import Any

from app.kpis.catalogue import flow, people, quality
from app.kpis.catalogue.entry import Entry
from app.kpis.definitions import DEFINITIONS, Definition

ENTRIES: dict[str, Entry] = {**quality.ENTRIES, **flow.ENTRIES, **people.ENTRIES}


def catalogue(*, costs: bool) -> list[dict[str, Any]]:
    """Every KPI, in the order of the definitions; without those that show costs where `costs` is False."""
    return [described(one) for one in DEFINITIONS.values() if costs or not one.shows_costs]


def described(definition: Definition) -> dict[str, Any]:
    return {
        "key": definition.key,
        "title": definition.title,
        "definition_version": definition.version,
        "unit": definition.unit,
        "measure": definition.measure.value,
        "direction": definition.direction.value,
        "timing": "leading" if definition.leading else "lagging",
        "period_by": definition.period_by,
        "pair": definition.pair,
        "group_by": definition.groupings,
        "options": [
            {
                "name": name,
                "meaning": option.meaning,
                "values": list(option.values),
                "default": option.shows,
                "required": option.required,
            }
            for name, option in definition.options.items()
        ],
        **ENTRIES[definition.key]._asdict(),
    }
