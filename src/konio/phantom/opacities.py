"""Small opacities p, q, r, s, t, u by zone, aggregation, and large opacities.

The densities per cm2 are a convention of this phantom, anchored at about three p per cm2 for level 1 by
the notes to GB 5906-1986; they are no clinical fact.

References:
    Dossier section 2.3 ("Small opacities", "Aggregation", "Large opacities").
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.phantom.canvas import LARGE, MIDDLE, SMALL, Canvas
from konio.phantom.shapes import Outline, disc_pixels, fill, lens, pick_points, strands
from konio.phantom.smooth import Floats, power_noise
from konio.phantom.strokes import add_points

#: Opacities of type p per cm2 of lung field for the twelve categories ``0/-`` ... ``3/+``.
DENSITY: Final = (0.0, 0.15, 0.9, 1.8, 2.6, 3.7, 5.2, 7.2, 9.6, 12.5, 16.0, 21.0)


@dataclass(frozen=True, slots=True)
class Form:
    """One type of small opacity.

    Args:
        factor: of the density of type p.
        mm: median diameter (rounded) or width (irregular).
        spread: standard deviation of its logarithm.
        density: g/cm3 at 0.84 mm per pixel.
        fine: g/cm3 at 0.42 mm per pixel or less.
        irregular: strand instead of ball.
    """

    factor: float
    mm: float
    spread: float
    density: float
    fine: float
    irregular: bool = False


#: A p of 1.3 mm is below one pixel of 0.84 mm: its density carries a gain so that it can be seen there.
FORMS: Final = MappingProxyType(
    {
        "p": Form(1.0, 1.3, 0.15, 2.3, 1.4),
        "q": Form(0.55, 2.4, 0.16, 1.45, 1.2),
        "r": Form(0.16, 4.6, 0.22, 0.95, 0.95),
        "s": Form(0.30, 1.1, 0.15, 1.5, 1.2, irregular=True),
        "t": Form(0.22, 2.1, 0.16, 1.1, 1.0, irregular=True),
        "u": Form(0.08, 4.5, 0.20, 0.8, 0.8, irregular=True),
    }
)


@dataclass(frozen=True, slots=True)
class SmallPlan:
    """What small opacities a film shows.

    Args:
        levels: category 0..11 of the density drawn in each of the six zones.
        coverage: covered part of each zone, 0..1.
        primary: predominant type.
        secondary: the other type that is present, or the same.
        aggregated: zones (0..5) with a cluster.
        calcified: part of the rounded opacities that carry calcium.
    """

    levels: tuple[int, ...]
    coverage: tuple[float, ...]
    primary: str
    secondary: str
    aggregated: tuple[int, ...] = ()
    calcified: float = 0.0

    @property
    def letters(self) -> str:
        """The two letters of the notation, as ``q/t``."""
        return f"{self.primary}/{self.secondary}"


@dataclass(frozen=True, slots=True, eq=False)
class LargePlan:
    """One large opacity: outline on the film, side (-1 is the patient's right), place and thickness.

    Args:
        outline: its shape, mm on the film.
        side: -1 or 1.
        gap: from the lateral wall to its edge, mm.
        height: 0 (apex) to 1 (dome) along the lung.
        tilt: against the wall, degrees.
        depth: thickness as a multiple of its width.
    """

    outline: Outline
    side: int
    gap: float
    height: float
    tilt: float
    depth: float


def draw_small(rng: np.random.Generator, canvas: Canvas, plan: SmallPlan) -> None:
    """Paints all small opacities of a plan and marks them."""
    if not any(plan.levels) and not plan.aggregated:
        return
    patchy = power_noise(rng, canvas.size, canvas.spacing, (12, 120), 2.5)
    weights = np.where(canvas.field, canvas.lung * np.exp(np.float32(0.35) * patchy), 0)
    weights[canvas.lesions == LARGE] = 0
    weights = np.asarray(weights * _thinned(canvas), np.float32)
    for zone in range(6):
        where = canvas.zones == zone + 1
        if not where.any():
            continue
        box = _extent(where)
        shares = ((plan.primary, 0.75), (plan.secondary, 0.25))
        covered = _covered(weights[box], patchy[box], where[box], plan.coverage[zone])
        area = float(where.sum()) * (canvas.spacing / 10) ** 2
        for letter, share in shares:
            mean = DENSITY[plan.levels[zone]] * FORMS[letter].factor * share
            count = int(rng.poisson(mean * area * plan.coverage[zone]))
            rows, cols = pick_points(rng, covered, count)
            if zone in plan.aggregated:
                extra = _cluster(rng, canvas, covered, mean)
                rows, cols = np.append(rows, extra[0]), np.append(cols, extra[1])
            rows, cols = rows + box[0].start, cols + box[1].start
            level = plan.levels[zone] // 3
            _paint(rng, canvas, letter, (rows, cols), level, plan.calcified)


def _extent(where: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, cols = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)


def _thinned(canvas: Canvas) -> Floats:
    """Around a large opacity the small ones become fewer."""
    if not (canvas.lesions == LARGE).any():
        return np.ones_like(canvas.lung)
    from konio.phantom.smooth import low_pass

    near = low_pass((canvas.lesions == LARGE).astype(np.float32), 9 / canvas.spacing)
    return np.asarray(1 - 0.6 * np.clip(near * 2, 0, 1), np.float32)


def _covered(weights: Floats, patchy: Floats, where: NDArray[np.bool_], coverage: float) -> Floats:
    """Weights in the covered part of a zone: its most favourable pixels."""
    floor = np.quantile(patchy[where][::3], 1 - min(coverage, 1.0))
    return np.asarray(np.where(where & (patchy >= floor), weights, 0), np.float32)


def _cluster(
    rng: np.random.Generator, canvas: Canvas, weights: Floats, mean: float
) -> tuple[Floats, Floats]:
    """Extra opacities around one point: three to four times the zone's density."""
    centre = pick_points(rng, weights, 1)
    if not centre[0].size:
        return centre
    sigma = rng.uniform(10, 18)
    times = rng.uniform(2.0, 3.0)
    count = int(rng.poisson(mean * times * 2 * np.pi * (sigma / 10) ** 2))
    spread = sigma / canvas.spacing
    rows = rng.normal(centre[0][0], spread, count).astype(np.float32)
    cols = rng.normal(centre[1][0], spread, count).astype(np.float32)
    r, c = np.round(rows).astype(int), np.round(cols).astype(int)
    inside = (r >= 0) & (r < weights.shape[0]) & (c >= 0) & (c < weights.shape[1])
    inside[inside] = weights[r[inside], c[inside]] > 0
    return rows[inside], cols[inside]


def density_at(form: Form, spacing: float) -> float:
    """Density of a form at a pixel spacing, g/cm3; coarse pixels carry the visibility gain."""
    return float(np.interp(spacing, (0.42, 0.84), (form.fine, form.density)))


def ball_mass(diameter_mm: Floats, density: float, spacing: float) -> Floats:
    """Sum over pixels of the thickness (mm) of balls of a density over lung, as magnified on the film."""
    volume = np.pi / 6 * diameter_mm**3
    return np.asarray(volume * density * (MIDDLE / spacing) ** 2, np.float32)


def _paint(
    rng: np.random.Generator,
    canvas: Canvas,
    letter: str,
    place: tuple[Floats, Floats],
    level: int,
    calcified: float,
) -> None:
    form = FORMS[letter]
    count = len(place[0])
    if not count:
        return
    swell = 1 + 0.15 * max(level - 1, 0)
    mm = (form.mm * swell * np.exp(rng.normal(0, form.spread, count))).astype(np.float32)
    mm = np.minimum(mm, np.float32(9.5))
    if form.irregular:
        _paint_strands(rng, canvas, form, place, mm)
        return
    over = density_at(form, canvas.spacing) - canvas.density
    paint_balls(canvas, place, mm, over, SMALL)
    chalk = rng.random(count) < calcified
    if chalk.any():
        spots = (place[0][chalk], place[1][chalk])
        sigma = np.sqrt((mm[chalk] * canvas.pixels(0.5)) ** 2 / 5 + 0.45**2)
        mass = ball_mass(mm[chalk], 0.45, canvas.spacing)
        add_points(canvas.bone, spots[0], spots[1], sigma.astype(np.float32), mass)


def paint_balls(
    canvas: Canvas, place: tuple[Floats, Floats], diameter_mm: Floats, over: float, kind: int
) -> None:
    """Adds balls as spots with their exact mass and second moment (``sigma^2 = r^2/5``) and marks them."""
    radius = diameter_mm * np.float32(canvas.pixels(0.5))
    sigma = np.sqrt(radius**2 / 5 + 0.45**2).astype(np.float32)
    add_points(canvas.soft, *place, sigma, ball_mass(diameter_mm, over, canvas.spacing))
    whole = (slice(None), slice(None))
    discs = disc_pixels(canvas.size, *place, radius.astype(np.float32))
    canvas.mark(whole, discs & canvas.field, kind)


def _paint_strands(
    rng: np.random.Generator, canvas: Canvas, form: Form, place: tuple[Floats, Floats], mm: Floats
) -> None:
    count = len(mm)
    length = rng.uniform(5, 14, count) * canvas.pixels(1.0)
    angle = rng.uniform(0, np.pi, count)
    half = np.stack([np.sin(angle), np.cos(angle)], 1) * length[:, None] / 2
    centre = np.stack(place, 1)
    bend = rng.normal(0, 0.5, count) * 0.3
    over = density_at(form, canvas.spacing) - canvas.density
    plane = strands(canvas, centre - half, centre + half, mm / 2, bend, over)
    plane *= canvas.field
    canvas.soft[...] += plane
    canvas.mark((slice(None), slice(None)), plane > 0.3 * form.mm * over, SMALL)


def draw_large(rng: np.random.Generator, canvas: Canvas, plan: LargePlan) -> None:
    """Paints one large opacity with its strands and the emphysema beside it, and marks it."""
    seat = _seat(canvas, plan)
    if seat is None:
        return
    row, col, angle = seat
    box, radius = fill(canvas, plan.outline, row, col, angle)
    grain = power_noise(rng, canvas.size, canvas.spacing, (3, 30), 2.0)[box]
    thickness = lens(radius, 0.18) * np.float32(2 * plan.outline.half_short / MIDDLE * plan.depth)
    thickness *= 0.85 * (1 + 0.12 * grain)
    limit = np.maximum(canvas.lung[box] * 0.85, 6)
    canvas.soft[box] += np.minimum(thickness, limit) * np.float32(canvas.contrast)
    canvas.mark(box, radius < 1, LARGE)
    _scar(rng, canvas, plan, (row, col))


def _seat(canvas: Canvas, plan: LargePlan) -> tuple[float, float, float] | None:
    """Row, column and angle of a large opacity beside the lateral wall of its lung."""
    first = 1 if plan.side < 0 else 4
    lung = (canvas.zones >= first) & (canvas.zones < first + 3)
    rows = np.flatnonzero(lung.any(1))
    if rows.size < 12:
        return None
    row = float(rows[0] + plan.height * (rows[-1] - rows[0]))

    def wall(at: float) -> float:
        cols = np.flatnonzero(lung[int(np.clip(at, rows[0], rows[-1]))])
        if not cols.size:
            return canvas.size / 2
        return float(cols[0] if plan.side < 0 else cols[-1])

    step = 12 / canvas.spacing
    lean = np.arctan2(wall(row + step) - wall(row - step), 2 * step)
    inward = (plan.gap + plan.outline.half_short) / canvas.spacing
    col = wall(row) - plan.side * inward
    return row, col, float(-lean + np.radians(plan.tilt))


def _scar(
    rng: np.random.Generator, canvas: Canvas, plan: LargePlan, seat: tuple[float, float]
) -> None:
    """Strands to the hilum and to the wall, and lung of less density outside and below."""
    row, col = seat
    reach = plan.outline.half_long / canvas.spacing
    wide = plan.outline.half_short / canvas.spacing
    hilum = np.array([row + 22 / canvas.spacing, col - plan.side * (wide + 42 / canvas.spacing)])
    counts = (10, 5)
    start = np.array([row, col]) + rng.normal(0, 1, (15, 2)) * [0.45 * reach, 0.3 * wide]
    ends = [
        hilum + rng.normal(0, 9 / canvas.spacing, (counts[0], 2)),
        np.array([row, col + plan.side * (wide + plan.gap * 0.7 / canvas.spacing)])
        + rng.normal(0, 1, (counts[1], 2)) * [0.6 * reach, 5 / canvas.spacing],
    ]
    plane = strands(
        canvas, start, np.concatenate(ends), rng.uniform(0.5, 1.0, 15), rng.normal(0, 0.12, 15), 0.6
    )
    canvas.soft[...] += plane * canvas.field
    below = Outline(plan.outline.half_long * 1.1, plan.outline.half_short * 1.4, plan.outline.waves)
    at = (row + 0.7 * reach, col + plan.side * wide * 1.1)
    box, radius = fill(canvas, below, at[0], at[1], 0.0)
    loss = 0.45 * np.clip(1.3 - radius, 0, 1)
    canvas.aeration[box] *= np.asarray(1 - loss, np.float32)
