"""Tuberculosis: infiltrates, cavities, miliary spread, effusion and healed foci.

References:
    Dossier sections 2.1 and 2.3 ("TB").
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from konio.phantom.canvas import TUBERCULOSIS, Canvas
from konio.phantom.opacities import ball_mass, paint_balls
from konio.phantom.shapes import draw_outline, fill, lens, pick_points, strands
from konio.phantom.smooth import Floats, power_noise
from konio.phantom.strokes import add_points

#: Forms and how often each leads the picture.
TUBERCULOSIS_FORMS: Final = MappingProxyType(
    {"infiltrate": 0.38, "cavity": 0.26, "miliary": 0.10, "effusion": 0.12, "healed": 0.14}
)


@dataclass(frozen=True, slots=True)
class TuberculosisPlan:
    """What a film of tuberculosis shows.

    Args:
        forms: names out of `TUBERCULOSIS_FORMS`, the leading one first.
        side: -1 (the patient's right) or 1: the worse side.
        bilateral: whether the other side is involved too.
        lower: the superior segment of the lower lobe instead of the apex.
        extent: 0 (a few patches) to about 1.6 (large).
    """

    forms: tuple[str, ...]
    side: int
    bilateral: bool
    lower: bool
    extent: float


def plan_tuberculosis(rng: np.random.Generator, form: str = "") -> TuberculosisPlan:
    """Draws the form: one that leads and sometimes a second.

    Args:
        rng: generator.
        form: of `TUBERCULOSIS_FORMS`, to lead; drawn where empty.
    """
    names, chances = list(TUBERCULOSIS_FORMS), list(TUBERCULOSIS_FORMS.values())
    lead = str(rng.choice(names, p=chances))
    lead = form or lead
    forms = [lead]
    if lead in ("cavity", "effusion") or (lead == "healed" and rng.random() < 0.3):
        forms.append("infiltrate")
    if lead == "infiltrate" and rng.random() < 0.25:
        forms.append("healed")
    return TuberculosisPlan(
        forms=tuple(forms),
        side=-1 if rng.random() < 0.55 else 1,
        bilateral=bool(rng.random() < 0.4),
        lower=bool(rng.random() < 0.15),
        extent=float(rng.uniform(0.35, 1.6) * (0.6 if lead in ("healed", "effusion") else 1)),
    )


def draw_tuberculosis(rng: np.random.Generator, canvas: Canvas, plan: TuberculosisPlan) -> None:
    """Paints a plan and marks it."""
    sides = (plan.side, -plan.side) if plan.bilateral else (plan.side,)
    for number, side in enumerate(sides):
        extent = plan.extent * (1.0 if number == 0 else float(rng.uniform(0.25, 0.7)))
        centre = _focus(rng, canvas, side, plan.lower)
        if "infiltrate" in plan.forms:
            _infiltrate(rng, canvas, centre, side, extent)
        if "cavity" in plan.forms and (number == 0 or rng.random() < 0.3):
            _cavity(rng, canvas, centre)
            _apical_cap(rng, canvas, side)
        if "healed" in plan.forms:
            _healed(rng, canvas, centre)
            _apical_cap(rng, canvas, side)
    if "miliary" in plan.forms:
        _miliary(rng, canvas)
    if "effusion" in plan.forms:
        _effusion(rng, canvas, plan.side)


def _lung_rows(canvas: Canvas, side: int) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], int]:
    first = 1 if side < 0 else 4
    lung = (canvas.zones >= first) & (canvas.zones < first + 3)
    return np.flatnonzero(lung.any(1)), first


def _focus(rng: np.random.Generator, canvas: Canvas, side: int, lower: bool) -> tuple[float, float]:
    """Centre of the disease: apical and posterior, seldom the top of the lower lobe."""
    rows, first = _lung_rows(canvas, side)
    if not rows.size:
        return canvas.size / 2, canvas.size / 2
    part = rng.uniform(0.42, 0.55) if lower else rng.uniform(0.10, 0.32)
    row = int(rows[0] + part * (rows[-1] - rows[0]))
    inside = (canvas.zones[row] >= first) & (canvas.zones[row] < first + 3)
    cols = np.flatnonzero(inside)
    if not cols.size:
        return float(row), canvas.size / 2
    return float(row), float(cols[0] + rng.uniform(0.35, 0.7) * (cols[-1] - cols[0]))


def _hilum(canvas: Canvas, side: int) -> tuple[float, float]:
    rows, first = _lung_rows(canvas, side)
    row = int(rows[0] + 0.5 * (rows[-1] - rows[0])) if rows.size else canvas.size // 2
    cols = np.flatnonzero((canvas.zones[row] >= first) & (canvas.zones[row] < first + 3))
    edge = canvas.size / 2 if not cols.size else (cols[-1] if side < 0 else cols[0])
    return float(row), float(edge)


def _infiltrate(
    rng: np.random.Generator, canvas: Canvas, centre: tuple[float, float], side: int, extent: float
) -> None:
    """Fluffy patches, satellites and strands to the hilum."""
    count = max(4, int(34 * extent))
    step = canvas.pixels(1.0)
    plane = np.zeros_like(canvas.soft)
    spread = np.sqrt(max(extent, 0.3))
    rows = rng.normal(centre[0], 15 * spread * step, count)
    cols = rng.normal(centre[1], 19 * spread * step, count)
    radii = rng.gamma(4, 1.1, count) + 1.5
    for row, col, radius in zip(rows, cols, radii, strict=True):
        outline = draw_outline(rng, radius * 1.08 * rng.uniform(1, 1.5), radius * 1.08, 0.16)
        box, r = fill(canvas, outline, float(row), float(col), float(rng.uniform(0, np.pi)))
        thick = radius * rng.uniform(0.9, 1.9)
        plane[box] += np.float32(thick) * lens(r, 0.22)
    plane = 30 * (1 - np.exp(-plane / 30))
    grain = power_noise(rng, canvas.size, canvas.spacing, (3, 25), 2.0)
    plane *= (1 + 0.18 * grain) * np.clip(canvas.lung / 20, 0, 1) * canvas.field
    plane = np.minimum(np.maximum(plane, 0), canvas.lung * 0.9)
    canvas.soft[...] += plane * np.float32(canvas.contrast)
    canvas.mark((slice(None), slice(None)), plane > 2.0, TUBERCULOSIS)
    _tracts(rng, canvas, centre, side, int(rng.integers(7, 19)))
    satellites = int(rng.poisson(9 * extent))
    where = (
        rng.normal(centre[0], 24 * step, satellites).astype(np.float32),
        rng.normal(centre[1], 26 * step, satellites).astype(np.float32),
    )
    _balls_inside(canvas, where, rng.uniform(2, 7, satellites).astype(np.float32), 0.75)


def _balls_inside(canvas: Canvas, place: tuple[Floats, Floats], mm: Floats, over: float) -> None:
    row = np.clip(np.round(place[0]).astype(int), 0, canvas.size - 1)
    col = np.clip(np.round(place[1]).astype(int), 0, canvas.size - 1)
    keep = canvas.field[row, col]
    paint_balls(canvas, (place[0][keep], place[1][keep]), mm[keep], over, TUBERCULOSIS)


def _tracts(
    rng: np.random.Generator, canvas: Canvas, centre: tuple[float, float], side: int, count: int
) -> None:
    step = canvas.pixels(1.0)
    hilum = np.asarray(_hilum(canvas, side))
    start = np.asarray(centre) + rng.normal(0, 11 * step, (count, 2))
    reach = rng.uniform(0.3, 0.9, (count, 1))
    end = start + reach * (hilum + rng.normal(0, 9 * step, (count, 2)) - start)
    plane = strands(
        canvas, start, end, rng.uniform(0.4, 0.9, count), rng.normal(0, 0.10, count), 0.6
    )
    canvas.soft[...] += plane * canvas.field


def _cavity(rng: np.random.Generator, canvas: Canvas, centre: tuple[float, float]) -> None:
    """A thick-walled hole: chord of the outer less that of the inner ball, darker than lung inside."""
    step = canvas.pixels(1.0)
    for _ in range(1 if rng.random() < 0.75 else 2):
        radius, wall = float(rng.uniform(8, 20)), float(rng.uniform(2.2, 5))
        row = centre[0] + rng.normal(0, 7) * step
        col = centre[1] + rng.normal(0, 7) * step
        outer = draw_outline(rng, radius * rng.uniform(1, 1.25) * 1.08, radius * 1.08, 0.07)
        box, r = fill(canvas, outer, float(row), float(col), float(rng.uniform(0, np.pi)))
        hollow = 1 - wall / radius
        shell = lens(r, 0.1) - hollow * lens(r / np.float32(hollow), 0.06)
        shell *= np.float32(2 * radius * 0.85)
        edge = np.clip(canvas.lung[box] / 15, 0, 1)
        inner = lens(r / np.float32(hollow), 0.2) * np.float32(2 * radius * hollow)
        canvas.soft[box] += (shell * canvas.contrast - 0.22 * inner) * edge
        canvas.mark(box, (r < 1) & canvas.field[box], TUBERCULOSIS)


def _healed(rng: np.random.Generator, canvas: Canvas, centre: tuple[float, float]) -> None:
    """Calcified foci and a few coarse strands."""
    count = int(rng.integers(2, 8))
    step = canvas.pixels(1.0)
    rows = rng.normal(centre[0], 16 * step, count).astype(np.float32)
    cols = rng.normal(centre[1], 18 * step, count).astype(np.float32)
    mm = (2 * rng.uniform(0.8, 2.6, count)).astype(np.float32)
    row = np.clip(np.round(rows).astype(int), 0, canvas.size - 1)
    col = np.clip(np.round(cols).astype(int), 0, canvas.size - 1)
    keep = canvas.field[row, col]
    rows, cols, mm = rows[keep], cols[keep], mm[keep]
    sigma = np.sqrt((mm * canvas.pixels(0.5)) ** 2 / 5 + 0.45**2).astype(np.float32)
    add_points(canvas.bone, rows, cols, sigma, ball_mass(mm, 0.55, canvas.spacing))
    paint_balls(canvas, (rows, cols), mm, 0.8, TUBERCULOSIS)
    side = -1 if centre[1] < canvas.size / 2 else 1
    _tracts(rng, canvas, centre, side, int(rng.integers(4, 9)))


def _apical_cap(rng: np.random.Generator, canvas: Canvas, side: int) -> None:
    """Thickened pleura over the apex, with an uneven lower edge."""
    rows, first = _lung_rows(canvas, side)
    if not rows.size:
        return
    lung = (canvas.zones >= first) & (canvas.zones < first + 3)
    top = np.where(lung.any(0), lung.argmax(0), canvas.size).astype(np.float32)
    high = np.clip(1 - (top - rows[0]) * canvas.spacing / rng.uniform(18, 32), 0, 1)
    uneven = power_noise(rng, canvas.size, canvas.spacing, (25, 90), 2.0)[int(rows[0])]
    thick = rng.uniform(5, 12) * np.sqrt(high) * np.clip(1 + 0.3 * uneven, 0.3, 1.7)
    down = (np.arange(canvas.size, dtype=np.float32)[:, None] - top[None, :]) * canvas.spacing
    part = np.clip((thick[None, :] - down) / 6 + 0.5, 0, 1) * lung
    tissue = np.minimum(np.float32(rng.uniform(9, 16)) * part, canvas.lung * 0.9)
    canvas.soft[...] += np.asarray(tissue * canvas.contrast, np.float32)
    canvas.mark((slice(None), slice(None)), part > 0.5, TUBERCULOSIS)


def _miliary(rng: np.random.Generator, canvas: Canvas) -> None:
    """Eight grains per cm2 of 1.9 mm in all zones alike."""
    area = float(canvas.field.sum()) * (canvas.spacing / 10) ** 2
    weights = np.where(canvas.field, canvas.lung, 0).astype(np.float32)
    place = pick_points(rng, weights, int(rng.poisson(8 * area)))
    mm = np.clip(rng.normal(1.9, 0.24, len(place[0])), 1, 3).astype(np.float32)
    paint_balls(canvas, place, mm, 1.25 - canvas.density, TUBERCULOSIS)


def _effusion(rng: np.random.Generator, canvas: Canvas, side: int) -> None:
    """Fluid that stands higher at the lateral wall."""
    rows, first = _lung_rows(canvas, side)
    if not rows.size:
        return
    lung = (canvas.zones >= first) & (canvas.zones < first + 3)
    level = rows[0] + rng.uniform(0.60, 0.88) * (rows[-1] - rows[0])
    cols = np.arange(canvas.size, dtype=np.float32)
    present = np.flatnonzero(lung.any(0))
    wall = present[0] if side < 0 else present[-1]
    inward = np.abs(cols - wall) * canvas.spacing
    rise = 38 * np.clip(1 - inward / 62, 0, 1) ** 2
    surface = level - rise / canvas.spacing
    down = (np.arange(canvas.size, dtype=np.float32)[:, None] - surface[None, :]) * canvas.spacing
    half = slice(0, canvas.size // 2) if side < 0 else slice(canvas.size // 2, canvas.size)
    part = np.zeros_like(canvas.lung)
    part[:, half] = np.clip(down[:, half] / 14 + 0.5, 0, 1)
    fluid = part * canvas.lung * np.float32(0.9 * canvas.contrast)
    canvas.soft[...] += fluid
    canvas.mark((slice(None), slice(None)), (part > 0.5) & lung, TUBERCULOSIS)
