"""From a style and a person's words to the sentence a base model reads. Knows text and seeds."""

from hashlib import blake2b

from engine.contract.styles import Style

_SHORT_SEED_BITS = 32
_FREE = "photo of {subject}, {wish}"


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
        template = style.prompt
    elif "{subject}" in wish or trigger in wish.split():
        template = wish.strip()
    else:
        template = _FREE.replace("{wish}", wish.strip())
    return template.replace("{subject}", subject).replace("{clothes}", clothes)


def _derive(seed: int, purpose: str) -> int:
    digest = blake2b(f"{seed} {purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> (64 - _SHORT_SEED_BITS)
