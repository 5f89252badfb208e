"""Answers that customers gave elsewhere: one survey for each work order, one answer for each response."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.domain.import_rows import scale_of
from app.imports.batch import Batch, Outcome, Record, unique_rows
from app.imports.ledger import refuse_unknown
from app.imports.reading import Read
from app.kit.ids import uuid7

COMPARED = ("work_order_id", "kind", "score", "scale_min", "scale_max", "comment", "answered_at")


def store_surveys(batch: Batch, given: Sequence[Read]) -> Outcome:
    outcome = Outcome()
    kept = unique_rows(given, ("response_ref",), outcome)
    orders = batch.linked("work_orders", (row.values["work_order_ref"] for row in kept))
    for row in kept:
        if row.values["work_order_ref"] not in orders:
            refuse_unknown(row, outcome)
    rows = [(row, orders[row.values["work_order_ref"]]) for row in kept if row.values["work_order_ref"] in orders]
    _make_surveys(batch, rows)
    surveys = _surveys(batch, [order["id"] for _, order in rows])
    known = batch.linked("survey_answers", (row.values["response_ref"] for row, _ in rows))
    taken = _questions(batch, list(surveys.values()))
    new: list[Record] = []
    changed: list[Record] = []
    for row, order in rows:
        answer = _answer(row, order)
        earlier = known.get(row.values["response_ref"])
        if earlier is None:
            question = _free_question(row, surveys[order["id"]], taken)
            new.append(_new(batch, answer, row, surveys[order["id"]], question))
        elif all(earlier[name] == answer[name] for name in COMPARED):
            outcome.unchanged += 1
        elif earlier["work_order_id"] != order["id"]:
            outcome.refuse(row, "other-work-order", "This response belongs to another work order.", "work_order_ref")
        else:
            changed.append(
                {"organization_id": batch.organization_id, "id": earlier["id"], **answer, "edited_at": batch.at}
            )
    batch.insert("survey_answers", new)
    batch.update("survey_answers", changed)
    outcome.created += len(new)
    outcome.updated += len(changed)
    return outcome


def _answer(row: Read, order: Mapping[str, Any]) -> Record:
    least, most = scale_of(row.values)
    return {
        "work_order_id": order["id"],
        "kind": row.values["kind"],
        "score": row.values["score"],
        "scale_min": least,
        "scale_max": most,
        "comment": row.values["comment"],
        "answered_at": row.values["answered_at"],
    }


def _new(batch: Batch, answer: Record, row: Read, survey_id: UUID, question: str) -> Record:
    return {
        "organization_id": batch.organization_id,
        "id": uuid7(),
        "survey_id": survey_id,
        "question": question,
        "external_ref": row.values["response_ref"],
        **answer,
    }


def _free_question(row: Read, survey_id: UUID, taken: set[tuple[UUID, str]]) -> str:
    """The row's question; named with its response where the same question was answered before."""
    question = row.values["question"] or row.values["kind"]
    if (survey_id, question) in taken:
        question = f"{question} ({row.values['response_ref']})"
    taken.add((survey_id, question))
    return str(question)


def _questions(batch: Batch, survey_ids: Sequence[UUID]) -> set[tuple[UUID, str]]:
    found = batch.fetch(
        "SELECT survey_id, question FROM survey_answers WHERE organization_id = %(organization_id)s "
        "AND survey_id = ANY(%(ids)s)",
        ids=list(survey_ids),
    )
    return {(row["survey_id"], row["question"]) for row in found}


def _surveys(batch: Batch, order_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    found = batch.fetch(
        "SELECT work_order_id, id FROM surveys WHERE organization_id = %(organization_id)s "
        "AND work_order_id = ANY(%(ids)s)",
        ids=list(order_ids),
    )
    return {row["work_order_id"]: row["id"] for row in found}


def _make_surveys(batch: Batch, given: Sequence[tuple[Read, Mapping[str, Any]]]) -> None:
    """A survey for each work order that has none. When it was sent nobody knows: only that it was answered."""
    first: dict[UUID, tuple[Read, Mapping[str, Any]]] = {}
    for row, order in given:
        earlier = first.get(order["id"])
        if earlier is None or row.values["answered_at"] < earlier[0].values["answered_at"]:
            first[order["id"]] = (row, order)
    batch.insert(
        "surveys",
        [_survey(batch, row, order) for row, order in first.values()],
        tail="ON CONFLICT (organization_id, work_order_id) DO UPDATE SET "
        "answered_at = least(surveys.answered_at, excluded.answered_at), "
        "created_at = least(surveys.created_at, excluded.created_at) WHERE surveys.state = 'imported'",
    )


def _survey(batch: Batch, row: Read, order: Mapping[str, Any]) -> Record:
    return {
        "organization_id": batch.organization_id,
        "id": uuid7(),
        "work_order_id": order["id"],
        "contact_id": order["contact_id"],
        "state": "imported",
        "language": "en",
        "questions": [],
        "template_version": 1,
        "segments": {
            "technician_id": order["technician_id"],
            "team_id": order["team_id"],
            "territory": order["territory"],
            "work_type": order["type"],
            "work_class": order["work_class"],
            "priority": order["priority"],
        },
        "created_at": row.values["answered_at"],
        "attempts": 0,
        "answered_at": row.values["answered_at"],
    }
