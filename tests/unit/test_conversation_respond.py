"""Tables: what is said and done about every command, in every state a person can be in."""

import pytest
from conversation_samples import SITUATIONS, hash_of

from bot.conversation.commands import COMMANDS, HIDDEN_COMMANDS
from bot.conversation.flow import respond
from bot.conversation.incoming import Command, Incoming, PhotosReceived, Said
from bot.conversation.reply import Reply

Outcome = tuple[str, str]
"""Keys of the messages, names of the effects."""

INCOMING: dict[str, Incoming] = {
    **{f"/{name}": Command(name=name) for name in (*COMMANDS, *HIDDEN_COMMANDS)},
    "/headshot linkedin": Command(name="headshot", argument="linkedin"),
    "/headshot linkdin": Command(name="headshot", argument="linkdin"),
    "/headshot qqqqqq": Command(name="headshot", argument="qqqqqq"),
    "/hedshot": Command(name="hedshot"),
    "/xyzzy": Command(name="xyzzy"),
    "photos": PhotosReceived(photos=(hash_of(90), hash_of(91))),
    "text": Said(text="how does this work?"),
    "nothing": Said(text=""),
}

ELSE = "in every other state"
NO_MODEL: dict[str, Outcome] = {
    "collecting": ("headshot.still_collecting", ""),
    "enough": ("headshot.still_collecting", ""),
    "starts when checked": ("headshot.still_collecting", ""),
    "training": ("headshot.when_ready", ""),
    "stopping": ("headshot.when_ready", ""),
    "new": ("headshot.no_model", ""),
    "empty collection": ("headshot.no_model", ""),
    "failed": ("headshot.no_model", ""),
    "banned": ("access.banned", ""),
    "paused": ("access.paused", ""),
}
OPEN: Outcome = ("", "ShowCollection")
WITH_MODEL = (
    "ready",
    "two models",
    "shooting",
    "busy",
    "renaming",
    "forgetting",
    "used up",
    "banned",
    "paused",
    "engine away",
)
COLLECTING = (
    "empty collection",
    "collecting",
    "enough",
    "starts when checked",
    "used up",
    "banned",
    "paused",
    "engine away",
)
LOST = dict.fromkeys(WITH_MODEL, ("said.lost_with_model", "")) | dict.fromkeys(
    COLLECTING, ("said.while_collecting", "")
)

TABLE: dict[str, dict[str, Outcome]] = {
    "/start": {
        **dict.fromkeys(WITH_MODEL, ("start.back", "")),
        ELSE: ("start.welcome", ""),
    },
    "/help": {ELSE: ("help.text", "")},
    "/train": {
        **dict.fromkeys(COLLECTING, OPEN),
        "training": ("train.running", ""),
        "stopping": ("train.running", ""),
        "busy": ("train.running", ""),
        ELSE: ("", "OpenCollection"),
    },
    "/headshot": {**NO_MODEL, ELSE: ("headshot.pick", "")},
    "/headshot linkedin": {
        **NO_MODEL,
        "shooting": ("headshot.already", ""),
        "busy": ("headshot.already", ""),
        "used up": ("quota.headshots_until", ""),
        ELSE: ("", "Generate"),
    },
    "/headshot linkdin": {**NO_MODEL, ELSE: ("styles.did_you_mean", "")},
    "/headshot qqqqqq": {**NO_MODEL, ELSE: ("styles.unknown", "")},
    "/styles": {ELSE: ("styles.overview", "")},
    "/share": {
        **dict.fromkeys(
            ("ready", "two models", "shooting", "used up"), ("headshots.share_where", "")
        ),
        ELSE: ("headshots.none_to_share", ""),
    },
    "/status": {ELSE: ("status.card", "")},
    "/models": {
        "new": ("models.none", ""),
        "empty collection": ("models.none", ""),
        "collecting": ("models.none", ""),
        "enough": ("models.none", ""),
        "starts when checked": ("models.none", ""),
        "two models": ("models.list", ""),
        "busy": ("models.list", ""),
        "renaming": ("models.list", ""),
        ELSE: ("model.card", ""),
    },
    "/cancel": {
        **dict.fromkeys(COLLECTING, ("cancel.photos", "")),
        "empty collection": ("collection.closed", "CloseCollection"),
        "starts when checked": ("cancel.start collection.card", ""),
        "training": ("cancel.stopping", "CancelOrder"),
        "shooting": ("cancel.stopping", "CancelOrder"),
        "stopping": ("cancel.already", ""),
        "busy": ("cancel.which", ""),
        "renaming": ("cancel.question", ""),
        "forgetting": ("cancel.question", ""),
        ELSE: ("cancel.nothing", ""),
    },
    "/privacy": {ELSE: ("privacy.text", "")},
    "/forget": {ELSE: ("forget.ask", "")},
    "/settings": {ELSE: ("settings.automatic", "")},
    "/admin": {ELSE: ("admin.not_you", "")},
    "/hedshot": {ELSE: ("unknown.did_you_mean", "")},
    "/xyzzy": {ELSE: ("unknown.command", "")},
    "photos": {
        **dict.fromkeys(COLLECTING, ("", "AddPhotos")),
        "banned": ("access.banned", "DiscardPhotos"),
        ELSE: ("photos.opened", "OpenCollection AddPhotos"),
    },
    "text": {
        **LOST,
        "renaming": ("rename.done model.card", "RenameModel"),
        "forgetting": ("forget.kept", ""),
        ELSE: ("said.lost", ""),
    },
    "nothing": {
        **LOST,
        "renaming": ("rename.empty", ""),
        "forgetting": ("forget.kept", ""),
        ELSE: ("said.lost", ""),
    },
}
STATES_AFTER = {
    ("/forget", ELSE): "confirming_forget",
    ("nothing", "renaming"): "renaming",
}


def outcome(reply: Reply) -> Outcome:
    keys = " ".join(message.key for message in reply.messages)
    return keys, " ".join(type(effect).__name__ for effect in reply.effects)


def test_the_table_knows_everything_that_can_come() -> None:
    assert TABLE.keys() == INCOMING.keys()
    assert all(state in SITUATIONS for row in TABLE.values() for state in row if state != ELSE)


@pytest.mark.parametrize("state", SITUATIONS)
@pytest.mark.parametrize("what", INCOMING)
def test_every_command_in_every_state(what: str, state: str) -> None:
    reply = respond(INCOMING[what], SITUATIONS[state])

    row = TABLE[what]
    assert outcome(reply) == row.get(state, row.get(ELSE))
    after = STATES_AFTER.get((what, state)) or STATES_AFTER.get((what, ELSE)) or "idle"
    assert reply.session.state == after


@pytest.mark.parametrize("state", SITUATIONS)
@pytest.mark.parametrize("what", INCOMING)
def test_nobody_is_left_without_an_answer(what: str, state: str) -> None:
    """Without a message there is an effect whose outcome is told."""
    reply = respond(INCOMING[what], SITUATIONS[state])

    assert reply.messages or reply.effects
    assert all(message.text.strip() for message in reply.messages)
