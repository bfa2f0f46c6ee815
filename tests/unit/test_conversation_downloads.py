"""Files to take along: full size, profile pictures, a ZIP; for their owner alone."""

import pytest
from conversation_samples import ME, SET, headshot_set, model, situation

from bot.conversation.actions import Verb, act
from bot.conversation.effects import HandOver
from bot.conversation.flow import announce, respond
from bot.conversation.incoming import FilesReady, Pressed
from bot.conversation.messages import FILES_ONLY, Message
from bot.conversation.reply import Reply

MADE = headshot_set()
NOW = situation(models=[model()], headshot_sets=[MADE])


def press(verb: Verb, set_id: str = SET) -> Reply:
    return respond(Pressed(action=act(verb, set_id)), NOW)


def told(happened: FilesReady) -> Message:
    (message,) = announce(happened, NOW).messages
    return message


@pytest.mark.parametrize(("verb", "what"), [(Verb.PROFILES, "profiles"), (Verb.ZIP, "zip")])
def test_a_button_has_the_files_looked_for(verb: Verb, what: str) -> None:
    reply = press(verb)

    assert [message.key for message in reply.messages] == ["headshots.packing"]
    assert reply.messages[0].fleeting
    assert reply.effects == (HandOver.model_validate({"set_id": SET, "what": what}),)


@pytest.mark.parametrize("verb", [Verb.PROFILES, Verb.ZIP, Verb.FULL_SIZE])
def test_a_set_of_somebody_else_is_not_handed_over(verb: Verb) -> None:
    reply = press(verb, ME)

    assert [message.key for message in reply.messages] == ["headshots.gone"]
    assert reply.effects == ()


def test_full_size_is_the_files_themselves() -> None:
    (message,) = press(Verb.FULL_SIZE).messages

    assert message.key in FILES_ONLY
    assert [picture.key for picture in message.pictures] == [shot.key for shot in MADE.shots]


def test_profile_pictures_are_the_cuts_of_the_same_pictures() -> None:
    message = told(FilesReady(headshots=MADE, what="profiles"))

    assert message.private
    assert [picture.key for picture in message.pictures] == [
        f"{shot.key}-profile.jpg" for shot in MADE.shots
    ]
    assert message.pictures[0].filename == "linkedin-1-100-profile.jpg"
    assert all(picture.as_file for picture in message.pictures)
    assert message.key not in FILES_ONLY  # they are looked at before they are used


def test_sets_without_profile_pictures_say_how_to_get_some() -> None:
    message = told(FilesReady(headshots=MADE, what="profiles", is_there=False))

    assert (message.key, message.pictures) == ("headshots.no_profiles", ())
    assert "Again" in message.text


def test_everything_comes_as_one_private_file() -> None:
    message = told(FilesReady(headshots=MADE, what="zip", key="k", filename="a.zip"))

    assert message.private
    assert message.key in FILES_ONLY
    assert [(p.key, p.filename, p.as_file) for p in message.pictures] == [("k", "a.zip", True)]
