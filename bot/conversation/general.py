"""Greeting, help, settings, and answers to what was not understood."""

from bot.conversation.actions import Verb
from bot.conversation.commands import COMMANDS, nearest
from bot.conversation.incoming import Command
from bot.conversation.messages import MENU, Message
from bot.conversation.phrases import LANGUAGES, NAMES, language_of
from bot.conversation.reply import Reply
from bot.conversation.speaking import Turn, clean, grid, primary


def start(turn: Turn) -> Reply:
    """The first words; those who have a model are greeted with what they came for."""
    situation = turn.situation
    chosen = situation.chosen_model
    if chosen is not None:
        buttons = (
            (primary(turn.command_button("headshot")), turn.command_button("styles")),
            (turn.command_button("models"), turn.command_button("help")),
        )
        return turn.reply(turn.tell("start.back", {"name": chosen.name}, buttons=buttons))
    few, many = situation.limits.recommended_photos
    buttons = (
        (primary(turn.command_button("train")), turn.command_button("styles")),
        (turn.command_button("privacy"), turn.command_button("help")),
    )
    return turn.reply(
        turn.tell(
            "start.welcome",
            {"few": few, "many": many},
            title=turn.say("start.welcome.title"),
            buttons=buttons,
        )
    )


def chat_closed(turn: Turn, wish: str) -> Reply:
    """Where nothing can be said to one person alone, a button must lead to the private chat."""
    if turn.situation.here_is_private or not turn.situation.in_group:
        return turn.reply(turn.tell("chat.closed"))
    button = primary(turn.button("button.open_chat", Verb.COMMAND, "", wish))
    return turn.reply(turn.tell("chat.not_begun", buttons=((button,),), private=False))


def said_where_asked(turn: Turn, reply: Reply) -> Reply:
    """The answer comes in the private chat; where it was asked, that must be said."""
    private = any(message.private for message in reply.messages) or reply.effects
    if not private or any(not message.private for message in reply.messages):
        return reply
    note = turn.tell("group.answered_privately", fleeting=True, private=False)
    return reply.model_copy(update={"messages": (*reply.messages, note)})


def help_(turn: Turn) -> Reply:
    commands = "\n".join(f"/{name} · {turn.say(f'command.{name}')}" for name in COMMANDS)
    first = "train" if turn.situation.chosen_model is None else "headshot"
    here = turn.situation
    is_seen = here.in_group and not here.here_is_private
    end = "help.end_among_others" if is_seen else "help.end"
    return turn.reply(
        turn.compose(
            "help.text",
            [turn.say("help.text"), commands, turn.say(end)],
            title=turn.say("help.title"),
            private=False,
            buttons=((primary(turn.command_button(first)), turn.command_button("status")),),
        )
    )


def settings(turn: Turn, command: Command) -> Reply:
    """`/settings [de|en|…]`."""
    wish = (command.options.get("language") or command.argument).strip().casefold()
    by_name = {name.casefold(): code for code, name in NAMES.items()}
    wish = by_name.get(wish, wish)
    return choose_language(turn, wish) if wish in LANGUAGES else turn.reply(_settings(turn))


def choose_language(turn: Turn, code: str) -> Reply:
    """From now on in that language; an empty code follows the platform."""
    if code and code not in LANGUAGES:
        return turn.reply(_settings(turn))
    language = language_of(code or turn.situation.platform_locale)
    session = turn.session.model_copy(update={"locale": code})
    turn = Turn(turn.situation, session, language)
    return turn.reply(turn.tell("settings.done", {"language": NAMES[language]}, card=MENU))


def unknown_command(turn: Turn, name: str) -> Reply:
    """Names the nearest command, or shows the way to help."""
    wanted = clean(name.strip().lstrip("/"))
    if not wanted:
        return help_(turn)
    near = nearest(name)
    if near is None:
        help_button = turn.command_button("help")
        return turn.reply(
            turn.tell("unknown.command", {"wanted": wanted}, buttons=((help_button,),))
        )
    button = primary(turn.command_button(near))
    facts = {"wanted": wanted, "near": near}
    return turn.reply(turn.tell("unknown.did_you_mean", facts, buttons=((button,),)))


def _settings(turn: Turn) -> Message:
    buttons = [
        turn.button("button.language", Verb.LANGUAGE, "", code, name=NAMES[code])
        for code in LANGUAGES
    ]
    buttons.append(turn.button("button.language_auto", Verb.LANGUAGE))
    key = "settings.chosen" if turn.session.locale else "settings.automatic"
    return turn.tell(
        key,
        {"language": NAMES[turn.language]},
        title=turn.say("settings.title"),
        buttons=grid(buttons, width=3),
        card=MENU,
    )
