"""Judges photos against one another: repeats, strangers, coverage. Pure arithmetic on reports.

Both sides need this judgement (the bot after each photo, the engine before training), so it
lives in the contract. It knows numbers only; pixels were left behind in `engine.photos`.
"""

from collections.abc import Sequence
from math import dist
from statistics import median

from engine.contract.photos import (
    Coverage,
    Face,
    Light,
    Missing,
    PhotoLimits,
    PhotoReport,
    Reason,
    ReasonCode,
    SetVerdict,
)

FRONTAL_YAW_DEG = 15.0
NEAR_DUPLICATE_BITS = 8
NEAR_DUPLICATE_DISTANCE = 0.22
"""Pictures with perceptual hashes (64 bits) this near, and faces too, show the same moment."""
SAME_FACE_DISTANCE = 0.11
SAME_FACE_BITS = 26
"""A crop changes the whole hash, but not the face. Photos of one moment, encoded again, scaled,
brightened, turned or cropped, measured 0.03 to 0.09; other photos of a person 0.14 and more."""
SAME_MOMENT_TURN_DEG = 9.0
"""A head that turned farther makes another photo, whatever else is alike."""
ALIKE_MIN_PHOTOS = 6
ALIKE_LIMIT = 0.55
ALIKE_FACTOR = 1.8
CLOSE_UP_SHARE = 0.42
FARTHER_AWAY_SHARE = 0.27
"""Height of the face box over the photo's shorter side."""
LIGHT_STEP = 0.16
"""Difference in brightness, side or warmth from which a light counts as another one."""


def judge(reports: Sequence[PhotoReport], limits: PhotoLimits | None = None) -> SetVerdict:
    """Adds what only the whole set can tell to each report's own reasons.

    The judgement depends on the order of the photos only where two are equally good: the
    earlier one stays.
    """
    limits = limits or PhotoLimits()
    reasons = [list(report.reasons) for report in reports]
    _mark_repeats(reports, reasons)
    _mark_strangers(reports, reasons, limits.max_distance)
    accepted = [r for r, why in zip(reports, reasons, strict=True) if not why]
    coverage = _coverage(accepted)
    return SetVerdict(
        reasons=tuple(tuple(why) for why in reasons),
        coverage=coverage,
        missing=_missing(coverage, limits),
        ready=coverage.num_accepted >= limits.min_photos,
    )


def _mark_repeats(reports: Sequence[PhotoReport], reasons: list[list[Reason]]) -> None:
    for later, report in enumerate(reports):
        for earlier in range(later):
            if reasons[earlier] and reports[earlier].sha256 != report.sha256:
                continue
            code = _repeat(reports[earlier], report)
            if code is not None and (code is ReasonCode.DUPLICATE or not reasons[later]):
                reasons[later] = [Reason.model_validate({"code": code, "of": earlier + 1})]
                break


def _repeat(first: PhotoReport, second: PhotoReport) -> ReasonCode | None:
    if first.sha256 == second.sha256:
        return ReasonCode.DUPLICATE
    if not (first.fingerprint and second.fingerprint and first.face and second.face):
        return None
    bits = (int(first.fingerprint, 16) ^ int(second.fingerprint, 16)).bit_count()
    apart = dist(first.face.embedding, second.face.embedding)
    same_picture = bits <= NEAR_DUPLICATE_BITS and apart <= NEAR_DUPLICATE_DISTANCE
    same_face = bits <= SAME_FACE_BITS and apart <= SAME_FACE_DISTANCE
    alike = (same_picture or same_face) and _turn_deg(first.face, second.face) <= (
        SAME_MOMENT_TURN_DEG
    )
    return ReasonCode.NEAR_DUPLICATE if alike else None


def _turn_deg(first: Face, second: Face) -> float:
    return max(abs(first.yaw_deg - second.yaw_deg), abs(first.pitch_deg - second.pitch_deg))


def _mark_strangers(
    reports: Sequence[PhotoReport], reasons: list[list[Reason]], max_distance: float
) -> None:
    faces = {
        i: report.face.embedding
        for i, report in enumerate(reports)
        if report.face is not None and not reasons[i]
    }
    if len(faces) < 2:
        return
    apart = {(i, j): dist(faces[i], faces[j]) for i in faces for j in faces}
    circle = _circle(list(faces), apart, max_distance)
    distances = {i: _distance(i, circle, apart) for i in faces}
    limit = _limit([distances[i] for i in circle], max_distance)
    for i, distance in distances.items():
        if distance > limit:
            reasons[i] = [
                Reason.model_validate(
                    {
                        "code": ReasonCode.NOT_THE_SAME_PERSON,
                        "distance": round(distance, 3),
                        "max_distance": round(limit, 3),
                    }
                )
            ]


def _distance(face: int, circle: Sequence[int], apart: dict[tuple[int, int], float]) -> float:
    """From a face to the middle of the others."""
    others = [apart[face, j] for j in circle if j != face]
    return median(others) if others else 0.0


def _limit(distances: Sequence[float], max_distance: float) -> float:
    """Where enough photos agree closely, a relative who would pass otherwise stands out."""
    if len(distances) < ALIKE_MIN_PHOTOS:
        return max_distance
    return min(max_distance, max(ALIKE_LIMIT, ALIKE_FACTOR * median(distances)))


def _circle(
    faces: Sequence[int], apart: dict[tuple[int, int], float], max_distance: float
) -> list[int]:
    """The faces of one person: the largest group around any face, the earliest if two are equal.

    Whoever resembles the middle of the group belongs to it, not whoever resembles one of it, so a
    stranger does not come in by way of one unlucky photo.
    """
    friends = {i: [j for j in faces if apart[i, j] <= max_distance] for i in faces}
    group = friends[max(faces, key=lambda i: (len(friends[i]), -i))]
    return [i for i in faces if median(apart[i, j] for j in group) <= max_distance]


def _coverage(accepted: Sequence[PhotoReport]) -> Coverage:
    seen = [(r, r.face) for r in accepted if r.face is not None]
    yaws = [face.yaw_deg for _, face in seen]
    shares = [_share(report, face) for report, face in seen]
    return Coverage(
        num_accepted=len(accepted),
        frontal=sum(abs(yaw) <= FRONTAL_YAW_DEG for yaw in yaws),
        three_quarter_left=sum(yaw < -FRONTAL_YAW_DEG for yaw in yaws),
        three_quarter_right=sum(yaw > FRONTAL_YAW_DEG for yaw in yaws),
        num_lights=_num_lights([r.light for r in accepted if r.light is not None]),
        close_up=sum(share >= CLOSE_UP_SHARE for share in shares),
        farther_away=sum(share <= FARTHER_AWAY_SHARE for share in shares),
    )


def _share(report: PhotoReport, face: Face) -> float:
    return (face.box[3] - face.box[1]) / min(report.width_px, report.height_px)


def _num_lights(lights: Sequence[Light]) -> int:
    kinds: list[Light] = []
    for light in lights:
        if all(_differ(light, kind) for kind in kinds):
            kinds.append(light)
    return len(kinds)


def _differ(a: Light, b: Light) -> bool:
    steps = (a.brightness - b.brightness, a.side - b.side, a.warmth - b.warmth)
    return max(abs(step) for step in steps) >= LIGHT_STEP


def _missing(coverage: Coverage, limits: PhotoLimits) -> tuple[Missing, ...]:
    lacks = {
        Missing.MORE_PHOTOS: coverage.num_accepted < limits.min_photos,
        Missing.FRONTAL: coverage.frontal < 2,
        Missing.THREE_QUARTER_LEFT: coverage.three_quarter_left == 0,
        Missing.THREE_QUARTER_RIGHT: coverage.three_quarter_right == 0,
        Missing.OTHER_LIGHT: coverage.num_lights < 2,
        Missing.CLOSE_UP: coverage.close_up == 0,
        Missing.FARTHER_AWAY: coverage.farther_away == 0,
    }
    return tuple(code for code, lacking in lacks.items() if lacking)
