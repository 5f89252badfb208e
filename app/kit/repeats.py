"""What a device sends twice is answered twice with the same words."""

from typing import Any

import orjson
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
