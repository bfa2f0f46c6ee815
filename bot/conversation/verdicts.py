"""What became of each photo of a collection, and the sentence that says so."""

from dataclasses import dataclass
from typing import Any, Literal

from bot.conversation.messages import PhotoLine
from bot.conversation.situation import Collection, Photo
from bot.conversation.speaking import Turn
from engine.contract.photo_set import judge
from engine.contract.photos import Missing, PhotoLimits, Reason, ReasonCode

MIB = 1024 * 1024
NO_ACCESS = "no_access"
PROBLEMS = ("empty_file", "not_an_image", "truncated", "unsupported", "damaged")
SIDES = ("left", "right", "top", "bottom")


@dataclass(frozen=True)
class Verdict:
    photo: Photo
    kind: Literal["pending", "accepted", "refused"]
    reason: Reason | None = None
    """The first reason; None where the check itself failed."""


@dataclass(frozen=True)
class Assessment:
    """A collection, judged."""

    verdicts: tuple[Verdict, ...]
    missing: tuple[Missing, ...]

    def num(self, kind: Literal["pending", "accepted", "refused"]) -> int:
        return sum(verdict.kind == kind for verdict in self.verdicts)

    @property
    def refused(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.kind == "refused"]


def assess(collection: Collection, limits: PhotoLimits) -> Assessment:
    """Judges the photos against one another as far as they have been looked at."""
    reports = {p.number: p.report for p in collection.photos if p.report is not None}
    judged = judge(list(reports.values()), limits)
    numbers = list(reports)
    reasons = dict(zip(numbers, judged.reasons, strict=True))
    verdicts = (_verdict(photo, reasons.get(photo.number), numbers) for photo in collection.photos)
    return Assessment(tuple(verdicts), judged.missing)


def _verdict(photo: Photo, reasons: tuple[Reason, ...] | None, numbers: list[int]) -> Verdict:
    if photo.failure is not None:
        return Verdict(photo, "refused")
    if reasons is None:
        return Verdict(photo, "pending")
    if not reasons:
        return Verdict(photo, "accepted")
    return Verdict(photo, "refused", _with_photo_number(reasons[0], numbers))


def _with_photo_number(reason: Reason, numbers: list[int]) -> Reason:
    """A repeat names its original by place among the judged; people know the photo's number."""
    if "of" not in reason.facts:
        return reason
    place = int(reason.facts["of"])
    number = numbers[place - 1] if 1 <= place <= len(numbers) else place
    return Reason.model_validate({**reason.model_dump(), "of": number})


def sentence(turn: Turn, verdict: Verdict) -> str:
    """For example: Photo 3 is blurred. Hold the phone still, clean the lens and send another."""
    number = verdict.photo.number
    if verdict.reason is None:
        return turn.say("photo.check_failed", number=number)
    code, facts = verdict.reason.code, verdict.reason.facts
    if code is ReasonCode.UNREADABLE and facts["problem"] == NO_ACCESS:
        return turn.say("photo.no_access", number=number)
    if code is ReasonCode.UNREADABLE:
        problem = facts["problem"] if facts["problem"] in PROBLEMS else "damaged"
        return turn.say("reason.unreadable", number=number, problem=turn.say(f"problem.{problem}"))
    if code is ReasonCode.TOO_LARGE:
        return turn.say("reason.too_large", number=number, limit=_limit(turn, facts))
    if code is ReasonCode.FACE_CUT_OFF:
        side = facts["side"] if facts["side"] in SIDES else "bottom"
        return turn.say("reason.face_cut_off", number=number, side=turn.say(f"side.{side}"))
    return turn.say(f"reason.{code}", **facts, number=number)


def _limit(turn: Turn, facts: dict[str, Any]) -> str:
    if facts["unit"] == "bytes":
        return turn.say("size.mb", n=round(facts["limit"] / MIB))
    return turn.say("size.megapixels", n=round(facts["limit"] / 1_000_000))


def photo_line(turn: Turn, verdict: Verdict) -> PhotoLine:
    return PhotoLine(
        number=verdict.photo.number,
        sha256=verdict.photo.sha256,
        key=verdict.photo.key,
        verdict=verdict.kind,
        reason=sentence(turn, verdict) if verdict.kind == "refused" else "",
        origin=verdict.photo.origin,
    )
