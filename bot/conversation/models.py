"""A person's models: looking at them, choosing, renaming, retraining, deleting."""

from bot.conversation.actions import Action, Verb, act, find
from bot.conversation.effects import (
    CancelOrder,
    ChooseModel,
    DeleteModel,
    Effect,
    OpenCollection,
    RenameModel,
    ShowCollection,
)
from bot.conversation.incoming import Command
from bot.conversation.messages import MENU, Message
from bot.conversation.order_card import progress_buttons, standing
from bot.conversation.permission import no_room, refusal
from bot.conversation.reply import Reply
from bot.conversation.session import State
from bot.conversation.situation import Model, Order
from bot.conversation.speaking import Rows, Turn, clean, danger, grid, labelled, primary
from bot.conversation.times import date, percent

MAX_MODELS_SHOWN = 20
MAX_NAME = 32


def models(turn: Turn, command: Command) -> Reply:
    """`/models [name]`: one model's card, or the list; with the option `rename`, its new name.

    A form of a platform names the model by the option `id`, as a button does.
    """
    owned = turn.situation.models
    wanted = clean(command.argument).casefold()
    meant = find(owned, command.options.get("id", ""))
    named = [meant] if meant else [model for model in owned if model.name.casefold() == wanted]
    new_name = command.options.get("rename")
    if new_name is not None and owned and (named or len(owned) == 1):
        return rename(turn, new_name, (named or list(owned))[-1].id)
    if not owned:
        train = primary(turn.command_button("train"))
        return turn.reply(turn.tell("models.none", buttons=((train,),)))
    if named or len(owned) == 1:
        return turn.reply(card(turn, (named or list(owned))[-1]))
    return turn.reply(_list(turn))


def pressed(turn: Turn, action: Action) -> Reply:
    """A button about one model."""
    model = find(turn.situation.models, action.id)
    if model is None:
        buttons = ((turn.command_button("models"), turn.command_button("train")),)
        return turn.reply(turn.tell("model.gone", buttons=buttons))
    match action.verb:
        case Verb.CHOOSE_MODEL:
            return _choose(turn, model)
        case Verb.RENAME_MODEL:
            asked = turn.tell("rename.ask", {"name": model.name, "most": MAX_NAME})
            return turn.asking(state=State.RENAMING, model_id=model.id).reply(asked)
        case Verb.RETRAIN_MODEL:
            return _retrain(turn, model)
        case Verb.DELETE_MODEL:
            surely = danger(turn.button("button.delete", Verb.DELETE_MODEL_SURELY, model.id))
            keep = turn.button("button.keep", Verb.KEEP)
            facts = {"name": model.name}
            return turn.reply(
                turn.tell("model.delete", facts, buttons=((surely, keep),), card=MENU)
            )
        case Verb.DELETE_MODEL_SURELY:
            return _delete(turn, model)
        case _:
            return turn.reply(card(turn, model))


def rename(turn: Turn, text: str, model_id: str) -> Reply:
    """The new name was said. The turn is settled: a good name ends the question."""
    model = next((m for m in turn.situation.models if m.id == model_id), None)
    if model is None:
        return turn.reply(turn.tell("model.gone"))
    asking = turn.asking(state=State.RENAMING, model_id=model.id)
    name = clean(text, MAX_NAME * 4)
    if not name:
        return asking.reply(asking.tell("rename.empty", {"name": model.name, "most": MAX_NAME}))
    if len(name) > MAX_NAME:
        return asking.reply(asking.tell("rename.too_long", {"n": len(name), "most": MAX_NAME}))
    others = [m for m in turn.situation.models if m.id != model.id]
    if any(other.name.casefold() == name.casefold() for other in others):
        return asking.reply(asking.tell("rename.taken", {"name": name}))
    renamed = model.model_copy(update={"name": name})
    told = turn.tell("rename.done", {"name": name})
    effects = [RenameModel(model_id=model.id, name=name)]
    return turn.reply(told, card(turn, renamed), effects=effects)


def card(turn: Turn, model: Model) -> Message:
    """One model with what can be done about it."""
    running = _training_of(turn, model)
    in_use = turn.say("model.in_use") if _is_in_use(turn, model) else ""
    states = [turn.say(f"model.{model.status}"), in_use, _likeness(turn, model)]
    lines = [
        " · ".join(state for state in states if state),
        _origin(turn, model),
        standing(turn, running) if running is not None else "",
    ]
    return turn.compose(
        "model.card",
        ["\n".join(line for line in lines if line)],
        title=model.name,
        buttons=_buttons(turn, model, running),
        card=MENU,
    )


def _list(turn: Turn) -> Message:
    shown = list(reversed(turn.situation.models))[:MAX_MODELS_SHOWN]
    lines = [f"• {_line(turn, model)}" for model in shown]
    buttons = [labelled(model.name, act(Verb.MODEL, model.id)) for model in shown]
    return turn.compose(
        "models.list",
        ["\n".join(lines), turn.say("models.list")],
        title=turn.say("models.title", n=len(turn.situation.models)),
        buttons=grid(buttons, width=4),
        card=MENU,
    )


def _line(turn: Turn, model: Model) -> str:
    parts = [model.name, turn.say(f"model.{model.status}"), _likeness(turn, model)]
    if _is_in_use(turn, model):
        parts.append(turn.say("model.in_use"))
    return " · ".join(part for part in parts if part)


def _likeness(turn: Turn, model: Model) -> str:
    if model.likeness is None or model.status != "ready":
        return ""
    return turn.say("model.likeness", likeness=percent(model.likeness))


def _origin(turn: Turn, model: Model) -> str:
    day = date(turn, model.created)
    if model.num_photos == 0 and model.status == "ready":
        return turn.say("model.imported", date=day)
    return turn.say("model.created", n=model.num_photos, date=day)


def _is_in_use(turn: Turn, model: Model) -> bool:
    chosen = turn.situation.chosen_model
    return chosen is not None and chosen.id == model.id


def _training_of(turn: Turn, model: Model) -> Order | None:
    orders = turn.situation.orders
    return next((o for o in orders if o.kind == "training" and o.model_id == model.id), None)


def _buttons(turn: Turn, model: Model, running: Order | None) -> Rows:
    first = [turn.button("button.rename", Verb.RENAME_MODEL, model.id)]
    if running is None:
        first.append(turn.button("button.retrain", Verb.RETRAIN_MODEL, model.id))
    first.append(danger(turn.button("button.delete", Verb.DELETE_MODEL, model.id)))
    rows = [tuple(first)]
    if running is not None:
        rows = [*progress_buttons(turn, running), *rows]
    elif model.status == "ready":
        shoot = primary(turn.button("button.headshot", Verb.STYLES, model.id))
        use = turn.button("button.use_model", Verb.CHOOSE_MODEL, model.id)
        rows.insert(0, (shoot,) if _is_in_use(turn, model) else (use, shoot))
    if len(turn.situation.models) > 1:
        rows.append((turn.button("button.all_models", Verb.COMMAND, "", "models"),))
    return tuple(rows)


def _choose(turn: Turn, model: Model) -> Reply:
    if model.status != "ready":
        key = "choose.training" if model.status == "training" else "choose.failed"
        return turn.reply(turn.tell(key, {"name": model.name}))
    pick = turn.command_button("headshot")
    told = turn.tell("choose.done", {"name": model.name}, buttons=((pick,),))
    return turn.reply(told, effects=[ChooseModel(model_id=model.id)])


def _retrain(turn: Turn, model: Model) -> Reply:
    """More photos for a model, or the same ones once more after a failure."""
    running = _training_of(turn, model)
    refused = refusal(turn) or (no_room(turn) if running is None else None)
    if refused is not None:
        return turn.reply(refused)
    if running is not None:
        told = turn.tell(
            "train.running",
            {"standing": standing(turn, running)},
            buttons=progress_buttons(turn, running),
        )
        return turn.reply(told)
    collection = turn.situation.collection
    if collection is not None and collection.refreshes == model.id:
        return turn.reply(effects=[ShowCollection(collection_id=collection.id)])
    if collection is not None and collection.photos:
        show = turn.button("button.show_photos", Verb.SHOW_COLLECTION, collection.id)
        give_up = danger(turn.button("button.give_up_photos", Verb.GIVE_UP_PHOTOS, collection.id))
        return turn.reply(turn.tell("retrain.other_photos", buttons=((show, give_up),)))
    return turn.reply(effects=[OpenCollection(refreshes=model.id)])


def _delete(turn: Turn, model: Model) -> Reply:
    effects: list[Effect] = [
        CancelOrder(order_id=order.id)
        for order in turn.situation.orders
        if order.model_id == model.id and not order.cancelling
    ]
    told = turn.tell("model.deleted", {"name": model.name}, card=MENU)
    return turn.reply(told, effects=[*effects, DeleteModel(model_id=model.id)])
