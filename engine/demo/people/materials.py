"""Every part's material: gathers its points, paints them and lights them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn.functional import normalize

from engine.demo.people.clothes import Wardrobe, cloth_normals, make_wardrobe, paint_cloth
from engine.demo.people.eyes import gaze_directions, paint_eye, paint_teeth
from engine.demo.people.identity import Identity
from engine.demo.people.lighting import Lights, Surface, diffuse, dot, specular
from engine.demo.people.noise import smoothstep, value_noise
from engine.demo.people.scene import (
    BEARD,
    CLOTH,
    COLLAR,
    EXTRA,
    EYE_LEFT,
    EYE_RIGHT,
    GLASSES,
    HAIR,
    NORMAL,
    POSITION,
    REFERENCE,
    SKIN,
    TEETH,
    TONGUE,
    UV,
)
from engine.demo.people.skin import (
    BLEED,
    Complexion,
    bend_normals,
    linear,
    make_complexions,
    paint_skin,
)
from engine.demo.people.view import View
from engine.demo.people.vocabulary import EYE_COLOURS


@dataclass(frozen=True)
class Palette:
    """Colours of a batch: complexions, clothes, irises (batch, 3), gazes (batch, 3), collars."""

    skin: Complexion
    wardrobe: Wardrobe
    iris: torch.Tensor
    gaze: torch.Tensor
    collar: torch.Tensor


def make_palette(people: Sequence[tuple[Identity, View]], device: str) -> Palette:
    views = [view for _, view in people]
    wardrobe = make_wardrobe(views, device)
    second = torch.tensor(
        [v.clothes in ("suit with tie", "suit", "lab coat") for v in views], device=device
    )
    return Palette(
        make_complexions([person for person, _ in people], device),
        wardrobe,
        linear(torch.tensor([EYE_COLOURS[p.eye_colour] for p, _ in people])).to(device) * 1.4,
        gaze_directions(torch.tensor([view.gaze for view in views], device=device)),
        torch.where(second[:, None], wardrobe.second, wardrobe.main),
    )


def shade(
    attributes: torch.Tensor,
    part: torch.Tensor,
    picture: torch.Tensor,
    sight: torch.Tensor,
    shadow: torch.Tensor,
    occlusion: torch.Tensor,
    palette: Palette,
    lights: Lights,
) -> torch.Tensor:
    """Linear colour (points, 3) of visible points with `attributes` (points, 15)."""
    colour = torch.zeros_like(sight)
    normal = normalize(attributes[:, NORMAL], dim=-1)
    surface = Surface(attributes[:, POSITION], normal, sight, picture, shadow, occlusion)
    for parts, material in (
        ((SKIN,), _skin),
        ((EYE_LEFT, EYE_RIGHT), _eyes),
        ((TEETH, TONGUE), _mouth),
        ((CLOTH,), _cloth),
        ((COLLAR,), _collar),
        ((HAIR, BEARD), _hair),
        ((GLASSES,), _glasses),
    ):
        chosen = torch.isin(part, torch.tensor(parts, device=part.device)).nonzero().squeeze(1)
        if len(chosen):
            here = Surface(
                surface.position[chosen],
                normal[chosen],
                sight[chosen],
                picture[chosen],
                shadow[chosen],
                occlusion[chosen],
            )
            colour[chosen] = material(attributes[chosen], part[chosen], here, palette, lights)
    return colour


def _skin(
    v: torch.Tensor, part: torch.Tensor, s: Surface, p: Palette, lights: Lights
) -> torch.Tensor:
    rest, masks = v[:, REFERENCE], v[:, EXTRA]
    albedo, roughness = paint_skin(rest, masks, s.picture, p.skin, 1.0)
    soft = s.normal
    bent = replace(s, normal=bend_normals(s.normal, rest, s.picture, p.skin))
    bleed = s.position.new_tensor(BLEED)
    light = 0.45 * diffuse(replace(s, normal=soft), lights, bleed) + 0.55 * diffuse(
        bent, lights, bleed
    )
    inside = 1 - 0.85 * masks[:, 2:3].clamp(0, 1)
    shine = 0.62 * specular(bent, lights, roughness, 0.03)
    edge = (1 - dot(s.normal, s.sight).clamp(0, 1)) ** 3
    light = light * (1 - 0.18 * edge)[:, None]
    return (albedo * light + shine) * inside


def _eyes(
    v: torch.Tensor, part: torch.Tensor, s: Surface, p: Palette, lights: Lights
) -> torch.Tensor:
    local = v[:, REFERENCE]
    albedo = paint_eye(local, p.gaze[s.picture], p.iris[s.picture])
    up = normalize(local, dim=-1)[:, 1]
    lid = smoothstep(0.75, 0.1, up)
    light = diffuse(s, lights, s.position.new_tensor([0.25, 0.2, 0.2]))
    light = light * (0.3 + 0.55 * lid)[:, None]
    bulge = normalize(
        s.normal + 0.35 * (s.normal - dot(s.normal, s.sight)[:, None] * s.sight), dim=-1
    )
    glint = specular(replace(s, normal=bulge, shadow=0.5 + 0.5 * s.shadow), lights, 0.13, 0.05)
    return albedo * light + glint.clamp(max=3.0) * lid[:, None]


def _mouth(
    v: torch.Tensor, part: torch.Tensor, s: Surface, p: Palette, lights: Lights
) -> torch.Tensor:
    teeth = paint_teeth(v[:, REFERENCE])
    tongue = teeth.new_tensor([0.38, 0.11, 0.11]).expand_as(teeth)
    albedo = torch.where((part == TEETH)[:, None], teeth, tongue)
    light = diffuse(
        replace(s, occlusion=s.occlusion * 0.8), lights, s.position.new_tensor([0.2, 0.15, 0.12])
    )
    return albedo * (0.9 * light + 0.12) + 0.25 * specular(s, lights, 0.3, 0.04)


def _cloth(
    v: torch.Tensor, part: torch.Tensor, s: Surface, p: Palette, lights: Lights
) -> torch.Tensor:
    rest = v[:, REFERENCE]
    albedo, roughness, crease = paint_cloth(rest, s.picture, p.wardrobe)
    s = replace(s, normal=cloth_normals(s.normal, rest, s.picture, p.wardrobe))
    light = diffuse(s, lights, s.position.new_tensor([0.06, 0.06, 0.06]))
    shine = p.wardrobe.numbers[s.picture, 12]
    gloss = (0.25 + shine)[:, None] * specular(s, lights, roughness, 0.035)
    fuzz = (1 - dot(s.normal, s.sight).clamp(0, 1)) ** 4
    return albedo * light * (crease * (1 + 0.5 * fuzz))[:, None] + gloss * 0.6


def _collar(
    v: torch.Tensor, part: torch.Tensor, s: Surface, p: Palette, lights: Lights
) -> torch.Tensor:
    facing = torch.where(dot(s.normal, s.sight)[:, None] < 0, -s.normal, s.normal)
    s = replace(s, normal=facing)
    level = v[:, EXTRA.start]
    grain = 0.93 + 0.14 * value_noise(v[:, REFERENCE] * 40)
    rib = 1 + 0.12 * torch.sin(
        torch.atan2(v[:, REFERENCE][:, 0], v[:, REFERENCE][:, 2] - 0.2) * 150
    )
    knit = p.wardrobe.numbers[s.picture, 6]
    grain = grain * (1 + knit * (rib - 1))
    inside = 0.55 + 0.45 * smoothstep(0.0, 0.1, level)
    light = diffuse(s, lights, s.position.new_tensor([0.06, 0.06, 0.06]))
    return p.collar[s.picture] * light * (grain * inside)[:, None]


def _hair(
    v: torch.Tensor, part: torch.Tensor, s: Surface, p: Palette, lights: Lights
) -> torch.Tensor:
    """Marschner's two lobes in Kajiya and Kay's simple form, over a soft diffuse body."""
    tangent = normalize(v[:, REFERENCE], dim=-1)
    across, along = v[:, UV].unbind(-1)
    lock, deep, _, random = v[:, EXTRA].unbind(-1)
    strand = value_noise(torch.stack([across * 6 + lock * 3.7, along * 2], -1))
    base = p.skin.hair[s.picture] * (0.6 + 0.55 * strand + 0.3 * random)[:, None]
    light_dir = lights.direction[s.picture]
    facing = dot(s.normal, light_dir)
    key = lights.key[s.picture]
    body = ((facing + 0.35) / 1.35).clamp(min=0) * s.shadow
    shift = 0.16 * (strand - 0.5) + 0.1 * (random - 0.5)
    half = normalize(light_dir + s.sight, dim=-1)
    sheen = torch.zeros_like(base)
    for offset, power, strength, tint in ((-0.08, 90, 0.16, 0.0), (0.14, 22, 0.3, 1.0)):
        bent = normalize(tangent + (shift + offset)[:, None] * s.normal, dim=-1)
        sine = (1 - dot(bent, half) ** 2).clamp(min=0).sqrt()
        lobe = (sine**power * strength * smoothstep(-0.2, 0.4, facing) * s.shadow)[:, None]
        sheen = sheen + lobe * key * (tint * base * 3.2 + (1 - tint) * (0.25 + 0.75 * base))
    up = s.normal[:, 1:2] * 0.5 + 0.5
    fill = lights.ground[s.picture] + (lights.sky[s.picture] - lights.ground[s.picture]) * up
    rim = dot(s.normal, lights.rim_direction[s.picture]).clamp(min=0) * lights.rim[s.picture]
    shade = (1 - 0.55 * deep) * s.occlusion
    return (base * (body[:, None] * key * 0.8 + fill + 0.7 * rim[:, None] * key) + sheen) * shade[
        :, None
    ]


def _glasses(
    v: torch.Tensor, part: torch.Tensor, s: Surface, p: Palette, lights: Lights
) -> torch.Tensor:
    seed = p.skin.numbers[s.picture, -1]
    light = seed % 3 == 1
    albedo = torch.where(
        light[:, None],
        s.position.new_tensor([0.09, 0.045, 0.02]),
        s.position.new_tensor([0.012, 0.012, 0.014]),
    )
    body = diffuse(s, lights, s.position.new_tensor([0.05, 0.05, 0.05]))
    return albedo * body + 0.8 * specular(s, lights, 0.25, 0.05)
