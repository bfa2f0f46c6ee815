"""Prompts that were read before: the very same again, and only the latest are kept."""

from collections.abc import Callable, Sequence

import pytest

from engine.gpu.library import Library
from engine.models.base import ImageModel, TextEmbeddings

PROMPTS = ["headshot of TOK person", "TOK person in a park", "TOK person by the sea"]


@pytest.fixture
def read(model: ImageModel, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the encoders were asked for."""
    asked: list[str] = []
    encode: Callable[[Sequence[str]], TextEmbeddings] = model.encode_text

    def note(prompts: Sequence[str]) -> TextEmbeddings:
        asked.extend(prompts)
        return encode(prompts)

    monkeypatch.setattr(model, "encode_text", note)
    return asked


def test_nothing_is_read_twice_and_nothing_changes(model: ImageModel, read: list[str]) -> None:
    library = Library()
    first = library.read(model, [PROMPTS[0], PROMPTS[1], PROMPTS[0]])
    again = library.read(model, PROMPTS)

    assert read == PROMPTS
    for prompt in PROMPTS[:2]:
        anew = model.encode_text([prompt])
        for found in (first, again):
            assert found[prompt].tokens.equal(anew.tokens)
            assert found[prompt].pooled.equal(anew.pooled)


def test_what_was_not_asked_for_lately_goes(model: ImageModel, read: list[str]) -> None:
    library = Library(most=2)
    for prompt in PROMPTS:
        library.read(model, [prompt])
    library.read(model, [PROMPTS[2]])
    assert len(read) == 3
    library.read(model, [PROMPTS[0]])
    assert len(read) == 4


def test_more_than_is_kept_can_be_asked_for_at_once(model: ImageModel, read: list[str]) -> None:
    assert list(Library(most=1).read(model, PROMPTS)) == PROMPTS
