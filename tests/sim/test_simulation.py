"""Twenty simulations with every suite; `make simulate SEEDS=500` plays longer ones, as many as are asked for."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from app.kit.settings import Settings
from app.main import build_runtime, create_app
from app.migrate import migrate
from tests.sim.inside import Inside, without_waiting
from tests.sim.play import Played, play

SEEDS, STEPS = range(1, 21), 34


@pytest.fixture(scope="module")
def simulate(settings: Settings, make_database: Callable[[str], str]) -> Iterator[Callable[[int], Played]]:
    dsn = make_database("firstfix_simulation")
    migrate(dsn)
    without_waiting(dsn)
    runtime = build_runtime(settings, dsn)
    with Inside(create_app(runtime)) as server:
        yield lambda seed: play(runtime, server, seed, steps=STEPS)
    runtime.engine.dispose()


@pytest.fixture(scope="module")
def counts() -> Counter[str]:
    return Counter()


@pytest.mark.parametrize("seed", SEEDS)
def test_i01_everybody_converges_whatever_happened(
    simulate: Callable[[int], Played], counts: Counter[str], seed: int
) -> None:
    """Also I4, I5, I7, I8, I13, I17, I18 and I30: see `checks.py` and `watch.py`."""
    played = simulate(seed)

    counts.update(played.counts)
    assert not played.wrong, str(played)


def test_i01_the_simulations_were_no_quiet_days(counts: Counter[str]) -> None:
    """After all of them: everything that may go wrong on the way did go wrong."""
    dull = [what for what in EXPECTED if not counts[what]]
    if counts["work orders"] < 3 * len(SEEDS):
        pytest.skip("not all of them were played here")
    assert not dull


EXPECTED = (
    "request is lost", "request its answer is lost", "request its answer is cut", "request meets a portal",
    "request meets a busy server", "request arrives twice", "request arrives late", "request meets a dispatcher",
    "answer 410", "sync died", "rotate", "restored", "purge", "remove job", "remove issue", "put stock",
    "result applied", "result noted", "result rejected", "result quarantined", "result deferred",
)  # fmt: skip
