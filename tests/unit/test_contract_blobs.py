import stat
from pathlib import Path

import pytest

from engine.contract.blobs import BlobMissingError, Blobs, WritingForbiddenError
from engine.contract.failures import EngineError, FailureCode


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs.from_url(f"file://{tmp_path}/blobs")


async def test_what_is_put_is_got(blobs: Blobs) -> None:
    await blobs.put("people/a/photos/1", b"one")
    blobs.put_sync("people/a/loras/j/2", b"two")

    assert await blobs.get("people/a/photos/1") == b"one"
    assert blobs.get_sync("people/a/loras/j/2") == b"two"
    assert await blobs.list("people/a/") == ["people/a/loras/j/2", "people/a/photos/1"]
    assert blobs.list_sync("people/a/loras/") == ["people/a/loras/j/2"]
    assert await blobs.exists("people/a/photos/1")
    assert not await blobs.exists("people/a/photos/2")


async def test_a_missing_blob_is_named(blobs: Blobs) -> None:
    with pytest.raises(BlobMissingError, match="people/a/photos/1"):
        await blobs.get("people/a/photos/1")


async def test_nothing_is_put_into_blobs_that_forbid_it(blobs: Blobs) -> None:
    given_up: list[bool] = []
    of_a_task = blobs.unless(lambda: bool(given_up))
    of_a_task.put_sync("people/a/photos/1", b"one")
    given_up.append(True)
    with pytest.raises(WritingForbiddenError):
        of_a_task.put_sync("people/a/photos/1", b"two")
    with pytest.raises(WritingForbiddenError):
        await of_a_task.put("people/a/photos/2", b"two")
    assert await of_a_task.get("people/a/photos/1") == b"one"
    await blobs.put("people/a/photos/2", b"two")


async def test_files_are_the_owners_alone(blobs: Blobs) -> None:
    await blobs.put("people/a/photos/1", b"one")
    path = blobs.path_of("people/a/photos/1")
    assert path is not None

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    folders = [path.parent, *path.parent.parents][:4]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


async def test_what_a_killed_process_left_half_written_is_not_listed(blobs: Blobs) -> None:
    await blobs.put("people/a/photos/1", b"one")
    path = blobs.path_of("people/a/photos/1")
    assert path is not None
    path.with_name(".2.77.ab.partial").write_bytes(b"tw")

    assert await blobs.list("people/a/") == ["people/a/photos/1"]


async def test_erase_takes_everything_of_one_person_and_nothing_else(blobs: Blobs) -> None:
    for key in ("people/a/photos/1", "people/a/loras/j/2", "people/ab/photos/1"):
        await blobs.put(key, b"x")

    assert await blobs.erase("people/a/") == 2
    assert await blobs.list("people/") == ["people/ab/photos/1"]
    folder = blobs.path_of("people/a")
    assert folder is not None
    assert not folder.exists()
    assert await blobs.erase("people/a/") == 0


@pytest.mark.parametrize("prefix", ["", "people/", "people", "people/a", "other/a/"])
async def test_erase_refuses_what_could_reach_others(blobs: Blobs, prefix: str) -> None:
    with pytest.raises(ValueError, match="one person"):
        await blobs.erase(prefix)


@pytest.mark.parametrize("key", ["people/a/../b/1", "../1", "people/./1", "/etc/passwd", ""])
async def test_keys_stay_inside(blobs: Blobs, key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        await blobs.put(key, b"x")


async def test_a_store_that_cannot_be_written_fails_by_code(tmp_path: Path) -> None:
    blobs = Blobs.from_url(f"file://{tmp_path}/blobs")
    (tmp_path / "blobs" / "people").write_bytes(b"a file where a folder belongs")

    with pytest.raises(EngineError) as raised:
        await blobs.put("people/a/1", b"x")
    assert raised.value.failure.code is FailureCode.STORAGE_UNREACHABLE


def test_another_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="ftp"):
        Blobs.from_url("ftp://host/folder")
