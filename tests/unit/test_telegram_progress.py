"""A message of several calls: each is done once, however often it is tried."""

import pytest
from telegram.error import BadRequest, NetworkError, TimedOut

from bot.conversation.messages import Message
from bot.frontends.base import TryLaterError
from bot.frontends.telegram.progress import MAX_FAULTS, Progresses

ANN = {"chat": 7}
MESSAGE = Message(key="k", text="t")


async def healthy() -> bool:
    return True


async def ill() -> bool:
    return False


class Calls:
    def __init__(self, *errors: Exception) -> None:
        self.num = 0
        self.errors = list(errors)

    async def __call__(self) -> int:
        self.num += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.num


async def test_what_is_done_is_not_done_again() -> None:
    open_ones = Progresses(healthy)
    first, second = Calls(), Calls(BadRequest("no"))
    assert await open_ones.of(ANN, MESSAGE).step("one", first) == 1
    with pytest.raises(BadRequest):
        await open_ones.of(ANN, MESSAGE).step("two", second)
    assert await open_ones.of(ANN, MESSAGE).step("one", first) == 1
    assert await open_ones.of(ANN, MESSAGE).step("two", second) == 2
    assert first.num == 1
    open_ones.close(ANN, MESSAGE)
    assert await open_ones.of(ANN, MESSAGE).step("one", first) == 2, "a new message"


async def test_two_lost_answers_count_as_sent_while_the_server_is_well() -> None:
    call = Calls(TimedOut(), TimedOut())
    progress = Progresses(healthy).of(ANN, MESSAGE)
    with pytest.raises(TryLaterError):
        await progress.step("one", call)
    assert await progress.step("one", call) is None
    assert call.num == 2


async def test_what_a_healthy_server_always_fails_at_it_does_not_take() -> None:
    faults = [NetworkError("Internal Server Error") for _ in range(MAX_FAULTS)]
    progress = Progresses(healthy).of(ANN, MESSAGE)
    call = Calls(*faults)
    for _ in range(MAX_FAULTS - 1):
        with pytest.raises(NetworkError) as passing:
            await progress.step("one", call)
        assert not isinstance(passing.value, BadRequest)
    with pytest.raises(BadRequest):
        await progress.step("one", call)
    patient, waited_for = Progresses(ill).of(ANN, MESSAGE), Calls(*faults)
    for _ in faults:
        with pytest.raises(NetworkError) as passing:
            await patient.step("one", waited_for)
        assert not isinstance(passing.value, BadRequest)
    assert await patient.step("one", waited_for) == MAX_FAULTS + 1, "a server that is ill gets well"


async def test_what_takes_long_goes_on_with_the_next_try() -> None:
    open_ones = Progresses(healthy, portion_s=-1.0)
    progress = open_ones.of(ANN, MESSAGE)
    progress.done["one"] = 1
    assert await progress.step("one", Calls()) == 1
    later = Calls()
    with pytest.raises(TryLaterError):
        await progress.step("two", later)
    assert later.num == 0
