"""Buttons keep their meaning on the wire, for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.actions import MAX_ACTION_BYTES, Action, Verb, act, decode, encode

WIRE = {
    "do::help": act(Verb.COMMAND, "", "help"),
    "train:0123456789ab:": act(Verb.START_TRAINING, "0123456789abcdef"),
    "remove:0123456789ab:12": act(Verb.REMOVE_PHOTO, "0123456789abcdef", "12"),
    "shoot:0123456789ab:linkedin": act(Verb.HEADSHOT, "0123456789abcdef", "linkedin"),
    "del!:0123456789ab:": act(Verb.DELETE_SET_SURELY, "0123456789abcdef"),
    "like:0123456789ab:": act(Verb.MORE_LIKE_ME, "01234567-89AB-cdef"),
}


@pytest.mark.parametrize("wire", WIRE)
def test_what_was_sent_a_year_ago_still_means_the_same(wire: str) -> None:
    assert encode(WIRE[wire]) == wire
    assert decode(wire) == WIRE[wire]


@given(
    verb=st.sampled_from(Verb),
    row_id=st.text("0123456789abcdef", max_size=12),
    argument=st.from_regex(r"[a-z0-9.-]{0,32}", fullmatch=True),
)
def test_there_and_back_within_the_limit(verb: Verb, row_id: str, argument: str) -> None:
    action = Action(verb=verb, id=row_id, argument=argument)

    assert decode(encode(action)) == action
    assert len(encode(action).encode()) <= MAX_ACTION_BYTES


@given(st.text(max_size=80))
def test_nonsense_is_no_action(text: str) -> None:
    action = decode(text)

    assert action is None or encode(action) == text
