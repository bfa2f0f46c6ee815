"""The two doors of the conversation: `respond` to a person, `announce` what happened.

What `respond` says belongs where the person asked (unless others read there and the message is
private); what `announce` says belongs in their private chat.

Pure: the same situation gets the same answer. Nobody here knows a clock, a network or a chat
platform. Each topic has its own module; this one only leads to the right door.
"""

from bot.conversation import (
    admin,
    collecting,
    downloads,
    endings,
    general,
    headshots,
    models,
    order_card,
    privacy,
    status,
    style_menu,
)
from bot.conversation.actions import Action, Verb, act, find
from bot.conversation.commands import LINKED, canonical
from bot.conversation.incoming import (
    ChatClosed,
    CollectionChanged,
    Command,
    EngineAway,
    EngineBack,
    EverythingErased,
    ExportReady,
    FilesReady,
    Happening,
    HeadshotsReady,
    Incoming,
    JobCancelled,
    JobFailed,
    OrderProgress,
    OrderQueued,
    PhotoJudged,
    PhotosReceived,
    Pressed,
    PreviewReady,
    Said,
    TrainingFinished,
    UploadRefused,
)
from bot.conversation.messages import MENU, Message
from bot.conversation.reply import Reply
from bot.conversation.session import Session, State
from bot.conversation.situation import Situation
from bot.conversation.speaking import Turn, clean, labelled, primary

COLLECTION_VERBS = frozenset(
    {
        Verb.SHOW_COLLECTION,
        Verb.ADD_PHOTOS,
        Verb.START_TRAINING,
        Verb.PICK_PHOTO,
        Verb.REMOVE_PHOTO,
        Verb.START_OVER,
        Verb.START_OVER_SURELY,
        Verb.GIVE_UP_PHOTOS,
    }
)
SET_VERBS = frozenset(
    {
        Verb.AGAIN,
        Verb.MORE_LIKE_ME,
        Verb.OTHER_STYLE,
        Verb.BACKGROUND,
        Verb.CLOTHES,
        Verb.FULL_SIZE,
        Verb.PROFILES,
        Verb.ZIP,
        Verb.SHARE,
        Verb.DELETE_SET,
        Verb.DELETE_SET_SURELY,
    }
)
MODEL_VERBS = frozenset(
    {
        Verb.MODEL,
        Verb.CHOOSE_MODEL,
        Verb.RENAME_MODEL,
        Verb.RETRAIN_MODEL,
        Verb.DELETE_MODEL,
        Verb.DELETE_MODEL_SURELY,
    }
)
START_WORDS = ("start", "go", "done", "ready", "los", "fertig", "starten", "los geht's")
MAX_READ = 1000
"""Letters of a text that are looked at."""


def respond(incoming: Incoming, situation: Situation) -> Reply:
    """What to say and do about what a person did. Never raises.

    An open question (a new name, whether to forget everything) is dropped by anything but an
    answer to it.
    """
    turn = Turn.of(situation).settled()
    reply = _respond(turn, incoming, situation)
    if not situation.in_group or situation.here_is_private:
        return reply
    return general.said_where_asked(turn, reply)


def _respond(turn: Turn, incoming: Incoming, situation: Situation) -> Reply:
    match incoming:
        case Command():
            return _command(turn, incoming, situation.session)
        case PhotosReceived():
            return collecting.receive(turn, incoming)
        case UploadRefused():
            return collecting.refuse_upload(turn, incoming)
        case ChatClosed():
            return general.chat_closed(turn, incoming.wish)
        case Pressed():
            return _pressed(turn, incoming.action, situation.session)
        case Said():
            return _said(turn, incoming.text, situation.session)


def announce(happening: Happening, situation: Situation) -> Reply:
    """What to say and do about what happened. Never raises; leaves open questions open."""
    turn = Turn.of(situation)
    match happening:
        case CollectionChanged():
            return _collection_changed(turn, happening.collection_id)
        case PhotoJudged():
            return _photo_judged(turn, happening)
        case OrderQueued() | OrderProgress() | PreviewReady():
            return turn.reply(order_card.card(turn, happening.order))
        case TrainingFinished():
            return endings.training_finished(turn, happening)
        case HeadshotsReady():
            return endings.headshots_ready(turn, happening)
        case JobFailed():
            return endings.failed(turn, happening)
        case JobCancelled():
            return endings.cancelled(turn, happening)
        case EverythingErased():
            return privacy.erased(turn, happening)
        case ExportReady():
            return privacy.export_ready(turn, happening)
        case FilesReady():
            return downloads.files_ready(turn, happening)
        case EngineAway():
            return turn.reply(turn.tell("engine.away"))
        case EngineBack():
            return turn.reply(turn.tell("engine.back"))


def _command(turn: Turn, command: Command, before: Session) -> Reply:
    name = canonical(command.name)
    if command.photos is not None and command.photos.photos and name != "train":
        return collecting.receive(turn, command.photos)
    match name:
        case "start":
            return _start(turn, command)
        case "help":
            return general.help_(turn)
        case "train":
            return collecting.train(turn, command)
        case "headshot":
            return headshots.headshot(turn, command)
        case "styles":
            return turn.reply(_styles(turn))
        case "status":
            return status.status(turn)
        case "share":
            return headshots.share(turn)
        case "models":
            return models.models(turn, command)
        case "cancel":
            return status.cancel(turn, command, before)
        case "privacy":
            return privacy.privacy(turn)
        case "forget":
            return privacy.forget(turn)
        case "settings":
            return general.settings(turn, command)
        case "admin":
            return admin.admin(turn, command)
        case _:
            return general.unknown_command(turn, command.name)


def _start(turn: Turn, command: Command) -> Reply:
    """`/start`, also with a deep link's payload: `headshot`, `headshot-park-background-office`."""
    name, _, argument = command.argument.strip().replace("_", " ").replace("-", " ").partition(" ")
    if name in LINKED:
        return _command(turn, Command(name=name, argument=argument), turn.session)
    return general.start(turn)


def _pressed(turn: Turn, action: Action | None, before: Session) -> Reply:
    if action is None:
        help_button = turn.command_button("help")
        return turn.reply(turn.tell("unknown.button", buttons=((help_button,),)))
    if action.verb in COLLECTION_VERBS:
        return collecting.pressed(turn, action)
    if action.verb in SET_VERBS:
        return headshots.pressed(turn, action)
    if action.verb in MODEL_VERBS:
        return models.pressed(turn, action)
    match action.verb:
        case Verb.COMMAND:
            name, _, argument = action.argument.partition("-")
            return _command(turn, Command(name=name, argument=argument), before)
        case Verb.NEW_TRAINING:
            return collecting.new_training(turn)
        case Verb.STYLES:
            return turn.reply(_styles(turn, action))
        case Verb.HEADSHOT:
            return headshots.shoot(turn, action)
        case Verb.CANCEL_ORDER:
            return status.cancel_pressed(turn, action)
        case Verb.FORGET:
            return privacy.forget(turn)
        case Verb.FORGET_SURELY:
            return privacy.forget_surely(turn, before)
        case Verb.EXPORT:
            return privacy.export(turn)
        case Verb.LANGUAGE:
            return general.choose_language(turn, action.argument)
        case Verb.PAUSE:
            return admin.pause(turn, action.argument)
        case _:
            return turn.reply(turn.tell("question.kept", card=MENU, fleeting=True))


def _styles(turn: Turn, action: Action | None = None) -> Message:
    """The catalogue; with a model's id, every style in it makes headshots with that model."""
    if action is None:
        return style_menu.overview(turn)
    if action.argument:
        return style_menu.category_page(turn, action.argument, action.id)
    model = find(turn.situation.models, action.id)
    if model is None or model.status != "ready":
        return style_menu.overview(turn)
    return style_menu.overview(turn, "headshot.pick", model.id)


def _said(turn: Turn, text: str, before: Session) -> Reply:
    """Text: an answer to an open question, a command without its slash, or a style's name."""
    if before.state is State.RENAMING and not text.lstrip().startswith("/"):
        return models.rename(turn, text, before.model_id)
    if before.state is State.CONFIRMING_FORGET:
        return privacy.forget_answered(turn, text, before)
    first, _, rest = text.strip()[:MAX_READ].partition(" ")
    collection = turn.situation.collection
    if collection is not None and clean(text).casefold().rstrip(".!") in START_WORDS:
        return collecting.start(turn, collection)
    if canonical(first) is not None:
        return _command(turn, Command(name=first, argument=rest), before)
    if first.startswith("/"):
        return general.unknown_command(turn, first)
    return turn.reply(_not_understood(turn, text))


def _not_understood(turn: Turn, text: str) -> Message:
    style = style_menu.find_style(turn, text[:MAX_READ])
    model = turn.situation.chosen_model
    if style is not None and model is not None:
        title = style.words(turn.language).title
        shoot = labelled(title, act(Verb.HEADSHOT, model.id, style.name))
        facts = {"style": title, "name": model.name}
        return turn.tell("said.style", facts, buttons=((primary(shoot),),))
    if turn.situation.collection is not None:
        return turn.tell("said.while_collecting")
    first = "train" if model is None else "headshot"
    buttons = ((primary(turn.command_button(first)), turn.command_button("help")),)
    return turn.tell("said.lost" if model is None else "said.lost_with_model", buttons=buttons)


def _collection_changed(turn: Turn, collection_id: str) -> Reply:
    collection = turn.situation.collection
    if collection is None or collection.id != collection_id:
        return turn.reply()
    return collecting.changed(turn, collection)


def _photo_judged(turn: Turn, happened: PhotoJudged) -> Reply:
    """The card anew; and where a frontend wants it, an answer to the refused photo itself."""
    reply = _collection_changed(turn, happened.collection_id)
    collection = turn.situation.collection
    if collection is None or not reply.messages or not turn.situation.verdict_replies:
        return reply
    answers = collecting.verdict_reply(turn, collection, happened.number)
    return reply.model_copy(update={"messages": (*answers, *reply.messages)})
