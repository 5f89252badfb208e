"""The only place that asks what time it is. Routes and the worker call it; everything else is told `at`."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)
