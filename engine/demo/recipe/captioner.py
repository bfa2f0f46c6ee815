"""The demo model's captioner: a small network of Florence-2's own classes, trained from nothing.

It says of a picture what varies between somebody's pictures (`engine.demo.people.sentences`), so
that a LoRA learns the person and not their hoodie. The folder it is written to is in the layout
that `engine.models.captioner` reads.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import (
    CLIPImageProcessorPil,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    RobertaTokenizer,
)

from engine.demo.recipe.clock import Stage, facts
from engine.demo.recipe.plan import Captioning
from engine.models.captioner import TASK
from engine.photos import descriptions

MOST_WORD_PIECES = 40
_SHRINKS_BY = 32
"""What four stages make of a side: 4, then 2 three times."""
_START, _PAD, _END, _UNKNOWN, _IMAGE = "<s>", "<pad>", "</s>", "<unk>", "<image>"
_IGNORED = -100
_WARM_UP_SHARE = 0.05


def train_captioner(
    folder: Path, pictures: Tensor, sentences: Sequence[str], plan: Captioning, stage: Stage,
    seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Learns to say the sentences (n) of the pictures (n, 3, h, w), uint8, on their device.

    Returns what was measured, on pictures that were kept apart: the last people drawn.
    """
    device = pictures.device
    apart = max(1, round(len(sentences) * plan.test_share))
    generator = torch.Generator(device).manual_seed(seed)
    torch.manual_seed(seed)
    tokenizer = learn_tokenizer(sentences, plan.vocabulary)
    model = build(plan, tokenizer).to(device).train()
    processor = build_processor(plan, tokenizer)
    labels = _labels(tokenizer, sentences).to(device)
    optimizer = torch.optim.AdamW(
        model.parameters(), plan.learning_rate, betas=(0.9, 0.98), weight_decay=0.05
    )
    prompt = _prompt(processor, plan.batch, device)
    seen, steps, loss = 0, 0, torch.zeros(())
    for rows in _batches(len(sentences) - apart, plan.batch, generator):
        progress = max(stage.progress, steps / plan.max_steps)
        if progress >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = plan.learning_rate * _rate(progress)
        batch = _normalised(augment(pictures[rows], plan.side_px, generator), processor)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = model(**prompt, pixel_values=batch, labels=labels[rows]).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seen, steps = seen + len(rows), steps + 1
        if stage.clock.is_time_to_log():
            facts("captioning", step=steps, loss=loss.item(), progress=progress)
    write(folder, model, processor)
    found = measure(model, processor, pictures[-apart:], sentences[-apart:], plan)
    return {"steps": steps, "pictures_seen": seen, "loss": loss.item(), **found}


def build(plan: Captioning, tokenizer: RobertaTokenizer) -> Any:
    """The network with random weights."""
    heads = [max(1, width // plan.head_dim) for width in plan.widths]
    config = Florence2Config(
        vision_config={
            "embed_dim": list(plan.widths),
            "num_heads": heads,
            "num_groups": heads,
            "depths": list(plan.depths),
            "window_size": plan.window,
            "projection_dim": plan.text_width,
            "drop_path_rate": 0.0,
            "max_position_embeddings": plan.side_px // _SHRINKS_BY + 1,
            "max_temporal_embeddings": 1,
        },
        text_config={
            "model_type": "bart",
            "vocab_size": len(tokenizer),
            "d_model": plan.text_width,
            "encoder_layers": 1,
            "decoder_layers": plan.decoder_layers,
            "encoder_attention_heads": plan.text_width // plan.head_dim,
            "decoder_attention_heads": plan.text_width // plan.head_dim,
            "encoder_ffn_dim": plan.text_width,
            "decoder_ffn_dim": plan.text_width * 2,
            "max_position_embeddings": 112,
            "bos_token_id": tokenizer.bos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "decoder_start_token_id": tokenizer.eos_token_id,
            "forced_eos_token_id": tokenizer.eos_token_id,
        },
        image_token_id=cast(Any, tokenizer).image_token_id,
    )
    model = Florence2ForConditionalGeneration(config)
    assert model.generation_config is not None
    model.generation_config.max_new_tokens = MOST_WORD_PIECES
    return model


def learn_tokenizer(sentences: Sequence[str], vocabulary: int) -> RobertaTokenizer:
    """Byte-level BPE of the sentences and of the task; any text has tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 6,
        initial_alphabet=alphabet,
        show_progress=False,
        min_frequency=2,
    )
    # The bytes come first, and are kept first, so that a piece is made of pieces before it.
    task = "Describe with a paragraph what is shown in the image."
    learner.train_from_iterator([*sentences, *[task] * 2], trainer)
    learned: dict[str, int] = learner.get_vocab()
    pieces = [_START, _PAD, _END, _UNKNOWN, *sorted(learned, key=learned.__getitem__), "<mask>"]
    merges: Any = [tuple(pair) for pair in _merges(learner)]
    return RobertaTokenizer(
        vocab={piece: number for number, piece in enumerate(pieces)},
        merges=merges,
        extra_special_tokens={"image_token": _IMAGE},
    )


def _merges(learner: Tokenizer) -> list[Any]:
    return json.loads(learner.to_str())["model"]["merges"]


def build_processor(plan: Captioning, tokenizer: RobertaTokenizer) -> Any:
    images: Any = CLIPImageProcessorPil(
        size={"height": plan.side_px, "width": plan.side_px},
        do_center_crop=False,
        do_resize=True,
    )
    images.image_seq_length = (plan.side_px // _SHRINKS_BY) ** 2 + 1
    return Florence2Processor(images, tokenizer)


def augment(pictures: Tensor, side_px: int, generator: torch.Generator) -> Tensor:
    """(b, 3, side, side) in 0 .. 1: mirrored, nearer or farther, moved, lit and softened, each its
    own way; photos are cut in many ways before they are learned from.
    """
    count, device = len(pictures), pictures.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        drawn = torch.rand(count, *(shape or (1, 1, 1)), generator=generator, device=device)
        return low + (high - low) * drawn

    wide = pictures.float() / 255
    size = uniform(0.62, 1.06, 1)
    theta = torch.zeros(count, 2, 3, device=device)
    theta[:, 0, 0] = torch.where(uniform(0, 1, 1) < 0.5, -size, size)[:, 0]
    theta[:, 1, 1] = size[:, 0]
    room = (1 - size).clamp(min=0.04)
    theta[:, :, 2] = uniform(-1, 1, 2) * room
    grid = F.affine_grid(theta, [count, 3, side_px, side_px], align_corners=False)
    moved = F.grid_sample(wide, grid, padding_mode="reflection", align_corners=False)
    lit = (moved * uniform(0.85, 1.15) + uniform(-0.05, 0.05)).clamp(0, 1)
    soft = F.interpolate(F.avg_pool2d(lit, 2), scale_factor=2, mode="bilinear")
    share = uniform(0, 1)
    noise = torch.randn(lit.shape, generator=generator, device=device) * uniform(0, 0.02)
    return (lit * (1 - share) + soft * share + noise).clamp(0, 1)


@torch.no_grad()
def measure(
    model: Any, processor: Any, pictures: Tensor, sentences: Sequence[str], plan: Captioning
) -> dict[str, float]:
    """Shares of pictures of which clothes, expression and place are named rightly."""
    model.eval()
    right = dict.fromkeys(("clothes", "glasses", "expression", "place"), 0)
    for start in range(0, len(sentences), plan.batch):
        batch = F.interpolate(
            pictures[start : start + plan.batch].float() / 255, (plan.side_px, plan.side_px),
            mode="bicubic", antialias=True,
        ).clamp(0, 1)  # fmt: skip
        prompt = _prompt(processor, len(batch), pictures.device)
        written = model.generate(
            **prompt, pixel_values=_normalised(batch, processor), num_beams=1, do_sample=False
        )
        said = processor.batch_decode(written, skip_special_tokens=True)
        for text, sentence in zip(said, sentences[start:], strict=False):
            seen, true = _named(text), _named(sentence)
            for name in right:
                right[name] += seen[name] == true[name]
    return {name: round(count / len(sentences), 4) for name, count in right.items()}


def _named(text: str) -> dict[str, Any]:
    seen = descriptions.see(text)
    return {
        "clothes": {word for word in seen.clothes if word != "glasses"},
        "glasses": "glasses" in seen.clothes,
        "expression": seen.expression,
        "place": seen.places + seen.backdrop,
    }


def write(folder: Path, model: Any, processor: Any) -> None:
    """In half precision, beside its place and then moved there; the model stays as it is."""
    beside = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    copy = Florence2ForConditionalGeneration(model.config)
    copy.load_state_dict(model.state_dict())
    copy.generation_config = model.generation_config
    copy.half().save_pretrained(beside)
    processor.save_pretrained(beside)
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)


def _batches(count: int, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Rows in ever new orders; all of a batch's size, which compiled kernels and prompts have."""
    batch = min(batch, count)
    while True:
        order = torch.randperm(count, generator=generator, device=generator.device)
        yield from (rows for rows in order.split(batch) if len(rows) == batch)


def _rate(progress: float) -> float:
    if progress < _WARM_UP_SHARE:
        return max(progress / _WARM_UP_SHARE, 0.02)
    return max(0.02, 1 - (progress - _WARM_UP_SHARE) / (1 - _WARM_UP_SHARE))


def _prompt(processor: Any, count: int, device: torch.device) -> dict[str, Tensor]:
    """What the processor makes of the task, for so many pictures."""
    blank = torch.zeros(3, 8, 8, dtype=torch.uint8)
    inputs = processor(text=[TASK], images=[blank], return_tensors="pt")
    return {
        name: inputs[name].expand(count, -1).to(device) for name in ("input_ids", "attention_mask")
    }


def _normalised(pictures: Tensor, processor: Any) -> Tensor:
    images = processor.image_processor
    mean = pictures.new_tensor(images.image_mean).view(-1, 1, 1)
    return (pictures - mean) / pictures.new_tensor(images.image_std).view(-1, 1, 1)


def _labels(tokenizer: RobertaTokenizer, sentences: Sequence[str]) -> Tensor:
    """(n, longest) ids of each sentence and its end; the rest is ignored."""
    known = {text: tokenizer(text, add_special_tokens=False).input_ids for text in set(sentences)}
    longest = max(len(ids) for ids in known.values()) + 1
    labels = torch.full((len(sentences), longest), _IGNORED)
    for row, text in enumerate(sentences):
        ids = [*known[text], tokenizer.eos_token_id]
        labels[row, : len(ids)] = torch.tensor(ids)
    return labels
