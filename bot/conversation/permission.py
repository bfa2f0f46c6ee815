"""Who may ask for new work, and when. Looking, leaving and deleting are always allowed."""

from bot.conversation.messages import Message
from bot.conversation.speaking import Turn


def is_outsider(turn: Turn) -> bool:
    return turn.situation.access != "allowed" and not turn.situation.is_admin


def refusal(turn: Turn) -> Message | None:
    """Why this person may not ask for new work now."""
    situation = turn.situation
    if is_outsider(turn):
        return turn.tell(f"access.{situation.access}")
    if situation.paused and not situation.is_admin:
        return turn.tell("access.paused")
    return None
