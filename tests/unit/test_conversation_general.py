"""Greeting, language, privacy, the admin's page, and buttons from another time."""

import pytest
from conversation_samples import ME, SITUATIONS, session, situation

from bot.conversation.actions import Action, Verb, act
from bot.conversation.commands import COMMANDS, HIDDEN_COMMANDS, canonical, nearest
from bot.conversation.effects import (
    Effect,
    EraseEverything,
    ExportEverything,
    Generate,
    SetAccess,
    SetPaused,
    SetQuota,
)
from bot.conversation.flow import announce, respond
from bot.conversation.incoming import (
    ChatClosed,
    Command,
    EverythingErased,
    ExportReady,
    Pressed,
    Said,
)
from bot.conversation.reply import Reply
from bot.conversation.session import State
from bot.conversation.situation import Other, Stats

NEW = SITUATIONS["new"]
READY = SITUATIONS["ready"]


def keys(reply: Reply) -> list[str]:
    return [message.key for message in reply.messages]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("train", "train"), ("/Train", "train"), ("headshot@my_bot", "headshot"), ("hilfe", "help")],
)
def test_names_are_read_generously(written: str, meant: str) -> None:
    assert canonical(written) == meant


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("hedshot", "headshot"), ("/stylez", "styles"), ("forgte", "forget"), ("qqq", None)],
)
def test_the_nearest_command(typo: str, meant: str | None) -> None:
    assert nearest(typo) == meant


@pytest.mark.parametrize("payload", ["headshot-linkedin", "headshot_linkedin"])
def test_a_deep_link_leads_to_its_style(payload: str) -> None:
    (effect,) = respond(Command(name="start", argument=payload), READY).effects

    assert isinstance(effect, Generate)


def test_commands_may_be_said_without_their_slash() -> None:
    assert keys(respond(Said(text="status"), READY)) == ["status.card"]
    assert keys(respond(Said(text="/nonsense please"), READY)) == ["unknown.command"]
    assert keys(respond(Said(text="linkedin"), READY)) == ["said.style"]


def test_help_names_every_command() -> None:
    (message,) = respond(Command(name="help"), NEW).messages

    assert all(f"/{name} · " in message.text for name in COMMANDS)
    assert not any(f"/{name} · " in message.text for name in HIDDEN_COMMANDS)


def test_the_platforms_language_is_followed_until_another_is_chosen() -> None:
    german = NEW.model_copy(update={"platform_locale": "de-AT"})
    assert "Hallo" in respond(Command(name="start"), german).messages[0].title

    chosen = respond(Command(name="settings", argument="English"), german)
    assert chosen.session.locale == "en"
    assert "I speak English" in chosen.messages[0].text

    back = respond(
        Pressed(action=act(Verb.LANGUAGE)),
        german.model_copy(update={"session": session(locale="en")}),
    )
    assert back.session.locale == ""
    assert "Deutsch" in back.messages[0].text


@pytest.mark.parametrize("locale", ["", "xx", "zz-ZZ", "pt_BR"])
def test_an_unknown_language_gets_english(locale: str) -> None:
    now = NEW.model_copy(update={"platform_locale": locale})

    assert "Hello" in respond(Command(name="start"), now).messages[0].title


def test_forgetting_asks_erases_and_proves() -> None:
    asked = respond(Command(name="forget"), READY)
    assert (asked.session.state, asked.effects) == (State.CONFIRMING_FORGET, ())

    now = READY.model_copy(update={"session": asked.session})
    done = respond(Pressed(action=act(Verb.FORGET_SURELY)), now)
    assert done.effects == (EraseEverything(),)

    happened = EverythingErased(
        num_photos=12, num_models=1, num_headshots=4, num_blobs=57, receipt="ab12"
    )
    (proof,) = announce(happened, NEW).messages
    for words in ("12 photos", "1 model", "4 headshots", "57 files", "ab12"):
        assert words in proof.text


@pytest.mark.parametrize(("answer", "erased"), [("yes", True), ("Ja!", True), ("no", False)])
def test_forgetting_may_be_confirmed_in_words(answer: str, erased: bool) -> None:
    reply = respond(Said(text=answer), SITUATIONS["forgetting"])

    assert (EraseEverything() in reply.effects) is erased
    assert reply.session.state is State.IDLE


def test_an_old_or_doubled_confirmation_only_asks_again() -> None:
    reply = respond(Pressed(action=act(Verb.FORGET_SURELY)), READY)

    assert (keys(reply), reply.effects) == (["forget.ask"], ())


def test_declining_keeps_everything() -> None:
    reply = respond(Pressed(action=act(Verb.KEEP)), SITUATIONS["forgetting"])

    assert (reply.session.state, reply.effects) == (State.IDLE, ())


def test_a_copy_of_everything() -> None:
    assert keys(respond(Pressed(action=act(Verb.EXPORT)), NEW)) == ["export.nothing"]
    assert respond(Pressed(action=act(Verb.EXPORT)), READY).effects == (ExportEverything(),)
    (message,) = announce(ExportReady(key="k", filename="me.zip"), READY).messages
    assert (message.pictures[0].key, message.pictures[0].as_file) == ("k", True)


def test_admins_see_figures_and_may_pause() -> None:
    now = situation(is_admin=True, stats=Stats(num_people=7, disk_free_gib=12.0))

    (page,) = respond(Command(name="admin"), now).messages
    paused = respond(Command(name="admin", argument="pause"), now)

    assert "People: 7" in page.text
    assert "12 GB" in page.text
    assert paused.effects == (SetPaused(paused=True),)
    assert respond(Pressed(action=page.buttons[0][0].action), NEW).effects == ()


@pytest.mark.parametrize(
    ("argument", "effect"),
    [
        ("ban desk:ann", SetAccess(person="desk:ann", banned=True)),
        ("allow desk:ann", SetAccess(person="desk:ann", banned=False)),
        (
            "quota desk:ann 20 2",
            SetQuota(person="desk:ann", headshots_per_day=20, trainings_per_day=2),
        ),
        ("quota desk:ann", SetQuota(person="desk:ann")),
    ],
)
def test_admins_decide_about_somebody(argument: str, effect: Effect) -> None:
    now = situation(is_admin=True, other=Other(name="desk:ann"))

    done = respond(Command(name="admin", argument=argument), now)

    assert done.effects == (effect,)
    assert "desk:ann" in done.messages[0].text
    assert respond(Command(name="admin", argument=argument), NEW).effects == ()


def test_an_admin_who_names_nobody_known_is_told() -> None:
    now = situation(is_admin=True)

    assert keys(respond(Command(name="admin", argument="ban"), now)) == ["admin.whom"]
    unknown = respond(Command(name="admin", argument="ban desk:x"), now)
    assert (keys(unknown), unknown.effects) == (["admin.nobody"], ())


def test_admins_work_on_while_others_pause() -> None:
    admin = SITUATIONS["paused"].model_copy(update={"is_admin": True})

    assert respond(Command(name="headshot", argument="linkedin"), admin).effects


def test_a_closed_chat_is_explained() -> None:
    assert keys(respond(ChatClosed(), NEW)) == ["chat.closed"]


def test_where_nothing_can_be_whispered_a_button_leads_to_the_private_chat() -> None:
    group = NEW.model_copy(update={"in_group": True})
    (told,) = respond(ChatClosed(wish="headshot-linkedin"), group).messages
    assert (told.key, told.private) == ("chat.not_begun", False)
    action = told.buttons[0][0].action
    assert (action.verb, action.argument) == (Verb.COMMAND, "headshot-linkedin")
    assert respond(Pressed(action=action), READY).effects, "pressed, it does what was asked for"


def test_a_private_answer_is_mentioned_where_it_was_asked() -> None:
    group = READY.model_copy(update={"in_group": True})
    told = respond(Command(name="styles"), group).messages
    assert [m.key for m in told if not m.private] == ["group.answered_privately"]
    told = respond(Command(name="headshot", argument="linkedin"), group).messages
    assert [m.key for m in told if not m.private] == ["headshot.privately"], "said once"
    whispered = group.model_copy(update={"here_is_private": True})
    assert all(m.private for m in respond(Command(name="styles"), whispered).messages)


def test_help_among_others_asks_for_no_photos_there() -> None:
    group = NEW.model_copy(update={"in_group": True})
    here, there = (respond(Command(name="help"), now).messages[0].text for now in (NEW, group))

    assert "send photos at any time" in here
    assert "send photos at any time" not in there
    assert "private chat" in there


def test_a_button_nobody_knows_leads_to_help() -> None:
    assert keys(respond(Pressed(action=None), READY)) == ["unknown.button"]


@pytest.mark.parametrize("verb", Verb)
def test_every_button_pressed_when_nothing_is_there_any_more(verb: Verb) -> None:
    for row_id in ("", ME):
        reply = respond(Pressed(action=Action(verb=verb, id=row_id[:12])), NEW)
        assert reply.messages or reply.effects
