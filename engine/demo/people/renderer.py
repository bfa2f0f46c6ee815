"""`draw`: people and views in, pictures out. Puts the rooms together and shades what is visible."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import avg_pool2d, interpolate, normalize

from engine.demo.people.accessories import collar_piece, glasses_piece
from engine.demo.people.anatomy import (
    Anatomy,
    Pose,
    load_anatomy,
    make_pose,
    shape_bodies,
    vertex_normals,
)
from engine.demo.people.backgrounds import paint_backgrounds
from engine.demo.people.clothes import Wardrobe, cloth_margin, make_wardrobe
from engine.demo.people.film import develop
from engine.demo.people.growth import hair_pieces
from engine.demo.people.identity import Identity
from engine.demo.people.lighting import light_frame, make_lights, shadow_of, to_light
from engine.demo.people.materials import make_palette, shade
from engine.demo.people.noise import hash_unit, value_noise
from engine.demo.people.rasterizer import Canvas, Keep
from engine.demo.people.scene import (
    CLOTH,
    EXTRA,
    HAIR,
    POSITION,
    Camera,
    Piece,
    draw_pieces,
    join,
    make_camera,
    pack,
)
from engine.demo.people.view import View

SHADOW_PX = 320
# One picture at a time stays in a CPU's cache; a GPU wants many.
CUDA_CHUNK = 96


def draw(
    people: Sequence[tuple[Identity, View]],
    size_px: int = 256,
    device: str | torch.device = "cpu",
    supersample: int = 2,
    chunk: int | None = None,
) -> torch.Tensor:
    """Pictures (batch, 3, size_px, size_px) uint8 on `device`, the same on every call.

    `chunk` pictures are drawn at once; on a GPU each takes about 130 MiB at 256 px.
    """
    device = str(device)
    chunk = chunk or (1 if device == "cpu" else CUDA_CHUNK)
    pictures: list[torch.Tensor] = []
    with torch.inference_mode():
        for start in range(0, len(people), chunk):
            group = people[start : start + chunk]
            light = draw_light(group, size_px * supersample, device)
            pictures.append(develop(light, [view for _, view in group], size_px))
    return torch.cat(pictures)


def draw_light(people: Sequence[tuple[Identity, View]], side_px: int, device: str) -> torch.Tensor:
    """Linear light (batch, 3, side, side)."""
    views = [view for _, view in people]
    palette = make_palette(people, device)
    scene, camera = build_scene(people, device)
    keep = make_keep(scene)
    screen = camera.project(scene.vertices[..., POSITION], side_px)
    canvas = draw_pieces(scene, screen, side_px, keep)
    lights = make_lights(views, device)
    frame = light_frame(lights.direction)
    lit = to_light(scene.vertices[..., POSITION], frame, SHADOW_PX)
    shadow_map = draw_pieces(scene, lit, SHADOW_PX, keep).depth(1e3)
    picture, row, column, attributes, part = visible(canvas, scene, screen)
    pixel = torch.stack([picture, row, column], -1).int()
    jitter = hash_unit(pixel)
    local = to_light(attributes[:, None, POSITION], frame[picture], SHADOW_PX)[:, 0]
    shadow = shadow_of(shadow_map, local, picture, lights.soft, jitter)
    occlusion = occlusion_of(canvas.depth(60.0), camera)[picture, row, column]
    sight = normalize(camera.eye()[picture] - attributes[:, POSITION], dim=-1)
    colour = shade(attributes, part, picture, sight, shadow, occlusion, palette, lights)
    image = paint_backgrounds(views, side_px, device).permute(0, 2, 3, 1).contiguous()
    image[picture, row, column] = colour
    return image.permute(0, 3, 1, 2)


def build_scene(people: Sequence[tuple[Identity, View]], device: str) -> tuple[Piece, Camera]:
    anatomy = load_anatomy(device)
    identities, views = [identity for identity, _ in people], [view for _, view in people]
    shaped = shape_bodies(anatomy, people)
    pose = make_pose(people, device)
    normals = vertex_normals(shaped, anatomy.triangles)
    body = body_piece(anatomy, make_wardrobe(views, device), shaped, normals, pose)
    top = body.vertices[:, anatomy.triangles[anatomy.parts == 0].unique(), 1].amax(1)
    camera = make_camera(views, top)
    pieces = [body, *hair_pieces(identities, shaped, normals, pose, camera.eye())]
    pieces.append(collar_piece(views, anatomy, shaped, pose))
    glasses = glasses_piece(people, anatomy, shaped, pose)
    if glasses is not None:
        pieces.append(glasses)
    return join(pieces), camera


def body_piece(
    anatomy: Anatomy,
    wardrobe: Wardrobe,
    shaped: torch.Tensor,
    normals: torch.Tensor,
    pose: Pose,
) -> Piece:
    """Skin, eyes, mouth and the cloth layer; the reference vector is the resting place."""
    device = str(shaped.device)
    is_cloth = torch.zeros(len(anatomy.rest), device=device)
    is_cloth[anatomy.triangles[anatomy.parts == CLOTH].unique()] = 1
    margin = cloth_margin(anatomy.rest, wardrobe)
    # Skin under the cloth sinks, so that it never shows through the coarser cloth layer.
    covered = (margin / 0.15).clamp(0, 1) * (1 - is_cloth) * (anatomy.head_turn < 0.5)
    offset = is_cloth * wardrobe.numbers[:, 13, None] - 0.15 * covered
    shaped = shaped + offset[..., None] * normals
    position = pose.apply(shaped, anatomy.head_turn)
    normal = pose.turn(normals, anatomy.head_turn)
    masks = torch.stack([anatomy.lips, anatomy.ears, anatomy.mouth, anatomy.head_turn], -1)
    reference = anatomy.rest.clone()
    for ids, centre in zip(anatomy.eye_vertices, anatomy.eye_centres, strict=True):
        reference[ids] = anatomy.rest[ids] - centre
    inside = torch.stack([margin, torch.zeros_like(margin)], -1)
    vertices = pack(position, normal, reference[None], inside, masks[None])
    shown = torch.ones(len(shaped), len(anatomy.triangles), dtype=torch.bool, device=device)
    return Piece(vertices, anatomy.triangles, anatomy.parts, shown)


def make_keep(scene: Piece) -> Keep:
    """Cuts cloth at its neckline and breaks hair ribbons into strands."""
    parts = scene.parts
    number = scene.vertices[0, scene.triangles[:, 0], EXTRA.start]

    def keep(triangle: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        kept = values[0] > 0
        hair = (parts[triangle] >= HAIR).nonzero().squeeze(1)
        kept[hair] = strand_kept(values[0, hair], values[1, hair], number[triangle[hair]])
        return kept

    return keep


def strand_kept(across: torch.Tensor, along: torch.Tensor, lock: torch.Tensor) -> torch.Tensor:
    """Strands of a ribbon: thinner towards its edges and its tip."""
    strand = value_noise(torch.stack([across * 3.5 + lock * 7.31, along * 1.3], -1))
    return strand > 0.18 + 0.5 * along**2 + 0.35 * across.abs() ** 4


def visible(
    canvas: Canvas, scene: Piece, screen: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Picture, row, column, attributes (pixels, 15) and part of every covered pixel."""
    triangle = canvas.triangle()
    picture, row, column = (triangle >= 0).nonzero().unbind(1)
    triangle = triangle[picture, row, column]
    corner = scene.triangles[triangle]
    a, b, c = screen[picture[:, None], corner].unbind(1)
    x, y = column.float() + 0.5, row.float() + 0.5
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    area = torch.where(area.abs() < 1e-9, torch.full_like(area, 1e-9), area)
    first = ((b[:, 0] - x) * (c[:, 1] - y) - (b[:, 1] - y) * (c[:, 0] - x)) / area
    second = ((c[:, 0] - x) * (a[:, 1] - y) - (c[:, 1] - y) * (a[:, 0] - x)) / area
    weights = torch.stack([first, second, 1 - first - second], -1).clamp(0, 1)
    corners = scene.vertices[picture[:, None], corner]
    attributes = (corners * weights[..., None]).sum(1)
    return picture, row, column, attributes, scene.parts[triangle]


def occlusion_of(depth: torch.Tensor, camera: Camera) -> torch.Tensor:
    """Ambient light that reaches each pixel, 0..1 (batch, h, w): crevices are behind their mean."""
    near = depth[:, None, ::2, ::2].clamp(max=float(camera.distance.max()) + 2.5)
    total = torch.zeros_like(near)
    side = near.shape[-1]
    for share, weight, reach in ((0.02, 0.6, 0.25), (0.06, 0.5, 0.5)):
        width = int(side * share) // 2 * 2 + 1
        mean = near
        for _ in range(2):
            mean = _box(_box(mean, (1, width)), (width, 1))
        total = total + weight * ((near - mean) / reach).clamp(0, 1)
    return interpolate((1 - total).clamp(0.25, 1), depth.shape[-2:], mode="bilinear")[:, 0]


def _box(image: torch.Tensor, kernel: tuple[int, int]) -> torch.Tensor:
    padding = (kernel[0] // 2, kernel[1] // 2)
    return avg_pool2d(image, kernel, 1, padding, count_include_pad=False)
