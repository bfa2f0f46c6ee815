"""A tiny random base of FLUX.1's own classes, for tests: `python -m engine.models.tiny DIR`.

It draws coloured noise, but every part of the way is real. Knows only how to build and save it.
"""

import json
import string
import sys
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from diffusers.pipelines.flux.pipeline_flux import FluxPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from tokenizers import pre_tokenizers
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from engine.models.folder import FACTS

_TEXT_TOKENS = 32
_CLIP_TOKENS = 77
_WORDS = """
a and at backdrop background blazer blouse blue business by city dark evening eyes grey headshot in
jacket leather library light natural office of on outdoors park person photo portrait professional
shirt skin soft studio suit sweater texture tie wall warm wearing white window with TOK
"""


def build_tiny(folder: Path, seed: int = 0, native_px: int = 64) -> Path:
    """Builds and saves it in about a second. Returns the folder.

    The global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipeline = FluxPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
            vae=_autoencoder(native_px),
            text_encoder=_clip(),
            tokenizer=clip_tokenizer(),
            text_encoder_2=_t5(),
            tokenizer_2=t5_tokenizer(),  # pyright: ignore[reportArgumentType]
            transformer=_transformer(),
        )
    pipeline.save_pretrained(folder)
    facts = {"license": "MIT", "native_px": native_px, "num_inference_steps": 4}
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")
    return folder


def _autoencoder(native_px: int) -> AutoencoderKL:
    shapes: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (4, 8, 8, 8),
    }
    vae = AutoencoderKL(
        **shapes,
        layers_per_block=1,
        latent_channels=16,
        norm_num_groups=4,
        sample_size=native_px,
        use_quant_conv=False,
        use_post_quant_conv=False,
        scaling_factor=0.3611,
        shift_factor=0.1159,
    )
    # Random decoders paint flat grey; louder last weights let different latents look different.
    with torch.no_grad():
        vae.decoder.conv_out.weight.mul_(4)
    return vae


def _transformer() -> FluxTransformer2DModel:
    return FluxTransformer2DModel(
        in_channels=64,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=16,
        guidance_embeds=True,
        axes_dims_rope=(4, 6, 6),
    )


def _clip() -> CLIPTextModel:
    alphabet = len(pre_tokenizers.ByteLevel.alphabet())
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=2 + 2 * alphabet,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=_CLIP_TOKENS,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )


def clip_tokenizer() -> CLIPTokenizer:
    """Bytes, as they are and as ends of words; no merges."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = ["<|startoftext|>", "<|endoftext|>", *alphabet, *(f"{c}</w>" for c in alphabet)]
    vocab = {piece: number for number, piece in enumerate(pieces)}
    return CLIPTokenizer(vocab=vocab, merges=[], model_max_length=_CLIP_TOKENS)


def _t5() -> T5EncoderModel:
    return T5EncoderModel(
        T5Config(
            vocab_size=256,
            d_model=32,
            d_kv=16,
            d_ff=32,
            num_layers=1,
            num_heads=2,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
        )
    )


def t5_tokenizer() -> T5Tokenizer:
    """The words of our prompts, and printable characters for all others."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -5.0), (",", -4.0)]
    pieces += [(f"▁{word}", -3.0) for word in _WORDS.split()]
    pieces += [(letter, -9.0) for letter in string.printable[:94] if letter != ","]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=_TEXT_TOKENS)


if __name__ == "__main__":
    print(build_tiny(Path(sys.argv[1])))
