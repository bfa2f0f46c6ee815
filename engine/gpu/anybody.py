"""Whom the base draws where nobody's LoRA is asked for. Knows words alone."""

from engine.contract.manifests import LoraManifest


def lora_of_anybody(base: str) -> LoraManifest:
    """In place of a LoRA's manifest: "a person", whoever that turns out to be."""
    return LoraManifest(
        job_id="",
        base=base,
        family="",
        trigger="a",
        class_word="person",
        rank=1,
        recipe={},
        seed=0,
        photos_sha256=(),
        num_steps=0,
        seconds=0.0,
        device="",
        losses=(),
    )
