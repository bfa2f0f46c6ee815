"""An answer: the session to save, what to say and what to do."""

from bot.conversation.effects import Effect
from bot.conversation.messages import Message
from bot.conversation.session import Session
from engine.contract.base import Frozen


class Reply(Frozen):
    """Save the session, send the messages, then do the effects."""

    session: Session
    messages: tuple[Message, ...] = ()
    effects: tuple[Effect, ...] = ()
