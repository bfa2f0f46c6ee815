"""Headshots to take along: the files in full size, cut for profiles, or all of them in one ZIP."""

from pathlib import PurePath

from bot.conversation.effects import HandOver
from bot.conversation.incoming import FilesReady
from bot.conversation.messages import Message, Picture
from bot.conversation.reply import Reply
from bot.conversation.situation import HeadshotSet
from bot.conversation.speaking import Turn
from bot.conversation.times import percent
from engine.contract import keys


def pictures(turn: Turn, made: HeadshotSet) -> tuple[Picture, ...]:
    """Each with its seed, so that it can be asked for again, and its likeness where measured."""
    shown: list[Picture] = []
    for number, shot in enumerate(made.shots, start=1):
        key = "headshots.caption" if shot.likeness is None else "headshots.caption_likeness"
        likeness = percent(shot.likeness or 0)
        shown.append(
            Picture(
                key=shot.key,
                filename=f"{made.file_stem(number)}.jpg",
                caption=turn.say(key, number=number, seed=shot.seed, likeness=likeness),
                as_file=True,
            )
        )
    return tuple(shown)


def full_size(turn: Turn, made: HeadshotSet) -> Message:
    facts = {"n": len(made.shots)}
    return turn.tell("headshots.full_size", facts, pictures=pictures(turn, made))


def hand_over(turn: Turn, effect: HandOver) -> Reply:
    """The files are looked for first; they come by themselves."""
    return turn.reply(turn.tell("headshots.packing", fleeting=True), effects=[effect])


def files_ready(turn: Turn, happened: FilesReady) -> Reply:
    made = happened.headshots
    facts = {"n": len(made.shots)}
    if happened.what == "zip":
        archive = Picture(key=happened.key, filename=happened.filename, as_file=True)
        return turn.reply(turn.tell("headshots.packed", facts, pictures=(archive,)))
    if not happened.is_there:
        return turn.reply(turn.tell("headshots.no_profiles"))
    cuts = tuple(_cut(picture) for picture in pictures(turn, made))
    return turn.reply(turn.tell("headshots.profiles", facts, pictures=cuts))


def _cut(picture: Picture) -> Picture:
    name = f"{PurePath(picture.filename).stem}-{keys.PROFILE}.jpg"
    return picture.model_copy(update={"key": keys.cut(picture.key, keys.PROFILE), "filename": name})
