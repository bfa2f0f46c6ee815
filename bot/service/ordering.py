"""Effects that ask the engine for something, or take it back: training, headshots, cancelling."""

import secrets
from collections.abc import Sequence

from bot.conversation.effects import CancelOrder, Generate, StartTraining
from bot.database import models, orders, photos
from bot.database.tables import Collection, Model, Order, Photo
from bot.service.follow import Follow, ShowCancelled, ShowQueued
from bot.service.rules import Rules
from bot.service.visits import Visit
from engine.contract import keys
from engine.contract.jobs import GenerateHeadshots, PhotoRef, TrainLora, derive_id
from engine.contract.photo_set import judge
from engine.contract.photos import PhotoReport
from engine.contract.styles import Style

SEEDS = 2**31
"""Few enough digits to be read out and typed."""


async def train(visit: Visit, effect: StartTraining, rules: Rules) -> list[Follow]:
    """The collection names the job: however often Start is pressed, it trains once."""
    tx, owner = visit.tx, visit.person.id
    job_id = derive_id("train_lora", owner, effect.collection_id)
    if await tx.get(Order, job_id) is not None:
        return [ShowQueued(job_id)]
    collection = await tx.get(Collection, effect.collection_id)
    if collection is None or collection.person_id != owner:
        return []
    accepted = _accepted(await photos.of_collection(tx, collection.id), rules)
    if not accepted:
        return []
    former = await models.own(tx, owner, collection.refreshes or "")
    job = TrainLora(
        job_id=job_id,
        owner=owner,
        photos=tuple(
            PhotoRef(photo_key=keys.photo(owner, sha), report_key=keys.report(owner, sha))
            for sha in accepted
        ),
        limits=rules.limits,
        quality=effect.quality,
        seed=int(derive_id("seed", job_id)[:12], 16),
        refresh_from=former.lora_prefix if former and effect.refresh_from == former.id else None,
    )
    order = orders.new(job, visit.account.id, visit.now)
    order.collection_id, order.model_id, order.count = collection.id, job_id, 1
    collection.closed_at = visit.now
    tx.add(order)
    tx.add(
        Model(
            id=job_id,
            person_id=owner,
            collection_id=collection.id,
            name=effect.name,
            lora_prefix=keys.lora(owner, job_id),
            status=models.TRAINING,
            num_photos=len(accepted),
            created_at=visit.now,
        )
    )
    if former is not None and former.status == models.FAILED:
        await tx.delete(former)
    await tx.flush()
    return [ShowQueued(job_id)]


async def generate(visit: Visit, effect: Generate, rules: Rules) -> list[Follow]:
    """The same wish, while it still waits or runs, is the same order: a button pressed twice."""
    tx, owner = visit.tx, visit.person.id
    model = await models.own(tx, owner, effect.model_id)
    style = rules.styles.get(effect.style)
    if model is None or style is None:
        return []
    style = _as_wished(style, effect)
    wish = (model.id, *_look(style), effect.count, effect.strength, effect.prompt, effect.exact)
    seed = effect.seed
    if seed is None:
        for order in await orders.unfinished(tx, owner, ["generate_headshots"]):
            if wish == _wish(order):
                return [ShowQueued(order.id)]
        seed = secrets.randbelow(SEEDS)
    job = GenerateHeadshots(
        job_id=derive_id("headshots", owner, *wish, seed),
        owner=owner,
        lora_prefix=model.lora_prefix,
        style=style,
        prompt=effect.prompt,
        count=effect.count,
        seed=seed,
        strength=effect.strength,
        exact=effect.exact,
    )
    order = await tx.get(Order, job.job_id)
    if order is None:
        order = orders.new(job, visit.account.id, visit.now)
        order.model_id, order.count = model.id, effect.count
        tx.add(order)
    elif order.status not in orders.OPEN:
        orders.begin_attempt(order, job, visit.account.id, visit.now)
        await models.drop_headshots(tx, order.id)
    await tx.flush()
    return [ShowQueued(order.id)]


async def cancel(visit: Visit, effect: CancelOrder) -> list[Follow]:
    """What the queue knows of ends when the engine says so; what it does not, ends here."""
    order = await visit.tx.get(Order, effect.order_id)
    if order is None or order.person_id != visit.person.id or order.status not in orders.OPEN:
        return []
    return await cancel_order(visit, order)


async def cancel_order(visit: Visit, order: Order) -> list[Follow]:
    if order.enqueued_at is not None:
        order.cancel_asked_at = order.cancel_asked_at or visit.now
        return []
    orders.end(order, orders.CANCELLED, visit.now)
    model = await models.own(visit.tx, visit.person.id, order.model_id)
    if model is not None and model.status == models.TRAINING:
        model.status = models.FAILED
    return [ShowCancelled(order.id)]


def _accepted(found: Sequence[Photo], rules: Rules) -> list[str]:
    judged = [(photo.sha256, photo.report) for photo in found if photo.report is not None]
    reports = [PhotoReport.model_validate(report) for _, report in judged]
    verdict = judge(reports, rules.limits)
    accepted = [sha for (sha, _), why in zip(judged, verdict.reasons, strict=True) if not why]
    return accepted[: rules.limits.max_photos]


def _wish(order: Order) -> tuple[object, ...]:
    job = GenerateHeadshots.model_validate(order.job)
    return (order.model_id, *_look(job.style), job.count, job.strength, job.prompt, job.exact)


def _look(style: Style) -> tuple[object, ...]:
    return (style.name, style.aspect, style.background, style.clothes)


def _as_wished(style: Style, effect: Generate) -> Style:
    chosen = {
        "aspect": effect.aspect,
        "background": effect.background,
        "clothes": effect.clothes,
    }
    return style.model_copy(update={name: value for name, value in chosen.items() if value})
