"""How orders end: a model is ready, headshots are there, something failed or was cancelled."""

from bot.conversation import order_card
from bot.conversation.actions import Verb
from bot.conversation.headshots import results
from bot.conversation.incoming import HeadshotsReady, JobCancelled, JobFailed, TrainingFinished
from bot.conversation.messages import Message
from bot.conversation.reply import Reply
from bot.conversation.situation import Order
from bot.conversation.speaking import Rows, Turn, primary
from bot.conversation.style_menu import first_styles
from bot.conversation.times import percent, seconds
from engine.contract.failures import Failure, FailureCode

MODEST_LIKENESS = 0.6
"""Below it, more photos are worth asking for."""
FOR_THE_ADMIN = (
    FailureCode.BASE_MISSING,
    FailureCode.BASE_INCOMPLETE,
    FailureCode.VERSION_NOT_SUPPORTED,
)
"""Trying again helps only once the machine was seen to."""
NEEDS_TRAINING = (FailureCode.LORA_MISSING, FailureCode.LORA_INCOMPATIBLE)


def training_finished(turn: Turn, happened: TrainingFinished) -> Reply:
    model = happened.model
    spent = seconds(turn, happened.seconds)
    figures = [turn.say("ready.spent", spent=spent)] if spent else []
    buttons = [*first_styles(turn, model.id), (turn.command_button("styles"),)]
    if model.likeness is not None:
        figures.append(turn.say("ready.likeness", likeness=percent(model.likeness)))
        if model.likeness < MODEST_LIKENESS:
            figures.append(turn.say("ready.modest"))
            retrain = turn.button("button.retrain", Verb.RETRAIN_MODEL, model.id)
            buttons[-1] = (*buttons[-1], retrain)
    told = turn.compose(
        "ready.model",
        [" ".join(figures), turn.say("ready.what_now")],
        title=turn.say("ready.title", name=model.name),
        buttons=tuple(buttons),
    )
    return turn.reply(order_card.ended(turn, happened.order, "order.trained"), told)


def headshots_ready(turn: Turn, happened: HeadshotsReady) -> Reply:
    ended = order_card.ended(turn, happened.order, "order.made")
    return turn.reply(ended, results(turn, happened.headshots))


def cancelled(turn: Turn, happened: JobCancelled) -> Reply:
    order = happened.order
    is_known = any(model.id == order.model_id for model in turn.situation.models)
    key = f"cancelled.{order.kind}" if is_known else "cancelled.model_gone"
    return turn.reply(
        turn.tell(
            key,
            title=order_card.title(turn, order),
            card=order_card.card_of(order),
            buttons=_again(turn, order),
            final=True,
        )
    )


def failed(turn: Turn, happened: JobFailed) -> Reply:
    order, failure = happened.order, happened.failure
    ended = order_card.ended(turn, order, "order.failed")
    return turn.reply(ended, _failure(turn, order, failure))


def _failure(turn: Turn, order: Order, failure: Failure) -> Message:
    code = failure.code
    return turn.compose(
        f"failure.{code}",
        [
            turn.say(f"failure.{code}", **_facts(failure)),
            turn.say("failed.training" if code in NEEDS_TRAINING else f"failed.{order.kind}"),
            _error(turn, failure),
        ],
        title=turn.say("failed.title", title=order_card.title(turn, order)),
        buttons=_remedy(turn, order, code),
    )


def _error(turn: Turn, failure: Failure) -> str:
    """The kind of error, for admins only; to others it says nothing."""
    if not turn.situation.is_admin or "error" not in failure.facts:
        return ""
    return turn.say("failed.error", error=failure.facts["error"])


def _facts(failure: Failure) -> dict[str, object]:
    """Memory in GB, as people read it; everything else as it came."""
    facts: dict[str, object] = dict(failure.facts)
    for name in ("needed_mib", "free_mib"):
        if name in facts:
            facts[name.replace("_mib", "_gb")] = f"{float(str(facts[name])) / 1024:.0f}"
    return facts


def _remedy(turn: Turn, order: Order, code: FailureCode) -> Rows:
    if code in FOR_THE_ADMIN:
        return ((turn.command_button("status"),),)
    if code in NEEDS_TRAINING:
        return ((turn.button("button.retrain", Verb.RETRAIN_MODEL, order.model_id),),)
    return _again(turn, order)


def _again(turn: Turn, order: Order) -> Rows:
    if all(model.id != order.model_id for model in turn.situation.models):
        return ()
    if order.kind == "training":
        button = turn.button("button.try_training_again", Verb.RETRAIN_MODEL, order.model_id)
    elif order.style in turn.situation.styles:
        button = turn.button("button.try_again", Verb.HEADSHOT, order.model_id, order.style)
    else:
        return ()
    return ((primary(button),),)
