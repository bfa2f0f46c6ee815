"""From a style and a person's words to the sentence a base model reads. Knows text and seeds."""

import re
from hashlib import blake2b

from engine.contract.styles import PARTS, PLACEHOLDERS, Style

_SHORT_SEED_BITS = 32
_FREE = "photo of {subject}, {wish}"
_PLACEHOLDER = re.compile("{(" + "|".join(PLACEHOLDERS) + ")}")


def seeds(seed: int, count: int) -> tuple[int, ...]:
    """One seed a picture. The first is the one given, so that each can be asked for again."""
    return (seed, *(_derive(seed, f"picture {number}") for number in range(1, count)))


def build(style: Style, trigger: str, class_word: str, seed: int, wish: str | None = None) -> str:
    """The prompt of one picture.

    A style's clothes are chosen by the seed. A `wish` is the person's own prompt instead of the
    style's; if it does not say where the subject comes, the subject comes first.
    """
    subject = f"{trigger} {class_word}"
    clothes = style.clothes[_derive(seed, "clothes") % len(style.clothes)]
    if wish is None or not wish.strip():
        template = _template(style)
    elif "{subject}" in wish or trigger in wish.split():
        template = wish.strip()
    else:
        template = _FREE.replace("{wish}", wish.strip())
    words = {part: getattr(style, part) for part in PARTS}
    return _fill(template, {**words, "subject": subject, "clothes": clothes})


def _template(style: Style) -> str:
    """The style's prompt with all its parts. What it says already is not said again."""
    rest = (f"{{{part}}}" for part in PARTS if _is_unsaid(getattr(style, part), part, style.prompt))
    return ", ".join([style.prompt, *rest])


def _is_unsaid(words: str, part: str, prompt: str) -> bool:
    return bool(words) and f"{{{part}}}" not in prompt and words not in prompt


def _fill(template: str, words: dict[str, str]) -> str:
    """In one go, so that what is filled in is never taken for a placeholder."""
    return _PLACEHOLDER.sub(lambda found: words[found[1]], template)


def _derive(seed: int, purpose: str) -> int:
    digest = blake2b(f"{seed} {purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> (64 - _SHORT_SEED_BITS)
