"""/status and /cancel: what waits and runs, and how to stop it."""

from bot.conversation import collection_card
from bot.conversation.actions import Action, Verb, act, find
from bot.conversation.effects import CancelOrder, CloseCollection
from bot.conversation.incoming import Command
from bot.conversation.messages import MENU, Message
from bot.conversation.order_card import cancel_button, share_done, standing, title
from bot.conversation.reply import Reply
from bot.conversation.session import Session, State
from bot.conversation.situation import Order
from bot.conversation.speaking import Rows, Turn, danger, grid, labelled
from bot.conversation.times import until
from bot.conversation.verdicts import assess

MAX_ORDERS_SHOWN = 10
ALL = ("all", "alle", "alles", "everything")


def status(turn: Turn) -> Reply:
    """All that waits or runs, the open collection, the models and what is left of the quota."""
    situation = turn.situation
    orders = situation.orders[:MAX_ORDERS_SHOWN]
    running = "\n".join(f"• {standing(turn, order)}" for order in orders)
    paragraphs = [running or turn.say("status.nothing"), _collecting(turn), _models(turn)]
    paragraphs += [quota_left(turn), "" if situation.engine_alive else turn.say("engine.away")]
    if situation.paused:
        paragraphs.append(turn.say("access.paused"))
    bars = [share for order in orders if (share := share_done(order)) is not None]
    return turn.reply(
        turn.compose(
            "status.card",
            paragraphs,
            title=turn.say("status.title"),
            progress=bars[0] if bars else None,
            buttons=_buttons(turn, orders),
        )
    )


def cancel(turn: Turn, command: Command, before: Session) -> Reply:
    """Stops the nearest thing: an open question, a wish to start, orders, the collection."""
    orders = [order for order in turn.situation.orders if not order.cancelling]
    if before.state is not State.IDLE:
        return turn.reply(turn.tell("cancel.question"))
    if before.start_when_checked and turn.situation.collection is not None:
        return _not_by_itself(turn.asking(start_when_checked=False))
    if command.argument.strip().casefold() in ALL and orders:
        effects = [CancelOrder(order_id=order.id) for order in orders]
        return turn.reply(turn.tell("cancel.stopping_all", {"n": len(orders)}), effects=effects)
    if len(orders) == 1:
        return _stop(turn, orders[0])
    if orders:
        return turn.reply(_which(turn, orders))
    if turn.situation.orders:
        facts = {"title": title(turn, turn.situation.orders[0])}
        return turn.reply(turn.tell("cancel.already", facts))
    return _cancel_collection(turn)


def cancel_pressed(turn: Turn, action: Action) -> Reply:
    order = find(turn.situation.orders, action.id)
    if order is None:
        return turn.reply(turn.tell("cancel.ended", fleeting=True))
    if order.cancelling:
        return turn.reply(turn.tell("cancel.already", {"title": title(turn, order)}, fleeting=True))
    return _stop(turn, order)


def quota_left(turn: Turn) -> str:
    """For example: 12 headshots and 1 training left; more in 5 hours. Empty without limits."""
    quota = turn.situation.quota
    parts: list[str] = []
    if quota.headshots_left is not None:
        parts.append(turn.say("quota.headshots_left", n=max(0, quota.headshots_left)))
    if quota.trainings_left is not None:
        parts.append(turn.say("quota.trainings_left", n=max(0, quota.trainings_left)))
    if not parts:
        return ""
    when = until(turn, quota.resets_at)
    key = "quota.left_until" if when else "quota.left"
    return turn.say(key, parts=", ".join(parts), when=when)


def _collecting(turn: Turn) -> str:
    collection = turn.situation.collection
    if collection is None:
        return ""
    n = assess(collection, turn.situation.limits).num("accepted")
    return turn.say("status.collecting", n=n)


def _models(turn: Turn) -> str:
    chosen = turn.situation.chosen_model
    if chosen is None:
        return ""
    num_ready = sum(model.status == "ready" for model in turn.situation.models)
    return turn.say("status.models", n=num_ready, name=chosen.name)


def _buttons(turn: Turn, orders: tuple[Order, ...]) -> Rows:
    if not turn.situation.orders:
        next_step = "train" if turn.situation.chosen_model is None else "headshot"
        if turn.situation.collection is not None:
            collection_id = turn.situation.collection.id
            return ((turn.button("button.show_photos", Verb.SHOW_COLLECTION, collection_id),),)
        return ((turn.command_button(next_step),),)
    stoppable = [order for order in orders if not order.cancelling]
    if len(stoppable) == 1:
        return ((cancel_button(turn, stoppable[0]),),)
    return _stop_buttons(turn, stoppable)


def _stop_buttons(turn: Turn, orders: list[Order]) -> Rows:
    buttons = [
        labelled(f"✗ {title(turn, order)}", act(Verb.CANCEL_ORDER, order.id))
        for order in orders[:MAX_ORDERS_SHOWN]
    ]
    return grid(buttons, width=2)


def _stop(turn: Turn, order: Order) -> Reply:
    told = turn.tell("cancel.stopping", {"title": title(turn, order)}, fleeting=True)
    return turn.reply(told, effects=[CancelOrder(order_id=order.id)])


def _which(turn: Turn, orders: list[Order]) -> Message:
    return turn.tell("cancel.which", buttons=_stop_buttons(turn, orders), card=MENU)


def _not_by_itself(turn: Turn) -> Reply:
    messages = [turn.tell("cancel.start")]
    if turn.situation.collection is not None:
        messages.append(collection_card.card(turn, turn.situation.collection))
    return turn.reply(*messages)


def _cancel_collection(turn: Turn) -> Reply:
    collection = turn.situation.collection
    if collection is None:
        return turn.reply(turn.tell("cancel.nothing"))
    if not collection.photos:
        closed = collection_card.closed(turn, collection)
        return turn.reply(closed, effects=[CloseCollection(collection_id=collection.id)])
    surely = danger(turn.button("button.give_up_photos", Verb.GIVE_UP_PHOTOS, collection.id))
    keep = turn.button("button.keep", Verb.KEEP)
    facts = {"n": len(collection.photos)}
    return turn.reply(turn.tell("cancel.photos", facts, buttons=((surely, keep),), card=MENU))
