"""Grows the locks of a batch of people: from their plans to ribbons in their poses."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import normalize

from engine.demo.people.anatomy import Pose
from engine.demo.people.hair import (
    BEARD_LENGTHS,
    HEAD_CENTRE,
    NUM_BEARD_SEGMENTS,
    NUM_SEGMENTS,
    Skull,
    beard_roots,
    fit_skull,
    push_out,
    ribbon_triangles,
    scalp_roots,
)
from engine.demo.people.hairdo import Plan, plan_beard, plan_scalp
from engine.demo.people.identity import Identity
from engine.demo.people.noise import smoothstep
from engine.demo.people.scene import BEARD, HAIR, Piece, pack


def grow(plan: Plan, num_segments: int, skull: Skull | None) -> torch.Tensor:
    """Joints of every lock before the pose: (batch, n, num_segments + 1, 3)."""
    point, direction = plan.start, plan.direction
    step = (plan.length / num_segments)[..., None]
    down = point.new_tensor([0.0, -1.0, 0.0])
    joints = [point]
    for index in range(num_segments):
        drawn = normalize(plan.target - point, dim=-1) * plan.pull[..., None]
        direction = normalize(direction + step * (plan.gravity[..., None] * down + drawn), dim=-1)
        point = point + direction * step
        if skull is not None:
            free = push_out(point, plan.margin * min(1.0, (index + 1) / 3), skull)
            direction = normalize(direction + 0.8 * (free - point) / step.clamp(min=1e-4), dim=-1)
            point = free
        joints.append(point)
    path = torch.stack(joints, dim=2)
    return path + _curls(plan, path)


def _curls(plan: Plan, path: torch.Tensor) -> torch.Tensor:
    along = torch.linspace(0, 1, path.shape[2], device=path.device)
    phase = plan.seed[..., None] * 40 + along * (plan.length * plan.turns)[..., None] * 6.28
    radius = (plan.curl[..., None] * (along * 3).clamp(max=1))[..., None]
    other = torch.stack([torch.cos(phase), torch.sin(phase * 0.9), torch.sin(phase)], dim=-1)
    return radius * other


def ribbons(
    plan: Plan,
    num_segments: int,
    pose: Pose,
    eye: torch.Tensor,
    part: int,
    skull: Skull | None = None,
) -> Piece:
    """Locks as ribbons turned to the camera at `eye` (batch, 3)."""
    path = grow(plan, num_segments, skull)
    batch, num_locks = path.shape[:2]
    flat = path.flatten(1, 2)
    follow = smoothstep(4.9, 6.5, flat[..., 1])
    placed = pose.apply(flat, follow).unflatten(1, path.shape[1:3])
    centre = flat.new_tensor(HEAD_CENTRE) if skull is None else skull.centre
    middle = centre * flat.new_tensor([1, 0, 0.8]) + flat * flat.new_tensor([0.0, 1, 0])
    above = smoothstep(-0.7, 0.0, flat[..., 1:2] - centre[..., 1:2])
    middle = middle * (1 - above) + above * centre
    normal = pose.turn(normalize(flat - middle, dim=-1), follow).unflatten(1, path.shape[1:3])
    tangent = torch.cat(
        [placed[:, :, 1:] - placed[:, :, :-1], placed[:, :, -1:] - placed[:, :, -2:-1]], 2
    )
    tangent = normalize(tangent, dim=-1)
    sight = normalize(eye[:, None, None] - placed, dim=-1)
    # Half towards the camera, half along the surface: neither paper-thin nor all alike.
    plane = normalize(sight + 0.6 * normal, dim=-1)
    across = normalize(torch.linalg.cross(tangent, plane), dim=-1)
    along = torch.linspace(0, 1, num_segments + 1, device=path.device)
    taper = (1 - 0.55 * along**2)[None, None, :, None]
    half = across * (plan.width[..., None, None] / 2) * taper
    side = torch.tensor([-1.0, 1.0], device=path.device)
    position = placed[:, :, :, None] + half[:, :, :, None] * side[:, None]
    normal = normalize(normal[:, :, :, None] + 0.7 * side[:, None] * across[:, :, :, None], dim=-1)
    shape = position.shape[:-1]
    uv = torch.stack(torch.broadcast_tensors(side, along[:, None]), dim=-1).expand(*shape, 2)
    number = torch.arange(num_locks, device=path.device).float()[None, :, None, None]
    depth = _inside(path, plan)[..., None]
    extra = torch.stack(
        [
            number.expand(shape),
            depth.expand(shape),
            plan.curl[..., None, None].expand(shape),
            plan.seed[..., None, None].expand(shape),
        ],
        dim=-1,
    )
    channels = (position, normal, tangent[:, :, :, None].expand(*shape, 3), uv, extra)
    vertices = pack(*(channel.reshape(batch, -1, channel.shape[-1]) for channel in channels))
    triangles = ribbon_triangles(num_locks, num_segments, str(path.device))
    # What faces away from the camera on the head itself is behind it.
    away = ((normal[..., 0, :] + normal[..., 1, :]) * sight).sum(-1) < -0.6
    hidden = away & (placed[..., 1] > 6.6)
    hidden = (hidden[..., :-1] & hidden[..., 1:]).repeat_interleave(2, dim=2).flatten(1)
    shown = plan.shown.repeat_interleave(2 * num_segments, dim=1) & ~hidden
    parts = torch.full((len(triangles),), part, device=path.device)
    return Piece(vertices, triangles, parts, shown)


def _inside(path: torch.Tensor, plan: Plan) -> torch.Tensor:
    """How deep joints lie in the hair, 0 at the surface: locks near the skull are darker."""
    along = torch.linspace(0, 1, path.shape[2], device=path.device)
    margin = plan.margin.clamp(min=0)
    near = 1 - margin / margin.amax(dim=1, keepdim=True).clamp(min=1e-3)
    return (0.65 * near[..., None] + 0.35 * (1 - along)).clamp(0, 1)


def hair_pieces(
    people: Sequence[Identity],
    body: torch.Tensor,
    normals: torch.Tensor,
    pose: Pose,
    eye: torch.Tensor,
) -> list[Piece]:
    """Locks of hair, and of beards where somebody of the batch has one."""
    device = str(body.device)
    roots = scalp_roots(device)
    skull = fit_skull(roots, body)
    plan = plan_scalp(people, roots, body, normals, skull)
    pieces = [ribbons(plan, NUM_SEGMENTS, pose, eye, HAIR, skull)]
    if any(person.beard in BEARD_LENGTHS for person in people):
        plan = plan_beard(people, beard_roots(device), body, normals)
        pieces.append(ribbons(plan, NUM_BEARD_SEGMENTS, pose, eye, BEARD))
    return pieces
