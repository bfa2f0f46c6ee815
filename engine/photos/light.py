"""How a face is lit: bright or dark, flat or hard, from which side, warm or cool."""

import numpy as np
from PIL import Image

from engine.contract.photos import Light
from engine.photos.decoding import RGB

SIDE_PX = 64
LUMA = (0.299, 0.587, 0.114)
SKIN_WARMTH = 0.2
"""(red - blue) / (red + blue) of faces in neutral light, about."""


def measure(face: RGB) -> Light:
    """Of a crop that holds one upright face and little else.

    Brightness is that of the lighter half of the face, so neither a beard, nor a shadow on one
    side, nor glasses make it dark; only a face with no light at all is.
    """
    small = Image.fromarray(face).resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    rgb = np.asarray(small, dtype=np.float64) / 255
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX] / (SIDE_PX - 1) * 2 - 1
    oval = rows**2 + (columns / 0.85) ** 2 <= 1
    luma = rgb @ LUMA
    inside = luma[oval]
    lighter = inside[inside >= np.median(inside)]
    left, right = luma[oval & (columns < -0.15)].mean(), luma[oval & (columns > 0.15)].mean()
    red, _, blue = rgb[oval].mean(axis=0)
    return Light(
        brightness=round(float(lighter.mean()), 3),
        contrast=round(float(inside.std()), 3),
        side=_share(right - left, right + left, 2.0),
        warmth=_share(red - blue - SKIN_WARMTH * (red + blue), red + blue, 2.0),
    )


def overall(rgb: RGB) -> float:
    """Mean luma of the lighter half of a whole photo, 0 .. 1."""
    small = Image.fromarray(rgb).resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX, reducing_gap=2.0)
    luma = (np.asarray(small, dtype=np.float64) / 255) @ LUMA
    return round(float(luma[luma >= np.median(luma)].mean()), 3)


def _share(part: float, whole: float, gain: float) -> float:
    return round(float(np.clip(gain * part / max(whole, 1e-3), -1, 1)), 3)
