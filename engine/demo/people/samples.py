"""Writes the sample selfies that the demo and the tests train on and check.

`python -m engine.demo.people.samples` draws twelve good selfies of one person and the bad ones
that a photo check must refuse, as JPEG files.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from engine.demo.people.identity import Identity
from engine.demo.people.renderer import draw
from engine.demo.people.view import View

FOLDER = Path(__file__).parents[1] / "samples"
PERSON_SEED, STRANGER_SEED = 10, 97
SIDE_PX = 800
MAX_BYTES = 150_000

Pose = tuple[float, float, float, str, str, str, str, str, str, float]
# yaw, pitch, roll, expression, light, background, clothes, colour, framing, focal length
POSES: tuple[Pose, ...] = (
    (0, 0, 0, "slight smile", "window light", "living room", "t-shirt", "grey", "close-up", 34),
    (-24, 2, 3, "smile", "outdoor daylight", "park", "denim jacket", "blue",
     "head and shoulders", 32),
    (26, 0, -4, "neutral", "overcast", "city street", "sweater", "burgundy",
     "head and shoulders", 35),
    (6, 5, 2, "laughing", "golden hour", "beach", "t-shirt", "white", "head and shoulders", 30),
    (-10, -4, 0, "neutral", "window light", "kitchen", "shirt", "light blue", "chest up", 35),
    (36, 2, 0, "slight smile", "window light", "office", "polo shirt", "green",
     "head and shoulders", 38),
    (-36, 0, 2, "confident", "overcast", "brick wall", "leather jacket", "black",
     "head and shoulders", 38),
    (3, -6, -3, "smile", "outdoor daylight", "mountains", "hoodie", "teal", "chest up", 30),
    (14, 6, 5, "slight smile", "dim room light", "living room", "hoodie", "grey", "close-up", 30),
    (-16, 3, -5, "smile", "golden hour", "park", "shirt", "white", "close-up", 33),
    (0, 0, 2, "confident", "window light", "library", "turtleneck", "navy", "chest up", 38),
    (20, -3, 0, "smile", "overcast", "city street", "denim jacket", "light blue", "chest up", 36),
)  # fmt: skip


def selfie(index: int) -> View:
    """The view of good selfie `index` (from 0)."""
    yaw, pitch, roll, expression, light, background, clothes, colour, framing, focal = POSES[index]
    return View(
        seed=900 + index,
        kind="selfie",
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        torso_yaw=yaw * 0.4,
        expression=expression,
        gaze=(-yaw * 0.7, -pitch * 0.5),
        light=light,
        light_azimuth=(-1) ** index * 38.0,
        light_elevation=32.0,
        background=background,
        clothes=clothes,
        cloth_colour=colour,
        framing=framing,
        focal_mm=focal,
        centre=(0.03 * (-1) ** (index // 2), 0.0),
    )


def picture(person: Identity, view: View, device: str = "cpu") -> Image.Image:
    pixels = draw([(person, view)], SIDE_PX, device)[0].permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(np.ascontiguousarray(pixels))


def save(image: Image.Image, path: Path) -> None:
    """Writes a JPEG of at most MAX_BYTES, of quality 88 where that is small enough."""
    buffer = io.BytesIO()
    for quality in range(88, 40, -4):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= MAX_BYTES:
            break
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    """Two pictures in one, each cut to its middle two thirds."""
    width, height = left.size
    cut = width // 6
    both = Image.new("RGB", (2 * (width - 2 * cut), height))
    for place, image in enumerate((left, right)):
        both.paste(image.crop((cut, 0, width - cut, height)), (place * (width - 2 * cut), 0))
    return both


def write_samples(folder: Path = FOLDER, device: str = "cpu") -> None:
    person, stranger = Identity.from_seed(PERSON_SEED), Identity.from_seed(STRANGER_SEED)
    good = [picture(person, selfie(index), device) for index in range(len(POSES))]
    for index, image in enumerate(good):
        save(image, folder / "good" / f"selfie-{index + 1:02d}.jpg")
    bad = folder / "bad"
    save(good[2].filter(ImageFilter.GaussianBlur(9)), bad / "blurred.jpg")
    save(ImageEnhance.Brightness(good[4]).enhance(0.1), bad / "dark.jpg")
    other = picture(stranger, replace(selfie(0), clothes="sweater", cloth_colour="olive"), device)
    save(other, bad / "someone_else.jpg")
    save(side_by_side(good[0], other), bad / "two_people.jpg")
    far = picture(person, replace(selfie(7), scale=2.6, centre=(0.2, -0.4)), device)
    save(far, bad / "small_face.jpg")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    write_samples(device=parser.parse_args().device)
