"""A device that listens to hints, on a connection of its own."""

import http.client
import queue
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

#: What happens at once has happened after this, on the slowest machine.
SOON = 10.0


class Listening:
    """An open stream. `lines`: all that came, as it came; `status` and `headers` are those of the answer."""

    def __init__(self, port: int, headers: Mapping[str, str], path: str = "/v1/sync/hints") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.request("GET", path, headers=dict(headers))
        self._answer = self._connection.getresponse()
        self.status, self.headers = self._answer.status, self._answer.headers
        self.lines: list[str] = []
        self.ended = threading.Event()
        self._heads: queue.Queue[int | None] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while line := self._answer.readline():
                self.lines.append(line.decode().rstrip("\n"))
                if self.lines[-2:-1] == ["event: head"]:
                    self._heads.put(int(self.lines[-1].removeprefix("data: ")))
            self.ended.set()
        except (OSError, ValueError, http.client.HTTPException):
            pass
        self._heads.put(None)

    def next(self, seconds: float = SOON) -> int | None:
        """The next position that the stream tells; None when it is over."""
        try:
            return self._heads.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"no hint in {seconds} s, only {self.lines}") from None

    @property
    def is_quiet(self) -> bool:
        """Whether everything that it told so far was taken, and it is still open."""
        return self._heads.empty()

    def leave(self) -> None:
        if self._connection.sock is not None:
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(SOON)
        self._connection.close()


@contextmanager
def listening(port: int, headers: Mapping[str, str], path: str = "/v1/sync/hints") -> Iterator[Listening]:
    stream = Listening(port, headers, path)
    try:
        yield stream
    finally:
        with suppress(OSError):
            stream.leave()
