"""One request for headshots as steps: the LoRA is read, pictures are drawn, kept and listed.

Knows the order of things; prompts, noise and files are `engine.generation`'s.
"""

import time
from collections.abc import Callable

from torch import Tensor

from engine.contract import keys
from engine.contract.blobs import BlobMissingError, Blobs
from engine.contract.events import Headshot, HeadshotsMade
from engine.contract.failures import EngineError, FailureCode
from engine.contract.jobs import GenerateHeadshots
from engine.contract.manifests import HeadshotsManifest, LoraManifest
from engine.generation import finishing, prompts
from engine.generation.sampling import Drawn, Sampler, Shot
from engine.gpu.anybody import lora_of_anybody
from engine.gpu.judge import Judge
from engine.gpu.messages import Begun, Progressed
from engine.gpu.scheduler import Steps
from engine.models import lora_file
from engine.models.base import ImageModel


class GenerationTask:
    def __init__(
        self,
        task_id: str,
        job: GenerateHeadshots,
        load: Callable[[], ImageModel],
        blobs: Blobs,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._task_id = task_id
        self._job = job
        self._load = load
        self._blobs = blobs
        self._clock = clock
        self._prefix = keys.headshots(job.owner, job.job_id)

    def steps(self) -> Steps:
        job, task_id = self._job, self._task_id
        yield Begun(task_id=task_id)
        model = self._load()
        lora = self._manifest(model)
        sampler = Sampler(
            model,
            self._weights(model, lora),
            [self._shot(seed, lora) for seed in prompts.seeds(job.seed, job.count)],
            model.facts.sizes[job.style.aspect],
            job.style.guidance,
            strength=job.strength,
        )
        judge = Judge(lora.reference_embeddings, lora.typical_distance)
        headshots: list[Headshot] = []
        seconds, began = 0.0, self._clock()
        for done in sampler.steps():
            headshots += [self._keep(drawn, model, judge) for drawn in done.drawn]
            seconds += self._clock() - began
            eta_s = seconds / done.step * (done.total - done.step)
            yield Progressed(
                task_id=task_id, phase="generating", step=done.step, total=done.total, eta_s=eta_s
            )
            began = self._clock()  # what others did in between is not ours
        manifest = HeadshotsManifest(
            job_id=job.job_id,
            lora_job_id=lora.job_id,
            base=model.facts.name,
            style=job.style.name,
            prompt=job.prompt or job.style.prompt,
            guidance=job.style.guidance,
            num_inference_steps=model.facts.num_inference_steps,
            strength=job.strength,
            headshots=tuple(headshots),
            seconds=round(seconds, 3),
        )
        self._blobs.put_sync(self._prefix + keys.MANIFEST, manifest.model_dump_json().encode())
        return HeadshotsMade(headshots=manifest.headshots, seconds=manifest.seconds)

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

    def _weights(self, model: ImageModel, lora: LoraManifest) -> Tensor:
        if not self._job.lora_prefix:
            return model.lora.zeros()
        try:
            data = self._blobs.get_sync(self._job.lora_prefix + keys.LORA)
        except BlobMissingError as error:
            raise EngineError(FailureCode.LORA_MISSING) from error
        return lora_file.read(data, model.lora, model.facts.name)

    def _shot(self, seed: int, lora: LoraManifest) -> Shot:
        job = self._job
        return Shot(prompts.build(job.style, lora.trigger, lora.class_word, seed, job.prompt), seed)

    def _keep(self, drawn: Drawn, model: ImageModel, judge: Judge) -> Headshot:
        origin = finishing.Origin(self._job.style.name, drawn.shot.seed, model.facts.name)
        key = f"{self._prefix}{drawn.number + 1:02d}.jpg"
        self._blobs.put_sync(key, finishing.to_jpeg(drawn.image, origin))
        return Headshot(
            key=key,
            seed=drawn.shot.seed,
            width_px=drawn.image.width,
            height_px=drawn.image.height,
            likeness=judge.likeness(drawn.image),
        )
