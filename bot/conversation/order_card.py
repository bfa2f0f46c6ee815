"""The card of an order: where it stands in line, how far it is, how long it still takes."""

from bot.conversation.actions import Verb
from bot.conversation.messages import Button, Message, Picture
from bot.conversation.situation import HeadshotSet, Order
from bot.conversation.speaking import Rows, Turn
from bot.conversation.times import percent, time_left
from bot.conversation.wardrobe import chosen


def card_of(order: Order) -> str:
    return f"order:{order.id}"


def card(turn: Turn, order: Order) -> Message:
    """The card while the order waits or runs."""
    return turn.compose(
        f"order.{order.status}",
        [*_paragraphs(turn, order), _engine_away(turn)],
        title=title(turn, order),
        card=card_of(order),
        progress=share_done(order),
        pictures=_preview(order),
        buttons=() if order.cancelling else ((cancel_button(turn, order),),),
    )


def ended(turn: Turn, order: Order, key: str) -> Message:
    """The card's last form; what came of the order is told in a message of its own."""
    return turn.tell(key, title=title(turn, order), card=card_of(order), final=True)


def title(turn: Turn, order: Order) -> str:
    """For example: Training “Me”."""
    key = f"order.{order.kind}" if order.model_name else f"order.{order.kind}_unnamed"
    style = look_title(turn, order)
    return turn.say(key, n=order.count, name=order.model_name, style=style)


def standing(turn: Turn, order: Order) -> str:
    """Title and state on one line, for lists and answers."""
    parts = [title(turn, order), state(turn, order), time_left(turn, order.eta_s)]
    return " · ".join(part for part in parts if part)


def state(turn: Turn, order: Order) -> str:
    """Its place in line, or how far it is."""
    if order.cancelling:
        return turn.say("order.cancelling")
    if order.status == "queued":
        if order.position is None:
            return turn.say("order.waiting")
        return turn.say("order.position", n=order.position)
    done = share_done(order)
    return turn.say("order.begun") if done is None else turn.say("order.share", n=percent(done))


def share_done(order: Order) -> float | None:
    """0 .. 1 of the phase that counts, else None."""
    if order.status == "queued" or order.total <= 0:
        return None
    if order.kind == "training" and order.phase in ("preparing", "loading", "encoding"):
        return None
    return min(1.0, max(0.0, order.step / order.total))


def cancel_button(turn: Turn, order: Order, key: str = "button.cancel_order") -> Button:
    return turn.button(key, Verb.CANCEL_ORDER, order.id)


def progress_buttons(turn: Turn, order: Order) -> Rows:
    """To look at what runs, and to stop it."""
    status = turn.command_button("status")
    return ((status,),) if order.cancelling else ((status, cancel_button(turn, order)),)


def style_title(turn: Turn, name: str) -> str:
    style = turn.situation.styles.get(name)
    return style.words(turn.language).title if style is not None else name


def look_title(turn: Turn, made: Order | HeadshotSet) -> str:
    """The style, and in brackets what was chosen instead of its own background and clothes."""
    style = turn.situation.styles.get(made.style)
    named = [] if style is None else chosen(turn, style, made.background, made.clothes)
    title = style_title(turn, made.style)
    return f"{title} ({', '.join(named)})" if named else title


def _paragraphs(turn: Turn, order: Order) -> list[str]:
    left = time_left(turn, order.eta_s)
    if order.status == "queued" or order.cancelling:
        told = turn.say("order.told_when_ready") if order.status == "queued" else ""
        return [_line(state(turn, order), left), told]
    if share_done(order) is None:
        figures = [turn.say(f"phase.{order.phase or 'preparing'}"), _line(left)]
    else:
        figures = [_line(state(turn, order), left)]
    resumed = turn.say("order.resumed") if order.resumed else ""
    return [*figures, _likeness(turn, order), resumed]


def _line(*figures: str) -> str:
    line = " · ".join(figure for figure in figures if figure)
    return line[:1].upper() + line[1:]


def _likeness(turn: Turn, order: Order) -> str:
    if order.kind != "training" or order.likeness is None:
        return ""
    return turn.say("order.likeness", likeness=percent(order.likeness))


def _preview(order: Order) -> tuple[Picture, ...]:
    if not order.preview_key:
        return ()
    return (Picture(key=order.preview_key, filename="preview.jpg"),)


def _engine_away(turn: Turn) -> str:
    return "" if turn.situation.engine_alive else turn.say("order.engine_away")
