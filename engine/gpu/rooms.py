"""The base model, loaded once and shared, and the tasks that work with it.

Composition root of the GPU process: here models, training, generation and likeness meet.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import Self

import torch

from engine.contract.blobs import Blobs
from engine.contract.jobs import TrainLora
from engine.contract.provenance import CREDENTIALS
from engine.contract.settings import EngineSettings, MemoryTier
from engine.generation.credentials import Credentials
from engine.gpu import cores, rehearsal, witness
from engine.gpu.critics import Critics
from engine.gpu.generation_task import GenerationTask
from engine.gpu.library import Library
from engine.gpu.messages import Run
from engine.gpu.scheduler import Task
from engine.gpu.training_task import TrainingTask
from engine.gpu.wardrobe import Wardrobe
from engine.gpu.witness import Describe, blind
from engine.models import acceleration, captioner_choice, catalogue, memory
from engine.models.base import ImageModel
from engine.models.folder import CAPTIONER


def compiler_caches(folder: Path) -> dict[str, str]:
    """The environment in which PyTorch's compilers and FlashAttention 4 keep what they compile.

    The compiler of blocks knows our operators by their names, not by what they do: what it kept for
    another release's is of no use, and is deleted.
    """
    blocks = folder / f"torchinductor-{_operators()}"
    for older in set(folder.glob("torchinductor*")) - {blocks}:
        shutil.rmtree(older, ignore_errors=True)
    return {
        "TORCHINDUCTOR_CACHE_DIR": str(blocks),
        "TRITON_CACHE_DIR": str(folder / "triton"),
        "FLASH_ATTENTION_CUTE_DSL_CACHE_ENABLED": "1",
        "FLASH_ATTENTION_CUTE_DSL_CACHE_DIR": str(folder / "flash_attention"),
    }


def _operators() -> str:
    """Another name whenever a file of the models' room changes."""
    digest = blake2b(digest_size=8)
    for file in sorted(Path(acceleration.__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


class ModelRooms:
    """What the GPU process runs."""

    def __init__(self, settings: EngineSettings, critics: Critics | None = None) -> None:
        self._settings = settings
        self._device = catalogue.choose_device(settings.device)
        self._blobs = Blobs.from_url(settings.blobs_url)
        self._credentials = Credentials(settings.work_dir / CREDENTIALS, self._blobs)
        self._credentials.make_ready()
        self._critics = critics or Critics()
        self._hands = ThreadPoolExecutor(1, "hands")
        self._wardrobe = Wardrobe()
        self._library = Library()
        self._base: ImageModel | None = None
        self._captioner: tuple[str, Path] | None = None
        self._describe: Describe = blind
        self.device = str(self._device)
        self.training_share = settings.training_share

    def own_the_process(self) -> Self:
        """Sets what holds for the whole process; for one that does nothing else."""
        if self._device.type == "cpu":
            cores.stand_back()
            if "OMP_NUM_THREADS" not in os.environ:
                torch.set_num_threads(cores.usable_cores())
        if self._device.type == "cuda":
            # what was compiled once is not compiled again when the engine starts
            for name, value in compiler_caches(self._settings.work_dir / "compiled").items():
                os.environ.setdefault(name, value)
            acceleration.call_compilers()
        return self

    def load(self) -> int:
        return self._load().facts.native_px

    def task(self, run: Run, given_up: Callable[[], bool]) -> Task:
        blobs = self._blobs.unless(given_up)
        if isinstance(run.job, TrainLora):
            training = TrainingTask(
                run.task_id,
                run.job,
                self._load,
                blobs,
                self._settings,
                self._credentials.sign,
                lambda: self._captioner,
                critics=self._critics,
            )
            return Task(run.task_id, "training", run.job.owner, training.steps(), training.save)
        generation = GenerationTask(
            run.task_id,
            run.job,
            self._load,
            blobs,
            self._critics,
            self._hands,
            self._settings.choice,
            self._credentials.sign,
            wardrobe=self._wardrobe,
            library=self._library,
            describe=lambda pictures: self._describe(pictures),
        )
        return Task(
            run.task_id,
            "generation",
            run.job.owner,
            generation.steps(),
            next_step=generation.next_step,
        )

    def rehearse(self) -> Iterator[str]:
        """Nothing is compiled where there is no GPU."""
        if self._device.type == "cuda":
            yield from rehearsal.pieces(self._load())

    def smaller_tier(self) -> MemoryTier | None:
        return None if self._base is None else memory.tier_below(self._base.tier)

    def settle(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()

    def _load(self) -> ImageModel:
        """Raises EngineError: BASE_MISSING, BASE_INCOMPLETE, GPU_OUT_OF_MEMORY."""
        if self._base is None:
            self._base = catalogue.load(
                self._settings.base, self._device, tier=self._settings.memory
            )
            own = catalogue.find(self._settings.base) / CAPTIONER
            wish, native_px = self._settings.captioner, self._base.facts.native_px
            self._captioner = captioner_choice.choose(wish, native_px, own)
            self._describe = witness.of(self._captioner, own, self._load)
        return self._base
