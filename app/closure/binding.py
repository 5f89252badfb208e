"""What a signature is bound to: the document that was shown to who signed, by its hash."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.kit.canonical import canonical_sha256


def bound_hashes(shown: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """SHA-256 (hex) of the canonical JSON of each document that a submission says was shown."""
    return frozenset(canonical_sha256(document) for document in shown)
