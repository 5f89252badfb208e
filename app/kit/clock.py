"""The only place that asks what time it is. Routes and the worker call it; everything else is told `at`.

In a sandbox the clock may stand still, and be off for the length of one request.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

_stands_at: datetime | None = None
_is_off_by: ContextVar[timedelta] = ContextVar("clock_is_off_by", default=timedelta(0))


def now() -> datetime:
    return (_stands_at or datetime.now(UTC)) + _is_off_by.get()


def really_now() -> datetime:
    """What the clock says where it is not off for a request: by it tokens expire."""
    return now() - _is_off_by.get()


def stand_still(at: datetime | None) -> None:
    """From now on it is `at` in this process; None lets time pass again."""
    global _stands_at
    _stands_at = at


@contextmanager
def off_by(seconds: int) -> Iterator[None]:
    """A clock that is wrong by so many seconds, for what runs inside."""
    token = _is_off_by.set(timedelta(seconds=seconds))
    try:
        yield
    finally:
        _is_off_by.reset(token)
