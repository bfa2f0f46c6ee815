"""Grows the locks of a batch of people: from roots and a style to ribbons in their poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import normalize

from engine.demo.people.anatomy import Pose
from engine.demo.people.hair import (
    BEARD_LENGTHS,
    CROWN,
    HEAD_CENTRE,
    NUM_BEARD_LOCKS,
    NUM_BEARD_SEGMENTS,
    NUM_LOCKS,
    NUM_SEGMENTS,
    STYLES,
    HairStyle,
    Roots,
    Skull,
    beard_area,
    beard_roots,
    comb,
    fit_skull,
    hairline,
    push_out,
    ribbon_triangles,
    scalp_roots,
)
from engine.demo.people.identity import Identity
from engine.demo.people.noise import hash_unit, smoothstep
from engine.demo.people.scene import BEARD, HAIR, Piece, pack

KNOT_CENTRE = {"bun": (0.0, 8.5, -0.38), "tail": (0.0, 8.2, -0.66)}
KNOT_ROOT = {"bun": (0.0, 8.2, -0.36), "tail": (0.0, 8.0, -0.52)}
NUM_KNOT_LOCKS = 330


@dataclass(frozen=True)
class Plan:
    """How each lock of each person grows; (batch, n) or (batch, n, 3), and (batch, n) `shown`."""

    start: torch.Tensor
    direction: torch.Tensor
    length: torch.Tensor
    gravity: torch.Tensor
    curl: torch.Tensor
    turns: torch.Tensor
    margin: torch.Tensor
    width: torch.Tensor
    shown: torch.Tensor
    seed: torch.Tensor
    target: torch.Tensor
    pull: torch.Tensor


def random_numbers(seeds: Sequence[int], count: int, salt: int, device: str) -> torch.Tensor:
    """(batch, count) numbers in 0..1 that belong to the people's seeds."""
    seed = torch.tensor([s & 0x3FFFFFFF for s in seeds], device=device, dtype=torch.int32)
    lock = torch.arange(count, device=device, dtype=torch.int32)
    cells = torch.stack(torch.broadcast_tensors(seed[:, None], lock[None], lock.new_tensor(salt)), -1)
    return hash_unit(cells)


def plan_scalp(
    people: Sequence[Identity], roots: Roots, body: torch.Tensor, normals: torch.Tensor
) -> Plan:
    """One person's style after another, since a style is a handful of numbers."""
    device = str(body.device)
    start = roots.on(body)
    outward = normalize(roots.on(normals), dim=-1)
    seeds = [person.seed for person in people]
    noise = random_numbers(seeds, NUM_LOCKS, 1, device)
    jitter = random_numbers(seeds, NUM_LOCKS, 2, device)
    rows = [
        _plan_person(person, roots, start[i], outward[i], noise[i], jitter[i])
        for i, person in enumerate(people)
    ]
    return Plan(*(torch.stack(column) for column in zip(*rows, strict=True)))


def _plan_person(
    person: Identity,
    roots: Roots,
    start: torch.Tensor,
    outward: torch.Tensor,
    noise: torch.Tensor,
    jitter: torch.Tensor,
) -> tuple[torch.Tensor, ...]:
    style = STYLES[person.hair_style]
    bald = style is None
    style = style or HairStyle()
    above = hairline(roots.rest) - style.recede * smoothstep(-0.2, 0.7, roots.rest[:, 2])
    shown = (above > 0.03 * (jitter - 0.5)) & (not bald and person.hair_style != "buzz cut")
    flow = comb(style.comb, roots.rest, person.part_side)
    flow = normalize(flow - (flow * outward).sum(-1, keepdim=True) * outward, dim=-1)
    top = smoothstep(7.2, 8.1, roots.rest[:, 1])
    lift = style.lift * (0.7 + 0.6 * person.hair_volume)
    if style.comb != "out":
        lift = (lift * (0.3 + 0.7 * top))[:, None]
    direction = flow * (1.02 - lift) + outward * lift
    wild = _vector(noise) - 0.5
    if style.comb == "middle":
        wild = wild * wild.new_tensor([0.0, 1.0, 1.0])
    direction = normalize(direction + 0.5 * (style.lift + 0.1) * wild, dim=-1)
    length = style.length * (0.75 + 0.5 * person.hair_length) * (0.75 + 0.5 * noise)
    if style.until_y is None and style.knot is None:
        length = length * (0.38 + 0.62 * top)
    if style.until_y is not None:
        until = style.until_y - 0.5 * (person.hair_length - 0.5)
        length = (start[:, 1] - until + 0.35) * (0.88 + 0.14 * noise)
    margin = 0.012 + style.puff * (0.6 + 0.8 * person.hair_volume) * jitter
    margin = margin * (0.35 + 0.65 * top) * smoothstep(-0.02, 0.2, above)
    target, pull = start.new_tensor(KNOT_ROOT.get(style.knot or "", CROWN)), torch.zeros_like(noise)
    if style.knot is not None:
        pull = pull + 9 * (torch.arange(len(noise), device=noise.device) < len(noise) - NUM_KNOT_LOCKS)
        length = (target - start).norm(dim=-1) * 1.12
        start, direction, length, shown, margin = _knot(
            style.knot, start, direction, length, shown, margin, noise, jitter
        )
    number = torch.full_like(noise, 1.0)
    return (
        start,
        direction,
        length,
        number * (1.8 if style.knot == "tail" else style.gravity),
        number * style.curl * (0.7 + 0.6 * noise),
        number * style.turns,
        margin,
        number * style.width * (0.7 + 0.6 * jitter),
        shown,
        noise,
        target.expand_as(start),
        pull,
    )


def _vector(noise: torch.Tensor) -> torch.Tensor:
    return torch.stack([noise, (noise * 61.7) % 1, (noise * 173.3) % 1], dim=-1)


def _knot(
    knot: str,
    start: torch.Tensor,
    direction: torch.Tensor,
    length: torch.Tensor,
    shown: torch.Tensor,
    margin: torch.Tensor,
    noise: torch.Tensor,
    jitter: torch.Tensor,
) -> tuple[torch.Tensor, ...]:
    """Lets the last locks grow from the knot: around a bun, or down a tail."""
    use = torch.arange(len(noise), device=noise.device) >= len(noise) - NUM_KNOT_LOCKS
    centre = start.new_tensor(KNOT_CENTRE[knot])
    ball = normalize(_vector(noise) - 0.5, dim=-1)
    if knot == "bun":
        place = centre + 0.33 * ball
        axis = start.new_tensor([0.0, 0.9, -0.4]).expand_as(ball)
        way = normalize(torch.linalg.cross(axis, ball), dim=-1)
        grown = torch.full_like(length, 0.4)
    else:
        place = centre + 0.12 * ball
        way = normalize(start.new_tensor([0.5, 0.7, -0.8]) + 0.4 * ball, dim=-1)
        grown = 3.4 + 0.6 * jitter
    pick = use[:, None]
    return (
        torch.where(pick, place, start),
        torch.where(pick, way, direction),
        torch.where(use, grown, length),
        shown | (use & shown.any()),
        torch.where(use, torch.zeros_like(margin), margin),
    )


def plan_beard(
    people: Sequence[Identity], roots: Roots, body: torch.Tensor, normals: torch.Tensor
) -> Plan:
    device = str(body.device)
    start = roots.on(body)
    outward = normalize(roots.on(normals), dim=-1)
    seeds = [person.seed for person in people]
    noise = random_numbers(seeds, NUM_BEARD_LOCKS, 3, device)
    jitter = random_numbers(seeds, NUM_BEARD_LOCKS, 4, device)
    moustache, chin, jaw = beard_area(roots.rest)
    areas = {
        "moustache": moustache,
        "goatee": torch.maximum(moustache, chin),
        "short beard": torch.stack([moustache, chin, jaw]).amax(0),
        "full beard": torch.stack([moustache, chin, jaw]).amax(0),
    }
    shown = torch.stack([areas.get(p.beard, torch.zeros_like(chin)) for p in people]) > 0.15 + 0.7 * jitter
    length = start.new_tensor([BEARD_LENGTHS.get(p.beard, 0.1) for p in people])[:, None]
    down = start.new_tensor([0.0, -1.0, 0.15])
    direction = normalize(0.45 * outward + 0.8 * down + 0.5 * (_vector(noise) - 0.5), dim=-1)
    one = torch.ones_like(noise)
    return Plan(
        start,
        direction,
        length * (0.6 + 0.8 * noise) * (0.6 + 0.6 * smoothstep(6.7, 6.2, roots.rest[:, 1])),
        one * 0.1,
        one * 0.012,
        one * 6,
        one * -1.0,
        0.022 + 0.012 * jitter,
        shown,
        noise,
        start,
        torch.zeros_like(noise),
    )


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
    middle = flat.new_tensor(HEAD_CENTRE) * flat.new_tensor([1, 0, 0.8])
    middle = middle + flat * flat.new_tensor([0.0, 1, 0])
    above = smoothstep(6.7, 7.4, flat[..., 1:2])
    middle = middle * (1 - above) + above * flat.new_tensor(HEAD_CENTRE)
    normal = pose.turn(normalize(flat - middle, dim=-1), follow).unflatten(1, path.shape[1:3])
    tangent = torch.cat([placed[:, :, 1:] - placed[:, :, :-1], placed[:, :, -1:] - placed[:, :, -2:-1]], 2)
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
    people: Sequence[Identity], body: torch.Tensor, normals: torch.Tensor, pose: Pose, eye: torch.Tensor
) -> list[Piece]:
    """Locks of hair, and of beards where somebody of the batch has one."""
    device = str(body.device)
    roots = scalp_roots(device)
    plan = plan_scalp(people, roots, body, normals)
    pieces = [ribbons(plan, NUM_SEGMENTS, pose, eye, HAIR, fit_skull(roots, body))]
    if any(person.beard in BEARD_LENGTHS for person in people):
        plan = plan_beard(people, beard_roots(device), body, normals)
        pieces.append(ribbons(plan, NUM_BEARD_SEGMENTS, pose, eye, BEARD))
    return pieces
