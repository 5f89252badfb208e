"""What the KPI operations answer. Amounts are in the KPI's `unit`: percent (0–100), seconds, minor units, counts."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from app.kit.schemas import Out, Page, UtcTime
from app.kpis.definitions import DEFINITIONS
from app.kpis.reading import COMMON, SYNONYMS


class IntervalOut(Out):
    """95 % interval: Wilson's for a share, the normal approximation for a mean."""

    low: float
    high: float


class FiguresOut(Out):
    """`value` is rounded (percent: two places, half to even), `ratio` is numerator by denominator as it is."""

    value: float | None
    ratio: float | None
    numerator: float | None
    denominator: float | None
    n: int
    interval: IntervalOut | None
    status: str


class SpreadOut(Out):
    """How the counted records' own figures lie."""

    n: int
    total: float
    mean: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    max: float | None


class CurrencyOut(FiguresOut):
    currency: str
    components: dict[str, float | None]
    spread: SpreadOut


class GroupOut(FiguresOut):
    key: str | None
    label: str | None
    excluded: dict[str, int]


class BucketOut(Out):
    """A column of the series. KPIs of an instant have the value at its end only."""

    model_config = ConfigDict(extra="allow")

    date: str
    from_: UtcTime = Field(alias="from")
    to: UtcTime
    value: float | None


class ComparisonOut(FiguresOut):
    with_: str = Field(alias="with")
    from_: UtcTime | None = Field(alias="from")
    to: UtcTime | None
    at: UtcTime | None
    delta: float | None


class PairOut(Out):
    """The KPI that pays when this one is gamed: ok, gaming_suspected or both_bad."""

    key: str
    value: float | None
    delta: float | None
    verdict: str


class RecordCountsOut(Out):
    """How many records `GET /v1/kpis/{key}/records` lists on each side."""

    numerator: int
    denominator: int
    excluded: int


class WatermarkOut(Out):
    """Up to when every device has reported, and the visits in the period that are still under way."""

    at: UtcTime
    open_visits: int


class KpiOut(FiguresOut):
    key: str
    title: str
    definition_version: int
    unit: str
    direction: str
    from_: UtcTime | None = Field(alias="from")
    to: UtcTime | None
    at: UtcTime | None
    tz: str
    bucket: str | None
    group_by: str | None
    filters: dict[str, str]
    options: dict[str, Any]
    min_n: int
    currency: str | None
    by_currency: list[CurrencyOut]
    excluded: dict[str, int]
    breakdown: dict[str, int]
    components: dict[str, float | None]
    spread: SpreadOut
    work_orders: int
    record_counts: RecordCountsOut
    groups: list[GroupOut]
    ranking: list[tuple[str, float]]
    counts: dict[str, float]
    sums: dict[str, float]
    buckets: list[BucketOut]
    points: list[tuple[str, float | None]]
    comparison: ComparisonOut | None
    pair: PairOut | None
    as_of: UtcTime
    revision: str | None
    watermark: WatermarkOut
    provisional: bool


class RecordOut(Out):
    """One judged record: what it adds to numerator and denominator, or the reason why it is left out."""

    id: str
    number: str | None
    work_order_id: str | None
    at: UtcTime
    group: str | None
    label: str | None
    amount: float
    weight: float
    value: float | None
    category: str | None
    reason: str | None
    currency: str | None
    components: dict[str, float | None]


RecordsOut = Page[RecordOut]


class OptionOut(Out):
    name: str
    meaning: str
    values: list[str]
    default: str
    required: bool


class CatalogueEntryOut(Out):
    """A KPI with its twelve attributes, so that whoever reads a number can know what it says."""

    key: str
    title: str
    definition_version: int
    unit: str
    measure: str
    direction: str
    timing: str
    period_by: str
    pair: str | None
    group_by: list[str]
    options: list[OptionOut]
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


class CatalogueOut(Out):
    items: list[CatalogueEntryOut]


def _parameters() -> Mapping[str, Any]:
    """Every parameter that some KPI takes, with what it means."""
    meanings = dict(COMMON)
    for definition in DEFINITIONS.values():
        meanings |= {name: f"only records of this {name}" for name in definition.dimensions if name not in meanings}
    meanings |= {name: f"another name for {ours}" for name, ours in SYNONYMS.items()}
    for definition in DEFINITIONS.values():
        for name, option in definition.options.items():
            said = meanings.get(name, "")
            line = f"{definition.key}: {option.meaning}"
            meanings[name] = f"{said}; {line}" if said else line
    return meanings


def _query(name: str, more: Mapping[str, Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        f"p_{said}": (str | None, Field(default=None, alias=said, max_length=500, description=meaning))
        for said, meaning in _parameters().items()
    }
    return create_model(name, __config__=ConfigDict(extra="forbid"), **fields, **more)


#: The query strings of the two operations; what means nothing to one KPI is refused when it is read.
KpiQuery = _query("KpiQuery", {})
KpiRecordsQuery = _query(
    "KpiRecordsQuery",
    {
        "side": (str, Field(default="denominator", pattern="^(numerator|denominator|excluded)$")),
        "category": (str | None, Field(default=None, max_length=200, description="only records of this category")),
        "limit": (int, Field(default=50, ge=1, le=200)),
        "cursor": (str | None, Field(default=None, max_length=300)),
    },
)


def said(query: BaseModel) -> dict[str, str]:
    """The parameters that were sent, by their public names."""
    shape = type(query).model_fields
    found = {field.alias: getattr(query, name) for name, field in shape.items() if field.alias is not None}
    return {name: text for name, text in found.items() if text is not None}


def page(query: BaseModel) -> dict[str, Any]:
    """Which records of a drill-down, and which page of them."""
    return query.model_dump(include={"side", "category", "limit", "cursor"})
