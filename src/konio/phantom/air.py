"""Air outside the lungs: windpipe, main bronchi, gas in the stomach; and the fat around muscles.

References:
    Dossier section 2.3 ("Air").
"""

from __future__ import annotations

import numpy as np

from konio.phantom.anatomy import Chest
from konio.phantom.frame import Frame
from konio.phantom.smooth import Floats
from konio.phantom.strokes import along, near


def draw_air(rng: np.random.Generator, chest: Chest, frame: Frame) -> Floats:
    """Length of air along the beam outside the lungs, ``(N, N)`` float32, mm."""
    air = np.zeros((frame.size, frame.size), np.float32)
    pull = 2 + 3 * chest.subject.unfolding
    carina = (pull, -12.0, 2.0)
    _tube(air, frame, ((0, -2, 200), (0.4 * pull, -6, 100), carina), 8.8)
    _tube(air, frame, (carina, (-14, -15, -12), (-30, -20, -28)), 6.6)
    _tube(air, frame, (carina, (22, -18, -10), (42, -24, -25)), 5.6)
    _stomach(air, rng, chest, frame)
    return air


def _tube(
    air: Floats, frame: Frame, knots: tuple[tuple[float, float, float], ...], radius: float
) -> None:
    given = np.asarray(knots, np.float64)
    t = np.linspace(0, len(given) - 1, 24)
    points = np.stack([np.interp(t, np.arange(len(given)), axis) for axis in given.T], 1)
    rows, cols = frame.to_pixels(points[:, 0], points[:, 1], points[:, 2])
    wide = radius * 1.09 / frame.spacing
    line = near(rows, cols, wide, frame.size)
    if line.empty:
        return
    r = np.minimum(line.distance / np.float32(wide), 1)
    fade = np.clip(along(line, np.linspace(10, 0, 24, dtype=np.float32)), 0, 1)
    chord = np.float32(2 * radius) * np.sqrt(1 - r * r) * fade
    air[line.box] = np.maximum(air[line.box], chord)


def _stomach(air: Floats, rng: np.random.Generator, chest: Chest, frame: Frame) -> None:
    """A bubble with a domed top and a flat fluid level under the left dome."""
    x, drop = float(rng.normal(66, 10)), float(rng.uniform(9, 16))
    wide, tall = float(rng.uniform(16, 34)), float(rng.uniform(8, 22))
    z = chest.dome_top(1) - drop - 10
    row, col = (float(v) for v in frame.to_pixels(x, 10.0, z))
    reach = (wide + 4) * 1.09 / frame.spacing
    r0, r1 = (int(np.clip(row + k * reach, 0, frame.size)) for k in (-1, 1))
    c0, c1 = (int(np.clip(col + k * reach, 0, frame.size)) for k in (-1, 1))
    if r0 >= r1 or c0 >= c1:
        return
    scale = frame.spacing / 1.09
    up = (row - np.arange(r0, r1, dtype=np.float32))[:, None] * scale
    side = (np.arange(c0, c1, dtype=np.float32) - col)[None, :] * scale
    inside = np.clip(1 - (side / wide) ** 2 - (np.maximum(up, -tall) / tall) ** 2, 0, 1)
    flat = np.clip((up + 0.25 * tall) / 1.5 + 0.5, 0, 1)
    air[r0:r1, c0:c1] += np.float32(rng.uniform(25, 60)) * np.sqrt(inside) * flat
