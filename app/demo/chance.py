"""Everything that the demo leaves to chance comes from one seed, ids too: the same seed and day tell the same story."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID


class Chance(Random):
    """Random numbers with what a story needs on top."""

    def id(self, at: datetime) -> UUID:
        """An id that sorts by `at`, as `app.kit.ids.uuid7` makes them."""
        milliseconds = int(at.timestamp() * 1000)
        return UUID(int=milliseconds << 80 | 0x7 << 76 | self.getrandbits(12) << 64 | 0b10 << 62 | self.getrandbits(62))

    def minutes(self, least: int, most: int) -> timedelta:
        return timedelta(minutes=self.randint(least, most))

    def happens(self, percent: float) -> bool:
        return self.random() * 100 < percent
