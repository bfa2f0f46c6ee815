"""Headshots: asking for them, showing them, and every button under them."""

from bot.conversation import dressing
from bot.conversation.actions import Action, Verb, find
from bot.conversation.downloads import full_size, hand_over, pictures
from bot.conversation.effects import DeleteHeadshots, Generate, HandOver
from bot.conversation.incoming import Command
from bot.conversation.messages import MENU, Message
from bot.conversation.order_card import look_title, progress_buttons, standing, style_title
from bot.conversation.permission import refusal
from bot.conversation.reply import Reply
from bot.conversation.situation import HeadshotSet, Model, Order
from bot.conversation.speaking import Rows, Turn, clean, danger, primary
from bot.conversation.style_menu import find_style, first_style, not_found, overview
from bot.conversation.times import seconds, until
from bot.conversation.wishes import plan_of, read_wish
from engine.contract.events import Flaw

MORE_LIKE_ME_STEP = 0.15
STRONGEST = 1.3
"""A LoRA driven harder than this shows its training photos' lamps and shirts."""
MAX_WAITING = 5


def headshot(turn: Turn, command: Command) -> Reply:
    """`/headshot [style] [count] [square|portrait] [background: …] [clothes: …] [prompt: …]`.

    `/headshot seed 123` draws a picture again that was shown with that seed.
    """
    wish = read_wish(command)
    if (refused := refusal(turn)) is not None:
        return turn.reply(refused)
    if wish.seed is not None and not wish.style:
        return _drawn_again(turn, wish.seed)
    model = _model_for(turn, wish.model)
    if isinstance(model, Message):
        return turn.reply(model)
    if wish.prompt is not None and not turn.situation.free_prompt:
        return turn.reply(overview(turn, "headshot.no_free_prompt", model.id))
    if not (wish.style or wish.prompt or wish.background or wish.clothes):
        return turn.reply(overview(turn, "headshot.pick"))
    style = find_style(turn, wish.style) if wish.style else first_style(turn)
    if style is None:
        return turn.reply(not_found(turn, clean(wish.style)))
    plan = plan_of(turn, model.id, style, wish)
    return turn.reply(plan) if isinstance(plan, Message) else _generate(turn, plan)


def share(turn: Turn) -> Reply:
    """`/share`: the latest headshots, for the person alone, with the button that shows them.

    Where nothing can be shown to one person alone, the command itself is the person's word.
    """
    if not turn.situation.headshot_sets:
        styles = turn.command_button("headshot")
        return turn.reply(turn.tell("headshots.none_to_share", buttons=((styles,),)))
    if not turn.situation.in_group:
        return turn.reply(turn.tell("headshots.share_where", fleeting=True))
    latest = turn.situation.headshot_sets[-1]
    if not turn.situation.here_is_private:
        return turn.reply(_shared(turn, latest))
    return turn.reply(results(turn, latest))


def shoot(turn: Turn, action: Action) -> Reply:
    """A style's button."""
    if action.id:
        model = find(turn.situation.models, action.id)
        if model is None or model.status != "ready":
            return turn.reply(_no_such_model(turn))
    else:
        model = _model_for(turn, "")
        if isinstance(model, Message):
            return turn.reply(model)
    if action.argument not in turn.situation.styles:
        return turn.reply(not_found(turn, action.argument))
    count = turn.situation.default_count
    return _generate(turn, Generate(model_id=model.id, style=action.argument, count=count))


def pressed(turn: Turn, action: Action) -> Reply:
    """A button under a set of headshots."""
    found = find(turn.situation.headshot_sets, action.id)
    if found is None:
        styles = turn.command_button("headshot")
        return turn.reply(turn.tell("headshots.gone", buttons=((styles,),)))
    match action.verb:
        case Verb.FULL_SIZE:
            return turn.reply(full_size(turn, found))
        case Verb.PROFILES:
            return hand_over(turn, HandOver(set_id=found.id, what="profiles"))
        case Verb.ZIP:
            return hand_over(turn, HandOver(set_id=found.id, what="zip"))
        case Verb.SHARE:
            return turn.reply(_shared(turn, found))
        case Verb.DELETE_SET:
            surely = danger(turn.button("button.delete", Verb.DELETE_SET_SURELY, found.id))
            keep = turn.button("button.keep", Verb.KEEP)
            facts = {"n": len(found.shots)}
            return turn.reply(
                turn.tell("headshots.delete", facts, buttons=((surely, keep),), card=MENU)
            )
        case Verb.DELETE_SET_SURELY:
            told = turn.tell("headshots.deleted", {"n": len(found.shots)}, card=MENU)
            return turn.reply(told, effects=[DeleteHeadshots(set_id=found.id)])
        case _:
            return _once_more(turn, action, found)


def results(turn: Turn, made: HeadshotSet) -> Message:
    """The pictures, with their seeds and what can be done next."""
    facts = {"n": len(made.shots), "style": look_title(turn, made)}
    key = "headshots.title" if made.model_name else "headshots.title_unnamed"
    spent = seconds(turn, made.seconds)
    how = {"n": len(made.shots), "drawn": made.num_drawn, "spent": spent}
    is_choice = made.num_drawn > len(made.shots) and made.shortcoming is not Flaw.NO_FACE
    said = "headshots.best_of" if is_choice else "headshots.made_in"
    return turn.compose(
        "headshots.ready",
        [turn.say(said, **how) if spent else "", _what_now(turn, made)],
        title=turn.say(key, **facts, name=made.model_name),
        pictures=pictures(turn, made),
        buttons=_result_buttons(turn, made),
    )


def _what_now(turn: Turn, made: HeadshotSet) -> str:
    """Where none is good, that is said, and what helps."""
    if made.shortcoming is None:
        return turn.say("headshots.what_now")
    return turn.say(f"headshots.short.{made.shortcoming}")


def _drawn_again(turn: Turn, seed: int) -> Reply:
    """One picture of the latest sets, exactly as it was."""
    for made in reversed(turn.situation.headshot_sets):
        if all(shot.seed != seed for shot in made.shots):
            continue
        model = next((m for m in turn.situation.models if m.id == made.model_id), None)
        if model is None or model.status != "ready":
            return turn.reply(_no_such_model(turn))
        exactly = {"count": 1, "seed": seed, "exact": True}
        return _generate(turn, _again(made).model_copy(update=exactly))
    return turn.reply(turn.tell("headshot.unknown_seed", {"seed": seed}))


def _again(made: HeadshotSet) -> Generate:
    return Generate(
        model_id=made.model_id,
        style=made.style,
        count=max(1, len(made.shots)),
        strength=made.strength,
        prompt=made.prompt,
        aspect=made.aspect,
        background=made.background,
        clothes=made.clothes,
    )


def _once_more(turn: Turn, action: Action, found: HeadshotSet) -> Reply:
    """Again, more like me, in another way: all need the model that made the set."""
    verb = action.verb
    model = next((m for m in turn.situation.models if m.id == found.model_id), None)
    if model is None or model.status != "ready":
        return turn.reply(_no_such_model(turn))
    if verb is Verb.OTHER_STYLE:
        return turn.reply(overview(turn, "headshot.pick", model_id=model.id))
    if found.style not in turn.situation.styles:
        return turn.reply(not_found(turn, found.style))
    again = _again(found)
    if verb is Verb.AGAIN:
        return _generate(turn, again)
    if verb in dressing.KINDS:
        changes = dressing.changed(action)
        if changes is None:
            return turn.reply(dressing.choice(turn, verb, found))
        return _generate(turn, again.model_copy(update=changes))
    if found.strength >= STRONGEST:
        retrain = turn.button("button.retrain", Verb.RETRAIN_MODEL, model.id)
        return turn.reply(turn.tell("headshots.strongest", buttons=((retrain,),)))
    stronger = min(STRONGEST, round(found.strength + MORE_LIKE_ME_STEP, 2))
    return _generate(turn, again.model_copy(update={"strength": stronger, "seed": found.seed}))


def _generate(turn: Turn, wanted: Generate) -> Reply:
    """The order itself, unless it waits already, may not be made, or exceeds the quota."""
    if (refused := refusal(turn)) is not None:
        return turn.reply(refused)
    waiting = [order for order in turn.situation.orders if order.kind == "headshots"]
    for order in () if wanted.exact else waiting:
        if _is_the_same(turn, order, wanted) and not order.cancelling:
            buttons = progress_buttons(turn, order)
            facts = {"standing": standing(turn, order)}
            return turn.reply(turn.tell("headshot.already", facts, buttons=buttons, fleeting=True))
    if len(waiting) >= MAX_WAITING:
        status = turn.command_button("status")
        return turn.reply(
            turn.tell("headshot.many_waiting", {"n": len(waiting)}, buttons=((status,),))
        )
    return _within_limits(turn, wanted)


def _is_the_same(turn: Turn, order: Order, wanted: Generate) -> bool:
    """What is left open is the style's own."""
    style = turn.situation.styles.get(wanted.style)
    own = (style.background, style.clothes) if style is not None else ("", ())
    asked, waits = (
        (
            it.model_id,
            it.style,
            it.strength,
            it.prompt,
            it.background or own[0],
            it.clothes or own[1],
        )
        for it in (wanted, order)
    )
    return asked == waits


def _within_limits(turn: Turn, wanted: Generate) -> Reply:
    most, left = turn.situation.max_count, turn.situation.quota.headshots_left
    when = until(turn, turn.situation.quota.resets_at)
    if left is not None and left <= 0:
        key = "quota.headshots_until" if when else "quota.headshots"
        return turn.reply(turn.tell(key, {"when": when}))
    count = max(1, min(wanted.count, most, most if left is None else left))
    notes: list[Message] = []
    if wanted.count > most:
        notes.append(turn.tell("headshot.at_most", {"n": count, "most": most}))
    elif count < wanted.count:
        notes.append(turn.tell("headshot.what_is_left", {"n": count}))
    if turn.situation.in_group:
        notes.append(turn.tell("headshot.privately", fleeting=True, private=False))
    return turn.reply(*notes, effects=[wanted.model_copy(update={"count": count})])


def _model_for(turn: Turn, name: str) -> Model | Message:
    """The model of that name, else the chosen one; or the words for why there is none."""
    situation = turn.situation
    if name:
        named = [m for m in situation.models if m.name.casefold() == name.casefold()]
        if not named:
            return turn.tell(
                "headshot.unknown_model",
                {"wanted": clean(name)},
                buttons=((turn.command_button("models"),),),
            )
        if named[-1].status == "ready":
            return named[-1]
    elif situation.chosen_model is not None:
        return situation.chosen_model
    return _no_model_yet(turn)


def _no_model_yet(turn: Turn) -> Message:
    running = turn.situation.training
    if running is not None:
        facts = {"standing": standing(turn, running)}
        buttons = progress_buttons(turn, running)
        return turn.tell("headshot.when_ready", facts, buttons=buttons)
    if turn.situation.collection is not None and turn.situation.collection.photos:
        collection_id = turn.situation.collection.id
        show = turn.button("button.show_photos", Verb.SHOW_COLLECTION, collection_id)
        return turn.tell("headshot.still_collecting", buttons=((primary(show),),))
    train = primary(turn.command_button("train"))
    return turn.tell("headshot.no_model", buttons=((train,),))


def _no_such_model(turn: Turn) -> Message:
    buttons = ((turn.command_button("models"), turn.command_button("train")),)
    return turn.tell("model.gone", buttons=buttons)


def _shared(turn: Turn, found: HeadshotSet) -> Message:
    """To where the button was pressed; in a private chat there is nobody to share with."""
    if not turn.situation.in_group:
        return turn.tell("headshots.share_where", fleeting=True)
    style = style_title(turn, found.style)
    plain = tuple(p.model_copy(update={"caption": ""}) for p in pictures(turn, found))
    return turn.tell(
        "headshots.shared", {"style": style, "n": len(plain)}, pictures=plain, private=False
    )


def _result_buttons(turn: Turn, made: HeadshotSet) -> Rows:
    rows = [
        [
            turn.button("button.again", Verb.AGAIN, made.id),
            turn.button("button.more_like_me", Verb.MORE_LIKE_ME, made.id),
        ],
        [
            turn.button("button.other_style", Verb.OTHER_STYLE, made.id),
            turn.button("button.background", Verb.BACKGROUND, made.id),
            turn.button("button.clothes", Verb.CLOTHES, made.id),
        ],
        [
            turn.button("button.full_size", Verb.FULL_SIZE, made.id),
            turn.button("button.profiles", Verb.PROFILES, made.id),
            turn.button("button.zip", Verb.ZIP, made.id),
            danger(turn.button("button.delete", Verb.DELETE_SET, made.id)),
        ],
    ]
    if turn.situation.in_group:
        rows[-1].append(turn.button("button.share", Verb.SHARE, made.id))
    if made.prompt is not None:
        del rows[1][1:]
    if made.shortcoming is Flaw.UNLIKE:
        rows.append([turn.button("button.retrain", Verb.RETRAIN_MODEL, made.model_id)])
    return tuple(tuple(row) for row in rows)
