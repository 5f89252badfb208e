"""What each exchange may cost in bytes, measured on a socket of a real server, on data as the demo has it (I22)."""

from collections.abc import Callable, Iterator

import pytest

from app.migrate import migrate
from bench.budgets import HEAD, Budget, serving, spend, table


@pytest.fixture(scope="module")
def budgets(make_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Budget]]:
    dsn = make_database("firstfix_budgets")
    migrate(dsn)
    with serving(dsn, tmp_path_factory.mktemp("budgets")) as (port, seeded):
        yield spend(port, seeded)


def test_i22_no_exchange_costs_more_than_its_budget(budgets: list[Budget]) -> None:
    assert [one.name for one in budgets if one.spent > one.budget] == [], "\n" + table(budgets)
    assert len(budgets) == 7


def test_i22_the_head_of_a_request_has_250_bytes_at_most(budgets: list[Budget]) -> None:
    assert max(one.exchange.head_up for one in budgets) <= HEAD
