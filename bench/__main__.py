"""Measure both sides in interleaved rounds and print the ratios first.

CPU is that of the server process and of the database backends that serve it, per request; a ratio is the median over
the rounds of product / bare in the same round.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from app.kit.embedded_postgres import EmbeddedPostgres
from app.migrate import migrate
from bench.client import load
from bench.scenarios import SCENARIOS, Scenario
from bench.seed import Seeded, seed
from bench.sides import Side, bare, burned, product
from tests.processes import wait_until_ready


@dataclass(frozen=True)
class Measured:
    scenario: str
    side: str
    round: int
    cpu_us: float
    per_second: float
    answer_bytes: int


@dataclass(frozen=True)
class Ratio:
    """Product / bare; above `goal` it costs more than we promise."""

    scenario: str
    title: str
    goal: float
    cpu: float
    throughput: float
    product_us: float
    bare_us: float
    product_per_second: float
    bare_per_second: float


def measure(side: Side, scenario: Scenario, seeded: Seeded, number: int, requests: int, concurrency: int) -> Measured:
    """One round on one side; every answer is checked."""
    lines = scenario.lines(seeded, side.name, requests, concurrency)
    asks = [ask for line in lines for ask in line]
    before = side.cpu_seconds()
    found = load(side.port, lines)
    cpu = burned(before, side.cpu_seconds())
    for ask, body in zip(asks, found.bodies, strict=True):
        scenario.check(ask, body)
    return Measured(
        scenario.key,
        side.name,
        number,
        1e6 * cpu / len(asks),
        len(asks) / found.seconds,
        sum(map(len, found.bodies)) // len(asks),
    )


def ratio_of(scenario: Scenario, found: list[Measured]) -> Ratio:
    mine = {one.round: one for one in found if (one.scenario, one.side) == (scenario.key, "product")}
    base = {one.round: one for one in found if (one.scenario, one.side) == (scenario.key, "bare")}
    return Ratio(
        scenario.key,
        scenario.title,
        scenario.goal,
        median(mine[number].cpu_us / base[number].cpu_us for number in mine),
        median(mine[number].per_second / base[number].per_second for number in mine),
        median(one.cpu_us for one in mine.values()),
        median(one.cpu_us for one in base.values()),
        median(one.per_second for one in mine.values()),
        median(one.per_second for one in base.values()),
    )


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


def run(rounds: int, requests: int, concurrency: int, closed: int, only: list[str]) -> tuple[list[Ratio], list[Measured]]:
    found: list[Measured] = []
    chosen = [one for one in SCENARIOS if not only or one.key in only]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, sides(Path(folder), visits=80, closed=closed) as (
        seeded,
        both,
    ):
        turns = [(scenario, side) for scenario in chosen for side in both]
        for number in range(rounds + 1):
            random.shuffle(turns)
            for scenario, side in turns:
                one = measure(side, scenario, seeded, number, requests, concurrency)
                if number > 0:  # the first warms caches, pools and prepared statements
                    found.append(one)
    return [ratio_of(scenario, found) for scenario in chosen], found


def table(ratios: list[Ratio]) -> str:
    lines = [f"{'':<26}{'CPU ×':>7}{'goal':>6}{'thr. ×':>8}{'product µs':>12}{'bare µs':>9}{'product/s':>11}{'bare/s':>8}"]
    lines += [
        f"{one.scenario + ' ' + one.title:<26}{one.cpu:>7.2f}{one.goal:>6.1f}{one.throughput:>8.2f}{one.product_us:>12.0f}"
        f"{one.bare_us:>9.0f}{one.product_per_second:>11.0f}{one.bare_per_second:>8.0f}"
        for one in ratios
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=800, help="per side, scenario and round")
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--closed", type=int, default=10_000, help="finished work orders lying around")
    parser.add_argument("--only", action="append", default=[], choices=[one.key for one in SCENARIOS])
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
