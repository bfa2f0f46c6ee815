"""Where a head points, from five landmarks.

A mean head's five points are turned, scaled and moved until they lie on the landmarks (weak
perspective, Gauss-Newton).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEAD = np.array(
    [
        (45.0, 0.0, 0.0),
        (17.0, 1.0, 6.0),
        (-45.0, 0.0, 0.0),
        (-17.0, 1.0, 6.0),
        (0.0, 46.0, 25.0),
    ]
)
"""Points as dlib's five landmarks, in mm: right, down, towards the camera."""
PITCH_SPREAD_RAD = np.radians(15.0)
NOISE_MM = 2.0
ITERATIONS = 12


@dataclass(frozen=True)
class Pose:
    yaw_deg: float
    pitch_deg: float
    roll_deg: float


def estimate(landmarks: NDArray[np.float64]) -> Pose:
    """From (5, 2) points in pixels, in dlib's order."""
    eyes = landmarks[:4].mean(axis=0)
    across = landmarks[0] - landmarks[2]
    scale = max(float(np.hypot(*across)), 1e-6) / 90.0
    fit: NDArray = np.array(
        [0.0, 0.0, np.arctan2(across[1], across[0]), np.log(scale), *eyes / scale]
    )
    for _ in range(ITERATIONS):
        residual = _residual(fit, landmarks, scale)
        slopes = np.stack(
            [
                (_residual(fit + step, landmarks, scale) - residual) / 1e-5
                for step in np.eye(6) * 1e-5
            ],
            axis=1,
        )
        fit = fit - np.linalg.lstsq(slopes, residual, rcond=None)[0]
        fit[:2] = np.clip(fit[:2], -1.4, 1.4)
    yaw, pitch, roll = np.degrees(fit[:3])
    return Pose(round(float(yaw), 1), round(float(pitch), 1), round(float(roll), 1))


def _residual(fit: NDArray, landmarks: NDArray[np.float64], unit: float) -> NDArray:
    """Distances in mm over the expected noise, and the pitch over its usual spread."""
    yaw, pitch, roll, log_scale, x, y = fit
    seen = project(HEAD, yaw, pitch, roll) * np.exp(log_scale) / unit + (x, y)
    return np.append((seen - landmarks / unit).ravel() / NOISE_MM, pitch / PITCH_SPREAD_RAD)


def project(points: NDArray[np.float64], yaw: float, pitch: float, roll: float) -> NDArray:
    """Turns points (n, 3) by angles in radians and drops their depth: (n, 2)."""
    x, y, z = points.T
    x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
    y = y * np.cos(pitch) - z * np.sin(pitch)
    return np.stack(
        [x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)], axis=1
    )
