import io
import os
import stat
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from app.kit.objects import Objects, key_of, make_objects, sha256_of
from app.kit.problems import Unavailable
from app.kit.settings import Settings
from tests.bucket import bucket

__all__ = ["bucket"]


@pytest.fixture(params=["disk", "bucket"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "disk":
        return make_objects(Settings(data_dir=tmp_path))
    return make_objects(Settings(data_dir=tmp_path, object_store_url=request.getfixturevalue("bucket")))


def test_what_was_kept_is_found_by_its_hash(objects: Objects) -> None:
    here = uuid4()

    name = objects.keep(here, b"bytes")

    assert name == sha256_of(b"bytes")
    assert objects.get(key_of(here, name)) == b"bytes"
    assert objects.size(key_of(here, name)) == 5


def test_another_organization_does_not_find_it(objects: Objects) -> None:
    name = objects.keep(uuid4(), b"bytes")

    with pytest.raises(FileNotFoundError):
        objects.get(key_of(uuid4(), name))
    assert objects.size(key_of(uuid4(), name)) is None


def test_a_part_of_an_object_is_read_without_the_rest(objects: Objects) -> None:
    objects.put("a/b", bytes(range(256)) * 4096)

    assert b"".join(objects.stream("a/b", start=250, end=260)) == bytes([*range(250, 256), 0, 1, 2, 3])
    assert b"".join(objects.stream("a/b", start=256 * 4096 - 2)) == b"\xfe\xff"
    pieces = list(objects.stream("a/b"))
    assert len(pieces) > 1
    assert b"".join(pieces) == bytes(range(256)) * 4096
    with pytest.raises(FileNotFoundError):
        objects.stream("a/c")


def test_an_open_file_of_many_megabytes_is_put_whole(objects: Objects) -> None:
    data = os.urandom(12_000_000)

    objects.put("large", io.BytesIO(data))

    assert sha256_of(objects.get("large")) == sha256_of(data)


def test_a_folder_is_listed_without_its_neighbors(objects: Objects) -> None:
    here = uuid4()
    for name in ("one/1", "one/2", "two/3"):
        objects.put(f"{here}/{name}", b"x" * 7)

    found = sorted(objects.below(f"{here}/one"), key=lambda one: one.key)

    assert [(one.key, one.size_bytes) for one in found] == [(f"{here}/one/1", 7), (f"{here}/one/2", 7)]
    assert list(objects.below(f"{here}/nowhere")) == []


def test_what_was_deleted_is_gone_and_what_was_not_there_is_no_harm(objects: Objects) -> None:
    objects.put("a/b", b"x")

    objects.delete("a/b", "a/never")

    assert objects.size("a/b") is None


def test_photos_of_earlier_versions_are_found_where_they_are(tmp_path: Path) -> None:
    here, sha256 = uuid4(), sha256_of(b"old")
    old = tmp_path / "files" / str(here) / sha256[:2] / sha256
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")

    assert make_objects(Settings(data_dir=tmp_path)).get(key_of(here, sha256)) == b"old"


def test_a_write_to_disk_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = make_objects(Settings(data_dir=tmp_path))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        objects.keep(uuid4(), b"bytes")

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The paths that were flushed to the disk, in order, as they were named then."""
    seen: list[str] = []
    flush = os.fsync

    def noted(descriptor: int) -> None:
        seen.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        flush(descriptor)

    monkeypatch.setattr("os.fsync", noted)
    return lambda: seen


def test_a_file_is_flushed_before_it_has_its_name_and_every_folder_after(
    tmp_path: Path, flushed: Callable[[], list[str]]
) -> None:
    make_objects(Settings(data_dir=tmp_path)).put("a/b/c", b"bytes")

    root = str(tmp_path / "files")
    first, *folders = flushed()
    assert first.startswith(f"{root}/a/b/c.part-")
    assert folders == [f"{root}/a/b", f"{root}/a", root]


def test_keeping_the_same_bytes_again_writes_nothing(tmp_path: Path, flushed: Callable[[], list[str]]) -> None:
    objects, here = make_objects(Settings(data_dir=tmp_path)), uuid4()
    first = objects.keep(here, b"bytes")
    flushed().clear()

    assert objects.keep(here, b"bytes") == first
    assert flushed() == []


def test_only_the_owner_of_the_process_looks_into_the_folder(tmp_path: Path) -> None:
    make_objects(Settings(data_dir=tmp_path))

    assert stat.S_IMODE((tmp_path / "files").stat().st_mode) == 0o700


def test_another_folder_is_named_by_its_url(tmp_path: Path) -> None:
    make_objects(Settings(object_store_url=f"file://{tmp_path}/elsewhere")).put("a", b"x")

    assert (tmp_path / "elsewhere" / "a").read_bytes() == b"x"


def test_a_store_that_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="FIRSTFIX_OBJECT_STORE_URL"):
        make_objects(Settings(object_store_url="ftp://files"))


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_does_not_exist_is_trouble_and_not_a_missing_object() -> None:
    objects = make_objects(Settings(object_store_url="s3://no-such-bucket"))

    with pytest.raises(Unavailable):
        objects.put("a", b"x")
