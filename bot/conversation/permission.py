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


def no_room(turn: Turn) -> Message | None:
    """Why no further model can be kept for this person. What failed takes no room."""
    most = turn.situation.quota.models_at_most
    if most is None or sum(m.status != "failed" for m in turn.situation.models) < most:
        return None
    button = turn.command_button("models")
    return turn.tell("quota.models", {"n": most}, buttons=((button,),))
