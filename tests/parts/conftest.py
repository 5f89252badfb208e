"""The same jobs as in the tests of closure, the same sendings as in those of visits."""

from tests.closure.conftest import job, new_job, statements
from tests.visits.conftest import send

__all__ = ["job", "new_job", "send", "statements"]
