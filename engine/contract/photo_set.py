"""Judges photos against one another: repeats, strangers, coverage. Pure arithmetic on reports.

Both sides need this judgement (the bot after each photo, the engine before training), so it
lives in the contract. It knows numbers only; pixels were left behind in `engine.photos`.
"""

from collections.abc import Sequence
from math import dist

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
NEAR_DUPLICATE_BITS = 6
"""Perceptual hashes of 64 bits nearer than this show the same moment."""
NEAR_DUPLICATE_DISTANCE = 0.22
"""Two takes of one moment also agree in the face; a new pose or light lies above."""
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
    alike = dist(first.face.embedding, second.face.embedding) <= NEAR_DUPLICATE_DISTANCE
    return ReasonCode.NEAR_DUPLICATE if bits <= NEAR_DUPLICATE_BITS and alike else None


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
    friends = {
        i: [j for j in faces if dist(faces[i], faces[j]) <= max_distance] for i in faces
    }
    centre = max(faces, key=lambda i: (len(friends[i]), -i))
    circle = friends[centre]
    for i, embedding in faces.items():
        nearest = min(dist(embedding, faces[j]) for j in circle if j != i) if circle != [i] else 0.0
        if i not in circle and nearest > max_distance:
            reasons[i] = [
                Reason.model_validate(
                    {
                        "code": ReasonCode.NOT_THE_SAME_PERSON,
                        "distance": round(nearest, 3),
                        "max_distance": max_distance,
                    }
                )
            ]


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
