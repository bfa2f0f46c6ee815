"""The stages of a run in their order, each within its share of the time.

people, autoencoder, latents, flow, distillation, captioner, sheets. A run that was cut short
continues from its workshop folder.
"""

import dataclasses
import re
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from transformers import CLIPTokenizer, T5Tokenizer

from engine.demo.recipe import autoencoder, distillation, sheets, wording
from engine.demo.recipe.architecture import Painter, build_autoencoder, build_painter
from engine.demo.recipe.captioner import train_captioner
from engine.demo.recipe.cast import FILLERS
from engine.demo.recipe.clock import Clock, Report, Stage, facts
from engine.demo.recipe.corpus import Corpus, Source, draw_corpus
from engine.demo.recipe.export import Workshop, frozen_copy, read_model, write_model
from engine.demo.recipe.flow import mirrored
from engine.demo.recipe.plan import Plan
from engine.demo.recipe.training import Examples, Trainer, compile_blocks, flow_loss
from engine.models.folder import CAPTIONER

STAGES = ("people", "autoencoder", "latents", "flow", "distillation", "captioner", "sheets")
_NUM_SAMPLES = 32


class Run:
    """One run: what it has made so far, and the stages that make more."""

    def __init__(
        self, plan: Plan, source: Source, out: Path, workshop: Workshop, device: torch.device
    ) -> None:
        self.plan, self.source, self.out = plan, source, out
        self.workshop, self.device = workshop, device
        self.notes = workshop.notes()
        self.clock = Clock(plan.minutes * 60, used_s=float(self.notes.get("used_s", 0.0)))
        self.report = Report(out / "report.json")
        self.corpus: Corpus | None = None
        self.tokenizers: tuple[CLIPTokenizer, T5Tokenizer] | None = None
        self.vae: AutoencoderKL | None = None
        self.painter: Painter | None = None
        self.examples: Examples | None = None
        self._compiled: tuple[AutoencoderKL, Painter] | None = None
        self.batch = plan.flow.batches[-1]
        torch.manual_seed(plan.seed)

    @property
    def model_folder(self) -> Path:
        return self.out / "model"

    @property
    def _captioning_s(self) -> float:
        return self.plan.share_captioning * self.plan.minutes * 60

    @property
    def _keeps_autoencoder(self) -> bool:
        return self.vae is not None and self.plan.share_autoencoding == 0

    def start_from(self, folder: Path) -> None:
        """Take networks and tokenizers of an earlier model; people are drawn again."""
        self.painter, self.vae, clip_tokenizer, t5_tokenizer = read_model(folder)
        self.tokenizers = (clip_tokenizer, t5_tokenizer)
        self.vae.to(self.device).eval().requires_grad_(False)  # pyright: ignore
        self.painter.to(self.device)

    def resume(self) -> None:
        """Load what the workshop holds."""
        if (self.workshop.folder / "model" / "model_index.json").exists():
            self.start_from(self.workshop.folder / "model")
        if self.workshop.has("examples") and self.vae is not None:
            self._take_examples(self.workshop.load("examples", self.device))

    def people(self) -> None:
        """Draw people, learn the tokenizers of their captions."""
        if self.examples is not None:
            return
        seconds = self.plan.share_drawing * self.plan.minutes * 60
        stage = Stage.begin(self.clock, "people", seconds)
        self.corpus = draw_corpus(
            self.plan.people, self.source, self.plan.shapes.size_px, self.device, stage,
            self._compile_ahead,
        )  # fmt: skip
        spent_s = self.clock.now_s - stage.start_s
        texts = self.corpus.all_captions()
        # Names stay out of the tokenizers' corpus, so that they are as rare as a user's trigger.
        named = set(filter(None, self.corpus.names))
        rows = list(zip(self.corpus.captions, self.corpus.names, strict=True))[:60_000]
        plain = [t for found, name in rows for t in found if not (name and name in t)]
        plain += [", ".join(FILLERS), *(p.replace("TOK", "a") for p in sheets.PROMPTS)] * 20
        if self.tokenizers is None:
            self.tokenizers = (
                wording.learn_clip_tokenizer(plain, self.plan.shapes.clip_vocabulary),
                wording.learn_t5_tokenizer(plain, self.plan.shapes.t5_vocabulary),
            )
        self.report.add(
            "people", pictures=len(self.corpus.captions), seconds=spent_s,
            pictures_per_s=len(self.corpus.captions) / max(spent_s, 1e-6),
            named=len(named), clip_vocabulary=len(self.tokenizers[0]),
            t5_vocabulary=len(self.tokenizers[1]), examples=texts[:6],
        )  # fmt: skip

    def autoencoder(self) -> None:
        """Train the autoencoder on the pictures, or an earlier one further, or keep that."""
        if self.examples is not None or self._keeps_autoencoder:
            return
        assert self.corpus is not None
        seconds = self.plan.share_autoencoding * self.plan.minutes * 60
        stage = Stage.begin(self.clock, "autoencoder", seconds)
        ready = self._compiled[0] if self._compiled else build_autoencoder(self.plan.shapes)
        if self.vae is not None:
            ready.load_state_dict(self.vae.state_dict())
        self.vae = ready
        measured = autoencoder.train_autoencoder(
            self.vae, self.corpus.pictures, self.corpus.faces, self.plan.autoencoding, stage,
            self.plan.seed,
        )  # fmt: skip
        spent_s = self.clock.now_s - stage.start_s
        rate = measured["pictures_seen"] / max(spent_s, 1e-6)
        self.report.add("autoencoder", seconds=spent_s, pictures_per_s=rate, **measured)

    def latents(self) -> None:
        """Encode every picture and every caption once; keep them for a continued run."""
        if self.examples is not None:
            return
        assert self.corpus is not None
        assert self.vae is not None
        assert self.tokenizers is not None
        start_s = self.clock.now_s
        latents = autoencoder.encode_all(self.vae, self.corpus.pictures)
        scale = {} if self._keeps_autoencoder else autoencoder.measure(self.vae, latents)
        sample = self.corpus.pictures[:_NUM_SAMPLES]
        drawn, psnr = autoencoder.reconstruction_error(self.vae, sample)
        sheets.reconstruction_sheet(sample, drawn, self.out / "reconstructions.jpg")
        faces = torch.cat([self.corpus.faces, mirrored(self.corpus.faces)])
        tensors = {
            "latents": self._with_mirrored(latents), "faces": faces, **self._token_ids(2)
        }  # fmt: skip
        self.workshop.save("samples", self._samples())
        self.corpus = None
        self._take_examples(tensors)
        if self.painter is None:
            clip_tokenizer, t5_tokenizer = self.tokenizers
            self.painter = build_painter(
                self.plan.shapes, len(clip_tokenizer), len(t5_tokenizer)
            ).to(self.device)
        if self._compiled:
            ready = self._compiled[1].transformer
            ready.load_state_dict(self.painter.transformer.state_dict())
            self.painter.transformer = ready
        self.workshop.save("examples", tensors)
        write_model(
            self.workshop.folder / "model", self._frozen(), self.vae, self.tokenizers
        )  # fmt: skip
        self._note(done="latents")
        self.report.add("latents", seconds=self.clock.now_s - start_s, psnr_db=psnr, **scale)

    def flow(self) -> None:
        """Train transformer and text encoders."""
        if self.notes.get("done") == "flow":
            return
        assert self.painter is not None
        assert self.examples is not None
        distillation_s = self.plan.share_distillation * self.plan.minutes * 60
        seconds = self.clock.left_s - distillation_s - self._captioning_s - self.plan.finish_s
        done = float(self.notes.get("flow_progress", 0.0))
        trainer = Trainer(
            self.painter, self.examples, self.plan.flow, self.plan.seed, self._checkpoint
        )
        if self.workshop.has("flow"):
            self._take_flow(trainer, self.workshop.load("flow", self.device))
        stage = Stage.begin(self.clock, "flow", seconds, done)
        if self.plan.flow.compile and self.device.type == "cuda" and not self._compiled:
            compile_blocks(self.painter)
        measured = trainer.train(stage)
        self.batch = int(measured["batch"])
        self.workshop.save("flow", _prefixed("live", self.painter.named_parameters()))
        self._note(done="flow", flow_progress=1.0)
        self._write_model()
        self.report.add("flow", **measured)

    def distillation(self) -> None:
        """Teach the transformer to follow its guidance embedding."""
        assert self.painter is not None
        assert self.examples is not None
        if self.notes.get("done") == "flow":  # continued: flow() has not loaded it
            live = self.workshop.load("flow", self.device)
            with torch.no_grad():
                for name, parameter in self.painter.named_parameters().items():
                    parameter.copy_(live[f"live.{name}"])
        seconds = self.clock.left_s - self._captioning_s - self.plan.finish_s
        stage = Stage.begin(self.clock, "distillation", seconds)
        measured = distillation.distill(
            self.painter, self.examples, self.plan.flow, self.batch, stage, self.plan.seed
        )
        sizes = self._write_model()
        self.report.add(
            "distillation", seconds=self.clock.now_s - stage.start_s, batch=self.batch, **measured
        )
        weights = sum(s for n, s in sizes.items() if n.endswith(".safetensors"))
        self.report.add("model", weight_bytes=weights, all_bytes=sum(sizes.values()), files=sizes)

    def captioner(self) -> None:
        """Draw people once more, with sentences instead of captions, and learn to say them."""
        plan = self.plan.captioning
        people = dataclasses.replace(
            self.plan.people, num_named=0, captions_each=1, filler_share=0.0, capital_share=0.0,
            max_pictures=plan.max_pictures,
        )  # fmt: skip
        seconds = self._captioning_s * plan.drawing_share
        stage = Stage.begin(self.clock, "captioner's pictures", seconds)
        source = dataclasses.replace(self.source, caption=self.source.sentence)
        corpus = draw_corpus(people, source, self.plan.shapes.size_px, self.device, stage)
        stage = Stage.begin(self.clock, "captioner", self._captioning_s - seconds)
        measured = train_captioner(
            self.model_folder / CAPTIONER, corpus.pictures, corpus.all_captions(), plan, stage,
            self.plan.seed,
        )  # fmt: skip
        self.report.add(
            "captioner", pictures=len(corpus.captions), seconds=self.clock.now_s - stage.start_s,
            **measured,
        )  # fmt: skip

    def sheets(self) -> None:
        """Draw with the written model."""
        start_s = self.clock.now_s
        size_px = self.plan.shapes.size_px
        artist = sheets.Artist(self.model_folder, size_px, self.plan.sheet_steps, self.device)
        num_seeds = 8 if self.device.type == "cuda" else 1
        artist.prompt_sheet(self.out / "prompts_guidance_2.5.jpg", 2.5, num_seeds)
        names = self.workshop.load("samples", torch.device("cpu"))
        if names:
            artist.name_sheet(names, self.out / "names_guidance_2.5.jpg", 2.5)
        if self.clock.left_s > 5 and self.device.type == "cuda":
            artist.prompt_sheet(self.out / "prompts_guidance_1.jpg", 1.0, num_seeds)
        self.report.add("sheets", seconds=self.clock.now_s - start_s)
        self.report.add("run", seconds=self.clock.now_s, seed=self.plan.seed)

    def _compile_ahead(self) -> None:
        """Compiles what the next stages run, on toy content of the real shapes."""
        shapes, flow = self.plan.shapes, self.plan.flow
        if self.device.type != "cuda" or not flow.compile:
            return
        toy = torch.randint(0, 256, (64, 3, shapes.size_px, shapes.size_px), dtype=torch.uint8)
        vae = build_autoencoder(shapes)
        if not self._keeps_autoencoder:
            autoencoder.warm_up(vae, toy.to(self.device), self.plan)
            facts("autoencoder_compiled", at_s=self.clock.now_s)
        painter = build_painter(shapes, 1024, 1024).to(self.device)
        compile_blocks(painter)
        ids = torch.zeros(2, 1, max(shapes.text_tokens), dtype=torch.int16, device=self.device)
        latents = torch.zeros(
            1, shapes.latent_channels, shapes.latent_side, shapes.latent_side, device=self.device
        )
        clip_ids = ids.new_zeros(2, 1, wording.CLIP_LENGTH)
        faces = torch.zeros(1, 4, device=self.device)
        examples = Examples(latents, faces, clip_ids, ids, 0.0, 1.0, shapes.text_tokens)
        generator = torch.Generator(self.device).manual_seed(0)
        for length in shapes.text_tokens:
            flow_loss(painter, examples, flow.batches[0], length, flow, generator).backward()
        for network in (vae, painter.transformer):
            network.zero_grad(set_to_none=True)
        self._compiled = (vae, painter)

    def _with_mirrored(self, latents: Tensor) -> Tensor:
        """All pictures once more, mirrored: no caption speaks of left and right."""
        assert self.corpus is not None
        assert self.vae is not None
        mirrored = autoencoder.encode_all(self.vae, self.corpus.pictures, mirror=True)
        return torch.cat([latents, mirrored])

    def _token_ids(self, times: int) -> dict[str, Tensor]:
        """Ids of all captions, `times` over, and in the last row of the empty one."""
        assert self.corpus is not None
        assert self.tokenizers is not None
        num = len(self.corpus.captions[0])
        texts = [*self.corpus.all_captions(), *([""] * num)]
        clip_tokenizer, t5_tokenizer = self.tokenizers
        clip_ids = wording.tokenize(clip_tokenizer, texts, wording.CLIP_LENGTH)
        t5_ids = wording.tokenize(t5_tokenizer, texts, max(self.plan.shapes.text_tokens))
        words = (t5_ids != 0).sum(1).float()
        facts("tokens", t5_mean=words.mean().item(), t5_most=int(words.max()))
        tables = {"clip_ids": clip_ids, "t5_ids": t5_ids}
        tables = {name: ids.view(-1, num, ids.shape[1]) for name, ids in tables.items()}
        return {name: torch.cat([*([ids[:-1]] * times), ids[-1:]]) for name, ids in tables.items()}

    def _samples(self) -> dict[str, Tensor]:
        """Four pictures of each of six named people, for the sheet of names."""
        assert self.corpus is not None
        kept: dict[str, Tensor] = {}
        for row, name in enumerate(self.corpus.names):
            if not name or len(kept) == 6 or any(name in key for key in kept):
                continue
            said = re.search(rf"{name} \w+", " ".join(self.corpus.captions[row]))
            if said:
                kept[said[0]] = self.corpus.pictures[row : row + 4].clone()
        return kept

    def _take_examples(self, tensors: dict[str, Tensor]) -> None:
        assert self.vae is not None
        self.examples = Examples(
            tensors["latents"].to(self.device),
            tensors["faces"].to(self.device),
            tensors["clip_ids"].to(self.device),
            tensors["t5_ids"].to(self.device),
            shift=float(self.vae.config["shift_factor"]),
            scale=float(self.vae.config["scaling_factor"]),
            text_tokens=self.plan.shapes.text_tokens,
        )

    def _take_flow(self, trainer: Trainer, saved: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in trainer.painter.named_parameters().items():
                parameter.copy_(saved[f"live.{name}"])
        trainer.optimizer.load(_stripped("optimizer", saved))
        trainer.average.load(_stripped("average", saved))

    def _checkpoint(self, trainer: Trainer, progress: float) -> None:
        """Everything to continue with, and the model as it is now."""
        self.workshop.save(
            "flow",
            {
                **_prefixed("live", trainer.painter.named_parameters()),
                **_prefixed("average", trainer.average.tensors()),
                **_prefixed("optimizer", trainer.optimizer.tensors()),
            },
        )
        self._note(flow_progress=progress)
        self._write_model(trainer.average.tensors())
        facts("checkpoint", progress=progress, at_s=self.clock.now_s)

    def _note(self, **values: object) -> None:
        self.workshop.note(used_s=self.clock.now_s, **values)

    def _frozen(self, values: dict[str, Tensor] | None = None) -> Painter:
        assert self.painter is not None
        live = {n: p.detach() for n, p in self.painter.named_parameters().items()}
        return frozen_copy(self.painter, values or live)

    def _write_model(self, values: dict[str, Tensor] | None = None) -> dict[str, int]:
        assert self.vae is not None
        assert self.tokenizers is not None
        return write_model(self.model_folder, self._frozen(values), self.vae, self.tokenizers)


def _prefixed(prefix: str, tensors: dict) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def _stripped(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        n.removeprefix(f"{prefix}."): v for n, v in tensors.items() if n.startswith(f"{prefix}.")
    }
