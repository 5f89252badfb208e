"""The policy table is complete, or the process does not start."""

import pytest

from app.domain.roles import Role, Scope
from app.identity.policy import POLICY, PUBLIC, PolicyIncomplete, check_policy, reach
from app.main import operations


def test_the_table_names_exactly_the_operations_that_there_are() -> None:
    assert {route.name for route in operations()} == POLICY.keys() | PUBLIC
    assert not POLICY.keys() & PUBLIC


@pytest.mark.parametrize(
    ("operations", "named"),
    [
        ([*POLICY, *PUBLIC, "delete_everything"], "delete_everything"),
        ([name for name in [*POLICY, *PUBLIC] if name != "get_me"], "get_me"),
    ],
)
def test_an_operation_without_a_row_or_a_row_without_one_stops_the_start(operations: list[str], named: str) -> None:
    with pytest.raises(PolicyIncomplete, match=named):
        check_policy(operations)


def test_the_wider_scope_wins_where_somebody_has_two_roles() -> None:
    assert reach([Role.TECHNICIAN], "post_status_update") is Scope.OWN
    assert reach([Role.TECHNICIAN, Role.DISPATCHER], "post_status_update") is Scope.ALL
    assert reach([Role.PARTNER_MANAGER], "list_visits") is Scope.ASSIGNED
    assert reach([Role.FINANCE], "post_status_update") is None
