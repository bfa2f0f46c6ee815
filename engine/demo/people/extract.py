"""Builds `head.safetensors`: `python -m engine.demo.people.extract`.

Cuts head, neck, shoulders and chest out of MakeHuman's base mesh, lowers the arms, and keeps the
morph targets that move what is left: facial features, macro shapes and facial actions. Distances
are decimetres, y up, the face towards +z.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from engine.demo.people.makehuman import (
    data_folder,
    read_base_mesh,
    read_mask,
    read_target,
    read_weights,
)

CHEST_Y = 1.2
ARM_ANGLE_DEGREES = 30.0
SHOULDER = np.array([1.70, 5.02, 0.19])
PARTS = ("skin", "eye_left", "eye_right", "teeth", "tongue", "cloth")
GROUPS = {
    "skin": ("body",),
    "eye_left": ("helper-l-eye",),
    "eye_right": ("helper-r-eye",),
    "teeth": ("helper-upper-teeth", "helper-lower-teeth"),
    "tongue": ("helper-tongue",),
    "cloth": ("helper-tights",),
}
FACE_FOLDERS = ("cheek", "chin", "ears", "eyes", "forehead", "head", "mouth", "neck", "nose")
TORSO = ("measure-shoulder-dist", "torso-muscle-pectoral", "torso-scale-horiz")
NECK_TURN = {"neck01": 0.2, "neck02": 0.45, "neck03": 0.75}
BODY_BONES = (
    "root",
    "spine",
    "clavicle",
    "shoulder",
    "upperarm",
    "lowerarm",
    "wrist",
    "metacarpal",
    "finger",
    "breast",
)
UNMOVED_DM = 2e-3


def lower_arms(
    vertices: np.ndarray, offsets: np.ndarray, weights: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Turns the arms down about the shoulders; offsets (targets, vertices, 3) turn with them."""
    vertices, offsets = vertices.copy(), offsets.copy()
    for side, sign in (("L", 1), ("R", -1)):
        arm = sum(
            weight
            for bone, weight in weights.items()
            if bone.endswith(f".{side}")
            and bone.startswith(("upperarm", "lowerarm", "wrist", "metacarpal", "finger"))
        )
        angle = np.radians(ARM_ANGLE_DEGREES) * -sign
        turn = np.array(
            [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
        )
        blend = np.eye(3) + np.asarray(arm)[:, None, None] * (turn - np.eye(3))
        pivot = SHOULDER * np.array([sign, 1, 1])
        vertices = np.einsum("vij,vj->vi", blend, vertices - pivot) + pivot
        offsets = np.einsum("vij,tvj->tvi", blend, offsets)
    return vertices, offsets


def head_turn(weights: dict[str, np.ndarray]) -> np.ndarray:
    """How far a vertex follows a turn of the head (vertices,), 0 at the chest, 1 at the face."""
    still = sum(weight for bone, weight in weights.items() if bone.startswith(BODY_BONES))
    turn = 1 - np.clip(np.asarray(still), 0, 1)
    for bone, share in NECK_TURN.items():
        turn -= weights[bone] * (1 - share)
    return np.clip(turn, 0, 1)


def target_files(data: Path) -> dict[str, list[Path]]:
    """Files by target name; a left and a right file of one name make one symmetric target."""
    root = data / "mpfb2/targets"
    files: dict[str, list[Path]] = {}
    for folder in FACE_FOLDERS:
        for path in sorted((root / folder).glob("*.target.gz")):
            name = path.name.removesuffix(".target.gz")
            if name.startswith(("measure-", "head-trans", "neck-trans")):
                continue
            files.setdefault(name.removeprefix("l-").removeprefix("r-"), []).append(path)
    for path in sorted((root / "eyebrows").glob("*.target.gz")):
        files[path.name.removesuffix(".target.gz")] = [path]
    for name, way in itertools.product(TORSO, ("decr", "incr")):
        files[f"{name}-{way}"] = [root / "torso" / f"{name}-{way}.target.gz"]
    for path in sorted((root / "asym").glob("asym-*-l.target.gz")):
        files[path.name.removesuffix(".target.gz")] = [path]
    macro = root / "macrodetails"
    for gender, age in itertools.product(("female", "male"), ("young", "old")):
        for weight in ("minweight", "averageweight", "maxweight"):
            name = f"universal-{gender}-{age}-averagemuscle-{weight}"
            files[f"macro-{gender}-{age}-{weight}"] = [macro / f"{name}.target.gz"]
        for origin in ("african", "asian", "caucasian"):
            files[f"macro-{gender}-{age}-{origin}"] = [macro / f"{origin}-{gender}-{age}.target.gz"]
    for path in sorted((data / "faceunits01/targets/faceunits").glob("*.target")):
        files[f"act-{path.stem}"] = [path]
    return files


def encode_targets(offsets: np.ndarray) -> dict[str, np.ndarray]:
    """Sparse int16 form of (targets, vertices, 3): starts, indices, offsets, one scale a target."""
    starts, indices, values, scales = [0], [], [], []
    for target in offsets:
        moved = np.flatnonzero(np.abs(target).max(axis=1) > UNMOVED_DM)
        scale = max(float(np.abs(target[moved]).max(initial=0)), 1e-6) / 32767
        indices.append(moved.astype(np.int16))
        values.append(np.round(target[moved] / scale).astype(np.int16))
        scales.append(scale)
        starts.append(starts[-1] + len(moved))
    return {
        "target_starts": np.array(starts, dtype=np.int32),
        "target_indices": np.concatenate(indices),
        "target_offsets": np.concatenate(values),
        "target_scales": np.array(scales, dtype=np.float32),
    }


def extract(output: Path) -> None:
    data = data_folder()
    mesh = read_base_mesh(data)
    num_vertices = len(mesh.vertices)
    weights = read_weights(data, num_vertices)
    files = target_files(data)
    offsets = np.stack(
        [sum(read_target(path, num_vertices) for path in paths) for paths in files.values()]
    )
    vertices, offsets = lower_arms(mesh.vertices, offsets, weights)
    triangles, parts = [], []
    for part, name in enumerate(PARTS):
        quads = np.concatenate([mesh.quads[group] for group in GROUPS[name]])
        quads = quads[(vertices[quads][..., 1] > CHEST_Y).all(axis=1)]
        triangles.append(np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]))
        parts.append(np.full(len(triangles[-1]), part, dtype=np.uint8))
    kept, faces = np.unique(np.concatenate(triangles), return_inverse=True)
    masks = [read_mask(data, name, mesh.uv) for name in ("lips", "ears", "inside-mouth")]
    skin = np.isin(np.arange(num_vertices), mesh.quads["body"])
    columns = [*(mask * skin for mask in masks), head_turn(weights)]
    tensors = {
        "vertices": np.round(vertices[kept] * 3000).astype(np.int16),
        "masks": np.round(np.stack(columns, axis=1)[kept] * 255).astype(np.uint8),
        "triangles": faces.reshape(-1, 3).astype(np.int16),
        "parts": np.concatenate(parts),
        **encode_targets(offsets[:, kept]),
    }
    save_file(tensors, output, metadata={"targets": json.dumps(list(files))})


if __name__ == "__main__":
    extract(Path(__file__).with_name("head.safetensors"))
