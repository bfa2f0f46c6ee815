"""A bot in a bottle: the real service on a real database, blob store and queue, with chats that
write down what they are sent, and an engine that answers jobs without a model.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from arq.connections import ArqRedis
from redis.exceptions import RedisError

from bot.conversation.actions import Verb
from bot.conversation.incoming import Command, Incoming, PhotosReceived, Pressed
from bot.conversation.messages import Button, Message
from bot.database.connection import Database
from bot.frontends.base import Address, Caller, Inbox, MessageRef
from bot.service.rules import Rules
from bot.service.service import Service, utc_now
from engine.contract import keys, queue, styles
from engine.contract.blobs import BlobMissingError, Blobs
from engine.contract.events import (
    Cancelled,
    Erased,
    Event,
    Failed,
    Finished,
    Headshot,
    HeadshotsMade,
    LoraTrained,
    Outcome,
    PhotoChecked,
    Progress,
    Started,
)
from engine.contract.failures import Failure
from engine.contract.jobs import (
    JOB,
    CheckPhoto,
    Erase,
    GenerateHeadshots,
    Job,
    TrainLora,
)
from engine.contract.manifests import HeadshotsManifest, LoraManifest
from engine.contract.photos import Face, Light, PhotoLimits, PhotoReport, Reason
from engine.contract.queue import QUEUES, EngineAlive, EventStream, JobQueue

LIMITS = PhotoLimits(min_photos=3, max_photos=6, recommended_photos=(4, 5))
RULES = Rules(limits=LIMITS, styles=styles.load(), admins=frozenset({"desk:boss"}))
PATIENCE_S = 20.0


async def until(condition: Callable[[], Any], what: Callable[[], str] = str) -> Any:
    """Waits for something to become true."""
    for _ in range(int(PATIENCE_S / 0.01)):
        found = condition()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"never came: {what()}")


@dataclass(frozen=True)
class Sent:
    address: Address
    message: Message
    replace: MessageRef | None
    ref: MessageRef


@dataclass
class FakeChat:
    """A platform whose messages never get lost: what each person sees, and how it came there."""

    name: str = "desk"
    edit_pace_s: float = 0.0
    verdict_replies: bool = False
    sent: list[Sent] = field(default_factory=list[Sent])
    fault: Callable[[Address, Message], Exception | None] = lambda address, message: None
    inbox: Inbox | None = None
    wire: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)

    async def run(self, inbox: Inbox) -> None:
        self.inbox = inbox
        await asyncio.Event().wait()

    async def send(
        self, address: Address, message: Message, replace: MessageRef | None
    ) -> MessageRef:
        await self.wire()
        error = self.fault(address, message)
        if error is not None:
            raise error
        ref = replace or {"id": len(self.sent)}
        self.sent.append(Sent(address, message, replace, ref))
        return ref

    def caller(self, user: str) -> Caller:
        return Caller(platform=self.name, user_id=user, address={"dm": user}, locale="en")

    def visible(self, user: str) -> list[Message]:
        """The chat as the person sees it now."""
        seen: dict[str, Message] = {}
        for sent in self.sent:
            if sent.address == {"dm": user}:
                seen[json.dumps(sent.ref)] = sent.message
        return list(seen.values())

    def keys(self, user: str) -> list[str]:
        return [message.key for message in self.visible(user)]

    def all_keys(self, user: str) -> list[str]:
        """Also what was there before an edit."""
        return [sent.message.key for sent in self.sent if sent.address == {"dm": user}]

    def button(self, user: str, verb: Verb) -> Button | None:
        """The newest visible button of a verb."""
        for message in reversed(self.visible(user)):
            for row in message.buttons:
                for button in row:
                    if button.action.verb is verb:
                        return button
        return None


@dataclass
class FakeEngine:
    """Takes jobs from the real queue and answers through the real stream. `b"dark…"` is refused.

    `holds` names kinds that are left in line; `stalls` names kinds that begin and never end.
    """

    redis: ArqRedis
    blobs: Blobs
    holds: set[str] = field(default_factory=set[str])
    stalls: set[str] = field(default_factory=set[str])
    fails: dict[str, Failure] = field(default_factory=dict[str, Failure])
    silent: set[str] = field(default_factory=set[str])
    repeats: int = 1
    is_away: bool = False
    taken: list[Job] = field(default_factory=list[Job])

    def __post_init__(self) -> None:
        self.stream = EventStream(self.redis)
        self.queue = JobQueue(self.redis)

    async def run(self) -> None:
        alive = EngineAlive(engine_id="e1", roles=("photos",), base="fake")
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    if not self.is_away:
                        await self.queue.show_alive(alive)
                    for job in await self._take():
                        tasks.create_task(self._work(job))
                except (RedisError, OSError):
                    pass
                await asyncio.sleep(0.01)

    async def _take(self) -> list[Job]:
        jobs: list[Job] = []
        for name in sorted(set(QUEUES.values())):
            for queue_id, _ in await self.redis.zrange(name, 0, -1, withscores=True):
                data = await self.redis.get(b"arq:job:" + queue_id)
                if data is None:
                    continue
                job = JOB.validate_json(json.loads(data)["a"][0])
                if job.kind in self.holds:
                    continue
                await self.redis.set(b"arq:in-progress:" + queue_id, b"1")
                await self.redis.zrem(name, queue_id)
                await self.redis.delete(b"arq:job:" + queue_id)
                self.taken.append(job)
                jobs.append(job)
        return jobs

    def num_taken(self, kind: str) -> int:
        return sum(job.kind == kind for job in self.taken)

    async def _work(self, job: Job) -> None:
        await self.tell(job, Started)
        while job.kind in self.stalls:
            await asyncio.sleep(0.01)
            if await self.redis.exists(queue.cancel_key(job.job_id, job.attempt)):
                await self._end(job, await self.event(job, Cancelled))
                return
        if job.kind in self.fails:
            await self._end(job, await self.event(job, Failed, failure=self.fails[job.kind]))
            return
        try:
            result = await self._do(job)
        except BlobMissingError:
            failure = Failure.model_validate({"code": "photo_missing", "number": 1})
            await self._end(job, await self.event(job, Failed, failure=failure))
            return
        finished = await self.event(job, Finished, result=result)
        await self._end(job, None if job.kind in self.silent else finished)

    async def _do(self, job: Job) -> Outcome:
        match job:
            case CheckPhoto():
                return await self._check(job)
            case TrainLora():
                return await self._train(job)
            case GenerateHeadshots():
                return await self._draw(job)
            case Erase():
                num_blobs = sum([await self.blobs.erase(prefix) for prefix in job.prefixes])
                return Erased(num_blobs=num_blobs)

    async def _end(self, job: Job, event: Event | None) -> None:
        for _ in range(self.repeats if event is not None else 0):
            assert event is not None
            await self.stream.publish(event)
        if event is not None:
            await self.redis.set(f"arq:result:{job.queue_id}", b"", ex=600)
        await self.redis.delete(f"arq:in-progress:{job.queue_id}")

    async def event(self, job: Job, kind: type[Any], **facts: Any) -> Any:
        return kind(
            job_id=job.job_id,
            attempt=job.attempt,
            owner=job.owner,
            sequence=await self.stream.next_sequence(job.job_id, job.attempt),
            at=datetime.now(UTC),
            **facts,
        )

    async def tell(self, job: Job, kind: type[Any], **facts: Any) -> None:
        event = await self.event(job, kind, **facts)
        for _ in range(self.repeats):
            await self.stream.publish(event)

    async def _check(self, job: CheckPhoto) -> PhotoChecked:
        data = await self.blobs.get(job.photo_key)
        report = report_on(data)
        await self.blobs.put(job.report_key, report.model_dump_json().encode())
        return PhotoChecked(report=report)

    async def _train(self, job: TrainLora) -> LoraTrained:
        for step in (1, 2):
            await self.tell(
                job, Progress, phase="training", step=step * 50, total=100, likeness=0.4 * step
            )
        prefix = keys.lora(job.owner, job.job_id)
        await self.blobs.put(prefix + keys.LORA, b"lora")
        manifest = LoraManifest(
            job_id=job.job_id,
            base="fake",
            family="flux1",
            trigger=job.trigger,
            class_word=job.class_word,
            rank=4,
            recipe={},
            seed=job.seed,
            photos_sha256=(),
            num_steps=100,
            seconds=3.0,
            device="cpu",
            losses=(),
            likeness=0.8,
        )
        await self.blobs.put(prefix + keys.MANIFEST, manifest.model_dump_json().encode())
        return LoraTrained(
            lora_prefix=prefix, base="fake", num_steps=100, seconds=3.0, likeness=0.8
        )

    async def _draw(self, job: GenerateHeadshots) -> HeadshotsMade:
        await self.blobs.get(job.lora_prefix + keys.LORA)
        prefix = keys.headshots(job.owner, job.job_id)
        shots: list[Headshot] = []
        for number in range(1, job.count + 1):
            key = f"{prefix}{number:02}.jpg"
            await self.blobs.put(key, b"jpeg")
            shots.append(Headshot(key=key, seed=job.seed + number, width_px=8, height_px=8))
        manifest = HeadshotsManifest(
            job_id=job.job_id,
            lora_job_id="",
            base="fake",
            style=job.style.name,
            prompt="",
            guidance=1.0,
            num_inference_steps=1,
            strength=job.strength,
            headshots=tuple(shots),
            seconds=1.0,
        )
        await self.blobs.put(prefix + keys.MANIFEST, manifest.model_dump_json().encode())
        return HeadshotsMade(headshots=tuple(shots), seconds=1.0)


def report_on(data: bytes) -> PhotoReport:
    digest = sha256(data).hexdigest()
    facts = {"code": "too_dark", "brightness": 0.1, "min_brightness": 0.2}
    reasons = (Reason.model_validate(facts),) if data.startswith(b"dark") else ()
    face = Face(
        box=(100, 100, 300, 300),
        score=1.0,
        landmarks=(),
        embedding=_embedding(digest),
        yaw_deg=0,
        pitch_deg=0,
        roll_deg=0,
    )
    return PhotoReport(
        sha256=digest,
        width_px=800,
        height_px=800,
        format="JPEG",
        fingerprint=digest[:16],
        sharpness=1.0,
        face=face,
        light=Light(brightness=0.5, contrast=0.2, side=0, warmth=0),
        reasons=reasons,
    )


def _embedding(digest: str) -> tuple[float, ...]:
    """Of one person, no two photos alike."""
    return tuple(0.3 if n == int(digest[:4], 16) % 128 else 0.0 for n in range(128))


@dataclass
class House:
    """Everything of one installation. `service` may be stopped and built again."""

    folder: Path
    redis_url: str
    blobs: Blobs
    chat: FakeChat
    engine: FakeEngine
    rules: Rules = RULES
    clock: Callable[[], datetime] = utc_now
    reconcile_every_s: float = 0.2
    engine_grace_s: float = 60.0
    other_chats: tuple[FakeChat, ...] = ()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Service]:
        """A bot process: its end is sudden, its database stays."""
        self.database = await Database.open(f"sqlite:///{self.folder}/bot.sqlite3")
        self.service = Service(
            self.database,
            self.blobs,
            self.redis_url,
            [self.chat, *self.other_chats],
            self.rules,
            clock=self.clock,
            reconcile_every_s=self.reconcile_every_s,
            engine_grace_s=self.engine_grace_s,
            engine_look_every_s=0.05,
        )
        task = asyncio.create_task(self.service.run())
        try:
            yield self.service
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self.database.close()

    async def say(self, user: str, incoming: Incoming, *photos: bytes) -> None:
        await self.service.inbox.receive(self.chat.caller(user), incoming, photos)

    async def command(self, user: str, name: str, argument: str = "") -> None:
        await self.say(user, Command(name=name, argument=argument))

    async def photos(self, user: str, *photos: bytes) -> None:
        await self.say(user, PhotosReceived(), *photos)

    async def press(self, user: str, verb: Verb) -> None:
        button = await until(
            lambda: self.chat.button(user, verb), lambda: f"{verb} in {self.chat.visible(user)}"
        )
        await self.say(user, Pressed(action=button.action))

    async def sees(self, user: str, key: str) -> Message:
        """Waits until a message of that key is visible."""

        def found() -> Message | None:
            return next((m for m in reversed(self.chat.visible(user)) if m.key == key), None)

        return await until(found, lambda: f"{key} in {self.chat.visible(user)}")

    async def train(self, user: str, *photos: bytes) -> None:
        """From nothing to a model that is ready."""
        await self.command(user, "train")
        await self.photos(user, *(photos or [f"good {user} {n}".encode() for n in range(3)]))
        await self.press(user, Verb.START_TRAINING)
        await self.sees(user, "ready.model")


@asynccontextmanager
async def a_house(folder: Path, redis_url: str, **changes: Any) -> AsyncGenerator[House]:
    """Redis, an engine and an empty folder; no bot yet."""
    redis = await queue.connect(redis_url)
    blobs = Blobs.from_url(f"file://{folder}/blobs")
    engine = FakeEngine(redis, blobs)
    working = asyncio.create_task(engine.run())
    try:
        yield House(folder, redis_url, blobs, FakeChat(), engine, **changes)
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        await redis.aclose()
