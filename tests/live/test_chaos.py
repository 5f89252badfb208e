"""The trial of `make chaos`, small: five kills under load, with every promise checked at the end."""

from pathlib import Path

from chaos.__main__ import run


def test_five_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    found = run(kills=5, seed=11, with_database=True, drain_seconds=90, folder=tmp_path)

    assert found.violations == []
    assert found.counts["acknowledged reports"] > 0
    assert found.counts["surveys delivered"] == found.counts["work orders closed"] > 0
