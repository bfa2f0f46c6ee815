"""Rows of one person, as the snapshot that the conversation looks at. Reads only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.conversation.actions import SHORT_ID_LENGTH
from bot.conversation.admin import read_wish
from bot.conversation.commands import canonical
from bot.conversation.incoming import Command, Happening, Incoming, Pressed, Said
from bot.conversation.session import Session
from bot.conversation.situation import (
    Collection,
    HeadshotSet,
    Kept,
    Model,
    Order,
    Other,
    Photo,
    Quota,
    Shot,
    Situation,
    Stats,
)
from bot.database import line, models, orders, people, photos, tables
from bot.service import forecast
from bot.service.engines import EngineSigns
from bot.service.examples import Examples
from bot.service.quotas import quota_of
from bot.service.rules import Rules
from bot.service.visits import Visit
from engine.contract import keys
from engine.contract.failures import FailureCode
from engine.contract.jobs import GenerateHeadshots
from engine.contract.photos import PhotoReport

NUM_LATEST_SETS = 5
PAUSED = "paused"
CHOICE = ("num_drawn", "shortcoming")
"""What an order's progress remembers of how its headshots were chosen."""
KINDS = {"train_lora": "training", "generate_headshots": "headshots"}


class Situations:
    def __init__(
        self,
        rules: Rules,
        signs: EngineSigns,
        verdict_platforms: frozenset[str] = frozenset(),
        form_platforms: frozenset[str] = frozenset(),
        examples: Examples | None = None,
    ) -> None:
        self._rules = rules
        self._signs = signs
        self._verdict_platforms = verdict_platforms
        self._form_platforms = form_platforms
        self._examples = examples

    async def load(self, visit: Visit, about: Incoming | Happening | None = None) -> Situation:
        """Everything that the answer may depend on, the set of a pressed button included."""
        tx, person, account = visit.tx, visit.person, visit.account
        is_admin = visit.is_admin or self._rules.is_admin(
            account.platform, account.platform_user_id
        )
        own_models = await models.of_person(tx, person.id)
        names = {model.id: model.name for model in own_models}
        return Situation(
            now=visit.now,
            session=await self._session(tx, person.id),
            platform_locale=person.locale,
            verdict_replies=account.platform in self._verdict_platforms,
            in_group=visit.here is not None,
            here_is_private=visit.here_is_private,
            upload_form=account.platform in self._form_platforms,
            access="banned" if person.banned else "allowed",
            paused=await is_paused(tx),
            is_admin=is_admin,
            engine_alive=self._signs.alive,
            limits=self._rules.limits,
            quality=self._rules.quality,
            default_count=self._rules.default_count,
            max_count=self._rules.max_count,
            free_prompt=self._rules.free_prompt,
            collection=await self._collection(tx, person.id),
            models=tuple(_model(model) for model in own_models),
            orders=await self._orders(tx, person.id, names, visit.now),
            headshot_sets=await self._sets(tx, person.id, names, about),
            styles=self._rules.styles,
            examples=await self._examples.by_style() if self._examples is not None else {},
            quota=Quota() if is_admin else await quota_of(tx, person, self._rules, visit.now),
            kept=await _kept(tx, person.id, len(own_models)),
            stats=await self._stats(tx, visit) if is_admin else None,
            other=await _other(tx, about) if is_admin else None,
        )

    async def order(self, tx: AsyncSession, row: tables.Order, now: datetime) -> Order:
        """One order, also one that has just ended."""
        model = await models.own(tx, row.person_id, row.model_id)
        names = {} if model is None else {model.id: model.name}
        return await self._order(tx, row, names, now)

    async def headshot_set(self, tx: AsyncSession, row: tables.Order) -> HeadshotSet:
        model = await models.own(tx, row.person_id, row.model_id)
        names = {} if model is None else {model.id: model.name}
        return (await _sets_of(tx, [row], names))[0]

    async def model(self, tx: AsyncSession, person_id: str, model_id: str) -> Model | None:
        row = await models.own(tx, person_id, model_id)
        return None if row is None else _model(row)

    async def _session(self, tx: AsyncSession, person_id: str) -> Session:
        state = await people.session_of(tx, person_id)
        return Session() if state is None else Session.model_validate(state)

    async def _collection(self, tx: AsyncSession, person_id: str) -> Collection | None:
        row = await photos.open_collection(tx, person_id)
        if row is None:
            return None
        found = await photos.of_collection(tx, row.id)
        return Collection(
            id=row.id, photos=tuple(photo_of(photo) for photo in found), refreshes=row.refreshes
        )

    async def _orders(
        self, tx: AsyncSession, person_id: str, names: dict[str, str], now: datetime
    ) -> tuple[Order, ...]:
        found = await orders.unfinished(tx, person_id, tuple(KINDS))
        return tuple([await self._order(tx, row, names, now) for row in found])

    async def _order(
        self, tx: AsyncSession, row: tables.Order, names: dict[str, str], now: datetime
    ) -> Order:
        """With its place in line, and the time it takes by what such orders took before."""
        fair = row.kind == "generate_headshots"
        waiting, past = await line.of_kind(tx, row.kind), await line.recently(tx, row.kind)
        num_engines = max(1, self._signs.num_engines)
        return _order(
            row,
            names,
            forecast.position(waiting, row.id, fair),
            forecast.left(waiting, row.id, past, now, fair, num_engines),
        )

    async def _sets(
        self,
        tx: AsyncSession,
        person_id: str,
        names: dict[str, str],
        about: Incoming | Happening | None,
    ) -> tuple[HeadshotSet, ...]:
        found = list(await models.latest_sets(tx, person_id, NUM_LATEST_SETS))
        if isinstance(about, Pressed) and about.action and len(about.action.id) == SHORT_ID_LENGTH:
            named = await models.set_starting_with(tx, person_id, about.action.id)
            if named is not None and named not in found:
                found.insert(0, named)
        return await _sets_of(tx, found, names)

    async def _stats(self, tx: AsyncSession, visit: Visit) -> Stats:
        async def count(table: type[tables.Row], *conditions: object) -> int:
            query = select(func.count()).select_from(table)
            return await tx.scalar(query.where(*conditions)) or 0  # type: ignore[arg-type]

        midnight = visit.now.replace(hour=0, minute=0, second=0, microsecond=0)
        row = tables.Order
        return Stats(
            num_people=await count(tables.Person),
            num_models=await count(tables.Model, tables.Model.status == models.READY),
            num_headshots=await count(tables.HeadshotRow),
            num_queued=await count(row, row.status == orders.WAITING),
            num_running=await count(row, row.status == orders.RUNNING),
            num_failed_today=await count(
                row, row.status == orders.FAILED, row.finished_at >= midnight
            ),
            num_engines=self._signs.num_engines,
        )


async def _other(tx: AsyncSession, about: Incoming | Happening | None) -> Other | None:
    if isinstance(about, Said):
        name, _, argument = about.text.strip().partition(" ")
        about = Command(name=name, argument=argument)
    if not isinstance(about, Command) or canonical(about.name) != "admin":
        return None
    name = read_wish(about).person
    person = await people.named(tx, name)
    if person is None:
        return None
    return Other(
        name=name,
        banned=person.banned,
        headshots_per_day=person.headshots_per_day,
        trainings_per_day=person.trainings_per_day,
    )


async def is_paused(tx: AsyncSession) -> bool:
    row = await tx.get(tables.Meta, PAUSED)
    return row is not None and bool(row.value["value"])


def photo_of(row: tables.Photo) -> Photo:
    return Photo(
        number=row.number,
        sha256=row.sha256,
        key=keys.photo(row.person_id, row.sha256),
        report=None if row.report is None else PhotoReport.model_validate(row.report),
        failure=None if row.failure is None else FailureCode(row.failure),
        origin=row.origin,
    )


def _model(row: tables.Model) -> Model:
    return Model.model_validate(
        {
            "id": row.id,
            "name": row.name,
            "status": row.status,
            "likeness": row.likeness,
            "is_chosen": row.chosen,
            "created": row.created_at,
            "num_photos": row.num_photos,
            "base": row.base,
        }
    )


def _order(
    row: tables.Order,
    names: dict[str, str],
    position: int | None,
    left_s: tuple[float, float] | None,
) -> Order:
    progress = row.progress or {}
    return Order.model_validate(
        {
            "id": row.id,
            "kind": KINDS[row.kind],
            "status": "queued" if row.status == orders.WAITING else "running",
            "position": position,
            "model_id": row.model_id,
            "model_name": names.get(row.model_id, ""),
            "collection_id": row.collection_id,
            **_wish(row),
            "count": row.count,
            "phase": progress.get("phase"),
            "step": progress.get("step", 0),
            "total": progress.get("total", 0),
            "eta_s": left_s,
            "likeness": progress.get("likeness"),
            "preview_key": progress.get("preview_key", ""),
            "resumed": progress.get("resumed", False),
            "cancelling": row.cancel_asked_at is not None,
        }
    )


def _wish(row: tables.Order) -> dict[str, Any]:
    """What headshots were asked for."""
    if row.kind != "generate_headshots":
        return {}
    job = GenerateHeadshots.model_validate(row.job)
    return {
        "style": job.style.name,
        "background": job.style.background,
        "clothes": job.style.clothes,
        "strength": job.strength,
        "prompt": job.prompt,
    }


async def _sets_of(
    tx: AsyncSession, rows: Sequence[tables.Order], names: dict[str, str]
) -> tuple[HeadshotSet, ...]:
    if not rows:
        return ()
    shots = await models.headshots_of(tx, [row.id for row in rows])
    return tuple(
        _set(row, [shot for shot in shots if shot.order_id == row.id], names) for row in rows
    )


def _set(
    row: tables.Order, shots: Sequence[tables.HeadshotRow], names: dict[str, str]
) -> HeadshotSet:
    job = GenerateHeadshots.model_validate(row.job)
    told = row.progress or {}
    return HeadshotSet(
        id=row.id,
        model_id=row.model_id,
        model_name=names.get(row.model_id, ""),
        style=job.style.name,
        shots=tuple(
            Shot(key=shot.key, seed=int(shot.seed), likeness=shot.likeness) for shot in shots
        ),
        strength=job.strength,
        prompt=job.prompt,
        aspect=job.style.aspect,
        background=job.style.background,
        clothes=job.style.clothes,
        seed=job.seed,
        seconds=row.seconds,
        **{name: told[name] for name in CHOICE if name in told},
    )


async def _kept(tx: AsyncSession, person_id: str, num_models: int) -> Kept:
    num_photos, num_headshots = await models.count_kept(tx, person_id)
    return Kept(num_photos=num_photos, num_models=num_models, num_headshots=num_headshots)
