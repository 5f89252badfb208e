"""A bad line: a TCP proxy that cuts connections where it is told to."""

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

PIECE = 16 * 1024


@dataclass
class CuttingProxy:
    """Between a client and the server at `port`.

    `cuts`, one after the other: a number cuts when so many bytes went up since the last cut; `"answer"` lets the next
    request through and cuts before its answer comes back; `"answer to bytes"` waits for one whose bytes were taken.
    """

    port: int
    cuts: Sequence[int | str]
    sent_up: int = 0
    done: int = 0
    _up_since_cut: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> "CuttingProxy":
        self._door = socket.create_server(("127.0.0.1", 0))
        self.own_port = int(self._door.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection(("127.0.0.1", self.port))
                for work in (self._up, self._down):
                    threading.Thread(target=self._pass, args=(work, client, server), daemon=True).start()

    def _pass(self, work: "object", client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while work(client, server):  # type: ignore[operator]
                pass
        for one in (client, server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _next(self) -> int | str | None:
        return self.cuts[self.done] if self.done < len(self.cuts) else None

    def _cut(self) -> bool:
        self.done += 1
        self._up_since_cut = 0
        return False

    def _up(self, client: socket.socket, server: socket.socket) -> bool:
        data = client.recv(PIECE)
        with self._lock:
            cut = self._next()
            room = cut - self._up_since_cut if isinstance(cut, int) else len(data)
            server.sendall(data[:room])
            self.sent_up += len(data[:room])
            self._up_since_cut += len(data[:room])
            return self._cut() if len(data) > room else bool(data)

    def _down(self, client: socket.socket, server: socket.socket) -> bool:
        data = server.recv(PIECE)
        with self._lock:
            waited_for = {"answer": b"HTTP/1.1 ", "answer to bytes": b"HTTP/1.1 204"}.get(str(self._next()))
            if data and waited_for is not None and data.startswith(waited_for):
                return self._cut()
        client.sendall(data)
        return bool(data)
