"""The shape of one page of the library."""

from typing import NamedTuple


class Entry(NamedTuple):
    """Twelve attributes of a KPI, one to three sentences each, for whoever has to act on it."""

    definition: str
    business_insights: str
    measurement_approach: str
    formula: str
    trend_analysis: str
    diagnostics: str
    tips: str
    visualization: str
    risk_warnings: str
    tools: str
    integration: str
    change_impact: str
