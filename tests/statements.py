"""Counts what a block sends to the database, at the driver: through SQLAlchemy or past it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that the block sends, in their order; the pool's ping is none of them."""
    sent: list[str] = []

    def noting(send: Any) -> Any:
        def noted(self: Any, query: Any, *more: Any, **options: Any) -> Any:
            text = str(query)
            if text.strip(" ;"):
                sent.append(text)
            return send(self, query, *more, **options)

        return noted

    with pytest.MonkeyPatch.context() as patched:
        for name in ("execute", "executemany"):
            patched.setattr(psycopg.Cursor, name, noting(getattr(psycopg.Cursor, name)))
        yield sent
