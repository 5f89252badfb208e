"""The same jobs as in the tests of closure."""

from tests.closure.conftest import job, new_job, statements

__all__ = ["job", "new_job", "statements"]
