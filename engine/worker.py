"""The engine: reads the lines of its roles with arq, and holds together what serves them.

Composition root of the worker process, which never imports torch and never blocks its event loop.
Knows arq, signals and the order of starting and ending; what is done with a job is
`engine.desk`'s.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Coroutine, Iterable
from importlib.util import find_spec
from typing import Any, Literal

import structlog
from arq.connections import ArqRedis
from arq.worker import Retry, Worker, func
from redis.exceptions import RedisError

from engine.contract.blobs import Blobs
from engine.contract.queue import (
    ENGINE_LEASE_S,
    FUNCTION,
    KEEP_RESULT_S,
    QUEUES,
    EngineAlive,
    JobQueue,
    connect,
    decode,
    encode,
)
from engine.contract.settings import EngineSettings
from engine.desk import Desk
from engine.gpu.client import GpuClient
from engine.lease import Lease, WorkFolder
from engine.photo_pool import PhotoPool

Role = Literal["photos", "training", "generation"]

CLEAR_S = 11.0
"""What a training may take to save itself, of the 15 seconds a stopping engine has."""
STOP_S = 14.0
"""Then the process ends, whatever still hangs."""
MAX_GENERATIONS = 16
"""Requests handed to the GPU process at a time; its scheduler is fair among those it knows."""
POLL_S: dict[Role, float] = {"photos": 0.1, "training": 0.25, "generation": 0.1}
FOREVER = 10**9
"""Tries and seconds: arq's own limits would end jobs that only waited or were interrupted."""

log = structlog.get_logger()


def usable_roles(settings: EngineSettings) -> tuple[Role, ...]:
    """The roles this installation can serve: without torch only photos."""
    if find_spec("torch") is not None:
        return settings.roles
    roles: tuple[Role, ...] = ("photos",) if "photos" in settings.roles else ()
    if roles != settings.roles:
        log.warning("engine_without_torch", roles=roles)
    return roles


async def run(settings: EngineSettings, roles: tuple[Role, ...]) -> None:
    """Serves until SIGTERM or SIGINT; then lets the jobs be saved and returns within 15 seconds.

    Raises:
        RedisError: when Redis does not answer for about two minutes.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        stopping.set()
        loop.call_later(STOP_S, _end_by_force)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await _serve(settings, roles, stopping)


def _end_by_force() -> None:
    """What is not saved by now (Redis may be away as well) goes on from its last checkpoint."""
    log.warning("engine_stop_forced")
    os._exit(0)


async def _serve(
    settings: EngineSettings, roles: tuple[Role, ...], stopping: asyncio.Event
) -> None:
    place = WorkFolder.take(settings.work_dir)
    redis = await connect(settings.redis_url)
    lease = Lease(redis, place.engine_id, settings.lease_s)
    await lease.free_jobs_of(place.last_engine_id)
    photos = PhotoPool(settings.blobs_url, settings.photo_processes)
    gpu = GpuClient(settings)
    blobs = Blobs.from_url(settings.blobs_url)
    desk = Desk(redis, lease, settings, blobs, photos, gpu)
    workers = [_worker(role, await connect(settings.redis_url), desk, settings) for role in roles]
    alive = EngineAlive(engine_id=place.engine_id, roles=roles, base=settings.base)
    works: list[Coroutine[Any, Any, object]] = [
        *(worker.async_run() for worker in workers),
        lease.keep(),
        desk.watch_cancels(),
        _show_alive(JobQueue(redis), alive),
        photos.warm(),
    ]
    if {"training", "generation"} & {*roles}:
        works.append(gpu.start())
    tasks = [asyncio.create_task(work) for work in works]
    log.info("engine_started", engine=place.engine_id, roles=roles, base=settings.base)
    try:
        await _until(stopping, tasks)
        for worker in workers:
            worker.allow_pick_jobs = False
        await desk.clear(CLEAR_S)
    finally:
        for worker in workers:
            await _close(worker)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await gpu.close()
        await photos.close()
        with contextlib.suppress(RedisError):
            await JobQueue(redis).show_gone(alive)
        await redis.aclose()
        place.release()
        log.info("engine_stopped", engine=place.engine_id)


def _worker(role: Role, redis: ArqRedis, desk: Desk, settings: EngineSettings) -> Worker:
    async def job(ctx: dict[Any, Any], payload: str) -> None:
        if not await desk.perform(payload):
            raise Retry  # arq keeps it in line, at its old place

    queue_of_kind = {"photos": "check_photo", "training": "train_lora"}
    max_jobs = {"photos": settings.photo_processes + 1, "training": 1}
    worker = Worker(
        functions=[func(job, name=FUNCTION, timeout=FOREVER, max_tries=FOREVER)],
        queue_name=QUEUES[queue_of_kind.get(role, "generate_headshots")],
        redis_pool=redis,
        handle_signals=False,
        max_jobs=max_jobs.get(role, MAX_GENERATIONS),
        keep_result=KEEP_RESULT_S,
        poll_delay=POLL_S[role],
        job_serializer=encode,
        job_deserializer=decode,
        log_results=False,
    )
    worker.in_progress_timeout_s = settings.lease_s
    return worker


async def _close(worker: Worker) -> None:
    """arq cancels what still runs, and raises that here."""
    with contextlib.suppress(asyncio.CancelledError, RedisError):
        await worker.close()


async def _show_alive(queue: JobQueue, alive: EngineAlive) -> None:
    while True:
        await queue.show_alive(alive)
        await asyncio.sleep(ENGINE_LEASE_S / 3)


async def _until(stopping: asyncio.Event, tasks: Iterable[asyncio.Task[object]]) -> None:
    """Lets tasks run side by side until told to stop.

    Raises:
        Exception: of the first task that fails.
    """
    stop = asyncio.create_task(stopping.wait())
    pending: set[asyncio.Task[Any]] = {stop, *tasks}
    try:
        while not stop.done():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        stop.cancel()
