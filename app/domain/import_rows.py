"""What a row of each table of historic records may say, and what in it contradicts itself.

The columns are those of the exchange format that the reference data sets have, and a few optional ones of ours.
An empty cell is an absent one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.domain.import_values import (
    CellRefused,
    Reader,
    currency,
    email,
    moment,
    names,
    number,
    text,
    time_zone,
    truth,
    whole,
    word,
)
from app.domain.lifecycle import Outcome, WorkOrderStatus

W = WorkOrderStatus

#: The words of the record for a status, and what it is here. An accepted request is approved work.
STATUS_MEANS: Mapping[str, WorkOrderStatus] = {
    "new": W.APPROVED,
    "assigned": W.SCHEDULED,
    "in_progress": W.IN_PROGRESS,
    "on_hold": W.ON_HOLD,
    "resolved": W.COMPLETED,
    "closed": W.CLOSED,
    "cancelled": W.CANCELED,
}
STATUS_WORDS = {**{name: name for name in STATUS_MEANS}, "canceled": "cancelled"}
OUTCOME_WORDS = {
    "fixed": Outcome.RESOLVED.value,
    "not_fixed": Outcome.NOT_RESOLVED.value,
    **{outcome.value: outcome.value for outcome in Outcome},
}
#: Kinds of survey questions with a score, and the scale that is meant when the row names none.
SCALES: Mapping[str, tuple[int, int]] = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7)}
ANSWER_KINDS = (*SCALES, "choice", "text")

Row = Mapping[str, Any]


class RowRefused(ValueError):
    """Why a row cannot be taken: a stable `code`, the reason for a person, the column where there is one."""

    def __init__(self, code: str, detail: str, column: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.column = column


@dataclass(frozen=True, slots=True)
class TableRules:
    """`key` names the columns that say which record it is; `check` refuses rows that contradict themselves.

    Where `repeats` is set a row may come twice and means two records.
    """

    columns: Mapping[str, Reader]
    required: tuple[str, ...]
    key: tuple[str, ...]
    check: Callable[[Row], None] = field(default=lambda row: None)
    repeats: bool = False


def read_row(rules: TableRules, cells: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row, None where it has none.

    Raises:
        RowRefused: an unknown or a missing column, a value that is none, or a contradiction.
    """
    row: dict[str, Any] = dict.fromkeys(rules.columns)
    for name, cell in cells.items():
        if name not in rules.columns:
            raise RowRefused("unknown-column", "This table has no such column.", name)
        if cell is None or cell == "":
            continue
        try:
            row[name] = rules.columns[name](cell)
        except CellRefused as refused:
            raise RowRefused(refused.code, f"{name} {refused.detail}.", name) from None
    for name in rules.required:
        if row[name] is None:
            raise RowRefused("missing", f"{name} is missing.", name)
    rules.check(row)
    return row


def _not_before(row: Row, later: str, earlier: str) -> None:
    if row[later] is not None and row[earlier] is not None and row[later] < row[earlier]:
        code = f"{later.removesuffix('_at')}-before-{earlier.removesuffix('_at')}"
        detail = f"{later} {row[later]:%Y-%m-%dT%H:%M:%SZ} is before {earlier} {row[earlier]:%Y-%m-%dT%H:%M:%SZ}."
        raise RowRefused(code, detail, later)


def check_work_order(row: Row) -> None:
    """Work cannot end before it was asked for. It may be assigned before: some systems record requests late."""
    _not_before(row, "closed_at", "created_at")
    _not_before(row, "resolved_at", "created_at")


def check_part(row: Row) -> None:
    if row["quantity"] == 0:
        raise RowRefused("out-of-range", "quantity must not be zero.", "quantity")


def check_survey(row: Row) -> None:
    if row["kind"] in SCALES and row["score"] is None:
        raise RowRefused("missing", "score is missing.", "score")
    if (row["scale_min"] is None) is not (row["scale_max"] is None):
        raise RowRefused(
            "missing", "A scale needs both ends.", "scale_min" if row["scale_min"] is None else "scale_max"
        )
    least, most = scale_of(row)
    if least is not None and most is not None and most <= least:
        raise RowRefused("scale-reversed", "scale_max must be above scale_min.", "scale_max")
    if row["score"] is not None and least is not None and most is not None and not least <= row["score"] <= most:
        raise RowRefused("score-off-scale", f"score must be between {least} and {most}.", "score")


def scale_of(row: Row) -> tuple[Decimal | None, Decimal | None]:
    """The ends of the scale of a survey answer, as given or as its kind means."""
    least, most = SCALES.get(row["kind"], (None, None))
    if row["scale_min"] is not None:
        return row["scale_min"], row["scale_max"]
    return (None, None) if least is None or most is None else (Decimal(least), Decimal(most))


REF, LINE, LONG = text(200), text(500), text(20_000)
CODE = text(100)

TABLES: Mapping[str, TableRules] = {
    "teams": TableRules(
        {"ref": REF, "name": LINE, "is_contractor": truth, "region": REF},
        required=("ref",),
        key=("ref",),
    ),
    "technicians": TableRules(
        {
            "ref": REF,
            "name": LINE,
            "team_ref": REF,
            "employment": word({"employee": "employee", "contractor": "contractor"}),
            "skills": names,
            "hourly_rate": number(0, 10**9),
            "currency": currency,
            "home_region": REF,
            "time_zone": time_zone,
            "active": truth,
        },
        required=("ref",),
        key=("ref",),
    ),
    "customers": TableRules(
        {
            "ref": REF,
            "name": LINE,
            "contact_name": LINE,
            "contact_email": email,
            "contact_phone": text(50),
            "contact_language": text(35),
            "contact_channel": word({"email": "email", "sms": "sms", "none": "none"}),
            "contact_time_zone": time_zone,
        },
        required=("ref",),
        key=("ref",),
    ),
    "sites": TableRules(
        {
            "ref": REF,
            "name": LINE,
            "address": text(1000),
            "postal_code": text(20),
            "latitude": number(-90, 90),
            "longitude": number(-180, 180),
            "region": REF,
            "customer_ref": REF,
            "access_notes": LONG,
            "time_zone": time_zone,
        },
        required=("ref",),
        key=("ref",),
    ),
    "assets": TableRules(
        {
            "ref": REF,
            "name": LINE,
            "model": LINE,
            "serial": REF,
            "age_years": number(0, 1000),
            "installed_at": moment,
            "site_ref": REF,
        },
        required=("ref",),
        key=("ref",),
    ),
    "work_orders": TableRules(
        {
            "external_id": REF,
            "title": LINE,
            "description": LONG,
            "type": REF,
            "work_class": CODE,
            "priority": whole(0, 9),
            "source": REF,
            "created_at": moment,
            "assigned_at": moment,
            "due_at": moment,
            "resolved_at": moment,
            "closed_at": moment,
            "status": word(STATUS_WORDS),
            "resolution_code": REF,
            "resolution_note": LONG,
            "site_ref": REF,
            "asset_ref": REF,
            "customer_ref": REF,
            "team_ref": REF,
            "technician_ref": REF,
            "region": REF,
            "problem_code": REF,
            "cost_total": number(),
            "currency": currency,
        },
        required=("external_id", "created_at", "status"),
        key=("external_id",),
        check=check_work_order,
    ),
    "events": TableRules(
        {
            "work_order_ref": REF,
            "seq": whole(),
            "at": moment,
            "status": word(STATUS_WORDS),
            "substatus": REF,
            "actor_ref": REF,
            "team_ref": REF,
            "note": LONG,
        },
        required=("work_order_ref", "seq", "at", "status"),
        key=("work_order_ref", "seq"),
    ),
    "visits": TableRules(
        {
            "work_order_ref": REF,
            "visit_no": whole(),
            "technician_ref": REF,
            "started_at": moment,
            "ended_at": moment,
            "verified_at": moment,
            "outcome": word(OUTCOME_WORDS),
        },
        required=("work_order_ref", "visit_no"),
        key=("work_order_ref", "visit_no"),
        check=lambda row: _not_before(row, "ended_at", "started_at"),
    ),
    "parts": TableRules(
        {
            "external_id": REF,
            "work_order_ref": REF,
            "part_number": REF,
            "quantity": number(-(10**9), 10**9),
            "used_at": moment,
            "unit_cost": number(0, 10**12),
            "currency": currency,
        },
        required=("work_order_ref", "part_number", "quantity"),
        key=("work_order_ref", "part_number"),
        check=check_part,
        repeats=True,
    ),
    "surveys": TableRules(
        {
            "response_ref": REF,
            "work_order_ref": REF,
            "kind": word({kind: kind for kind in ANSWER_KINDS}),
            "question": LINE,
            "score": number(-1000, 1000),
            "scale_min": number(-1000, 1000),
            "scale_max": number(-1000, 1000),
            "comment": LONG,
            "answered_at": moment,
        },
        required=("response_ref", "work_order_ref", "kind", "answered_at"),
        key=("response_ref",),
        check=check_survey,
    ),
}
