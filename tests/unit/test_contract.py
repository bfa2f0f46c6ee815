from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from engine.contract.events import EVENT, Failed, Progress
from engine.contract.failures import FAILURE_FACTS, EngineError, Failure, FailureCode
from engine.contract.jobs import JOB, CheckPhoto, TrainLora, derive_id
from engine.contract.photos import REASON_FACTS, PhotoLimits, Reason, ReasonCode


def test_every_code_says_which_facts_it_carries() -> None:
    assert set(REASON_FACTS) == set(ReasonCode)
    assert set(FAILURE_FACTS) == set(FailureCode)


def test_a_reason_is_flat_in_json() -> None:
    reason = Reason.model_validate({"code": "duplicate", "of": 3})

    assert reason.model_dump(mode="json") == {"code": "duplicate", "of": 3}
    assert reason.facts == {"of": 3}


@pytest.mark.parametrize("facts", [{}, {"of": 1, "by": 2}, {"off": 1}])
def test_a_reason_without_its_facts_is_refused(facts: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="it needs of"):
        Reason.model_validate({"code": "duplicate", **facts})


def test_a_failure_without_its_facts_is_refused() -> None:
    with pytest.raises(ValidationError, match="it needs base"):
        EngineError(FailureCode.BASE_MISSING)
    assert EngineError(FailureCode.BASE_MISSING, base="x").failure.facts == {"base": "x"}


def test_jobs_and_events_come_back_as_what_they_were() -> None:
    job = CheckPhoto(job_id="j", owner="o", photo_key="p", report_key="r")
    at = datetime(2026, 11, 1, tzinfo=UTC)
    failure = Failure.model_validate({"code": "lora_missing"})
    events = [
        Progress(job_id="j", attempt=1, sequence=3, owner="o", at=at, phase="training", eta_s=2.5),
        Failed(job_id="j", attempt=1, sequence=4, owner="o", at=at, failure=failure),
    ]

    assert JOB.validate_json(job.model_dump_json()) == job
    assert [EVENT.validate_json(event.model_dump_json()) for event in events] == events


def test_ids_derive_from_inputs_alone() -> None:
    first = derive_id("train", "owner", ("a", "b"), 7)

    assert first == derive_id("train", "owner", ("a", "b"), 7)
    others = {
        derive_id("train", "owner", ("a", "b"), 8),
        derive_id("train", "owner", ("a",), "b", 7),
        derive_id("generate", "owner", ("a", "b"), 7),
    }
    assert first not in others
    assert len(others) == 3
    assert TrainLora(job_id=first, owner="o", photos=()).queue_id == f"{first}:1"


def test_limits_that_contradict_are_refused() -> None:
    with pytest.raises(ValidationError, match="min_photos is 9"):
        PhotoLimits(min_photos=9, max_photos=8)
