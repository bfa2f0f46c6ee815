"""The two doors of the conversation: `respond` to a person, `announce` what happened."""

from bot.conversation.incoming import Happening, Incoming
from bot.conversation.reply import Reply
from bot.conversation.situation import Situation


def respond(incoming: Incoming, situation: Situation) -> Reply:
    """What to say and do about what a person did. Never raises."""
    return Reply(session=situation.session)


def announce(happening: Happening, situation: Situation) -> Reply:
    """What to say and do about what happened. Never raises."""
    return Reply(session=situation.session)
