"""A cube around a point of a CT, on a grid of its own: the tensor's raw material.

The cube's axes are the patient's (z to the head, y to the back, x to the left) whatever the scan's own axes are. Its
voxels are sampled from the slab that holds them; where they are coarser than the scan's, the scan is averaged over
them, so that noise and vessels do not alias.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import RefusedError, UsageError
from konio.io.grid import Grid
from konio.io.volume import Volume

#: LUNA16 leaves out scans with thicker slices; so does every figure the networks are measured by.
MAX_THICKNESS_MM: Final = 2.5
#: Axes count as the scan's own axes if no direction cosine is further from 0 or 1.
_STRAIGHT: Final = 1e-4
_ROUNDING: Final = 1.001

Floats = NDArray[np.float32]
Ends = tuple[int, int]
Threefold = float | tuple[float, float, float]


def cube(
    volume: Volume,
    at_mm: tuple[float, float, float],
    side_mm: Threefold,
    voxels: int | tuple[int, int, int],
    outside: float = -1024.0,
) -> Floats:
    """The surroundings of a point, resampled.

    Voxel ``i`` of ``n`` along an axis has its centre at ``at + ((i + 0.5) / n - 0.5) * side``. Linear
    interpolation; along an axis on which the cube is coarser than the scan, the tent is as wide as a voxel of the cube.
    If the scan's axes are oblique to the patient's, points are interpolated linearly and averaged over up to
    four points per voxel and axis.

    Args:
        volume: the scan.
        at_mm: centre, world ``(x, y, z)``.
        side_mm: extent of the cube, one number or ``(z, y, x)``, millimetres.
        voxels: number of voxels, one number or ``(z, y, x)``.
        outside: HU of what lies outside the scan.

    Returns:
        ``voxels`` float32, HU, ``(z, y, x)``.

    Raises:
        UsageError: on sides or voxels that are not above 0.
        RefusedError: ``outside-scan`` if no part of the cube lies in the scan, ``missing-slices`` if a slice it needs
            does not exist, or what reading refuses.

    Examples:
        >>> grid = Grid((8, 8, 8), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
        >>> ramp = np.broadcast_to(np.arange(8, dtype=np.int16), (8, 8, 8)).copy()
        >>> cube(Volume.from_array(ramp, grid), (3.5, 3.5, 3.5), 4.0, 4)[0, 0].tolist()
        [2.0, 3.0, 4.0, 5.0]
    """
    sides = np.array(_three(side_mm), np.float64)
    counts = np.array(_three(voxels), np.int64)
    if not (sides > 0).all() or not (counts > 0).all():
        raise UsageError(
            f"a cube of {side_mm} mm and {voxels} voxels is empty; give numbers above 0"
        )
    axes = _axes(volume.grid)
    if axes is None:
        return _oblique(volume, np.array(at_mm), sides, counts, outside)
    return _straight(volume, np.array(at_mm), sides, counts, axes, outside)


def admit(
    volume: Volume, at_mm: tuple[float, float, float], side_mm: Threefold = 32.0
) -> tuple[str, ...]:
    """Whether a scan can answer questions about a place, and what a reader should know about it.

    Args:
        volume: the scan.
        at_mm: the place, world ``(x, y, z)``.
        side_mm: the extent that will be looked at, one number or ``(z, y, x)``.

    Returns:
        The scan's notes, and that part of the cube lies outside the scan where it does.

    Raises:
        RefusedError: ``outside-scan``, ``thick-slices`` (above `MAX_THICKNESS_MM`, as in LUNA16), ``missing-slices``.
    """
    grid = volume.grid
    if not grid.contains(at_mm):
        raise RefusedError("outside-scan", ", ".join(f"{c:.1f}" for c in at_mm) + " mm")
    thickest = max(grid.spacing_mm[2], volume.thickness_mm or 0.0)
    if thickest > MAX_THICKNESS_MM * _ROUNDING:
        raise RefusedError("thick-slices", f"{thickest:.3g} mm")
    low, high = _bounds(grid, np.array(at_mm), np.array(_three(side_mm), np.float64))
    first, last = max(int(np.floor(low[0])), 0), min(int(np.ceil(high[0])), grid.shape[0] - 1)
    gaps = sum(index in volume.missing for index in range(first, last + 1))
    if gaps:
        raise RefusedError("missing-slices", f"{gaps} of {last - first + 1} needed")
    cut = bool((low < -0.5).any() or (high > np.array(grid.shape) - 0.5).any())
    return (*volume.notes, *(("part of the cube lies outside the scan",) if cut else ()))


def _three(value: float | tuple[float, float, float]) -> tuple[float, float, float]:
    return value if isinstance(value, tuple) else (value, value, value)


def _axes(grid: Grid) -> tuple[int, int, int] | None:
    """For each axis of the cube (z, y, x) the axis of the array that runs along it, or ``None`` if oblique."""
    matrix = np.abs(grid.matrix)
    if not np.all((matrix < _STRAIGHT) | (matrix > 1 - _STRAIGHT)):
        return None
    array_of_world = [2 - int(np.argmax(matrix[world])) for world in (2, 1, 0)]
    return (array_of_world[0], array_of_world[1], array_of_world[2])


def _straight(
    volume: Volume,
    at: NDArray[np.float64],
    sides: NDArray[np.float64],
    counts: NDArray[np.int64],
    axes: tuple[int, int, int],
    outside: float,
) -> Floats:
    """One small matrix of weights for each axis."""
    grid = volume.grid
    centre = grid.to_voxel(at)
    steps = np.array(grid.spacing_mm[::-1])
    parts: list[Ends] = [(0, 0)] * 3
    weights: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * 3
    for k, axis in enumerate(axes):
        sign = float(np.sign(grid.matrix[2 - k, 2 - axis]))
        offsets = ((np.arange(counts[k]) + 0.5) / counts[k] - 0.5) * sides[k]
        places = centre[axis] + sign * offsets / steps[axis]
        reach = max(sides[k] / counts[k] / steps[axis], 1.0)
        parts[axis], weights[axis] = _tents(places, reach, grid.shape[axis])
    (z, y, x) = (slice(*part) for part in parts)
    out: Floats = volume.box(z, y, x).astype(np.float32)
    for axis in range(3):
        out = np.moveaxis(np.tensordot(weights[axis], out, (1, axis)), 0, axis)
    inside = [w.sum(axis=1) for w in weights]
    known = inside[0][:, None, None] * inside[1][None, :, None] * inside[2][None, None, :]
    out += np.float32(outside) * (1 - known)
    return np.ascontiguousarray(np.transpose(out, axes))


def _tents(
    places: NDArray[np.float64], reach: float, size: int
) -> tuple[Ends, NDArray[np.float32]]:
    """Weights of the scan's voxels for each place along one axis.

    Args:
        places: fractional indices, ``(n,)``.
        reach: half the width of the tent in voxels, at least 1.
        size: voxels of the scan along the axis.

    Returns:
        First and last index (exclusive) that any place needs, and ``(n, last - first)`` weights; a row sums to 1, or to
        0 where the place lies outside the scan.
    """
    within = (places >= -0.5) & (places <= size - 0.5)
    if not within.any():
        raise RefusedError("outside-scan", "no part of the cube")
    held = np.clip(places[within], 0, size - 1)
    first = max(int(np.floor(held.min() - reach)) + 1, 0)
    last = min(int(np.ceil(held.max() + reach)), size)
    indices = np.arange(first, max(last, first + 1))
    clipped = np.clip(places, 0, size - 1)
    tent = np.maximum(1 - np.abs(indices[None, :] - clipped[:, None]) / reach, 0)
    tent /= np.maximum(tent.sum(axis=1, keepdims=True), 1e-12)
    tent[~within] = 0
    return (first, int(indices[-1]) + 1), tent.astype(np.float32)


def _bounds(
    grid: Grid, at: NDArray[np.float64], sides: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest and largest fractional index of a cube's corners."""
    corners = np.stack(np.meshgrid(*[(-0.5, 0.5)] * 3, indexing="ij"), -1).reshape(-1, 3)
    index = grid.to_voxel(at + (corners * sides)[:, ::-1])
    return index.min(axis=0), index.max(axis=0)


def _oblique(
    volume: Volume,
    at: NDArray[np.float64],
    sides: NDArray[np.float64],
    counts: NDArray[np.int64],
    outside: float,
) -> Floats:
    """Trilinear interpolation at every point; several points a voxel where the cube is coarser than the scan."""
    from scipy.ndimage import map_coordinates

    grid = volume.grid
    low, high = _bounds(grid, at, sides)
    shape = np.array(grid.shape)
    first = np.clip(np.floor(low).astype(int), 0, None)
    last = np.minimum(np.ceil(high).astype(int) + 1, shape)
    if np.any(last <= first):
        raise RefusedError("outside-scan", "no part of the cube")
    slab = volume.box(*(slice(a, b) for a, b in zip(first, last, strict=True))).astype(np.float32)
    finest = min(grid.spacing_mm)
    times = np.clip(np.rint(sides / counts / finest), 1, 4).astype(int)
    fine = counts * times
    lines = [((np.arange(n) + 0.5) / n - 0.5) * side for n, side in zip(fine, sides, strict=True)]
    offsets = np.stack(np.meshgrid(*lines, indexing="ij"), -1)
    index = np.moveaxis(grid.to_voxel(at + offsets[..., ::-1]), -1, 0)
    beyond = np.any((index < -0.5) | (index > (shape - 0.5)[:, None, None, None]), axis=0)
    local = index - first[:, None, None, None]
    sampled = map_coordinates(slab, local, order=1, mode="nearest", output=np.float32)
    sampled[beyond] = outside
    split = sampled.reshape(*np.stack([counts, times], 1).ravel().tolist())
    return np.asarray(split.mean(axis=(1, 3, 5)), np.float32)
