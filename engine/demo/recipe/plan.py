"""The numbers of one run: shapes of the networks, sizes of batches, shares of the time.

Knows no tensors. `FULL` is the model that ships; `SMOKE` runs every stage on a CPU in seconds.
"""

from dataclasses import dataclass, field

# People with seeds below this are never trained on: they are the held-out people of the tests.
FIRST_TRAINING_SEED = 10_000


@dataclass(frozen=True)
class Shapes:
    """Widths and depths of the networks, all of FLUX.1's own classes."""

    size_px: int = 256
    vae_channels: tuple[int, ...] = (32, 64, 96, 128)
    vae_groups: int = 16
    latent_channels: int = 16
    num_heads: int = 5
    head_dim: int = 64
    rope_axes: tuple[int, int, int] = (8, 28, 28)
    num_double_blocks: int = 2
    num_single_blocks: int = 9
    clip_width: int = 128
    clip_layers: int = 2
    clip_vocabulary: int = 2048
    t5_width: int = 256
    t5_feed_forward: int = 640
    t5_layers: int = 3
    t5_vocabulary: int = 2560
    text_tokens: tuple[int, ...] = (48, 64)  # lengths trained; callers may pass either

    @property
    def latent_side(self) -> int:
        """Side of the latent square: the autoencoder shrinks by 8."""
        return self.size_px // 8

    @property
    def num_image_tokens(self) -> int:
        """Latents are packed 2 by 2."""
        return (self.latent_side // 2) ** 2


@dataclass(frozen=True)
class People:
    """How many synthetic people are drawn, and how often."""

    cast: int = 0
    """Another number draws other people, and those with names in other views."""
    num_named: int = 48
    views_named: int = 250
    views_unnamed: int = 4
    max_pictures: int = 90_000
    captions_each: int = 4
    named_share: float = 0.9  # of a named person's captions carry the name
    filler_share: float = 0.4  # of all captions carry words that mean nothing here
    capital_share: float = 0.1  # of all captions begin with a capital
    chunk: int = 96
    num_workers: int = 4  # on each GPU


@dataclass(frozen=True)
class Autoencoding:
    """Training of the autoencoder."""

    batch: int = 64
    learning_rate: float = 8e-4
    kl_weight: float = 2e-3
    pooled_weight: float = 0.25
    face_weight: float = 8.0  # of an error in the head; one elsewhere is 1
    max_steps: int = 1_000_000


@dataclass(frozen=True)
class Flow:
    """Training of the transformer with both text encoders."""

    batches: tuple[int, ...] = (256, 192, 128, 64)  # the first one that fits in memory
    matrix_learning_rate: float = 2e-3
    learning_rate: float = 1e-3
    text_learning_rate: float = 5e-4
    weight_decay: float = 0.01
    empty_caption_share: float = 0.10
    face_weight: float = 4.0  # of an error in the head; one elsewhere is 1
    ema: float = 0.999
    distillation_learning_rate: float = 3e-4
    guidance_range: tuple[float, float] = (1.0, 6.0)
    max_steps: int = 1_000_000
    compile: bool = True


@dataclass(frozen=True)
class Captioning:
    """The captioner: its network and its training."""

    side_px: int = 192
    widths: tuple[int, ...] = (32, 64, 80, 96)
    depths: tuple[int, ...] = (1, 1, 2, 1)
    head_dim: int = 16
    window: int = 6
    text_width: int = 128
    decoder_layers: int = 2
    vocabulary: int = 448
    batch: int = 256
    learning_rate: float = 2e-3
    test_share: float = 0.03
    drawing_share: float = 0.45  # of its time goes into the pictures
    max_pictures: int = 40_000
    max_steps: int = 1_000_000


@dataclass(frozen=True)
class Plan:
    """Everything that decides a run besides the code."""

    shapes: Shapes = field(default_factory=Shapes)
    people: People = field(default_factory=People)
    autoencoding: Autoencoding = field(default_factory=Autoencoding)
    flow: Flow = field(default_factory=Flow)
    captioning: Captioning = field(default_factory=Captioning)
    seed: int = 1
    minutes: float = 16.0
    # Shares of the minutes; what the flow does not name is the flow's.
    share_drawing: float = 0.2
    share_autoencoding: float = 0.16
    share_distillation: float = 0.065
    share_captioning: float = 0.2
    finish_s: float = 30.0
    sheet_steps: int = 24


RESTART_SHARE = 0.5
"""Of the learning rates, where an earlier model is trained further: with the full ones the flow's
loss rose for 450 steps, and was back after 2,600."""

RESTART_SHARES = {"drawing": 0.14, "autoencoding": 0.13, "distillation": 0.05}
"""Of the minutes, then: what is far from its end is the flow."""

FULL = Plan()

SMOKE = Plan(
    shapes=Shapes(
        size_px=64,
        vae_channels=(8, 8, 16, 16),
        vae_groups=4,
        num_heads=2,
        head_dim=16,
        rope_axes=(4, 6, 6),
        num_double_blocks=1,
        num_single_blocks=1,
        clip_width=16,
        clip_layers=1,
        clip_vocabulary=600,
        t5_width=32,
        t5_feed_forward=32,
        t5_layers=1,
        t5_vocabulary=600,
    ),
    people=People(num_named=2, views_named=4, views_unnamed=2, max_pictures=24, chunk=4,
                  num_workers=0),
    autoencoding=Autoencoding(batch=4, max_steps=3),
    flow=Flow(batches=(4,), max_steps=3, compile=False),
    captioning=Captioning(side_px=64, widths=(16, 16, 16, 16), depths=(1, 1, 1, 1), window=2,
                          text_width=16, decoder_layers=1, vocabulary=300, batch=4, max_steps=2,
                          max_pictures=8, test_share=0.25),
    minutes=2.0,
    finish_s=1.0,
    sheet_steps=2,
)  # fmt: skip
