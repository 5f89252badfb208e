"""The device around the client: its clocks, its chance, its steps. All of it can be given from outside."""

import random as chance
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


def _nothing(_step: str) -> None: ...


def _boot_clock() -> float:
    """Goes on while the machine sleeps, where the system has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) * 1000


@dataclass
class Device:
    """`now`: the wall clock, in milliseconds since 1970. `monotonic`: a clock that only rises and goes on while the
    device sleeps, in milliseconds. `random`: from 0 up to 1. `on_step`: called between all steps; a test raises here
    to end the program at that line."""

    now: Callable[[], float] = lambda: time.time() * 1000
    monotonic: Callable[[], float] = _boot_clock
    random: Callable[[], float] = chance.SystemRandom().random
    on_step: Callable[[str], None] = _nothing
    _run: str = field(init=False)
    """Ages are measured within one run of the program only."""

    def __post_init__(self) -> None:
        self._run = self.uuid()

    def step(self, name: str) -> None:
        self.on_step(name)

    def time(self) -> str:
        told = datetime.fromtimestamp(self.now() / 1000, UTC).isoformat(timespec="milliseconds")
        return told.replace("+00:00", "Z")

    def mark(self) -> dict[str, Any]:
        return {"run": self._run, "ms": self.monotonic()}

    def age(self, row: dict[str, Any]) -> int | None:
        """Milliseconds since it was reported, by the monotonic clock; None when nobody can know: after a restart."""
        if row["mark"]["run"] != self._run:
            return None
        began: float = row["mark"]["ms"]
        return max(0, round(self.monotonic() - began))

    def uuid(self) -> str:
        """UUID version 7 (RFC 9562)."""
        ms = f"{int(self.now()):012x}"
        noise = "".join(f"{int(self.random() * 16):x}" for _ in range(18))
        variant = f"{8 + int(self.random() * 4):x}"
        return f"{ms[:8]}-{ms[8:]}-7{noise[:3]}-{variant}{noise[3:6]}-{noise[6:]}"
