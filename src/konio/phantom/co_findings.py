"""What may be seen beside the disease, in every class with the same chance; and hilar nodes of silicosis.

References:
    Dossier section 2.1 ("confounders", "normal variation"); paper A kept such films in its cohort.
"""

from __future__ import annotations

import numpy as np

from konio.phantom.anatomy import Chest
from konio.phantom.bones import rib_course
from konio.phantom.canvas import CO_FINDING, Canvas
from konio.phantom.frame import Frame
from konio.phantom.opacities import ball_mass
from konio.phantom.shapes import disc_pixels, draw_outline, fill, lens, pick_points
from konio.phantom.strokes import add_points, along, near


def draw_co_findings(rng: np.random.Generator, canvas: Canvas, chest: Chest, frame: Frame) -> None:
    """Paints the subject's co-findings; heart size and hyperinflation are already in the anatomy."""
    names = chest.subject.co_findings
    if "pneumothorax" in names:
        _pneumothorax(rng, canvas, chest, frame)
    if "bulla" in names:
        _bulla(rng, canvas)
    if "nipples" in names:
        _nipples(rng, canvas, frame)
    if "callus" in names:
        _callus(rng, canvas, chest, frame)
    if "granuloma" in names:
        _granuloma(rng, canvas)
    if "pleural_thickening" in names:
        _pleural_thickening(rng, canvas, chest, frame)
    if "calcified_node" in names:
        draw_nodes(rng, canvas, frame, calcified=True)


def _pneumothorax(rng: np.random.Generator, canvas: Canvas, chest: Chest, frame: Frame) -> None:
    """A strip without lung at the apex and a fine line of visceral pleura."""
    side = -1 if rng.random() < 0.5 else 1
    widest = float(rng.uniform(7, 18))
    z = np.linspace(112, -40, 60) * chest.subject.scale[1]
    gap = widest * np.clip((z + 40) / 130, 0, 1) ** 0.7
    wall = chest.lateral(z)
    inner = np.maximum(wall - gap, chest.medial(z) + 2)
    low = z < (112 - 0.9 * widest)
    zero = np.zeros_like(z)
    rows, cols = frame.to_pixels(side * inner[low], zero[low], z[low])
    top = frame.to_pixels(zero, zero, np.full(60, z[low][0]))[0][0]
    grid_r, grid_c = np.arange(canvas.size, dtype=np.float32), np.arange(canvas.size)
    border = np.interp(grid_r, rows, cols).astype(np.float32)
    outside = side * (grid_c[None, :] - border[:, None]) > 0
    strip = outside | (grid_r[:, None] < top)
    strip &= (grid_r[:, None] < rows[-1]) & canvas.field
    half = grid_c[None, :] < canvas.size / 2 if side < 0 else grid_c[None, :] >= canvas.size / 2
    strip &= half
    canvas.aeration[strip] *= 0.15
    line = near(rows, cols, max(1.2, 0.9 / canvas.spacing), canvas.size)
    if not line.empty:
        rim = np.clip(1 - line.distance / max(1.0, 0.8 / canvas.spacing), 0, 1)
        canvas.soft[line.box] += np.float32(5.0) * rim
    canvas.mark((slice(None), slice(None)), strip, CO_FINDING)


def _bulla(rng: np.random.Generator, canvas: Canvas) -> None:
    """One to three thin-walled air spaces."""
    for _ in range(int(rng.integers(1, 4))):
        rows, cols = pick_points(rng, canvas.lung * canvas.field, 1)
        if not rows.size:
            return
        radius = float(rng.uniform(8, 20))
        shape = draw_outline(rng, radius * 1.15, radius, 0.06)
        box, r = fill(canvas, shape, float(rows[0]), float(cols[0]), float(rng.uniform(0, 3)))
        hollow = np.float32(2 * radius) * lens(r, 0.1) / np.maximum(canvas.lung[box], 20)
        canvas.aeration[box] *= 1 - np.minimum(0.7 * hollow, 0.5)
        rim = np.exp(-(((r - 0.97) / np.float32(0.05 + 0.5 * canvas.spacing / radius)) ** 2))
        canvas.soft[box] += np.float32(1.6) * rim * np.clip(canvas.lung[box] / 20, 0, 1)
        canvas.mark(box, (r < 1) & canvas.field[box], CO_FINDING)


def _nipples(rng: np.random.Generator, canvas: Canvas, frame: Frame) -> None:
    """Round shadows of 8 to 12 mm over both lower zones."""
    x, z = float(rng.normal(88, 6)), float(rng.normal(-72, 8))
    for side in (-1, 1):
        row, col = frame.to_pixels(side * x, 110.0, z + float(rng.normal(0, 3)))
        radius = float(rng.uniform(4, 6))
        shape = draw_outline(rng, radius * 1.1, radius, 0.03)
        box, r = fill(canvas, shape, float(row), float(col), 0.0)
        canvas.soft[box] += np.float32(rng.uniform(4, 8)) * lens(r, 0.25)
        canvas.mark(box, r < 1, CO_FINDING)


def _callus(rng: np.random.Generator, canvas: Canvas, chest: Chest, frame: Frame) -> None:
    """An old rib fracture: a spindle of new bone."""
    side = -1 if rng.random() < 0.5 else 1
    x, d, z, _ = rib_course(chest, side, int(rng.integers(3, 9)))
    k = int(rng.integers(24, 44))
    rows, cols = frame.to_pixels(x[k - 3 : k + 4], d[k - 3 : k + 4], z[k - 3 : k + 4])
    half = np.array([5, 6.5, 8, 9, 8, 6.5, 5], np.float32) * 1.08 / np.float32(canvas.spacing)
    line = near(rows, cols, float(half.max()), canvas.size)
    if line.empty:
        return
    r = np.minimum(line.distance / along(line, half), 1)
    canvas.bone[line.box] += np.float32(rng.uniform(1.5, 3.5)) * np.sqrt(1 - r * r)
    canvas.mark(line.box, (r < 1) & canvas.field[line.box], CO_FINDING)


def _granuloma(rng: np.random.Generator, canvas: Canvas) -> None:
    """One or two calcified specks."""
    count = int(rng.integers(1, 3))
    rows, cols = pick_points(rng, canvas.lung * canvas.field, count)
    mm = rng.uniform(2.5, 6, len(rows)).astype(np.float32)
    radius = mm * np.float32(canvas.pixels(0.5))
    sigma = np.sqrt(radius**2 / 5 + 0.45**2).astype(np.float32)
    add_points(canvas.bone, rows, cols, sigma, ball_mass(mm, 0.6, canvas.spacing))
    add_points(canvas.soft, rows, cols, sigma, ball_mass(mm, 0.7, canvas.spacing))
    discs = disc_pixels(canvas.size, rows, cols, radius)
    canvas.mark((slice(None), slice(None)), discs, CO_FINDING)


def _pleural_thickening(
    rng: np.random.Generator, canvas: Canvas, chest: Chest, frame: Frame
) -> None:
    """A strip of soft tissue along the lateral wall, sometimes calcified."""
    side = -1 if rng.random() < 0.5 else 1
    top = float(rng.uniform(-20, 30))
    z = np.linspace(top, top - rng.uniform(25, 70), 24)
    x = side * (chest.lateral(z) - 2)
    zero = np.zeros_like(z)
    rows, cols = frame.to_pixels(x, zero, z)
    thick = rng.uniform(3, 6) * np.sin(np.linspace(0.15, np.pi - 0.15, 24))
    half = (thick * 1.08 / canvas.spacing).astype(np.float32)
    line = near(rows, cols, float(half.max()), canvas.size)
    if line.empty:
        return
    r = np.minimum(line.distance / np.maximum(along(line, half), 0.3), 1)
    canvas.soft[line.box] += np.float32(14.0) * np.sqrt(1 - r * r)
    if rng.random() < 0.3:
        canvas.bone[line.box] += np.float32(1.2) * np.clip(1 - 2 * r, 0, 1)
    canvas.mark(line.box, (r < 1) & canvas.field[line.box], CO_FINDING)


def draw_nodes(
    rng: np.random.Generator,
    canvas: Canvas,
    frame: Frame,
    calcified: bool = False,
    eggshell: bool = False,
) -> None:
    """Enlarged hilar lymph nodes; with chalk throughout or as a shell (silicosis).

    Args:
        rng: generator.
        canvas: the film.
        frame: geometry.
        calcified: solid chalk in one small node.
        eggshell: rims of 0.5 to 1 mm around nodes of 5 to 15 mm.
    """
    sides = (-1, 1) if not calcified else ((-1,) if rng.random() < 0.5 else (1,))
    for side in sides:
        for _ in range(int(rng.integers(2, 5)) if not calcified else 1):
            x, z = side * float(rng.uniform(26, 44)), float(rng.uniform(-26, 16))
            row, col = frame.to_pixels(x, 0.0, z)
            radius = float(rng.uniform(3, 5) if calcified else rng.uniform(4, 8))
            shape = draw_outline(rng, radius * 1.2, radius, 0.05)
            box, r = fill(canvas, shape, float(row), float(col), float(rng.uniform(0, 3)))
            canvas.soft[box] += np.float32(1.3 * radius) * lens(r, 0.2)
            if calcified:
                canvas.bone[box] += np.float32(0.9 * radius) * lens(r, 0.2)
            if eggshell:
                width = 0.12 + 0.4 * canvas.spacing / radius
                canvas.bone[box] += np.float32(2.2) * np.exp(-(((r - 0.92) / width) ** 2))
            canvas.mark(box, (r < 1) & canvas.field[box], CO_FINDING)
