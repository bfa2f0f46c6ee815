"""Taking down what people do goes before answering them, for a while."""

import asyncio

from bot.frontends.telegram.gate import FULL_PAGE, Gate


def is_open(gate: Gate) -> bool:
    waiting = gate.wait()
    try:
        waiting.send(None)
    except StopIteration:
        return True
    waiting.close()
    return False


async def test_closed_while_pages_come_full() -> None:
    gate = Gate()
    assert is_open(gate)
    gate.page_came(FULL_PAGE)
    gate.page_came(FULL_PAGE)
    assert not is_open(gate)
    gate.page_came(FULL_PAGE - 1)
    assert is_open(gate)
    gate.page_came(FULL_PAGE)
    assert not is_open(gate), "the next crowd"


async def test_a_crowd_without_end_gets_answers_too() -> None:
    gate = Gate(at_most_s=0.0)
    gate.page_came(FULL_PAGE)
    async with asyncio.timeout(5):
        await gate.wait()
    gate.page_came(FULL_PAGE)
    assert is_open(gate), "not closed again by the same crowd"
    gate.page_came(0)
    gate.page_came(FULL_PAGE)
    assert not is_open(gate)
