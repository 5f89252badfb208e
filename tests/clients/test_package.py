"""What the package of the TypeScript client offers by name is there when it is built."""

import json
from pathlib import Path

from tests.clients.conftest import TYPESCRIPT


def test_every_entry_of_the_package_is_a_file_that_the_compiler_makes(compiled: Path) -> None:
    entries = json.loads((TYPESCRIPT / "package.json").read_text())["exports"]

    assert sorted(entries) == [".", "./closure"]
    for files in entries.values():
        for file in files.values():
            assert (compiled / file.removeprefix("./dist/")).is_file(), file
