"""Plans how every lock of a batch of people grows: from styles and roots to numbers a lock."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn.functional import normalize

from engine.demo.people.hair import (
    BEARD_LENGTHS,
    HEAD_CENTRE,
    HEAD_RADII,
    NUM_BEARD_LOCKS,
    NUM_LOCKS,
    STYLES,
    HairStyle,
    Roots,
    Skull,
    beard_area,
    comb,
    hairline,
    scalp_roots,
)
from engine.demo.people.identity import Identity
from engine.demo.people.noise import hash_unit, smoothstep

KNOT_CENTRE: dict[str, tuple[float, float, float]] = {
    "bun": (0.0, 8.47, -0.45),
    "tail": (0.0, 8.2, -0.66),
}
KNOT_ROOT: dict[str, tuple[float, float, float]] = {
    "bun": (0.0, 8.2, -0.36),
    "tail": (0.0, 8.0, -0.52),
}
NUM_KNOT_LOCKS = 330
PAINTED = ("bald", "buzz cut")
Place = tuple[float, float, float]


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
    cells = torch.stack(
        torch.broadcast_tensors(seed[:, None], lock[None], lock.new_tensor(salt)), -1
    )
    return hash_unit(cells)


@dataclass(frozen=True)
class Manner:
    """The style numbers of a batch as columns (batch, 1); flags are 0 or 1."""

    length: torch.Tensor
    until_y: torch.Tensor
    lift: torch.Tensor
    gravity: torch.Tensor
    curl: torch.Tensor
    turns: torch.Tensor
    recede: torch.Tensor
    width: torch.Tensor
    puff: torch.Tensor
    hangs: torch.Tensor
    stands_out: torch.Tensor
    parts: torch.Tensor
    bun: torch.Tensor
    tail: torch.Tensor
    locks: torch.Tensor
    long: torch.Tensor
    full: torch.Tensor


def make_manner(people: Sequence[Identity], device: str) -> Manner:
    rows: list[tuple[float, ...]] = []
    for person in people:
        style = STYLES[person.hair_style] or HairStyle()
        until = (style.until_y or 0.0) - 0.5 * (person.hair_length - 0.5)
        rows.append(
            (style.length, until, style.lift, style.gravity, style.curl, style.turns, style.recede,
             style.width, style.puff, style.until_y is not None, style.comb == "out",
             style.comb == "middle", style.knot == "bun", style.knot == "tail",
             person.hair_style not in PAINTED, person.hair_length, person.hair_volume)
        )  # fmt: skip
    table = torch.tensor(rows, dtype=torch.float32, device=device)
    return Manner(*table[:, :, None].unbind(1))


@functools.cache
def combed(name: str, side: int, device: str) -> torch.Tensor:
    """Directions of `comb` at all scalp roots."""
    return comb(name, scalp_roots(device).rest, side)


def plan_scalp(
    people: Sequence[Identity],
    roots: Roots,
    body: torch.Tensor,
    normals: torch.Tensor,
    skull: Skull,
) -> Plan:
    device = str(body.device)
    manner = make_manner(people, device)
    start = roots.on(body)
    outward = normalize(roots.on(normals), dim=-1)
    seeds = [person.seed for person in people]
    noise = random_numbers(seeds, NUM_LOCKS, 1, device)
    jitter = random_numbers(seeds, NUM_LOCKS, 2, device)
    flow = torch.stack(
        [combed((STYLES[p.hair_style] or HairStyle()).comb, p.part_side, device) for p in people]
    )
    top = smoothstep(7.2, 8.1, roots.rest[:, 1])
    above = hairline(roots.rest) - manner.recede * smoothstep(-0.2, 0.7, roots.rest[:, 2])
    shown = (above > 0.03 * (jitter - 0.5)) & (manner.locks > 0)
    direction = _root_direction(manner, flow, outward, top, noise)
    knot = manner.bun + manner.tail
    length = manner.length * (0.75 + 0.5 * manner.long) * (0.75 + 0.5 * noise) * (0.38 + 0.62 * top)
    risen = skull.centre[..., 1] - HEAD_CENTRE[1]
    fringe = smoothstep(0.5, 1.1, roots.rest[:, 2])
    length = length * (1 - (0.2 + 6 * manner.curl).clamp(max=0.62) * fringe)
    hanging = (start[..., 1] - manner.until_y - risen + 0.35) * (0.88 + 0.14 * noise)
    length = torch.where(manner.hangs > 0, hanging, length)
    margin = 0.012 + manner.puff * (0.6 + 0.8 * manner.full) * jitter
    margin = margin * (0.35 + 0.65 * top) * smoothstep(-0.02, 0.2, above)
    target = _between(manner, KNOT_ROOT, skull)
    length = torch.where(knot > 0, (target - start).norm(dim=-1) * 1.12, length)
    one = torch.ones_like(noise)
    plan = Plan(
        start=start,
        direction=direction,
        length=length,
        gravity=manner.gravity * one,
        curl=manner.curl * (0.7 + 0.6 * noise),
        turns=manner.turns * one,
        margin=margin,
        width=manner.width * (0.7 + 0.6 * jitter),
        shown=shown,
        seed=noise,
        target=target.expand_as(start),
        pull=9 * knot * one,
    )
    return _tie(plan, manner, jitter, skull)


def _between(manner: Manner, places: dict[str, Place], skull: Skull) -> torch.Tensor:
    """The bun's place or the tail's on each person's skull: (batch, 1, 3)."""
    bun, tail = (skull.centre.new_tensor(places[name]) for name in ("bun", "tail"))
    place = torch.where(manner.tail[..., None] > 0, tail, bun) - bun.new_tensor(HEAD_CENTRE)
    return skull.centre + place * skull.radii / bun.new_tensor(HEAD_RADII)


def _root_direction(
    manner: Manner,
    flow: torch.Tensor,
    outward: torch.Tensor,
    top: torch.Tensor,
    noise: torch.Tensor,
) -> torch.Tensor:
    flow = normalize(flow - (flow * outward).sum(-1, keepdim=True) * outward, dim=-1)
    lift = manner.lift * (0.7 + 0.6 * manner.full)
    lift = torch.where(manner.stands_out > 0, lift, lift * (0.3 + 0.7 * top))[..., None]
    wild = _vector(noise) - 0.5
    sideways = wild.new_tensor([1.0, 0.0, 0.0]) * manner.parts[..., None]
    wild = wild * (1 - sideways) * 0.5 * (manner.lift[..., None] + 0.1)
    return normalize(normalize(flow * (1.02 - lift) + outward * lift, dim=-1) + wild, dim=-1)


def _vector(noise: torch.Tensor) -> torch.Tensor:
    return torch.stack([noise, (noise * 61.7) % 1, (noise * 173.3) % 1], dim=-1)


def _tie(plan: Plan, manner: Manner, jitter: torch.Tensor, skull: Skull) -> Plan:
    """Lets the last locks of tied hair grow from the knot: around a bun, or down a tail."""
    number = torch.arange(NUM_LOCKS, device=jitter.device)
    use = (number >= NUM_LOCKS - NUM_KNOT_LOCKS) & (manner.bun + manner.tail > 0)
    centre = _between(manner, KNOT_CENTRE, skull)
    ball = normalize(_vector(plan.seed) - 0.5, dim=-1)
    axis = ball.new_tensor([0.0, 0.9, -0.4]).expand_as(ball)
    swirl = normalize(torch.linalg.cross(axis, ball), dim=-1)
    swing = normalize(ball.new_tensor([0.5, 0.5, -0.8]) + 0.4 * ball, dim=-1)
    is_tail = manner.tail > 0
    place = centre + torch.where(is_tail, 0.12, 0.25)[..., None] * ball
    grown = torch.where(is_tail, 2.6 + 0.6 * jitter, torch.full_like(jitter, 0.5))
    fall = torch.where(is_tail, 2.6, 0.0).expand_as(jitter)
    pick = use[..., None]
    return replace(
        plan,
        start=torch.where(pick, place, plan.start),
        direction=torch.where(pick, torch.where(is_tail[..., None], swing, swirl), plan.direction),
        length=torch.where(use, grown, plan.length),
        gravity=torch.where(use, fall, plan.gravity),
        shown=plan.shown | use,
        margin=torch.where(use, torch.zeros_like(jitter), plan.margin),
        target=torch.where(pick, centre, plan.target),
        pull=torch.where(use, torch.where(is_tail, 0.0, 4.0), plan.pull),
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
    shown = (
        torch.stack([areas.get(p.beard, torch.zeros_like(chin)) for p in people])
        > 0.15 + 0.7 * jitter
    )
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
