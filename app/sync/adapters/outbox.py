"""Operations as rows of a library's local database: read, handed to `push`, answered row by row."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from pydantic import ValidationError
from sqlmodel import Session

from app.kit.web import pointer_of
from app.sync.pushing import Push, push
from app.sync.routes import MOST_OPERATIONS
from app.sync.schemas import OperationIn

#: What a row says of its operation; `id` is the op_id, and all else in it is the app's own affair.
COLUMNS = tuple(name for name in OperationIn.model_fields if name != "op_id")
#: Written down as text where a column cannot hold more.
STRUCTURED = ("args", "depends_on")


def push_rows(db: Session, pushed: Push, given: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """A row's id → the result of its operation: the same words whenever it is sent.

    A row that is no operation is `rejected` as `malformed` by itself, so that it holds up none of the others.
    """
    results: dict[str, dict[str, Any]] = {}
    read: dict[str, OperationIn] = {}
    for row in given:
        try:
            read[str(row.get("id"))] = read_row(row)
        except ValidationError as flaws:
            results[str(row.get("id"))] = _malformed(flaws)
    ordered = sorted(read.items(), key=lambda one: (one[1].seq, one[1].op_id))
    for n in range(0, len(ordered), MOST_OPERATIONS):
        some = ordered[n : n + MOST_OPERATIONS]
        for (id_, _), result in zip(some, push(db, pushed, [operation for _, operation in some]), strict=True):
            results[id_] = {name: value for name, value in result.items() if name not in ("op_id", "replayed")}
    return results


def read_row(row: Mapping[str, Any]) -> OperationIn:
    """
    Raises:
        ValidationError: it is no operation.
    """
    said = {name: row[name] for name in COLUMNS if row.get(name) not in (None, "")}
    for name in STRUCTURED:
        if isinstance(said.get(name), str):
            said[name] = _parsed(said[name])
    return OperationIn.model_validate({**said, "op_id": row.get("id")})


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _malformed(flaws: ValidationError) -> dict[str, Any]:
    errors = [{"pointer": pointer_of(flaw["loc"]), "code": flaw["type"]} for flaw in flaws.errors(include_url=False)]
    return {"status": "rejected", "code": "malformed", "errors": errors}
