"""Pictures and captions, made ready: sizes chosen, cropped, encoded once, kept with each other.

Knows pixels, latents and captions; knows no order and no loss. A caption is found through its
example and nothing else, so that no shuffling can part them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import log, sqrt

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.contract.failures import EngineError, FailureCode
from engine.contract.manifests import DatasetManifest, Example
from engine.models.base import ImageModel, ModelFacts, Size, TextEmbeddings
from engine.models.emphasis import head_weights

_RATIOS = (1.0, 4 / 5, 3 / 4, 2 / 3, 9 / 16, 5 / 4, 4 / 3, 3 / 2, 16 / 9)
"""Width over height of the buckets; few, so that batches fill and kernels are met again."""
_TEXTS_AT_ONCE = 4
_CROP_TOP_SHARE = 0.35
"""Of what must go above and below, what goes above: heads are in the upper half."""
NO_CAPTION = ""


@dataclass(frozen=True)
class Item:
    """One picture at one size."""

    example: int
    size: Size


def plan(examples: Sequence[Example], resolutions: Sequence[int], facts: ModelFacts) -> list[Item]:
    """Every example at every resolution it is large enough for, and at one at least."""
    items: list[Item] = []
    for number, example in enumerate(examples):
        side_px = sqrt(example.width_px * example.height_px)
        fitting = [px for px in resolutions if px <= side_px * 1.1] or [min(resolutions)]
        ratio = 1.0 if facts.square_only else _nearest_ratio(example)
        sizes = {bucket(px, ratio, facts.multiple_px) for px in fitting}
        items += [Item(number, size) for size in sorted(sizes)]
    return items


def bucket(resolution_px: int, ratio: float, multiple_px: int) -> Size:
    """Width and height of about resolution² pixels at that ratio, in whole multiples."""
    width = resolution_px * sqrt(ratio)
    return _to_multiple(width, multiple_px), _to_multiple(width / ratio, multiple_px)


def crop(png: bytes, size: Size) -> Tensor:
    """The picture, scaled to cover the size and cropped to it: (3, height, width) in -1 .. 1."""
    with Image.open(BytesIO(png)) as image:
        picture = image.convert("RGB")
    resized = picture.resize(size, Image.Resampling.LANCZOS, box=_window(picture.size, size))
    pixels = torch.from_numpy(np.array(resized, dtype=np.uint8))
    return pixels.permute(2, 0, 1).float() / 127.5 - 1


def _window(picture: Size, size: Size) -> tuple[float, float, float, float]:
    """The part of a picture that is scaled to a size: left, top, right, bottom."""
    width, height = size
    scale = max(width / picture[0], height / picture[1])
    spare_x, spare_y = picture[0] - width / scale, picture[1] - height / scale
    left, top = spare_x / 2, spare_y * _CROP_TOP_SHARE
    return left, top, left + width / scale, top + height / scale


def emphasis(example: Example, size: Size, latent: tuple[int, int], factor: float) -> Tensor:
    """How much each latent counts, (1, height, width); see `head_weights`."""
    rows, columns = latent
    if example.face is None:
        return torch.ones(1, rows, columns)
    left, top, right, bottom = _window((example.width_px, example.height_px), size)
    x0, y0, x1, y1 = example.face
    width, height = right - left, bottom - top
    place = [
        (x0 * example.width_px - left) / width, (y0 * example.height_px - top) / height,
        (x1 * example.width_px - left) / width, (y1 * example.height_px - top) / height,
    ]  # fmt: skip
    return head_weights(torch.tensor([place]), rows, columns, factor)


class EncodedDataset:
    """Latents of every item, embeddings of every caption, on the model's device."""

    def __init__(
        self,
        manifest: DatasetManifest,
        pictures: Mapping[str, bytes],
        items: Sequence[Item],
        with_plain_captions: bool = False,
        face_weight: float = 1.0,
    ) -> None:
        """Encodes nothing yet; see `steps`. `face_weight`: see `emphasis`.

        Raises:
            EngineError: PHOTO_MISSING, with the number from 1, for a picture that is not given.
        """
        for number, example in enumerate(manifest.examples, start=1):
            if example.key not in pictures:
                raise EngineError(FailureCode.PHOTO_MISSING, number=number)
        self.items = list(items)
        self._examples = manifest.examples
        self._pictures = pictures
        texts = [NO_CAPTION, *(example.caption for example in manifest.examples)]
        if with_plain_captions:
            texts += [example.plain_caption for example in manifest.examples]
        self._texts = list(dict.fromkeys(texts))
        self._embeddings: dict[str, TextEmbeddings] = {}
        self._latents: list[Tensor] = []
        self._face_weight = face_weight
        self._emphasis: list[Tensor] = []

    @property
    def num_steps(self) -> int:
        return -(-len(self._texts) // _TEXTS_AT_ONCE) + len(self.items)

    @torch.no_grad()
    def steps(self, model: ImageModel) -> Iterator[int]:
        """Encodes; yields how many of `num_steps` are done. Drops the encoders at the end."""
        done = 0
        self._latents.clear()
        self._emphasis.clear()
        for start in range(0, len(self._texts), _TEXTS_AT_ONCE):
            texts = self._texts[start : start + _TEXTS_AT_ONCE]
            embedded = model.encode_text(texts)
            for row, text in enumerate(texts):
                self._embeddings[text] = embedded[row : row + 1]
            done += 1
            yield done
        for item in self.items:
            example = self._examples[item.example]
            pixels = crop(self._pictures[example.key], item.size)
            latents = model.encode_image(pixels[None])
            self._latents.append(latents)
            rows, columns = latents.shape[-2:]
            weights = emphasis(example, item.size, (rows, columns), self._face_weight)
            self._emphasis.append(weights[None].to(latents.device))
            done += 1
            yield done
        model.drop_encoders()

    def latents(self, rows: Sequence[int]) -> Tensor:
        """(batch, channels, height, width), fp32, of items that share a size."""
        return torch.cat([self._latents[row] for row in rows]).float()

    def emphasis(self, rows: Sequence[int]) -> Tensor:
        """(batch, 1, height, width), fp32: how much each latent of these items counts."""
        return torch.cat([self._emphasis[row] for row in rows])

    def captions(self, rows: Sequence[int], dropped: Sequence[bool]) -> TextEmbeddings:
        """The captions of these very items, or none where dropped."""
        texts = [
            NO_CAPTION if is_dropped else self._example(row).caption
            for row, is_dropped in zip(rows, dropped, strict=True)
        ]
        return TextEmbeddings.stack([self._embeddings[text] for text in texts])

    def plain_captions(self, rows: Sequence[int]) -> TextEmbeddings:
        """The captions without the trigger."""
        texts = [self._example(row).plain_caption for row in rows]
        return TextEmbeddings.stack([self._embeddings[text] for text in texts])

    def weight(self, row: int) -> float:
        return self._example(row).weight

    def _example(self, row: int) -> Example:
        return self._examples[self.items[row].example]


def _nearest_ratio(example: Example) -> float:
    ratio = example.width_px / example.height_px
    return min(_RATIOS, key=lambda known: abs(log(known / ratio)))


def _to_multiple(side_px: float, multiple_px: int) -> int:
    return max(multiple_px, round(side_px / multiple_px) * multiple_px)
