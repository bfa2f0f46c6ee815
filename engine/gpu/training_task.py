"""One training as steps: the dataset is read, the LoRA trained, looked at, kept and described.

Knows the order of things, when to look and when to save; the training itself is
`engine.training`'s, what a look is and finds `engine.gpu.looks`'s.
"""

import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from PIL import Image

from engine.contract import keys
from engine.contract.blobs import BlobMissingError, Blobs
from engine.contract.events import LoraTrained
from engine.contract.failures import EngineError, FailureCode
from engine.contract.jobs import PhotoRef, TrainLora
from engine.contract.manifests import DatasetManifest, LoraManifest
from engine.contract.photos import PhotoReport
from engine.contract.settings import EngineSettings
from engine.generation import finishing
from engine.generation.credentials import Sign, unsigned
from engine.gpu import captioning
from engine.gpu.critics import Critics
from engine.gpu.judge import Judge
from engine.gpu.looks import Looker
from engine.gpu.messages import Begun, Previewed, Progressed, Saved
from engine.gpu.scheduler import Steps
from engine.models.base import ImageModel
from engine.training import recipe
from engine.training.checkpoints import Checkpoints
from engine.training.loop import Trainer

SAVING_SHARE = 0.1
"""Of the time at most, where saving is slow: large bases, far buckets."""
PREVIEW = "preview"


class TrainingTask:
    def __init__(
        self,
        task_id: str,
        job: TrainLora,
        load: Callable[[], ImageModel],
        blobs: Blobs,
        settings: EngineSettings,
        sign: Sign = unsigned,
        find_captioner: Callable[[], tuple[str, Path] | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        critics: Critics | None = None,
    ) -> None:
        """`critics` judge looks while the GPU goes on."""
        self._critics = critics
        self._task_id = task_id
        self._job = job
        self._load = load
        self._blobs = blobs
        self._settings = settings
        self._sign = sign
        self._find_captioner = find_captioner
        self._clock = clock
        self._prefix = keys.lora(job.owner, job.job_id)
        self._trainer: Trainer | None = None
        self._preview: Previewed | None = None
        self._pause_s = settings.checkpoint_every_s
        self._saved_at_s = clock()

    def steps(self) -> Steps:
        task_id = self._task_id
        model = self._load()
        dataset = yield from self._captioned(model, self._dataset())
        reports = self._reports(dataset)
        trainer = self._trainer = self._make_trainer(model, dataset, reports)
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
        return self._finish(trainer, model, dataset, reports)

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

    def _captioned(
        self, model: ImageModel, dataset: DatasetManifest
    ) -> Generator[Progressed, None, DatasetManifest]:
        prefix = keys.dataset(self._job.owner, self._job.job_id)
        captioner = None if dataset.captioned_by else self._find_captioner()
        looking = captioning.caption(dataset, captioner, model, self._blobs, prefix)
        while True:
            try:
                num_seen = next(looking)
            except StopIteration as end:
                return end.value
            total = len(dataset.examples)
            yield Progressed(task_id=self._task_id, phase="preparing", step=num_seen, total=total)

    def _reports(self, dataset: DatasetManifest) -> list[PhotoReport]:
        """Of the photos that are learned from, and of those that are held out."""
        used = {example.photo_sha256 for example in dataset.examples} | {*dataset.held_out_sha256}
        keys_of_used = (p.report_key for p in self._job.photos if sha256_of(p) in used)
        return [PhotoReport.model_validate_json(self._blobs.get_sync(key)) for key in keys_of_used]

    def _make_trainer(
        self, model: ImageModel, dataset: DatasetManifest, reports: Sequence[PhotoReport]
    ) -> Trainer:
        job = self._job
        chosen = recipe.choose(
            job.quality,
            len({example.photo_sha256 for example in dataset.examples}),
            model.facts.native_px,
            self._settings.steps,
            goes_on=job.refresh_from is not None,
            patience=self._settings.patience,
        )
        judge = Judge.of_reports(reports, dataset.held_out_sha256, self._critics, job.owner)
        looker = Looker(model, judge, job.trigger, job.class_word, job.seed, self._show)
        looker.prepare()
        return Trainer(
            model,
            dataset,
            {example.key: self._blobs.get_sync(example.key) for example in dataset.examples},
            chosen,
            job.seed,
            Checkpoints(self._blobs, keys.checkpoints(job.owner, job.job_id)),
            start_from=self._start_from(),
            scorer=looker.look,
        )

    def _show(self, step: int, picture: Image.Image) -> None:
        """Keeps the best picture of a look as a preview."""
        origin = finishing.Origin(PREVIEW, self._job.seed, self._load().facts.name)
        key = f"{self._prefix}{PREVIEW}-{step:06d}.jpg"
        self._blobs.put_sync(key, finishing.to_jpeg(picture, origin, self._sign))
        self._preview = Previewed(task_id=self._task_id, key=key, step=step)

    def _start_from(self) -> bytes | None:
        if self._job.refresh_from is None:
            return None
        try:
            return self._blobs.get_sync(self._job.refresh_from + keys.LORA)
        except BlobMissingError as error:
            raise EngineError(FailureCode.LORA_MISSING) from error

    def _finish(
        self,
        trainer: Trainer,
        model: ImageModel,
        dataset: DatasetManifest,
        reports: Sequence[PhotoReport],
    ) -> LoraTrained:
        """The manifest comes last: a folder without it is unfinished."""
        self._blobs.put_sync(self._prefix + keys.LORA, trainer.lora())
        manifest = self._describe(trainer, model, dataset, reports)
        self._blobs.put_sync(self._prefix + keys.MANIFEST, manifest.model_dump_json().encode())
        return LoraTrained(
            lora_prefix=self._prefix,
            base=manifest.base,
            num_steps=manifest.num_steps,
            seconds=manifest.seconds,
            likeness=manifest.likeness,
        )

    def _describe(
        self,
        trainer: Trainer,
        model: ImageModel,
        dataset: DatasetManifest,
        reports: Sequence[PhotoReport],
    ) -> LoraManifest:
        job = self._job
        judge = Judge.of_reports(reports)
        likeness = {score["step"]: score["likeness"] for score in trainer.scores}
        return LoraManifest(
            job_id=job.job_id,
            base=model.facts.name,
            family=model.facts.family,
            trigger=job.trigger,
            class_word=job.class_word,
            rank=trainer.recipe.rank,
            went_on_from=None if job.refresh_from is None else job.refresh_from.split("/")[-2],
            recipe=trainer.recipe.model_dump(mode="json"),
            seed=job.seed,
            photos_sha256=tuple(sorted({e.photo_sha256 for e in dataset.examples})),
            held_out_sha256=dataset.held_out_sha256,
            captioned_by=dataset.captioned_by,
            num_steps=trainer.step,
            best_step=trainer.best_step,
            stopped_early=trainer.step < trainer.recipe.steps,
            seconds=round(trainer.seconds, 3),
            device=str(model.device),
            losses=trainer.losses,
            scores=trainer.scores,
            reference_embeddings=judge.references,
            own_distances=judge.own_distances,
            typical_distance=judge.typical if judge.references else None,
            likeness=likeness.get(trainer.best_step) if judge.references else None,
        )


def sha256_of(photo: PhotoRef) -> str:
    return photo.photo_key.rpartition("/")[2]
