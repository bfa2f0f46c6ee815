"""Things worn that have a shape of their own: collars, hoods and glasses."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import torch
from torch.nn.functional import normalize

from engine.demo.people.anatomy import SKIN, Anatomy, Pose, load_anatomy, vertex_normals
from engine.demo.people.clothes import GARMENTS, NECK_AXIS_Z, ring_height
from engine.demo.people.identity import Identity
from engine.demo.people.scene import COLLAR, GLASSES, Piece, pack
from engine.demo.people.view import View

AROUND = 64
# Rows from the inside of the collar over its fold to its outer edge: (height, outward) in dm.
COLLARS: dict[str, tuple[tuple[float, float], ...]] = {
    "none": ((0, 0), (0, 0), (0, 0), (0, 0), (0, 0)),
    "shirt": ((-0.1, 0.02), (0.2, 0.03), (0.24, 0.06), (0.12, 0.13), (-0.12, 0.22)),
    "jacket": ((-0.15, 0.05), (0.14, 0.08), (0.2, 0.14), (0.08, 0.24), (-0.2, 0.36)),
    "roll": ((-0.2, 0.03), (0.28, 0.02), (0.34, 0.06), (0.28, 0.11), (-0.12, 0.15)),
    "rib": ((-0.12, 0.06), (-0.03, 0.075), (-0.01, 0.1), (-0.04, 0.13), (-0.14, 0.16)),
    "hood": ((-0.15, 0.08), (0.06, 0.14), (0.12, 0.26), (0.0, 0.42), (-0.3, 0.5)),
}
NUM_ROWS = 5


RING_RADIUS = 0.545


@functools.cache
def neck_ring(device: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The neck's base at rest: points, outward (AROUND, 3), near body vertices (AROUND, 6)."""
    anatomy = load_anatomy(device)
    vertices = anatomy.triangles[anatomy.parts == SKIN].unique()
    angle = torch.linspace(0, 2 * math.pi, AROUND + 1, device=vertices.device)[:-1]
    outward = torch.stack([torch.sin(angle), torch.zeros_like(angle), torch.cos(angle)], -1)
    points = RING_RADIUS * outward + outward.new_tensor([0.0, 0.0, NECK_AXIS_Z])
    points[:, 1] = ring_height(points)
    near = torch.cdist(points, anatomy.rest[vertices]).topk(6, largest=False).indices
    return points, outward, vertices[near]


@functools.cache
def ring_triangles(device: str) -> torch.Tensor:
    row = torch.arange(NUM_ROWS - 1)[:, None] * AROUND
    here = torch.arange(AROUND)[None]
    after = (here + 1) % AROUND
    a, b, c, d = row + here, row + after, row + AROUND + here, row + AROUND + after
    return torch.stack([a, b, c, b, d, c], -1).reshape(-1, 3).to(device)


def collar_piece(views: Sequence[View], anatomy: Anatomy, body: torch.Tensor, pose: Pose) -> Piece:
    device = str(body.device)
    points, outward, near = neck_ring(device)
    kinds = [GARMENTS[view.clothes].collar for view in views]
    rows = body.new_tensor([COLLARS[kind] for kind in kinds])
    moved = (body - anatomy.rest)[:, near].mean(2)
    for _ in range(6):
        moved = (moved.roll(1, 1) + 2 * moved + moved.roll(-1, 1)) / 4
    front = (outward[:, 2] > 0.86).float() * (points[:, 2] > 0)
    pointed = body.new_tensor([kind in ("shirt", "jacket") for kind in kinds])[:, None, None]
    tips = torch.exp(-(((torch.atan2(outward[:, 0].abs(), outward[:, 2]) - 0.42) / 0.22) ** 2))
    outer = torch.linspace(0, 1, NUM_ROWS, device=body.device)[None, :, None] ** 3
    up = rows[..., 0:1] - 0.3 * pointed * tips * outer
    out = rows[..., 1:2] + 0.05 * pointed * tips * outer
    hood = body.new_tensor([kind == "hood" for kind in kinds])[:, None, None]
    behind = (0.5 - 0.5 * outward[:, 2])[None, None]
    up = up + hood * (0.45 * behind - 0.12) * (1 - outer)
    out = out + hood * 0.25 * behind
    place = (points + moved)[:, None] + out[..., None] * outward
    lift = torch.zeros_like(place)
    lift[..., 1] = up.expand(place.shape[:-1])
    lift[..., 2] = -0.35 * lift[..., 1]
    place = (place + lift).flatten(1, 2)
    share = torch.full(place.shape[:2], 0.12, device=body.device)
    position = pose.apply(place, share)
    triangles = ring_triangles(device)
    normal = vertex_normals(position, triangles)
    level = outer.expand(len(views), -1, AROUND).reshape(len(views), -1, 1)
    extra = torch.cat([level, torch.zeros_like(level).expand(-1, -1, 3)], -1)
    vertices = pack(position, normal, place, torch.zeros_like(place[..., :2]), extra)
    gap = (front.bool() & (outward[:, 2] > 0.965)).repeat(NUM_ROWS)
    open_front = body.new_tensor([kind in ("shirt", "jacket", "hood") for kind in kinds]) > 0
    worn = body.new_tensor([kind != "none" for kind in kinds]) > 0
    shown = worn[:, None] & ~(open_front[:, None] & gap[triangles].any(1))
    return Piece(
        vertices, triangles, torch.full((len(triangles),), COLLAR, device=body.device), shown
    )


RIM_POINTS, TUBE_SIDES = 40, 5
SHAPES = {
    "rectangular": (0.255, 0.165, 4.0),
    "round": (0.225, 0.215, 2.0),
    "browline": (0.25, 0.19, 2.8),
}


def wears_glasses(person: Identity, view: View) -> bool:
    return person.wears_glasses if view.glasses is None else view.glasses


def _tube(path: torch.Tensor, radius: torch.Tensor, closed: bool) -> tuple[torch.Tensor, ...]:
    """A tube around paths (batch, n, 3): vertices, normals and triangles."""
    count = path.shape[1]
    ahead = path.roll(-1, 1) - path.roll(1, 1)
    if not closed:
        ahead[:, 0], ahead[:, -1] = path[:, 1] - path[:, 0], path[:, -1] - path[:, -2]
    ahead = normalize(ahead, dim=-1)
    side = normalize(
        torch.linalg.cross(ahead, path.new_tensor([0.13, 0.2, 1.0]).expand_as(ahead)), dim=-1
    )
    over = torch.linalg.cross(side, ahead)
    angle = torch.arange(TUBE_SIDES, device=path.device) * (2 * math.pi / TUBE_SIDES)
    normal = (
        side[:, :, None] * torch.cos(angle)[:, None] + over[:, :, None] * torch.sin(angle)[:, None]
    )
    vertices = path[:, :, None] + normal * radius
    here = torch.arange(count if closed else count - 1)[:, None] * TUBE_SIDES
    after = (here + TUBE_SIDES) % (count * TUBE_SIDES)
    k = torch.arange(TUBE_SIDES)[None]
    m = (k + 1) % TUBE_SIDES
    quads = torch.stack([here + k, here + m, after + k, here + m, after + m, after + k], -1)
    return vertices.flatten(1, 2), normal.flatten(1, 2), quads.reshape(-1, 3).to(path.device)


def glasses_piece(
    people: Sequence[tuple[Identity, View]], anatomy: Anatomy, body: torch.Tensor, pose: Pose
) -> Piece | None:
    worn = [wears_glasses(person, view) for person, view in people]
    if not any(worn):
        return None
    eyes = torch.stack([body[:, ids].mean(1) for ids in anatomy.eye_vertices], 1)
    rest = anatomy.rest
    bridge = (rest[:, 0].abs() < 0.12) & ((rest[:, 1] - 7.3).abs() < 0.12) & (rest[:, 2] > 1.3)
    front = body[:, bridge, 2].amax(1) + 0.06
    shapes = body.new_tensor([SHAPES[person.glasses] for person, _ in people])
    angle = torch.linspace(0, 2 * math.pi, RIM_POINTS + 1, device=body.device)[:-1]
    power = 2 / shapes[:, 2:3]
    outline_x = torch.cos(angle).sign() * torch.cos(angle).abs() ** power * shapes[:, 0:1]
    outline_y = torch.sin(angle).sign() * torch.sin(angle).abs() ** power * shapes[:, 1:2]
    half = (eyes[:, 0, 0] - eyes[:, 1, 0]) / 2 + 0.015
    thin = 0.017
    level = eyes[..., 1].mean(1) - 0.02
    paths: list[tuple[torch.Tensor, bool]] = []
    for sign in (1.0, -1.0):
        x = sign * half[:, None] + outline_x
        z = front[:, None] - 0.16 * x.abs() ** 2
        paths.append((torch.stack([x, level[:, None] + outline_y, z], -1), True))
        corner = torch.stack(
            [sign * (half + shapes[:, 0]), level + 0.06, front - 0.16 * (half + shapes[:, 0]) ** 2],
            -1,
        )
        ear = torch.stack(
            [sign * torch.full_like(level, 0.83), level + 0.04, torch.full_like(level, 0.45)], -1
        )
        steps = torch.linspace(0, 1, 8, device=body.device)[None, :, None]
        paths.append((corner[:, None] * (1 - steps) + ear[:, None] * steps, False))
    steps = torch.linspace(-1, 1, 8, device=body.device)[None]
    x = steps * (half - shapes[:, 0])[:, None]
    bend = level[:, None] + 0.05 + 0.035 * (1 - steps**2)
    paths.append((torch.stack([x, bend, front[:, None] + 0.0 * x], -1), False))
    tubes = [_tube(path, body.new_tensor(thin), closed) for path, closed in paths]
    starts = [sum(tube[0].shape[1] for tube in tubes[:index]) for index in range(len(tubes))]
    place = torch.cat([tube[0] for tube in tubes], 1)
    normal = torch.cat([tube[1] for tube in tubes], 1)
    triangles = torch.cat([tube[2] + start for tube, start in zip(tubes, starts, strict=True)])
    one = torch.ones(place.shape[1], device=body.device)
    blank = torch.zeros_like(place)
    vertices = pack(
        pose.apply(place, one),
        pose.turn(normal, one),
        place,
        blank[..., :2],
        torch.cat([blank, blank[..., :1]], -1),
    )
    shown = torch.tensor(worn, device=body.device)[:, None].expand(-1, len(triangles))
    return Piece(
        vertices, triangles, torch.full((len(triangles),), GLASSES, device=body.device), shown
    )
