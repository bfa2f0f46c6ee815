"""Pieces of geometry before one camera: the common vertex layout, and how pieces are joined.

A vertex carries position, normal, a reference vector, texture coordinates and four free channels;
what the last nine mean is up to the part (see the part's own module).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine.demo.people.rasterizer import EMPTY, Canvas, Keep, rasterize
from engine.demo.people.view import View
from engine.demo.people.vocabulary import FRAMINGS

POSITION, NORMAL, REFERENCE = slice(0, 3), slice(3, 6), slice(6, 9)
UV, EXTRA = slice(9, 11), slice(11, 15)
SKIN, EYE_LEFT, EYE_RIGHT, TEETH, TONGUE, CLOTH, HAIR, BEARD, COLLAR, GLASSES = range(10)
ALPHA_PARTS = (CLOTH, HAIR, BEARD)


@dataclass(frozen=True)
class Piece:
    """`vertices` (batch, n, 15), `triangles` (t, 3), `parts` (t,), `shown` (batch, t) bool."""

    vertices: torch.Tensor
    triangles: torch.Tensor
    parts: torch.Tensor
    shown: torch.Tensor


def pack(
    position: torch.Tensor,
    normal: torch.Tensor,
    reference: torch.Tensor,
    uv: torch.Tensor,
    extra: torch.Tensor,
) -> torch.Tensor:
    """Joins vertex channels, each (batch or 1, n, channels), into (batch, n, 15)."""
    batch = position.shape[0]
    channels = (position, normal, reference, uv, extra)
    return torch.cat([channel.expand(batch, -1, -1) for channel in channels], dim=2)


def join(pieces: Sequence[Piece]) -> Piece:
    starts, start = [], 0
    for piece in pieces:
        starts.append(start)
        start += piece.vertices.shape[1]
    return Piece(
        torch.cat([piece.vertices for piece in pieces], dim=1),
        torch.cat([piece.triangles + start for piece, start in zip(pieces, starts, strict=True)]),
        torch.cat([piece.parts for piece in pieces]),
        torch.cat([piece.shown for piece in pieces], dim=1),
    )


# Depth of the face and height of the eyes below the crown, in decimetres.
FACE_Z, EYES_BELOW_TOP = 0.8, 1.15


@dataclass(frozen=True)
class Camera:
    """Looks along -z from (x, y, distance); all (batch,). `focal` is in picture sides.

    The lens is shifted, as portrait photographers do: it stands at the height of the eyes and
    still puts `middle_y` at the picture's middle.
    """

    x: torch.Tensor
    y: torch.Tensor
    middle_y: torch.Tensor
    distance: torch.Tensor
    focal: torch.Tensor

    def project(self, position: torch.Tensor, size_px: int) -> torch.Tensor:
        """(batch, n, 3) decimetres to pixels (x, y) and depth in decimetres."""
        depth = self.distance[:, None] - position[..., 2]
        scale = self.focal[:, None] * size_px / depth
        x = size_px / 2 + (position[..., 0] - self.x[:, None]) * scale
        shift = (self.middle_y - self.y) * self.focal * size_px / (self.distance - FACE_Z)
        y = size_px / 2 - (position[..., 1] - self.y[:, None]) * scale + shift[:, None]
        return torch.stack([x, y, depth], dim=-1)

    def eye(self) -> torch.Tensor:
        return torch.stack([self.x, self.y, self.distance], dim=-1)


def make_camera(views: Sequence[View], head_top_y: torch.Tensor) -> Camera:
    """Frames the heads whose crowns are at `head_top_y` (batch,)."""
    heights = [FRAMINGS[view.framing] * view.scale for view in views]
    numbers = [
        (height, view.focal_mm / 24, view.centre[0] * height, view.centre[1] * height)
        for view, height in zip(views, heights, strict=True)
    ]
    height, focal, x, y = torch.tensor(numbers, device=head_top_y.device).unbind(1)
    centre_y = head_top_y + 0.1 + 0.075 * height - height / 2
    return Camera(-x, head_top_y - EYES_BELOW_TOP, centre_y - y, height * focal + FACE_Z, focal)


def draw_pieces(scene: Piece, screen: torch.Tensor, size_px: int, keep: Keep) -> Canvas:
    """Z-buffer of a joined scene; `screen` (batch, n, 3) are its projected vertices."""
    canvas = Canvas.empty(len(screen), size_px, screen.device)
    corners = screen[:, scene.triangles]
    ab = corners[:, :, 1, :2] - corners[:, :, 0, :2]
    ac = corners[:, :, 2, :2] - corners[:, :, 0, :2]
    facing = ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0] < 0
    one_sided = (scene.parts <= TONGUE) & (scene.parts != TEETH)
    shown = scene.shown & (facing | ~one_sided)
    alpha = torch.isin(scene.parts, torch.tensor(ALPHA_PARTS, device=screen.device))
    rasterize(canvas, corners, shown & ~alpha)
    chosen = alpha.nonzero().squeeze(1)
    uv = scene.vertices[..., UV][:, scene.triangles[chosen]]
    layer = Canvas.empty(len(screen), size_px, screen.device)
    rasterize(layer, corners[:, chosen], shown[:, chosen], uv, lambda t, v: keep(chosen[t], v))
    number = layer.keys & 0xFFFFFFFF
    seen = layer.keys != EMPTY
    number = chosen[torch.where(seen, number, 0)]
    keys = torch.where(seen, (layer.keys >> 32 << 32) | number, EMPTY)
    torch.minimum(canvas.keys, keys, out=canvas.keys)
    return canvas
