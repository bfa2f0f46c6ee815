"""One request for headshots as steps: pictures are drawn, looked at, and the best of them kept.

Knows the order of things, and how many are drawn to choose from; prompts, noise, choice and files
are `engine.generation`'s, what is seen of a picture the critics'.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

import structlog
from torch import Tensor

from engine.contract import keys
from engine.contract.blobs import BlobMissingError, Blobs
from engine.contract.events import Headshot, HeadshotsMade
from engine.contract.failures import EngineError, FailureCode
from engine.contract.jobs import GenerateHeadshots
from engine.contract.manifests import HeadshotsManifest, LoraManifest, PassedOver
from engine.generation import finishing, prompts, ranking
from engine.generation.credentials import Sign, unsigned
from engine.generation.darkroom import Darkroom
from engine.generation.ranking import Look
from engine.generation.sampling import Drawn, Sampler, Shot, pictures_at_once
from engine.gpu.anybody import lora_of_anybody
from engine.gpu.critic_process import Person
from engine.gpu.critics import Critics, Verdict
from engine.gpu.library import Library
from engine.gpu.messages import Begun, Progressed
from engine.gpu.scheduler import Steps
from engine.gpu.wardrobe import Wardrobe
from engine.gpu.witness import Describe, blind
from engine.models.base import ImageModel
from engine.photos import adherence, likeness

log = structlog.get_logger()

EXTRA_S = 20.0
"""At most this a processor spends on pictures that are drawn only to be chosen from: there a choice
of eight takes minutes, and people would rather have their four."""
MORE = 1.5
"""Times as many as are usually drawn to choose from, where fewer than are asked for show the
person as their own photos do."""


@dataclass(frozen=True)
class Candidate:
    drawn: Drawn
    verdict: Verdict
    missing: float = 0.0
    """See `Look`."""

    def look(self) -> Look:
        """Waits for the verdict."""
        return replace(self.verdict.wait(), missing=self.missing)


class GenerationTask:
    def __init__(
        self,
        task_id: str,
        job: GenerateHeadshots,
        load: Callable[[], ImageModel],
        blobs: Blobs,
        critics: Critics,
        hands: Executor,
        choice: float = 1.0,
        sign: Sign = unsigned,
        clock: Callable[[], float] = time.monotonic,
        wardrobe: Wardrobe | None = None,
        library: Library | None = None,
        describe: Describe = blind,
    ) -> None:
        """`choice` times as many pictures are drawn as are shown, and `MORE` where too few of them
        are good; with a choice of 1 what is drawn is shown. `hands` write the files, `describe`
        says whether pictures show what was asked for.
        """
        self._describe = describe
        self._wardrobe = wardrobe or Wardrobe()
        self._library = library or Library()
        self._task_id = task_id
        self._job = job
        self._load = load
        self._blobs = blobs
        self._critics = critics
        self._hands = hands
        self._choice = 1.0 if job.exact else choice
        self._clock = clock
        self._prefix = keys.headshots(job.owner, job.job_id)
        self._darkroom = Darkroom(blobs, self._prefix, sign)
        self._candidates: list[Candidate] = []
        self._seconds = 0.0
        self._most = 0
        self._is_ready: Callable[[], bool] | None = None
        self._writing: Future[tuple[Headshot, ...]] | None = None

    def next_step(self) -> Literal["computes", "waits", "ends"]:
        """Once enough is drawn, the GPU has nothing more to do for it."""
        if self._is_ready is None:
            return "computes"
        if not self._is_ready():
            return "waits"
        return "computes" if self._wants_more() else "ends"

    def steps(self) -> Steps:
        job, task_id = self._job, self._task_id
        yield Begun(task_id=task_id)
        model = self._load()
        lora = self._manifest(model)
        try:
            yield from self._draw(model, lora)
            looks = [candidate.look() for candidate in self._candidates]
            best = range(job.count) if job.exact else ranking.choose(looks, job.count)
            self._writing = self._hands.submit(self._develop, model, looks, list(best))
            self._is_ready = self._writing.done
            yield Progressed(task_id=task_id, phase="saving")
            headshots = self._writing.result()
        finally:
            if self._writing is not None:
                self._writing.cancel()
                wait([self._writing])  # whoever gives a task up may rely on it: nothing is written
        return self._finish(model, lora, looks, list(best), headshots)

    def _draw(self, model: ImageModel, lora: LoraManifest) -> Iterator[Progressed]:
        """What is asked for, then more to choose from as long as that goes quickly, then still more
        while too few of all these are good.

        Always in whole batches: a picture is the same to the last bit only in as large a batch.
        """
        job = self._job
        size = model.facts.sizes[job.style.aspect]
        at_once = pictures_at_once(model, size)
        asked = _whole_batches(job.count, at_once)
        goal = max(asked, _whole_batches(ceil(job.count * self._choice), at_once))
        more = 1.0 if self._choice == 1.0 else self._choice * MORE
        self._most = max(goal, _whole_batches(ceil(job.count * more), at_once))
        person = Person(lora.reference_embeddings, self._typical(lora))
        shots = [self._shot(seed, lora) for seed in prompts.seeds(job.seed, self._most)]
        is_own_words = job.prompt is not None
        sampler = Sampler(
            model,
            self._weights(model),
            shots,
            size,
            job.style.guidance,
            strength=job.strength,
            at_once=at_once,
            read=None if is_own_words else self._library.read(model, [s.prompt for s in shots]),
        )
        began = self._clock()
        for done in sampler.steps():
            if done.drawn:
                self._candidates += self._judged(done.drawn, person)
            self._seconds += self._clock() - began
            if done.drawn and len(self._candidates) == asked and model.device.type == "cpu":
                affordable = self._affordable(asked, self._most, at_once)
                goal, self._most = min(goal, affordable), affordable
            is_judged = bool(done.drawn) and len(self._candidates) >= goal
            if is_judged:
                self._is_ready = self._is_all_seen
            total = max(round(done.total * goal / len(shots)), done.step)
            yield Progressed(
                task_id=self._task_id,
                phase="generating",
                step=done.step,
                total=total,
                eta_s=self._seconds / done.step * (total - done.step),
            )
            if is_judged and not self._wants_more():
                break
            self._is_ready = None
            began = self._clock()  # what others did in between is not ours

    def _judged(self, pictures: Sequence[Drawn], person: Person) -> list[Candidate]:
        """The critics look while the captioner speaks, where there is something to choose from."""
        verdicts = [self._critics.look(d.image, person, self._job.owner) for d in pictures]
        chooses = self._choice != 1.0
        said = (self._describe if chooses else blind)([drawn.image for drawn in pictures])
        return [
            Candidate(drawn, verdict, adherence.missing(drawn.shot.prompt, text))
            for drawn, verdict, text in zip(pictures, verdicts, said, strict=True)
        ]

    def _is_all_seen(self) -> bool:
        return all(candidate.verdict.is_there() for candidate in self._candidates)

    def _wants_more(self) -> bool:
        """Asked when all drawn so far were looked at; waits for that if need be."""
        if len(self._candidates) >= self._most:
            return False
        looks = [candidate.look() for candidate in self._candidates]
        return not ranking.are_enough(looks, self._job.count)

    def _affordable(self, asked: int, planned: int, at_once: int) -> int:
        """How many to draw at most, from how long those that were asked for took."""
        batch_s = self._seconds * at_once / asked
        most = asked + int(EXTRA_S / max(batch_s, 1e-6)) * at_once
        if most < planned:
            log.info("fewer_to_choose_from", drawn=most, planned=planned, batch_s=round(batch_s, 1))
        return min(planned, most)

    def _typical(self, lora: LoraManifest) -> float:
        if lora.typical_distance is not None:
            return lora.typical_distance
        return likeness.calibrate(lora.reference_embeddings)

    def _develop(
        self, model: ImageModel, looks: Sequence[Look], best: Sequence[int]
    ) -> tuple[Headshot, ...]:
        """Writes the files of those that are shown."""
        headshots: list[Headshot] = []
        for row in best:
            drawn, look = self._candidates[row].drawn, looks[row]
            seed = drawn.shot.seed
            origin = finishing.Origin(self._job.style.name, seed, model.facts.name)
            headshots.append(
                Headshot(
                    key=self._darkroom.develop(drawn.image, origin, look.face),
                    seed=seed,
                    width_px=drawn.image.width,
                    height_px=drawn.image.height,
                    likeness=look.likeness,
                    flaws=ranking.flaws(look),
                )
            )
        self._darkroom.lay_out()
        return tuple(headshots)

    def _finish(
        self,
        model: ImageModel,
        lora: LoraManifest,
        looks: Sequence[Look],
        best: Sequence[int],
        headshots: tuple[Headshot, ...],
    ) -> HeadshotsMade:
        """The manifest comes last: a folder without it is unfinished."""
        job = self._job
        manifest = HeadshotsManifest(
            job_id=job.job_id,
            lora_job_id=lora.job_id,
            base=model.facts.name,
            style=job.style.name,
            prompt=job.prompt or job.style.prompt,
            guidance=job.style.guidance,
            num_inference_steps=model.facts.num_inference_steps,
            strength=job.strength,
            headshots=headshots,
            passed_over=tuple(
                PassedOver(
                    seed=candidate.drawn.shot.seed,
                    likeness=look.likeness,
                    flaws=ranking.flaws(look),
                )
                for row, (candidate, look) in enumerate(zip(self._candidates, looks, strict=True))
                if row not in best
            ),
            shortcoming=None if job.exact else ranking.shortcoming([looks[row] for row in best]),
            seconds=round(self._seconds, 3),
        )
        self._blobs.put_sync(self._prefix + keys.MANIFEST, manifest.model_dump_json().encode())
        return manifest.outcome()

    def _manifest(self, model: ImageModel) -> LoraManifest:
        if not self._job.lora_prefix:
            return lora_of_anybody(model.facts.name)
        try:
            data = self._blobs.get_sync(self._job.lora_prefix + keys.MANIFEST)
        except BlobMissingError as error:
            raise EngineError(FailureCode.LORA_MISSING) from error
        manifest = LoraManifest.model_validate_json(data)
        if manifest.base != model.facts.name:
            raise EngineError(
                FailureCode.LORA_INCOMPATIBLE, lora_base=manifest.base, base=model.facts.name
            )
        return manifest

    def _weights(self, model: ImageModel) -> Tensor:
        if not self._job.lora_prefix:
            return model.lora.zeros()
        return self._wardrobe.weights(self._blobs, self._job.lora_prefix, model)

    def _shot(self, seed: int, lora: LoraManifest) -> Shot:
        job = self._job
        return Shot(prompts.build(job.style, lora.trigger, lora.class_word, seed, job.prompt), seed)


def _whole_batches(num_pictures: int, at_once: int) -> int:
    return -(-num_pictures // at_once) * at_once
