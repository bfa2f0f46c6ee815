"""/privacy and /forget: what is kept and how long, a copy of it, and its end, with proof."""

from bot.conversation.actions import Verb
from bot.conversation.effects import EraseEverything, ExportEverything
from bot.conversation.incoming import EverythingErased, ExportReady
from bot.conversation.messages import Picture
from bot.conversation.reply import Reply
from bot.conversation.session import Session, State
from bot.conversation.situation import Kept
from bot.conversation.speaking import Turn, danger

YES = ("yes", "y", "ja", "j", "erase", "delete", "löschen", "vergiss")


def privacy(turn: Turn) -> Reply:
    kept = turn.situation.kept
    return turn.reply(
        turn.compose(
            "privacy.text",
            [
                turn.say("privacy.text"),
                f"{turn.say('privacy.kept')}\n{_inventory(turn, kept)}",
                _retention(turn, "privacy.photos_kept", kept.photos_days),
                _retention(turn, "privacy.headshots_kept", kept.headshots_days),
                turn.say("privacy.yours"),
            ],
            title=turn.say("privacy.title"),
            buttons=(
                (
                    turn.button("button.export", Verb.EXPORT),
                    danger(turn.button("button.forget", Verb.FORGET)),
                ),
            ),
        )
    )


def forget(turn: Turn) -> Reply:
    """Asks first. The question stands until it is answered or something else is said."""
    surely = danger(turn.button("button.forget_surely", Verb.FORGET_SURELY))
    question = turn.compose(
        "forget.ask",
        [_inventory(turn, turn.situation.kept), turn.say("forget.ask")],
        title=turn.say("forget.title"),
        buttons=((surely, turn.button("button.keep", Verb.KEEP)),),
    )
    return turn.asking(state=State.CONFIRMING_FORGET).reply(question)


def forget_surely(turn: Turn, before: Session) -> Reply:
    """Only while the question stands: an old button, or a second press, asks again."""
    if before.state is not State.CONFIRMING_FORGET:
        return forget(turn)
    fresh = turn.asking(**Session(locale=before.locale).model_dump())
    return fresh.reply(fresh.tell("forget.erasing"), effects=[EraseEverything()])


def forget_answered(turn: Turn, text: str, before: Session) -> Reply:
    """An answer in words."""
    if text.strip().casefold().rstrip(".!") in YES:
        return forget_surely(turn, before)
    return turn.reply(turn.tell("forget.kept"))


def export(turn: Turn) -> Reply:
    kept = turn.situation.kept
    if not kept.num_photos + kept.num_models + kept.num_headshots:
        return turn.reply(turn.tell("export.nothing"))
    return turn.reply(turn.tell("export.begun"), effects=[ExportEverything()])


def export_ready(turn: Turn, happened: ExportReady) -> Reply:
    archive = Picture(key=happened.key, filename=happened.filename, as_file=True)
    return turn.reply(turn.tell("export.ready", pictures=(archive,)))


def erased(turn: Turn, happened: EverythingErased) -> Reply:
    """Says what was erased, counted as it went."""
    gone = Kept(
        num_photos=happened.num_photos,
        num_models=happened.num_models,
        num_headshots=happened.num_headshots,
    )
    proof = turn.say("erased.files", n=happened.num_blobs)
    receipt = turn.say("erased.receipt", receipt=happened.receipt) if happened.receipt else ""
    told = turn.compose(
        "erased.text",
        [_inventory(turn, gone), f"{proof} {receipt}".strip(), turn.say("erased.text")],
        title=turn.say("erased.title"),
    )
    return turn.reply(told)


def _inventory(turn: Turn, kept: Kept) -> str:
    counts = (
        ("kept.photos", kept.num_photos),
        ("kept.models", kept.num_models),
        ("kept.headshots", kept.num_headshots),
    )
    return "\n".join(f"• {turn.say(key, n=n)}" for key, n in counts)


def _retention(turn: Turn, key: str, days: int | None) -> str:
    return turn.say(f"{key}_until_asked") if days is None else turn.say(key, n=days)
