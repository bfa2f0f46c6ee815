"""What is to be announced once all effects of a reply are done. Equal ones are told once."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ShowCollection:
    collection_id: str


@dataclass(frozen=True)
class ShowVerdict:
    collection_id: str
    number: int


@dataclass(frozen=True)
class ShowQueued:
    order_id: str


@dataclass(frozen=True)
class ShowCancelled:
    order_id: str


Follow = ShowCollection | ShowVerdict | ShowQueued | ShowCancelled
