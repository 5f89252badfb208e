"""The mutants themselves: that each can still be made. That they are caught is shown by `make mutants`."""

import pytest

from tests.mutants.__main__ import PROJECT
from tests.mutants.catalog import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_what_a_mutant_replaces_is_there_once(mutant: Mutant) -> None:
    for change in mutant.changes:
        assert (PROJECT / change.file).read_text().count(change.old) == 1, change

    files = {test.partition("::")[0] for several in mutant.caught_by for test in several.split()}
    assert all((PROJECT / file).exists() for file in files)
