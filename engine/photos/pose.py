"""Where a head points, from five landmarks.

A mean head's five points are turned, scaled and moved until they lie on the landmarks (weak
perspective, Levenberg-Marquardt). Yaw and roll are good to a few degrees. Pitch is not: five
points cannot tell a long nose from a lowered chin, so it says up or down and little more.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEAD = np.array(
    [
        (45.0, 0.0, 0.0),
        (18.4, 2.0, 4.9),
        (-45.0, 0.0, 0.0),
        (-18.4, 2.0, 4.9),
        (0.0, 51.6, 25.9),
    ]
)
"""Points as dlib's five landmarks, in mm: right, down, towards the camera.

Fitted to renderings of ten heads, each seen from eleven known directions.
"""
NOISE_MM = 2.2
"""Of a landmark: what was left over by that fit."""
USUAL_TURN_RAD = np.radians([35.0, 12.0])
"""Spread of yaw and pitch among photos that people take of each other."""
MAX_TURN_RAD = 1.3
ITERATIONS = 15


@dataclass(frozen=True)
class Pose:
    yaw_deg: float
    pitch_deg: float
    roll_deg: float


def estimate(landmarks: NDArray[np.float64]) -> Pose:
    """From (5, 2) points in pixels, in dlib's order."""
    across = landmarks[0] - landmarks[2]
    down = landmarks[4] - landmarks[:4].mean(axis=0)
    unit = max(float(np.hypot(*across)) / 90, float(np.hypot(*down)) / 51, 1e-6)
    seen = (landmarks - landmarks.mean(axis=0)) / unit
    fit: NDArray = np.array([0.0, 0.0, np.arctan2(across[1], across[0]), 0.0, 0.0, 0.0])
    damping = 1e-2
    residual = _residual(fit, seen)
    for _ in range(ITERATIONS):
        slopes = _slopes(fit, seen, residual)
        normal = slopes.T @ slopes
        normal += damping * np.diag(np.diag(normal))
        trial = fit - np.linalg.solve(normal, slopes.T @ residual)
        trial[:2] = np.clip(trial[:2], -MAX_TURN_RAD, MAX_TURN_RAD)
        new = _residual(trial, seen)
        if new @ new < residual @ residual:
            fit, residual, damping = trial, new, damping / 4
        else:
            damping *= 8
    yaw, pitch, roll = (round(float(angle), 1) for angle in np.degrees(fit[:3]))
    return Pose(yaw, pitch, roll)


def _slopes(fit: NDArray, seen: NDArray, residual: NDArray) -> NDArray:
    step = 1e-5
    columns = [(_residual(fit + nudge, seen) - residual) / step for nudge in np.eye(6) * step]
    return np.stack(columns, axis=1)


def _residual(fit: NDArray, seen: NDArray) -> NDArray:
    """Misses over the expected noise, and turns over their usual spread."""
    yaw, pitch, roll, log_scale, x, y = fit
    misses = project(HEAD, yaw, pitch, roll) * np.exp(log_scale) + (x, y) - seen
    return np.append(misses.ravel() / NOISE_MM, fit[:2] / USUAL_TURN_RAD)


def project(points: NDArray, yaw: float, pitch: float, roll: float) -> NDArray:
    """Turns points (n, 3) by angles in radians and drops their depth: (n, 2)."""
    x, y, z = points.T
    x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
    y = y * np.cos(pitch) - z * np.sin(pitch)
    return np.stack(
        [x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)], axis=1
    )
