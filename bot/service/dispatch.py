"""Keeps the queue true to the rows: what is ordered is enqueued, what is taken back cancelled,
what got lost on the way is sent again, what is done without a word is noticed.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

import structlog
from pydantic import ValidationError
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.database import orders
from bot.database.connection import Database
from bot.database.tables import Order
from bot.service.bells import Bell
from bot.service.transport import Transport
from engine.contract import keys
from engine.contract.blobs import BlobMissingError, Blobs
from engine.contract.events import (
    Cancelled,
    Event,
    Finished,
    HeadshotsMade,
    LoraTrained,
    Outcome,
    PhotoChecked,
)
from engine.contract.jobs import CheckPhoto, GenerateHeadshots, Job, TrainLora
from engine.contract.manifests import HeadshotsManifest, LoraManifest
from engine.contract.photos import PhotoReport
from engine.contract.queue import JobQueue

RECONCILE_EVERY_S = 60.0
RING_AT_LEAST_EVERY_S = 15.0
BATCH = 20
log = structlog.get_logger()
Take = Callable[[Event], Awaitable[None]]
FinalT = TypeVar("FinalT", Finished, Cancelled)


class Dispatch:
    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        transport: Transport,
        take: Take,
        bell: Bell,
        clock: Callable[[], datetime],
        reconcile_every_s: float = RECONCILE_EVERY_S,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._transport = transport
        self._take = take
        self._bell = bell
        self._clock = clock
        self._reconcile_every_s = reconcile_every_s

    async def run(self) -> None:
        """Sends whenever the bell rings; a bell missed for an error rings again soon."""
        queue = await self._transport.queue()
        while True:
            await self.send(queue)
            await self._bell.wait(RING_AT_LEAST_EVERY_S)

    async def run_reconciling(self) -> None:
        queue = await self._transport.queue()
        while True:
            await self.reconcile(queue)
            await asyncio.sleep(self._reconcile_every_s)

    async def send(self, queue: JobQueue) -> None:
        async with self._database.reading() as tx:
            to_enqueue = [orders.job_of(order) for order in await orders.to_enqueue(tx)]
            to_cancel = [(order.id, order.attempt) for order in await orders.to_cancel(tx)]
        for some in _batches(to_enqueue):
            for job in some:
                await queue.enqueue(job)
            # Taken back, or gone, while they were on their way.
            for job in await self._mark_enqueued(some):
                await queue.cancel(job.job_id, job.attempt)
        for job_id, attempt in to_cancel:
            await queue.cancel(job_id, attempt)
            async with self._database.transaction() as tx:
                await _mark(tx, job_id, attempt, cancel_sent_at=self._clock())

    async def _mark_enqueued(self, jobs: Sequence[Job]) -> list[Job]:
        """Returns those whose order is not open under that attempt any more."""
        lost: list[Job] = []
        async with self._database.transaction() as tx:
            for job in jobs:
                if not await _mark(tx, job.job_id, job.attempt, enqueued_at=self._clock()):
                    lost.append(job)
        return lost

    async def reconcile(self, queue: JobQueue) -> None:
        """Looks after every open order that the queue does not know any more."""
        async with self._database.reading() as tx:
            open_orders = [
                order for order in await orders.unfinished(tx) if order.enqueued_at is not None
            ]
        for order in open_orders:
            job = orders.job_of(order)
            if await queue.is_known(job):
                continue
            outcome = await self._outcome(job)
            if outcome is not None:
                log.info("order_found_finished", kind=order.kind)
                await self._take(self._event(Finished, order, result=outcome))
            elif order.cancel_asked_at is not None:
                await self._take(self._event(Cancelled, order))
            else:
                log.info("order_sent_again", kind=order.kind)
                await queue.enqueue(job)

    def _event(self, kind: type[FinalT], order: Order, **facts: object) -> FinalT:
        """As the engine would have told it, next in the order's sequence."""
        return kind.model_validate(
            {
                "job_id": order.id,
                "attempt": order.attempt,
                "sequence": order.last_sequence + 1,
                "owner": order.person_id,
                "at": self._clock(),
                **facts,
            }
        )

    async def _outcome(self, job: Job) -> Outcome | None:
        """What the job's artifact says, where a whole one is there."""
        try:
            match job:
                case CheckPhoto():
                    report = PhotoReport.model_validate_json(await self._blobs.get(job.report_key))
                    return PhotoChecked(report=report)
                case TrainLora():
                    prefix = keys.lora(job.owner, job.job_id)
                    lora = LoraManifest.model_validate_json(
                        await self._blobs.get(prefix + keys.MANIFEST)
                    )
                    return LoraTrained(
                        lora_prefix=prefix,
                        base=lora.base,
                        num_steps=lora.num_steps,
                        seconds=lora.seconds,
                        likeness=lora.likeness,
                    )
                case GenerateHeadshots():
                    prefix = keys.headshots(job.owner, job.job_id)
                    made = HeadshotsManifest.model_validate_json(
                        await self._blobs.get(prefix + keys.MANIFEST)
                    )
                    return HeadshotsMade(headshots=made.headshots, seconds=made.seconds)
                case _:
                    return None
        except (BlobMissingError, ValidationError, json.JSONDecodeError):
            return None


async def _mark(tx: AsyncSession, job_id: str, attempt: int, **moments: datetime) -> bool:
    """False when the order is not open under this attempt any more."""
    order = await tx.get(Order, job_id)
    if order is None or order.attempt != attempt:
        return False
    await tx.execute(update(Order).where(Order.id == job_id).values(**moments))
    return order.status not in (orders.CANCELLED, orders.DELETED)


def _batches(jobs: Sequence[Job]) -> list[Sequence[Job]]:
    """One transaction for each few: in a crowd, writers wait for each other."""
    return [jobs[start : start + BATCH] for start in range(0, len(jobs), BATCH)]
