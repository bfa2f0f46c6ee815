"""A tiny random model of Florence-2's own classes, in the layout of a repository."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import pre_tokenizers
from transformers import (
    CLIPImageProcessorPil,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    RobertaTokenizer,
)

SIDE_PX = 64
MAX_WORD_PIECES = 3
"""A random model does not know when to end."""
IMAGE_TOKENS = (SIDE_PX // 32) ** 2 + 1


def build_tiny_captioner(folder: Path) -> Path:
    tokenizer = _tokenizer()
    images: Any = CLIPImageProcessorPil(
        size={"height": SIDE_PX, "width": SIDE_PX}, do_center_crop=False, do_resize=True
    )
    images.image_seq_length = IMAGE_TOKENS
    Florence2Processor(images, tokenizer).save_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Florence2ForConditionalGeneration(_config(tokenizer))
    assert model.generation_config is not None
    model.generation_config.max_new_tokens = MAX_WORD_PIECES
    model.save_pretrained(folder)
    return folder


def _tokenizer() -> RobertaTokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *alphabet, "<mask>"]
    return RobertaTokenizer(
        vocab={piece: number for number, piece in enumerate(pieces)},
        merges=[],
        extra_special_tokens={"image_token": "<image>"},
    )


def _config(tokenizer: RobertaTokenizer) -> Florence2Config:
    stages = {"embed_dim": [8, 8, 8, 8], "num_heads": [1] * 4, "num_groups": [1] * 4}
    return Florence2Config(
        text_config={
            "model_type": "bart",
            "vocab_size": len(tokenizer),
            "d_model": 16,
            "encoder_layers": 1,
            "decoder_layers": 1,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "encoder_ffn_dim": 16,
            "decoder_ffn_dim": 16,
            "max_position_embeddings": 256,
            "bos_token_id": 0,
            "pad_token_id": 1,
            "eos_token_id": 2,
            "decoder_start_token_id": 2,
            "forced_eos_token_id": 2,
        },
        vision_config={**stages, "depths": [1] * 4, "window_size": 2, "projection_dim": 16},
        image_token_id=len(tokenizer) - 1,
    )
