from pathlib import Path
from uuid import uuid4

import pytest

from app.kit.files import keep, path_of, read, sha256_of


def test_what_was_kept_is_found_by_its_hash(tmp_path: Path) -> None:
    here = uuid4()

    name = keep(tmp_path, here, b"bytes")

    assert name == sha256_of(b"bytes")
    assert read(tmp_path, here, name) == b"bytes"


def test_another_organization_does_not_find_it(tmp_path: Path) -> None:
    name = keep(tmp_path, uuid4(), b"bytes")

    with pytest.raises(FileNotFoundError):
        read(tmp_path, uuid4(), name)


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = uuid4()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        keep(tmp_path, here, b"bytes")

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert not path_of(tmp_path, here, sha256_of(b"bytes")).exists()


def test_keeping_the_same_bytes_again_changes_nothing(tmp_path: Path) -> None:
    here = uuid4()
    first = keep(tmp_path, here, b"bytes")
    written = path_of(tmp_path, here, first).stat().st_mtime_ns

    assert keep(tmp_path, here, b"bytes") == first
    assert path_of(tmp_path, here, first).stat().st_mtime_ns == written
