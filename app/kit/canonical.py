"""One way to write a JSON value, so that it can be hashed and signed: RFC 8785, the JSON canonicalization scheme.

JavaScript writes the same bytes with sorted keys and `JSON.stringify`. Numbers are doubles: whole ones up to 2^53.
"""

import hashlib
from typing import Any

import orjson
import rfc8785


def plain_json(value: Any) -> Any:
    """The value as JSON has it: ids and times become text (RFC 3339, in UTC with `Z`)."""
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS))


def canonical_json(value: Any) -> bytes:
    """The canonical bytes of a JSON value; ids and times in it are written as text (RFC 3339, in UTC with `Z`).

    Raises:
        ValueError: a number that a double does not hold, or something that is no JSON.
    """
    return rfc8785.dumps(plain_json(value))


def canonical_sha256(value: Any) -> str:
    """SHA-256 of the canonical bytes, in hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
