"""The server's hints, read from a stream: each one means "pull now" and says nothing else."""

import threading
from collections.abc import Callable

from firstfix_offline.wire import NoNetwork, Refused, Wire


def listen(wire: Wire, hint: Callable[[], None], back_off: Callable[[int], float], stop: threading.Event) -> None:
    """Listen until `stop`; a lost connection is opened again after `back_off` (failures → milliseconds)."""
    failures = 0
    while not stop.is_set():
        try:
            for line in wire.lines("/v1/sync/hints", {"Accept": "text/event-stream"}):
                failures = 0
                if stop.is_set():
                    return
                if line.startswith("event: head"):
                    hint()
        except (NoNetwork, Refused):
            pass
        stop.wait(back_off(failures) / 1000)
        failures += 1
