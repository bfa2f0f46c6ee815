"""Sheets of pictures by which a run is judged by eye.

Draws with the written model folder through plain FluxPipeline, as a user would.
"""

from pathlib import Path

import numpy as np
import torch
from diffusers.pipelines.flux.pipeline_flux import FluxPipeline
from PIL import Image
from torch import Tensor

PROMPTS = (
    "a professional linkedin headshot of a woman in a navy suit, grey studio background",
    "a professional headshot of a man in a dark suit and tie, white background",
    "studio portrait of a person in a white lab coat",
    "a selfie of a man in a hoodie in a park",
    "portrait of a woman with red hair and glasses",
    "portrait of an old man with grey hair and a beard",
    "a selfie of a young woman with long black hair, indoors",
    "portrait of a bald man in a t-shirt, dark studio background",
    "a smiling woman with blond hair in a blouse, office background",
    "photo of TOK person, studio portrait in a black blazer",
)


def sheet(rows: list[list[Image.Image]], place: Path, quality: int = 88) -> None:
    """Rows of pictures of one size into one JPEG."""
    width, height = rows[0][0].size
    canvas = Image.new("RGB", (width * max(map(len, rows)), height * len(rows)), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            canvas.paste(picture, (x * width, y * height))
    place.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(place, quality=quality)


def to_images(pictures: Tensor) -> list[Image.Image]:
    """uint8 (n, 3, h, w) to images."""
    arrays = pictures.permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(np.ascontiguousarray(a)) for a in arrays]


def reconstruction_sheet(real: Tensor, drawn: Tensor, place: Path) -> None:
    """Pictures above their reconstructions, eight a row."""
    a, b = to_images(real), to_images(drawn)
    rows = []
    for i in range(0, len(a), 8):
        rows += [a[i : i + 8], b[i : i + 8]]
    sheet(rows, place)


class Artist:
    """The written model, asked for pictures."""

    def __init__(self, folder: Path, size_px: int, steps: int, device: torch.device) -> None:
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self._pipeline = FluxPipeline.from_pretrained(folder, dtype=dtype).to(device)
        self._pipeline.set_progress_bar_config(disable=True)
        self._size_px, self._steps = size_px, steps

    def draw(self, prompt: str, seeds: list[int], guidance: float) -> list[Image.Image]:
        """One picture a seed."""
        drawn = self._pipeline(
            prompt,
            height=self._size_px,
            width=self._size_px,
            num_inference_steps=self._steps,
            guidance_scale=guidance,
            num_images_per_prompt=len(seeds),
            generator=[torch.Generator("cpu").manual_seed(s) for s in seeds],
            max_sequence_length=64,
            return_dict=False,
        )
        return list(drawn[0])

    def prompt_sheet(self, place: Path, guidance: float, num_seeds: int = 8) -> None:
        """Prompts down, seeds across."""
        seeds = list(range(num_seeds))
        sheet([self.draw(p, seeds, guidance) for p in PROMPTS], place)

    def name_sheet(self, real: dict[str, Tensor], place: Path, guidance: float) -> None:
        """Four pictures of a named person, then four drawn from the name."""
        rows = []
        for name, pictures in real.items():
            half = self.draw(f"a selfie of {name}", [0, 1], guidance)
            half += self.draw(f"a professional headshot of {name} in a suit", [2, 3], guidance)
            rows.append(to_images(pictures[:4]) + half)
        sheet(rows, place)
