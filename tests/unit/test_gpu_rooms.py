"""What of the compilers' work is kept from one start of the engine to the next."""

from pathlib import Path

import pytest

from engine.gpu import rooms


def test_blocks_compiled_for_other_operators_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Path(rooms.compiler_caches(tmp_path)["TORCHINDUCTOR_CACHE_DIR"])
    first.mkdir()
    assert rooms.compiler_caches(tmp_path)["TORCHINDUCTOR_CACHE_DIR"] == str(first)
    assert first.exists()
    kernels = tmp_path / "triton"
    kernels.mkdir()

    monkeypatch.setattr(rooms, "_operators", lambda: "others")
    second = rooms.compiler_caches(tmp_path)["TORCHINDUCTOR_CACHE_DIR"]

    assert second != str(first)
    assert not first.exists()
    assert kernels.exists()


def test_operators_are_known_by_what_is_in_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acceleration.py").write_text("a")
    (tmp_path / "norms.py").write_text("b")
    monkeypatch.setattr(rooms.acceleration, "__file__", str(tmp_path / "acceleration.py"))
    before = rooms._operators()
    assert rooms._operators() == before

    (tmp_path / "norms.py").write_text("c")

    assert rooms._operators() != before
