"""What a device sends twice is answered twice with the same words."""

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import BaseModel
from starlette.responses import Response

#: For `responses=`: the answer to a repeat says that it is one.
REPLAYED: dict[str, Any] = {
    "headers": {"Idempotent-Replayed": {"schema": {"type": "string"}, "description": "`true`: the stored answer"}}
}


def stored_or_new(answer: dict[str, Any], *, replayed: bool) -> Response:
    """201 for something new; 200 with `Idempotent-Replayed` for the stored answer of an earlier sending."""
    return Response(
        orjson.dumps(answer),
        status_code=200 if replayed else 201,
        media_type="application/json",
        headers={"Idempotent-Replayed": "true"} if replayed else None,
    )


def fingerprint_of(given: BaseModel, *, about: Sequence[object] = ()) -> bytes:
    """What a request says, whatever attempt it is: `age_ms` and `sent_at` differ from one to the next.

    `about`: what else must be the same, such as the thing it is about and who says it.
    """
    said = given.model_dump(mode="json", exclude={"age_ms", "sent_at"})
    whole = orjson.dumps([said, *(str(one) for one in about)], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(whole).digest()
