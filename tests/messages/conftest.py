from tests.closure.conftest import new_job
from tests.surveys.conftest import cleo, clock_stands, with_settings

__all__ = ["cleo", "clock_stands", "new_job", "with_settings"]
