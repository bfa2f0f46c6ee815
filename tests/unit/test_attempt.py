"""Payloads of jobs, from bots of every age."""

import json

import pytest

from engine.attempt import read_identity, read_job
from engine.contract.failures import EngineError, FailureCode
from engine.contract.jobs import CheckPhoto


def payload(**changes: object) -> str:
    job = CheckPhoto(job_id="c", attempt=2, owner="ann", photo_key="p", report_key="r")
    return json.dumps(job.model_dump(mode="json") | changes)


def test_a_job_of_our_version_is_read() -> None:
    assert read_job(payload()) == CheckPhoto(
        job_id="c", attempt=2, owner="ann", photo_key="p", report_key="r"
    )


@pytest.mark.parametrize("changes", [{"version": 2}, {"version": 2, "new_field": 1}])
def test_another_version_is_refused_by_name(changes: dict[str, object]) -> None:
    with pytest.raises(EngineError) as caught:
        read_job(payload(**changes))
    assert caught.value.failure.facts == {"version": 2, "supported": 1}


@pytest.mark.parametrize(
    ("changes", "field"), [({"kind": "unheard"}, ""), ({"photo_key": 7}, "check_photo.photo_key")]
)
def test_nonsense_is_invalid_and_its_values_are_not_told(
    changes: dict[str, object], field: str
) -> None:
    with pytest.raises(EngineError) as caught:
        read_job(payload(**changes))
    assert caught.value.failure.code is FailureCode.JOB_INVALID
    assert caught.value.failure.facts == {"error": field}


def test_whose_job_it_is_can_be_read_from_any_version() -> None:
    identity = read_identity(payload(version=9, kind="unheard", new_field=[1]))
    assert (identity.queue_id, identity.owner) == ("c:2", "ann")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"job_id": "c"}', "null"])
def test_a_payload_without_an_owner_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (whatever kind: it is logged and dropped)
        read_identity(text)
