"""The extracted head as tensors, and a batch of people's bodies in their poses.

Knows shape, expression and pose; nothing of colour, light or camera. Distances are decimetres.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

from engine.demo.people.identity import Identity
from engine.demo.people.view import View
from engine.demo.people.vocabulary import SHAPE_AXES, SHAPE_TARGETS

HEAD_FILE = Path(__file__).with_name("head.safetensors")
SKIN, EYE_LEFT, EYE_RIGHT, TEETH, TONGUE, CLOTH = range(6)
NECK_PIVOT = (0.0, 6.25, 0.2)
AGE_YOUNG, AGE_OLD = 25, 82
# The resting head looks a little up.
CHIN_UP_DEGREES = 3.0
ACTIONS: dict[str, dict[str, float]] = {
    "neutral": {"mouthSmile": 0.12},
    "slight smile": {"mouthSmile": 0.45, "cheekSquint": 0.3, "eyeSquint": 0.15},
    "smile": {"mouthSmile": 0.8, "mouthUpperUp": 0.5, "mouthLowerDown": 0.25, "jawOpen": 0.06,
              "cheekSquint": 0.6, "eyeSquint": 0.35},
    "laughing": {"mouthSmile": 0.9, "jawOpen": 0.28, "mouthUpperUp": 0.55, "mouthLowerDown": 0.3,
                 "cheekSquint": 0.9, "eyeSquint": 0.6},
    "serious": {"browDown": 0.5, "mouthPress": 0.35, "eyeSquint": 0.25},
    "surprised": {"browInnerUp": 0.8, "browOuterUp": 0.8, "eyeWide": 0.7, "jawOpen": 0.3},
    "confident": {"mouthSmile": 0.3, "mouthDimple": 0.4, "browDown": 0.15, "eyeSquint": 0.2},
}  # fmt: skip


@dataclass(frozen=True)
class Anatomy:
    """The head of nobody: `rest` (vertices, 3), `targets` (targets, vertices * 3) offsets."""

    rest: torch.Tensor
    lips: torch.Tensor
    ears: torch.Tensor
    mouth: torch.Tensor
    head_turn: torch.Tensor
    triangles: torch.Tensor
    parts: torch.Tensor
    targets: torch.Tensor
    names: dict[str, int]
    eye_vertices: tuple[torch.Tensor, torch.Tensor]

    @property
    def eye_centres(self) -> torch.Tensor:
        """(2, 3) at rest, left (positive x) first."""
        return torch.stack([self.rest[ids].mean(0) for ids in self.eye_vertices])


@functools.cache
def load_anatomy(device: str) -> Anatomy:
    with safe_open(str(HEAD_FILE), "pt") as file:
        names: list[str] = json.loads(file.metadata()["targets"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    rest = tensors["vertices"].float() / 3000
    masks = tensors["masks"].float() / 255
    parts = tensors["parts"].long()
    triangles = tensors["triangles"].long()
    return Anatomy(
        rest=rest.to(device),
        lips=masks[:, 0].to(device),
        ears=masks[:, 1].to(device),
        mouth=masks[:, 2].to(device),
        head_turn=masks[:, 3].to(device),
        triangles=triangles.to(device),
        parts=parts.to(device),
        targets=_dense_targets(tensors, len(rest)).to(device),
        names={name: index for index, name in enumerate(names)},
        eye_vertices=(
            triangles[parts == EYE_LEFT].unique().to(device),
            triangles[parts == EYE_RIGHT].unique().to(device),
        ),
    )


def _dense_targets(tensors: dict[str, torch.Tensor], num_vertices: int) -> torch.Tensor:
    starts = tensors["target_starts"].long()
    dense = torch.zeros(len(starts) - 1, num_vertices, 3)
    target = torch.repeat_interleave(torch.arange(len(starts) - 1), starts.diff())
    offsets = tensors["target_offsets"].float() * tensors["target_scales"][target, None]
    dense[target, tensors["target_indices"].long()] = offsets
    return dense.flatten(1)


def target_weights(identity: Identity, view: View) -> dict[str, float]:
    """Weight of every morph target that is not zero."""
    weights: dict[str, float] = {}
    for (low, high, _), value in zip(SHAPE_AXES.values(), identity.shape, strict=True):
        weights[high if value > 0 else low] = abs(value)
    weights.update(zip(SHAPE_TARGETS, identity.targets, strict=True))
    old = min(1.0, max(0.0, (identity.age - AGE_YOUNG) / (AGE_OLD - AGE_YOUNG)))
    heavy = abs(identity.weight - 0.5) * 2
    extreme = "maxweight" if identity.weight > 0.5 else "minweight"
    for gender, share in (("male", identity.masculinity), ("female", 1 - identity.masculinity)):
        for age, part in (("old", old), ("young", 1 - old)):
            stem = f"macro-{gender}-{age}"
            weights[f"{stem}-averageweight"] = share * part * (1 - heavy)
            weights[f"{stem}-{extreme}"] = share * part * heavy
            for origin, mix in zip(("african", "asian", "caucasian"), identity.origin, strict=True):
                weights[f"{stem}-{origin}"] = share * part * mix
    for action, strength in ACTIONS[view.expression].items():
        for side in ("Left", "Right", ""):
            weights[f"act-{action}{side}"] = strength * view.expression_strength
    return weights


def weight_matrix(anatomy: Anatomy, people: Sequence[tuple[Identity, View]]) -> torch.Tensor:
    """(batch, targets); names that the extraction does not hold are sides that do not exist."""
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for row, (identity, view) in enumerate(people):
        for name, value in target_weights(identity, view).items():
            if name in anatomy.names:
                rows.append(row)
                columns.append(anatomy.names[name])
                values.append(value)
    matrix = torch.zeros(len(people), len(anatomy.names))
    matrix[rows, columns] = torch.tensor(values, dtype=torch.float32)
    return matrix.to(anatomy.rest.device)


def rotations(yaw: torch.Tensor, pitch: torch.Tensor, roll: torch.Tensor) -> torch.Tensor:
    """(batch, 3, 3) from degrees (batch,): roll, then pitch (positive looks up), then yaw."""
    yaw, pitch, roll = (torch.deg2rad(angle) for angle in (yaw, -pitch, -roll))
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)

    def matrix(*rows: torch.Tensor) -> torch.Tensor:
        return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))

    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (torch.cos, torch.sin))
    about_y = matrix(cy, zero, sy, zero, one, zero, -sy, zero, cy)
    about_x = matrix(one, zero, zero, zero, cp, -sp, zero, sp, cp)
    about_z = matrix(cr, -sr, zero, sr, cr, zero, zero, zero, one)
    return about_y @ about_x @ about_z


def vertex_normals(vertices: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """Area-weighted unit normals (batch, vertices, 3)."""
    a, b, c = (vertices[:, triangles[:, corner]] for corner in range(3))
    face = torch.linalg.cross(b - a, c - a)
    normals = torch.zeros_like(vertices)
    for corner in range(3):
        normals.index_add_(1, triangles[:, corner], face)
    return torch.nn.functional.normalize(normals, dim=-1)


@dataclass(frozen=True)
class Pose:
    """How far head and torso are turned: (batch, 3, 3) each; the head's includes the torso's."""

    head: torch.Tensor
    torso: torch.Tensor

    def apply(self, points: torch.Tensor, head_turn: torch.Tensor) -> torch.Tensor:
        """Turns points (batch, n, 3) by the share (n,) or (batch, n) that follows the head."""
        pivot = points.new_tensor(NECK_PIVOT)
        offset = points - pivot
        share = head_turn[..., None]
        head = offset @ self.head.mT
        torso = offset @ self.torso.mT
        return torso + share * (head - torso) + pivot

    def turn(self, directions: torch.Tensor, head_turn: torch.Tensor) -> torch.Tensor:
        """As `apply`, for unit vectors."""
        pivot = directions.new_tensor(NECK_PIVOT)
        return torch.nn.functional.normalize(
            self.apply(directions + pivot, head_turn) - pivot, dim=-1
        )


def make_pose(people: Sequence[tuple[Identity, View]], device: str) -> Pose:
    angles = torch.tensor(
        [[view.yaw, view.pitch, view.roll, view.torso_yaw] for _, view in people], device=device
    )
    yaw, pitch, roll, torso = angles.unbind(1)
    still = torch.zeros_like(yaw)
    return Pose(rotations(yaw, pitch - CHIN_UP_DEGREES, roll), rotations(torso, still, still))


def shape_bodies(anatomy: Anatomy, people: Sequence[tuple[Identity, View]]) -> torch.Tensor:
    """Vertices (batch, vertices, 3) with shape and expression, before any turn."""
    offsets = weight_matrix(anatomy, people) @ anatomy.targets
    return anatomy.rest + offsets.unflatten(1, (-1, 3))
