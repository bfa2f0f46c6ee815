"""The networks, built from FLUX.1's own classes at the plan's sizes, and how they start.

Knows shapes and first weights; knows no data.
"""

from dataclasses import dataclass

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

from engine.demo.recipe.plan import Shapes
from engine.demo.recipe.wording import CLIP_LENGTH


def build_autoencoder(shapes: Shapes) -> AutoencoderKL:
    """f8, 16 channels, no quant convolutions; scale and shift are measured after training."""
    blocks = len(shapes.vae_channels)
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * blocks,  # pyright: ignore
        up_block_types=("UpDecoderBlock2D",) * blocks,  # pyright: ignore
        block_out_channels=shapes.vae_channels,  # pyright: ignore
        layers_per_block=1,
        latent_channels=shapes.latent_channels,
        norm_num_groups=shapes.vae_groups,
        sample_size=shapes.size_px,
        use_quant_conv=False,
        use_post_quant_conv=False,
        mid_block_add_attention=False,
        force_upcast=False,
        # Named here, or diffusers takes them for untouched defaults and drops what is measured.
        scaling_factor=1.0,
        shift_factor=0.0,
    )


def build_scheduler() -> FlowMatchEulerDiscreteScheduler:
    """FLUX.1-dev's own settings: at 256 tokens the pipeline's shift is exp(0.5)."""
    return FlowMatchEulerDiscreteScheduler(
        num_train_timesteps=1000,
        shift=3.0,
        use_dynamic_shifting=True,
        base_shift=0.5,
        max_shift=1.15,
        base_image_seq_len=256,
        max_image_seq_len=4096,
    )


@dataclass
class Painter:
    """The three networks that are trained together: two readers and the transformer."""

    transformer: FluxTransformer2DModel
    clip: CLIPTextModel
    t5: T5EncoderModel

    def parts(self) -> dict[str, nn.Module]:
        return {"transformer": self.transformer, "clip": self.clip, "t5": self.t5}

    def to(self, device: torch.device) -> "Painter":
        for part in self.parts().values():
            part.to(device)
        return self

    def named_parameters(self) -> dict[str, nn.Parameter]:
        """All parameters of the three, each name led by its part's."""
        return {
            f"{part}.{name}": parameter
            for part, network in self.parts().items()
            for name, parameter in network.named_parameters()
        }

    def read(self, clip_ids: Tensor, t5_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Token ids to (batch, tokens, width) and pooled (batch, clip width), without masks."""
        words = self.t5(input_ids=t5_ids.long())[0]
        pooled = self.clip(input_ids=clip_ids.long()).pooler_output
        return words, pooled

    def velocity(
        self, noisy: Tensor, sigma: Tensor, words: Tensor, pooled: Tensor, guidance: Tensor
    ) -> Tensor:
        """Predicted `noise - latents` for packed latents (batch, tokens, 64)."""
        side = int(noisy.shape[1] ** 0.5)
        return self.transformer(
            hidden_states=noisy,
            encoder_hidden_states=words,
            pooled_projections=pooled,
            timestep=sigma,
            guidance=guidance,
            img_ids=position_ids(side, noisy.device),
            txt_ids=torch.zeros(words.shape[1], 3, device=noisy.device),
            return_dict=False,
        )[0]


def position_ids(side: int, device: torch.device) -> Tensor:
    """(side * side, 3): zero, row, column, as FluxPipeline numbers packed latents."""
    ids = torch.zeros(side, side, 3, device=device)
    ids[..., 1] = torch.arange(side, device=device)[:, None]
    ids[..., 2] = torch.arange(side, device=device)[None]
    return ids.reshape(-1, 3)


def build_painter(shapes: Shapes, clip_vocabulary: int, t5_vocabulary: int) -> Painter:
    """Both readers and the transformer with their first weights."""
    transformer = FluxTransformer2DModel(
        in_channels=4 * shapes.latent_channels,
        num_layers=shapes.num_double_blocks,
        num_single_layers=shapes.num_single_blocks,
        attention_head_dim=shapes.head_dim,
        num_attention_heads=shapes.num_heads,
        joint_attention_dim=shapes.t5_width,
        pooled_projection_dim=shapes.clip_width,
        guidance_embeds=True,
        axes_dims_rope=shapes.rope_axes,
    )
    start_transformer(transformer)
    clip = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=clip_vocabulary,
            hidden_size=shapes.clip_width,
            intermediate_size=4 * shapes.clip_width,
            num_hidden_layers=shapes.clip_layers,
            num_attention_heads=max(shapes.clip_width // 64, 1),
            projection_dim=shapes.clip_width,
            max_position_embeddings=CLIP_LENGTH,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )
    t5 = T5EncoderModel(
        T5Config(
            vocab_size=t5_vocabulary,
            d_model=shapes.t5_width,
            d_kv=min(64, shapes.t5_width),
            d_ff=shapes.t5_feed_forward,
            num_layers=shapes.t5_layers,
            num_heads=max(shapes.t5_width // 64, 1),
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
        )
    )
    return Painter(transformer, clip, t5)


def start_transformer(transformer: FluxTransformer2DModel) -> None:
    """adaLN-zero (Peebles and Xie, DiT): every block starts as the identity."""
    for name, module in transformer.named_modules():
        if not isinstance(module, nn.Linear):
            continue
        is_modulation = ".norm1" in name or ".norm.linear" in name or name.startswith("norm_out")
        if is_modulation or name == "proj_out":
            nn.init.zeros_(module.weight)
        elif name.startswith("time_text_embed"):
            nn.init.normal_(module.weight, std=0.02)
        else:
            nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
