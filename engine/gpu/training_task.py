"""One training as steps: the dataset is read, the LoRA trained, looked at, kept and described.

Knows the order of things, when to look and when to save; the training itself is
`engine.training`'s, what a look finds `engine.gpu.judge`'s.
"""

import time
from collections.abc import Callable, Generator
from functools import partial

from torch import Tensor

from engine.contract import keys, styles
from engine.contract.blobs import BlobMissingError, Blobs
from engine.contract.events import LoraTrained
from engine.contract.failures import EngineError, FailureCode
from engine.contract.jobs import PhotoRef, TrainLora
from engine.contract.manifests import DatasetManifest, LoraManifest
from engine.contract.photos import PhotoReport
from engine.contract.settings import EngineSettings
from engine.generation import finishing
from engine.generation.credentials import Sign, unsigned
from engine.gpu.judge import Judge, draw
from engine.gpu.messages import Begun, Previewed, Progressed, Saved
from engine.gpu.scheduler import Steps
from engine.models.base import ImageModel
from engine.training import recipe
from engine.training.checkpoints import Checkpoints
from engine.training.loop import Score, Trainer

SAVING_SHARE = 0.1
"""Of the time at most, where saving is slow: large bases, far buckets."""
NUM_LOOKS = 4
LOOK_STYLE = "linkedin"


class TrainingTask:
    def __init__(
        self,
        task_id: str,
        job: TrainLora,
        load: Callable[[], ImageModel],
        blobs: Blobs,
        settings: EngineSettings,
        sign: Sign = unsigned,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._task_id = task_id
        self._job = job
        self._load = load
        self._blobs = blobs
        self._settings = settings
        self._sign = sign
        self._clock = clock
        self._prefix = keys.lora(job.owner, job.job_id)
        self._trainer: Trainer | None = None
        self._preview: Previewed | None = None
        self._pause_s = settings.checkpoint_every_s
        self._saved_at_s = clock()

    def steps(self) -> Steps:
        task_id = self._task_id
        model = self._load()
        dataset = self._dataset()
        judge = Judge.of_reports(self._reports(dataset))
        trainer = self._trainer = self._make_trainer(model, dataset, judge)
        yield Begun(task_id=task_id, resumed_from_step=trainer.resumed_from_step)
        self._saved_at_s = self._clock()
        for done in trainer.steps():
            yield Progressed(
                task_id=task_id,
                phase=done.phase,
                step=done.step,
                total=done.total,
                eta_s=done.eta_s,
                loss=done.loss,
                likeness=None if done.score is None else done.score.likeness,
            )
            if self._preview is not None:
                yield self._preview
                self._preview = None
            if done.phase == "training" and self._clock() - self._saved_at_s >= self._pause_s:
                self.save()
                yield Saved(task_id=task_id, step=trainer.step)
        yield Progressed(task_id=task_id, phase="saving")
        return self._finish(trainer, model, dataset, judge)

    def save(self) -> None:
        """Keeps a checkpoint, if the training has begun."""
        if self._trainer is None or self._trainer.step == self._trainer.resumed_from_step:
            return
        began_s = self._clock()
        self._trainer.save()
        self._saved_at_s = self._clock()
        took_s = self._saved_at_s - began_s
        self._pause_s = max(self._settings.checkpoint_every_s, took_s / SAVING_SHARE)

    def _dataset(self) -> DatasetManifest:
        prefix = keys.dataset(self._job.owner, self._job.job_id)
        return DatasetManifest.model_validate_json(self._blobs.get_sync(prefix + keys.DATASET))

    def _reports(self, dataset: DatasetManifest) -> list[PhotoReport]:
        """Of the photos that are learned from."""
        used = {example.photo_sha256 for example in dataset.examples}
        keys_of_used = (p.report_key for p in self._job.photos if sha256_of(p) in used)
        return [PhotoReport.model_validate_json(self._blobs.get_sync(key)) for key in keys_of_used]

    def _make_trainer(self, model: ImageModel, dataset: DatasetManifest, judge: Judge) -> Trainer:
        job = self._job
        chosen = recipe.choose(
            job.quality,
            len({example.photo_sha256 for example in dataset.examples}),
            model.facts.native_px,
            self._settings.steps,
        )
        return Trainer(
            model,
            dataset,
            {example.key: self._blobs.get_sync(example.key) for example in dataset.examples},
            chosen,
            job.seed,
            Checkpoints(self._blobs, keys.checkpoints(job.owner, job.job_id)),
            start_from=self._start_from(),
            scorer=partial(self._look, model, judge),
            score_every=max(1, chosen.steps // NUM_LOOKS),
        )

    def _look(
        self, model: ImageModel, judge: Judge, step: int, weights: Tensor
    ) -> Generator[None, None, Score]:
        """Draws some pictures, keeps the first as a preview, and judges them one by one."""
        job = self._job
        style = styles.load()[LOOK_STYLE]
        images = yield from draw(model, weights, style, job.trigger, job.class_word, job.seed)
        origin = finishing.Origin(style.name, job.seed, model.facts.name)
        key = f"{self._prefix}preview-{step:06d}.jpg"
        self._blobs.put_sync(key, finishing.to_jpeg(images[0], origin, self._sign))
        self._preview = Previewed(task_id=self._task_id, key=key, step=step)
        found: list[float] = []
        for image in images:
            yield
            found.append(judge.likeness(image) or 0.0)
        return Score(round(sum(found) / len(found), 4))

    def _start_from(self) -> bytes | None:
        if self._job.refresh_from is None:
            return None
        try:
            return self._blobs.get_sync(self._job.refresh_from + keys.LORA)
        except BlobMissingError as error:
            raise EngineError(FailureCode.LORA_MISSING) from error

    def _finish(
        self, trainer: Trainer, model: ImageModel, dataset: DatasetManifest, judge: Judge
    ) -> LoraTrained:
        """The manifest comes last: a folder without it is unfinished."""
        job = self._job
        self._blobs.put_sync(self._prefix + keys.LORA, trainer.lora())
        manifest = LoraManifest(
            job_id=job.job_id,
            base=model.facts.name,
            family=model.facts.family,
            trigger=job.trigger,
            class_word=job.class_word,
            rank=trainer.recipe.rank,
            recipe=trainer.recipe.model_dump(mode="json"),
            seed=job.seed,
            photos_sha256=tuple(sorted({e.photo_sha256 for e in dataset.examples})),
            num_steps=trainer.step,
            seconds=round(trainer.seconds, 3),
            device=str(model.device),
            losses=trainer.losses,
            scores=trainer.scores,
            reference_embeddings=judge.references,
            typical_distance=judge.typical if judge.references else None,
            likeness=_best(trainer) if judge.references else None,
        )
        self._blobs.put_sync(self._prefix + keys.MANIFEST, manifest.model_dump_json().encode())
        return LoraTrained(
            lora_prefix=self._prefix,
            base=manifest.base,
            num_steps=manifest.num_steps,
            seconds=manifest.seconds,
            likeness=manifest.likeness,
        )


def sha256_of(photo: PhotoRef) -> str:
    return photo.photo_key.rpartition("/")[2]


def _best(trainer: Trainer) -> float | None:
    return max((score["likeness"] for score in trainer.scores), default=None)
