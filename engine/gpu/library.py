"""What the styles' prompts were read as, kept in the machine's memory.

Styles say the same words to everybody. Where the text encoders have no place on the card, reading
them brings gigabytes from disk each time; what was read once is a few megabytes.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch

from engine.generation import sampling
from engine.models.base import ImageModel, TextEmbeddings

_MOST = 96
"""Prompts; of FLUX.1-dev 4 MiB each."""


class Library:
    """Of one base. People's own words do not belong here."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kept: OrderedDict[str, TextEmbeddings] = OrderedDict()

    def read(self, model: ImageModel, prompts: Sequence[str]) -> dict[str, TextEmbeddings]:
        """Each prompt, on the model's device; to the last bit as when it is read anew."""
        unread = [prompt for prompt in prompts if prompt not in self._kept]
        if unread:
            here = torch.device("cpu")
            found = sampling.read(model, unread)
            self._kept |= {prompt: text.to(here) for prompt, text in found.items()}
            model.drop_encoders()
        asked = {prompt: self._kept[prompt].to(model.device) for prompt in prompts}
        for prompt in asked:
            self._kept.move_to_end(prompt)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return asked
