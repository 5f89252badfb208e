"""Measure both sides in interleaved rounds and print the ratios first.

CPU is that of the server process and of the database backends that serve it, per request; a ratio is the median over
the rounds of product / bare in the same round.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from app.kit.embedded_postgres import EmbeddedPostgres
from app.migrate import migrate
from bench.client import load
from bench.scenarios import BATCHES, SCENARIOS, Scenario
from bench.seed import Seeded, seed
from bench.sides import Side, bare, burned, product
from tests.processes import wait_until_ready


@dataclass(frozen=True)
class Measured:
    scenario: str
    side: str
    round: int
    server_us: float
    database_us: float
    per_second: float
    answer_bytes: int

    @property
    def cpu_us(self) -> float:
        return self.server_us + self.database_us


@dataclass(frozen=True)
class Ratio:
    """Product / bare; above `goal` it costs more than we promise."""

    scenario: str
    title: str
    goal: float
    cpu: float
    throughput: float
    product_us: tuple[float, float]
    """CPU per request: of the server, of its database backends."""
    bare_us: tuple[float, float]
    product_per_second: float
    bare_per_second: float


def measure(side: Side, scenario: Scenario, seeded: Seeded, number: int, requests: int, concurrency: int) -> Measured:
    """One round on one side; every answer is checked."""
    lines = scenario.lines(seeded, side.name, requests, concurrency)
    asks = [ask for line in lines for ask in line]
    before = side.cpu_seconds()
    found = load(side.port, lines)
    server, database = burned(before, side.cpu_seconds(), side.process.pid)
    for ask, body in zip(asks, found.bodies, strict=True):
        scenario.check(ask, body)
    return Measured(
        scenario.key,
        side.name,
        number,
        1e6 * server / len(asks) / scenario.units,
        1e6 * database / len(asks) / scenario.units,
        scenario.units * len(asks) / found.seconds,
        sum(map(len, found.bodies)) // len(asks),
    )


def ratio_of(scenario: Scenario, found: list[Measured]) -> Ratio:
    """The product against the bare handler."""
    return _compared(scenario, found, (scenario.key, "product"), (scenario.key, "bare"))


def factor_of(scenario: Scenario, found: list[Measured]) -> Ratio:
    """Batches against single operations, both ours: CPU and rate per operation."""
    return _compared(scenario, found, (scenario.key, "product"), (BATCHES[0].key, "product"))


def _compared(scenario: Scenario, found: list[Measured], ours: tuple[str, str], other: tuple[str, str]) -> Ratio:
    mine = {one.round: one for one in found if (one.scenario, one.side) == ours}
    base = {one.round: one for one in found if (one.scenario, one.side) == other}
    return Ratio(
        scenario.key,
        scenario.title,
        scenario.goal,
        median(mine[number].cpu_us / base[number].cpu_us for number in mine),
        median(mine[number].per_second / base[number].per_second for number in mine),
        _cpu(mine.values()),
        _cpu(base.values()),
        median(one.per_second for one in mine.values()),
        median(one.per_second for one in base.values()),
    )


def _cpu(found: Iterable[Measured]) -> tuple[float, float]:
    several = list(found)
    return median(one.server_us for one in several), median(one.database_us for one in several)


@contextmanager
def sides(folder: Path, *, visits: int, closed: int) -> Iterator[tuple[Seeded, list[Side]]]:
    """Both sides running on one seeded database."""
    with EmbeddedPostgres.start(folder) as server:
        migrate(server.dsn)
        seeded = seed(server.dsn, folder, visits=visits, closed=closed)
        seeded.write(folder / "seed.json")
        both = [product(folder, server.dsn), bare(folder, server.dsn, folder / "seed.json")]
        try:
            for side in both:
                side.process.start()
            for side in both:
                wait_until_ready(side.process, side.ready_url())
            yield seeded, both
        finally:
            for side in both:
                side.process.stop()


def run(
    rounds: int, requests: int, concurrency: int, closed: int, only: list[str]
) -> tuple[list[Ratio], list[Measured]]:
    found: list[Measured] = []
    chosen = [one for one in SCENARIOS if not only or one.key in only]
    batches = BATCHES if not only or any(one.startswith("S6") for one in only) else []
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        sides(Path(folder), visits=80, closed=closed) as (
            seeded,
            both,
        ),
    ):
        turns = [(scenario, side) for scenario in chosen for side in both]
        turns += [(scenario, both[0]) for scenario in batches]
        for number in range(rounds + 1):
            random.shuffle(turns)
            for scenario, side in turns:
                one = measure(side, scenario, seeded, number, requests, concurrency)
                if number > 0:  # the first warms caches, pools and prepared statements
                    found.append(one)
    return [ratio_of(one, found) for one in chosen] + [factor_of(one, found) for one in batches], found


def table(ratios: list[Ratio]) -> str:
    """Ratios first; then CPU per request as server + database, in microseconds, and requests per second."""
    heads = ("", "CPU ×", "goal", "rate ×", "product µs", "bare µs", "product/s", "bare/s")
    cells = [
        (
            f"{one.scenario} {one.title}",
            f"{one.cpu:.2f}",
            f"{one.goal:.1f}",
            f"{one.throughput:.2f}",
            "{:.0f} + {:.0f}".format(*one.product_us),
            "{:.0f} + {:.0f}".format(*one.bare_us),
            f"{one.product_per_second:.0f}",
            f"{one.bare_per_second:.0f}",
        )
        for one in ratios
    ]
    widths = (26, 7, 6, 8, 14, 13, 11, 8)
    lines = []
    for first, *others in (heads, *cells):
        columns = zip(others, widths[1:], strict=True)
        lines.append(first.ljust(widths[0]) + "".join(cell.rjust(width) for cell, width in columns))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=800, help="per side, scenario and round")
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--closed", type=int, default=10_000, help="finished work orders lying around")
    parser.add_argument("--only", action="append", default=[], choices=[one.key for one in (*SCENARIOS, *BATCHES)])
    parser.add_argument("--quick", action="store_true", help="a look: 3 rounds of 200 requests")
    parser.add_argument("--json", action="store_true", help="JSON lines, the ratios first, instead of the table")
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.requests, given.closed = 3, 200, 500
    ratios, found = run(given.rounds, given.requests, given.concurrency, given.closed, given.only)
    if given.json:
        for one in (*ratios, *found):
            print(json.dumps(asdict(one)))
        return
    print(table(ratios))


if __name__ == "__main__":
    main()
