"""What happens to a film before the lung network learns from it.

Drawing a change and applying it are two functions. A change moves the film and its mask together, or alters the film
alone: other exposures, dense opacities drawn into the lungs (the mask keeps them, so that disease does not delete
lung), markers, wires and collimator edges. `no_lungs` makes pictures whose right answer is an empty mask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Opacity:
    """One dense opacity: an ellipse with a soft edge, anywhere inside a lung.

    Args:
        place: which lung pixel is its centre, 0..1 through the mask's pixels in reading order.
        radii: semi-axes in parts of the side.
        turn: angle of the first axis in radians.
        level: brightness it tends to, 0..1.
        strength: how far it goes there, 0..1.
        softness: width of the edge, in radii.
    """

    place: float
    radii: tuple[float, float]
    turn: float
    level: float
    strength: float
    softness: float


@dataclass(frozen=True, slots=True)
class FilmChange:
    """Everything drawn for one film.

    Args:
        mirror: left and right exchanged, masks too.
        turn: rotation in radians.
        zoom: ``(rows, columns)`` magnification.
        shift: ``(rows, columns)`` in parts of half the side.
        gamma: exponent of the brightness.
        window: brightness that becomes 0 and that becomes 1.
        blur: standard deviation in pixels, 0 for none.
        noise: standard deviation of white noise.
        dots: part of the lung's pixels that carry a small bright dot, and their height.
        veil: how much of each lung is veiled, ``(right, left)``, 0..1.
        opacities: dense opacities.
        marks: bright boxes (top, left, height, width in parts of the side, brightness).
        edges: width of a black border at top, left, bottom, right in parts of the side.
        seed: of the noise fields.
    """

    mirror: bool
    turn: float
    zoom: tuple[float, float]
    shift: tuple[float, float]
    gamma: float
    window: tuple[float, float]
    blur: float
    noise: float
    dots: tuple[float, float]
    veil: tuple[float, float]
    opacities: tuple[Opacity, ...]
    marks: tuple[tuple[float, float, float, float, float], ...]
    edges: tuple[float, float, float, float]
    seed: int


#: Leaves a film as it is.
NO_CHANGE = FilmChange(
    False, 0.0, (1.0, 1.0), (0.0, 0.0), 1.0, (0.0, 1.0), 0.0, 0.0, (0.0, 0.0), (0.0, 0.0), (), (), (0.0,) * 4, 0
)  # fmt: skip


def draw_change(rng: np.random.Generator, strength: float = 1.0) -> FilmChange:
    """Draw one change.

    Args:
        rng: the source of randomness.
        strength: 1 for the ranges of the recipe, 0 for none; scales geometry and exposure.
    """
    scale = math.exp(rng.uniform(-0.35, 0.25) * strength)
    aspect = math.exp(rng.normal(0, 0.08) * strength)
    sick = rng.random() < 0.6
    return FilmChange(
        mirror=bool(rng.random() < 0.5),
        turn=math.radians(rng.normal(0, 5.0) * strength),
        zoom=(scale * aspect, scale / aspect),
        shift=(rng.normal(0, 0.09) * strength, rng.normal(0, 0.09) * strength),
        gamma=math.exp(rng.normal(0, 0.35) * strength),
        window=(rng.uniform(-0.25, 0.25) * strength, 1 + rng.uniform(-0.25, 0.35) * strength),
        blur=max(0.0, rng.normal(0, 0.8)),
        noise=abs(rng.normal(0, 0.02)),
        dots=(rng.uniform(0, 0.08), rng.uniform(0.05, 0.4)) if sick else (0.0, 0.0),
        veil=_draw_veil(rng),
        opacities=tuple(_draw_opacity(rng) for _ in range(rng.integers(1, 6))) if sick else (),
        marks=tuple(_draw_mark(rng) for _ in range(rng.integers(0, 4))),
        edges=_draw_edges(rng),
        seed=int(rng.integers(2**31)),
    )


def _draw_veil(rng: np.random.Generator) -> tuple[float, float]:
    if rng.random() < 0.7:
        return (0.0, 0.0)
    both = rng.uniform(0, 0.6)
    other = both if rng.random() < 0.3 else rng.uniform(0, 0.2)
    return (both, other) if rng.random() < 0.5 else (other, both)


def _draw_opacity(rng: np.random.Generator) -> Opacity:
    long = math.exp(rng.uniform(math.log(0.02), math.log(0.2)))
    return Opacity(
        place=rng.random(),
        radii=(long, long * rng.uniform(0.4, 1.0)),
        turn=rng.uniform(0, math.pi),
        level=rng.uniform(0.65, 1.0),
        strength=rng.uniform(0.4, 1.0),
        softness=rng.uniform(0.05, 0.6),
    )


def _draw_mark(rng: np.random.Generator) -> tuple[float, float, float, float, float]:
    wire = rng.random() < 0.4
    height, width = (
        (rng.uniform(0.1, 0.5), 0.006)
        if wire
        else (rng.uniform(0.01, 0.08), rng.uniform(0.01, 0.12))
    )
    if rng.random() < 0.3:
        height, width = width, height
    return (rng.random(), rng.random(), height, width, rng.uniform(0.7, 1.0))


def _draw_edges(rng: np.random.Generator) -> tuple[float, float, float, float]:
    if rng.random() < 0.65:
        return (0.0, 0.0, 0.0, 0.0)
    top, left, bottom, right = (max(0.0, rng.normal(0, 0.04)) for _ in range(4))
    return (top, left, bottom, right)


def apply_change(
    film: Array, sides: NDArray[np.uint8], change: FilmChange
) -> tuple[Tensor, Tensor]:
    """Apply a drawn change.

    Args:
        film: ``(S, S)`` float32 in 0..1.
        sides: ``(S, S)`` uint8: 0 neither, 1 right lung, 2 left lung.
        change: what was drawn.

    Returns:
        Film ``(S, S)`` float32 in 0..1 and masks ``(2, S, S)`` float32 in 0..1, right and left lung.
    """
    both = torch.from_numpy(np.stack((film, sides == 1, sides == 2)).astype(np.float32))
    moved = _move(both, change)
    image, masks = moved[0], moved[1:]
    noise = torch.Generator().manual_seed(change.seed)
    image = _sicken(image, masks, change, noise)
    image = _expose(image, change, noise)
    for top, left, height, width, level in change.marks:
        _box(image, top, left, height, width).fill_(level)
    side = image.shape[0]
    for axis, (before, after) in enumerate(zip(change.edges[:2], change.edges[2:], strict=True)):
        rows = image if axis == 0 else image.T
        rows[: round(before * side)] = 0
        rows[side - round(after * side) :] = 0
    return image, masks


def _move(planes: Tensor, change: FilmChange) -> Tensor:
    """Mirror, rotate, scale and shift ``(3, S, S)`` planes; a mirrored right lung becomes a left lung."""
    if change.mirror:
        planes = planes.flip(-1)[[0, 2, 1]]
    if change.turn == 0 and change.zoom == (1.0, 1.0) and change.shift == (0.0, 0.0):
        return planes.clone()
    cos, sin = math.cos(change.turn), math.sin(change.turn)
    down, across = change.zoom
    matrix = torch.tensor(
        [
            [cos / across, -sin / across, -change.shift[1]],
            [sin / down, cos / down, -change.shift[0]],
        ],
        dtype=torch.float32,
    )
    grid = torch.nn.functional.affine_grid(matrix[None], [1, *planes.shape], align_corners=False)
    return torch.nn.functional.grid_sample(planes[None], grid, align_corners=False)[0]


def _sicken(image: Tensor, masks: Tensor, change: FilmChange, noise: torch.Generator) -> Tensor:
    lung = masks.amax(dim=0)
    density, height = change.dots
    if density > 0:
        dots = (torch.rand(image.shape, generator=noise) < density).float() * lung
        image = image + height * _blur(dots, 0.8) * 3
    for mask, veil in zip(masks, change.veil, strict=True):
        if veil > 0:
            cloud = 0.7 + 0.6 * _clouds_of(image.shape, noise)
            thick = (_blur(mask, 5.0) * veil * cloud).clamp(0, 1)
            image = image + (0.85 - image).clamp_min(0) * thick
    inside = torch.nonzero(lung > 0.5)
    for opacity in change.opacities if len(inside) else ():
        centre = inside[int(opacity.place * len(inside))]
        image = image + (opacity.level - image).clamp_min(0) * _ellipse(
            image.shape, centre, opacity
        )
    return image


def _clouds_of(shape: torch.Size, noise: torch.Generator) -> Tensor:
    coarse = torch.rand((1, 1, shape[0] // 16, shape[1] // 16), generator=noise) - 0.5
    return torch.nn.functional.interpolate(coarse, size=shape, mode="bicubic")[0, 0]


def _ellipse(shape: torch.Size, centre: Tensor, opacity: Opacity) -> Tensor:
    side = shape[0]
    rows = (torch.arange(side) - centre[0])[:, None] / side
    columns = (torch.arange(side) - centre[1])[None, :] / side
    cos, sin = math.cos(opacity.turn), math.sin(opacity.turn)
    along = (rows * cos + columns * sin) / opacity.radii[0]
    across = (columns * cos - rows * sin) / opacity.radii[1]
    radius = torch.sqrt(along**2 + across**2)
    return opacity.strength * torch.sigmoid((1 - radius) / (0.25 * opacity.softness))


def _expose(image: Tensor, change: FilmChange, noise: torch.Generator) -> Tensor:
    image = _blur(image, change.blur) if change.blur > 0.3 else image
    low, high = change.window
    image = ((image - low) / (high - low)).clamp(0, 1) ** change.gamma
    if change.noise > 0:
        image = image + change.noise * torch.randn(image.shape, generator=noise)
    return image.clamp(0, 1)


def _box(image: Tensor, top: float, left: float, height: float, width: float) -> Tensor:
    side = image.shape[0]
    first, start = round(top * side), round(left * side)
    return image[
        first : first + max(1, round(height * side)), start : start + max(1, round(width * side))
    ]


def _blur(plane: Tensor, sigma: float) -> Tensor:
    reach = max(1, math.ceil(2.5 * sigma))
    places = torch.arange(-reach, reach + 1, dtype=torch.float32)
    weights = torch.exp(-0.5 * (places / sigma) ** 2)
    weights = weights / weights.sum()
    padded = torch.nn.functional.pad(plane[None, None], (reach,) * 4, mode="replicate")
    once = torch.nn.functional.conv2d(padded, weights[None, None, :, None])
    return torch.nn.functional.conv2d(once, weights[None, None, None, :])[0, 0]


def no_lungs(film: Array, rng: np.random.Generator) -> Array:
    """A picture without two upright lungs, made from a film or from nothing.

    Args:
        film: ``(S, S)`` float32 in 0..1, a chest film.
        rng: the source of randomness.

    Returns:
        ``(S, S)`` float32 in 0..1: a film on its side or upside down, its negative, its shuffled parts, a magnified
        part of its lower end, an axial slice of a body, fingers, writing-like bars or noise.
    """
    makers = (_turned, _negative, _shuffled, _lower_end, _slice, _fingers, _bars, _clouds)
    return np.asarray(makers[rng.integers(len(makers))](film, rng).clip(0, 1), np.float32)


def _turned(film: Array, rng: np.random.Generator) -> Array:
    return np.rot90(film, int(rng.integers(1, 4)))


def _negative(film: Array, rng: np.random.Generator) -> Array:
    del rng
    return 1 - film


def _shuffled(film: Array, rng: np.random.Generator) -> Array:
    count = int(rng.integers(3, 7))
    size = film.shape[0] // count
    tiles = [
        film[i * size : (i + 1) * size, j * size : (j + 1) * size]
        for i in range(count)
        for j in range(count)
    ]
    order = rng.permutation(len(tiles))
    out = np.zeros_like(film)
    for place, tile in enumerate(order):
        i, j = divmod(place, count)
        out[i * size : (i + 1) * size, j * size : (j + 1) * size] = tiles[tile]
    return out


def _lower_end(film: Array, rng: np.random.Generator) -> Array:
    side = film.shape[0]
    size = int(side * rng.uniform(0.2, 0.3))
    top = int(rng.uniform(0.72, 0.78) * side) - size // 4
    left = int(rng.uniform(0.1, 0.6) * side)
    part = torch.from_numpy(film[top : top + size, left : left + size].copy())[None, None]
    grown = torch.nn.functional.interpolate(part, size=(side, side), mode="bilinear")
    return np.asarray(grown[0, 0].numpy(), np.float32)


def _grid(side: int) -> tuple[Array, Array]:
    rows, columns = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    return rows, columns


def _slice(film: Array, rng: np.random.Generator) -> Array:
    rows, columns = _grid(film.shape[0])
    width, height = rng.uniform(0.7, 0.95), rng.uniform(0.45, 0.75)
    out = np.where((columns / width) ** 2 + (rows / height) ** 2 < 1, rng.uniform(0.5, 0.8), 0.0)
    for middle in (-1, 1):
        air = ((columns - middle * 0.48 * width) / (0.36 * width)) ** 2 + (
            (rows + 0.05) / (0.62 * height)
        ) ** 2 < 1
        out = np.where(air, rng.uniform(0.0, 0.2) + 0.05 * film, out)
    spine = columns**2 + (rows - 0.55 * height) ** 2 < 0.012
    return np.asarray(np.where(spine, 1.0, out), np.float32)


def _fingers(film: Array, rng: np.random.Generator) -> Array:
    rows, columns = _grid(film.shape[0])
    out = np.full_like(film, rng.uniform(0, 0.2))
    for _ in range(int(rng.integers(3, 8))):
        turn = rng.normal(0, 0.4)
        along = rows * math.cos(turn) + columns * math.sin(turn) - rng.uniform(-0.5, 0.5)
        across = columns * math.cos(turn) - rows * math.sin(turn) - rng.uniform(-0.8, 0.8)
        width = rng.uniform(0.04, 0.15)
        profile = np.sqrt(np.clip(1 - (across / width) ** 2, 0, 1)) * (np.abs(along) < 0.6)
        out = np.maximum(out, rng.uniform(0.4, 1.0) * profile)
    return np.asarray(out, np.float32)


def _bars(film: Array, rng: np.random.Generator) -> Array:
    out = np.full_like(film, rng.integers(2))
    ink = 1 - out[0, 0]
    side = film.shape[0]
    for _ in range(int(rng.integers(10, 200))):
        top, left = rng.integers(0, side, 2)
        out[top : top + rng.integers(1, 8), left : left + rng.integers(1, 40)] = ink
    return out


def _clouds(film: Array, rng: np.random.Generator) -> Array:
    side = film.shape[0]
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((side, side))) / frequency ** rng.uniform(0, 2)
    field = np.fft.irfft2(spectrum, s=(side, side))
    return np.asarray(0.5 + field / (4 * field.std()), np.float32)
