"""The form of a language's catalogue: a template for each key, with {facts} to fill in."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Plural:
    """Two forms, chosen by the fact `n`."""

    one: str
    other: str


Catalogue = Mapping[str, str | Plural]
