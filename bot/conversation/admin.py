"""What admins may: look at figures, pause, keep somebody away, give somebody other limits."""

from dataclasses import dataclass

from bot.conversation.actions import Verb
from bot.conversation.effects import SetAccess, SetPaused, SetQuota
from bot.conversation.incoming import Command
from bot.conversation.messages import MENU, Message
from bot.conversation.reply import Reply
from bot.conversation.situation import Other
from bot.conversation.speaking import Turn, clean

MAX_QUOTA = 10_000


@dataclass(frozen=True)
class Wish:
    """`ban discord:1234`, `quota discord:1234 20 2`, or the same by options."""

    action: str
    person: str
    headshots: int | None
    trainings: int | None


def admin(turn: Turn, command: Command) -> Reply:
    """`/admin [pause|resume|ban|allow|quota]`; nothing of it for others."""
    if not turn.situation.is_admin:
        return turn.reply(turn.tell("admin.not_you"))
    wish = read_wish(command)
    match wish.action:
        case "pause" | "resume":
            return pause(turn, "on" if wish.action == "pause" else "off")
        case "ban" | "allow" | "quota":
            return _about_somebody(turn, wish)
        case _:
            return turn.reply(_stats(turn))


def pause(turn: Turn, argument: str) -> Reply:
    if not turn.situation.is_admin:
        return turn.reply(turn.tell("admin.not_you"))
    key = "admin.paused" if argument == "on" else "admin.resumed"
    return turn.reply(turn.tell(key, card=MENU), effects=[SetPaused(paused=argument == "on")])


def read_wish(command: Command) -> Wish:
    words = command.argument[:200].casefold().split()
    figures = [int(word) for word in words if word.isascii() and word.isdecimal()]
    people = [word for word in words[1:] if ":" in word]
    options = command.options
    return Wish(
        action=words[0] if words else "",
        person=options.get("person", "").casefold() or (people[0] if people else ""),
        headshots=_figure(options.get("headshots"), figures[:1]),
        trainings=_figure(options.get("trainings"), figures[1:2]),
    )


def _figure(option: str | None, typed: list[int]) -> int | None:
    if option is not None and option.isascii() and option.isdecimal():
        typed = [int(option[:6])]
    return min(typed[0], MAX_QUOTA) if typed else None


def _about_somebody(turn: Turn, wish: Wish) -> Reply:
    other = turn.situation.other
    if not wish.person:
        return turn.reply(turn.tell("admin.whom"))
    if other is None:
        return turn.reply(turn.tell("admin.nobody", {"wanted": clean(wish.person)}))
    if wish.action != "quota":
        banned = wish.action == "ban"
        told = turn.tell("admin.banned" if banned else "admin.allowed", {"name": clean(other.name)})
        return turn.reply(told, effects=[SetAccess(person=other.name, banned=banned)])
    changed = SetQuota(
        person=other.name, headshots_per_day=wish.headshots, trainings_per_day=wish.trainings
    )
    return turn.reply(_quota(turn, other, wish), effects=[changed])


def _quota(turn: Turn, other: Other, wish: Wish) -> Message:
    usual = turn.say("admin.as_all")
    facts = {
        "name": clean(other.name),
        "headshots": usual if wish.headshots is None else wish.headshots,
        "trainings": usual if wish.trainings is None else wish.trainings,
    }
    return turn.tell("admin.quota", facts)


def _stats(turn: Turn) -> Message:
    stats = turn.situation.stats
    paused = turn.situation.paused
    button = turn.button(
        "button.resume" if paused else "button.pause", Verb.PAUSE, "", "off" if paused else "on"
    )
    paragraphs = [turn.say("admin.no_stats")]
    if stats is not None:
        paragraphs = [turn.say("admin.stats", **stats.model_dump(exclude={"disk_free_gib"}))]
        if stats.disk_free_gib is not None:
            paragraphs.append(turn.say("admin.disk", free=f"{stats.disk_free_gib:.0f}"))
    if paused:
        paragraphs.append(turn.say("access.paused"))
    return turn.compose(
        "admin.page", paragraphs, title=turn.say("admin.title"), buttons=((button,),), card=MENU
    )
