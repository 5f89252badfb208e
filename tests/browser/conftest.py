"""Phones with the example page on them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.identity.models import Organization, Person
from app.identity.passwords import hash_password
from app.kit.runtime import Runtime
from tests.browser.phones import Phones
from tests.browser.pocket import PASSWORD, Pocket
from tests.clients.conftest import compiled, network, node, server  # noqa: F401
from tests.clients.network import Network
from tests.conftest import Somebody

MakePocket = Callable[[str, Somebody], Pocket]


@pytest.fixture
def pocket(
    server: str,  # noqa: F811
    compiled: Path,  # noqa: F811
    runtime: Runtime,
    organization: Organization,
) -> Iterator[MakePocket]:
    """A phone of somebody's who has signed in on it; at the end none of them has anything to complain about."""
    made: list[Pocket] = []
    with ExitStack() as stack:
        phones = stack.enter_context(Phones())

        def make(name: str, who: Somebody) -> Pocket:
            with runtime.transaction(organization.id) as db:
                db.get_one(Person, (organization.id, who.id)).password_hash = hash_password(PASSWORD)
            network = stack.enter_context(Network())
            network.lead_to(server)
            made.append(Pocket(phones, name, network, compiled))
            made[-1].sign_in(who.person.email)
            return made[-1]

        yield make
        assert [one.order("complaints") for one in made] == [[] for _ in made]
