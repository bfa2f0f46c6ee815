"""Places in the work folder."""

from pathlib import Path

from engine.lease import WorkFolder


def test_the_next_engine_learns_whom_it_follows(tmp_path: Path) -> None:
    first = WorkFolder.take(tmp_path)
    assert first.last_engine_id == ""
    first.release()  # as the kernel does for a dead process
    second = WorkFolder.take(tmp_path)
    assert second.last_engine_id == first.engine_id
    second.release()


def test_two_engines_in_one_folder_have_places_of_their_own(tmp_path: Path) -> None:
    first, second = WorkFolder.take(tmp_path), WorkFolder.take(tmp_path)
    assert second.last_engine_id == ""
    first.release()
    third = WorkFolder.take(tmp_path)
    assert third.last_engine_id == first.engine_id
    for place in (second, third):
        place.release()
