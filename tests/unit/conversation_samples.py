"""Situations to try the conversation in: one for each state that a person can be in."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256

from bot.conversation.session import Session, State
from bot.conversation.situation import (
    Collection,
    HeadshotSet,
    Kept,
    Model,
    Order,
    Photo,
    Quota,
    Shot,
    Situation,
)
from engine.contract import styles
from engine.contract.photos import Face, Light, PhotoReport, Reason, ReasonCode

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STYLES = styles.load()
ME = "a1" * 16
OTHER = "b2" * 16
TRAINING = "c3" * 16
COLLECTION = "d4" * 16
SET = "e5" * 16
SHOOTING = "f6" * 16

FACTS: dict[ReasonCode, dict[str, object]] = {
    ReasonCode.UNREADABLE: {"problem": "truncated"},
    ReasonCode.TOO_LARGE: {"value": 40 * 1024 * 1024, "limit": 30 * 1024 * 1024, "unit": "bytes"},
    ReasonCode.LOW_RESOLUTION: {"width_px": 300, "height_px": 400, "min_side_px": 512},
    ReasonCode.NO_FACE: {},
    ReasonCode.SEVERAL_FACES: {"num_faces": 2},
    ReasonCode.FACE_TOO_SMALL: {"face_px": 80, "min_face_px": 110},
    ReasonCode.FACE_CUT_OFF: {"side": "top"},
    ReasonCode.BLURRY: {"sharpness": 0.1, "min_sharpness": 0.3},
    ReasonCode.TOO_DARK: {"brightness": 0.1, "min_brightness": 0.16},
    ReasonCode.TOO_BRIGHT: {"brightness": 0.99, "max_brightness": 0.92},
    ReasonCode.DUPLICATE: {"of": 1},
    ReasonCode.NEAR_DUPLICATE: {"of": 1},
    ReasonCode.NOT_THE_SAME_PERSON: {"distance": 0.8, "max_distance": 0.6},
}


def hash_of(number: int) -> str:
    return sha256(str(number).encode()).hexdigest()


def reason(code: ReasonCode) -> Reason:
    return Reason.model_validate({"code": code, **FACTS[code]})


def report(number: int, *codes: ReasonCode) -> PhotoReport:
    """A frontal photo of one and the same person, another take each time; refused for `codes`."""
    take = [0.0] * 128
    take[0], take[1 + number % 127] = 1.0, 0.3
    face = Face(
        box=(100, 100, 500, 500),
        score=1.0,
        landmarks=(),
        embedding=tuple(take),
        yaw_deg=0.0,
        pitch_deg=0.0,
        roll_deg=0.0,
    )
    return PhotoReport(
        sha256=hash_of(number),
        width_px=1000,
        height_px=1000,
        fingerprint=blake2b(str(number).encode(), digest_size=8).hexdigest(),
        sharpness=0.9,
        face=face,
        light=Light(brightness=0.5, contrast=0.2, side=0.0, warmth=0.0),
        reasons=tuple(reason(code) for code in codes),
    )


def photo(number: int, *codes: ReasonCode, pending: bool = False) -> Photo:
    return Photo(
        number=number,
        sha256=hash_of(number),
        key=f"people/x/photos/{number}",
        report=None if pending else report(number, *codes),
    )


def collection(good: int = 0, pending: int = 0, blurry: int = 0) -> Collection:
    photos = [photo(n) for n in range(1, good + 1)]
    photos += [photo(good + n, ReasonCode.BLURRY) for n in range(1, blurry + 1)]
    photos += [photo(good + blurry + n, pending=True) for n in range(1, pending + 1)]
    return Collection(id=COLLECTION, photos=tuple(photos))


def model(model_id: str = ME, name: str = "Me", **changes: object) -> Model:
    whole = Model(id=model_id, name=name, likeness=0.91, created=NOW, num_photos=12)
    return whole.model_copy(update=changes)


def training(**changes: object) -> Order:
    order = Order(
        id=TRAINING,
        kind="training",
        status="running",
        model_id=ME,
        model_name="Me",
        collection_id=COLLECTION,
        phase="training",
        step=340,
        total=1000,
        eta_s=(100.0, 170.0),
        likeness=0.78,
    )
    return order.model_copy(update=changes)


def shooting(**changes: object) -> Order:
    order = Order(
        id=SHOOTING,
        kind="headshots",
        position=2,
        model_id=ME,
        model_name="Me",
        style="linkedin",
        count=4,
    )
    return order.model_copy(update=changes)


def headshot_set(**changes: object) -> HeadshotSet:
    made = HeadshotSet(
        id=SET,
        model_id=ME,
        model_name="Me",
        style="linkedin",
        shots=tuple(Shot(key=f"k{n}", seed=100 + n, likeness=0.9) for n in range(4)),
        seed=100,
        seconds=11.6,
    )
    return made.model_copy(update=changes)


def situation(**parts: object) -> Situation:
    basis: dict[str, object] = {"now": NOW, "styles": STYLES}
    return Situation.model_validate(basis | parts)


def session(**parts: object) -> Session:
    return Session.model_validate(parts)


SITUATIONS: dict[str, Situation] = {
    "new": situation(),
    "empty collection": situation(collection=collection()),
    "collecting": situation(collection=collection(good=4, pending=1, blurry=1)),
    "enough": situation(collection=collection(good=8)),
    "starts when checked": situation(
        collection=collection(good=6, pending=2), session=session(start_when_checked=True)
    ),
    "training": situation(orders=[training()], models=[model(status="training", likeness=None)]),
    "stopping": situation(
        orders=[training(cancelling=True)], models=[model(status="training", likeness=None)]
    ),
    "ready": situation(models=[model()], headshot_sets=[headshot_set()], kept=Kept(num_models=1)),
    "two models": situation(
        models=[model(is_chosen=True), model(OTHER, "Anna")], headshot_sets=[headshot_set()]
    ),
    "shooting": situation(models=[model()], orders=[shooting()], headshot_sets=[headshot_set()]),
    "busy": situation(
        models=[model(), model(OTHER, "Anna", status="training")],
        orders=[shooting(), training(model_id=OTHER, model_name="Anna")],
    ),
    "renaming": situation(
        models=[model(), model(OTHER, "Anna")],
        session=session(state=State.RENAMING, model_id=ME),
    ),
    "forgetting": situation(
        models=[model()],
        kept=Kept(num_photos=12, num_models=1, num_headshots=4),
        session=session(state=State.CONFIRMING_FORGET),
    ),
    "used up": situation(
        models=[model()],
        headshot_sets=[headshot_set()],
        collection=collection(good=8),
        quota=Quota(headshots_left=0, trainings_left=0, resets_at=NOW + timedelta(hours=5)),
    ),
    "banned": situation(access="banned", models=[model()], collection=collection(good=8)),
    "paused": situation(paused=True, models=[model()], collection=collection(good=8)),
    "engine away": situation(
        engine_alive=False, models=[model()], collection=collection(pending=2)
    ),
    "failed": situation(models=[model(status="failed", likeness=None)]),
}
