"""What a container's processor quota means."""

import pytest

from engine.gpu.cores import quota, usable_cores


@pytest.mark.parametrize(
    ("text", "cores"), [("200000 100000\n", 2), ("150000 100000\n", 1), ("50000 100000\n", 1)]
)
def test_a_quota_is_whole_cores_and_one_at_least(text: str, cores: int) -> None:
    assert quota(text) == cores


def test_no_quota_limits_nothing() -> None:
    assert quota("max 100000\n") > 10_000
    assert usable_cores() >= 1
