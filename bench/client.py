"""A load generator that costs little: raw HTTP/1.1 with keep-alive, a fixed number of requests, all answers kept."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to send and what its answer must look like."""

    method: str
    path: str
    token: str
    body: bytes = b""
    status: int = 200

    def raw(self) -> bytes:
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {self.token}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


@dataclass(slots=True)
class Load:
    """What a round gave: seconds from the first request to the last answer, and the bodies in order of asking."""

    seconds: float
    bodies: list[bytes]


async def _line(port: int, asks: Sequence[Ask], bodies: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for ask in asks:
        writer.write(ask.raw())
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        lengths = (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        length = next(lengths, 0)
        body = await reader.readexactly(length)
        if status != ask.status:
            raise AssertionError(f"{ask.method} {ask.path} gave {status}: {body[:500]!r}")
        bodies.append(body)
    writer.close()
    await writer.wait_closed()


def load(port: int, lines: Sequence[Sequence[Ask]]) -> Load:
    """Send each line of requests over a connection of its own, all lines at once.

    Raises:
        AssertionError: an answer has another status than it must.
    """
    bodies: list[list[bytes]] = [[] for _ in lines]

    async def all_lines() -> float:
        began = time.perf_counter()
        await asyncio.gather(*(_line(port, asks, into) for asks, into in zip(lines, bodies, strict=True)))
        return time.perf_counter() - began

    seconds = asyncio.run(all_lines())
    return Load(seconds, [body for line in bodies for body in line])


def said(body: bytes) -> dict[str, object]:
    found: dict[str, object] = orjson.loads(body)
    return found
