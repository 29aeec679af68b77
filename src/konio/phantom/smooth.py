"""Low-pass, resampling and correlated noise on square float32 pictures, the same bytes on any machine load.

Sums run in a fixed order (sparse bands instead of threaded matrix products).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
import scipy.sparse as sp
from numpy.typing import NDArray

#: Planes are float32; coordinates of points may be float64.
Floats = NDArray[Any]


def _mirror(index: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    index = np.mod(index, 2 * n)
    return np.where(index < n, index, 2 * n - 1 - index)


def _band(weights: NDArray[np.float64], index: NDArray[np.int64], columns: int) -> sp.csr_matrix:
    rows = np.repeat(np.arange(len(weights)), weights.shape[1])
    matrix = sp.coo_matrix(
        (weights.ravel(), (rows, _mirror(index, columns).ravel())), (len(weights), columns)
    )
    return sp.csr_matrix(matrix, dtype=np.float32)


@lru_cache(maxsize=64)
def _gaussian(n: int, sigma: float) -> tuple[sp.csr_matrix, sp.csr_matrix | None]:
    """Band matrices: low-pass to a thinned grid, and back (``None`` where not thinned)."""
    step = max(1, int(sigma / 2.0))
    kept = -(-n // step)
    centre = (np.arange(kept) + 0.5) * (n / kept) - 0.5
    reach = int(np.ceil(3.2 * sigma))
    index = np.round(centre).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * ((index - centre[:, None]) / sigma) ** 2)
    down = _band(weights / weights.sum(1, keepdims=True), index, n)
    return down, (None if step == 1 else _cubic(kept, n))


@lru_cache(maxsize=64)
def _cubic(source: int, target: int) -> sp.csr_matrix:
    """Catmull-Rom resampling of ``source`` cells to ``target`` cells over the same length."""
    place = (np.arange(target) + 0.5) * (source / target) - 0.5
    base = np.floor(place).astype(np.int64)
    t = place - base
    weights = np.stack(
        [
            -0.5 * t + t**2 - 0.5 * t**3,
            1 - 2.5 * t**2 + 1.5 * t**3,
            0.5 * t + 2 * t**2 - 1.5 * t**3,
            -0.5 * t**2 + 0.5 * t**3,
        ],
        axis=1,
    )
    return _band(weights, base[:, None] + np.arange(-1, 3), source)


def _both(matrix: sp.csr_matrix, picture: Floats) -> Floats:
    half = np.ascontiguousarray((matrix @ np.ascontiguousarray(picture)).T)
    return np.ascontiguousarray((matrix @ half).T)


def low_pass(picture: Floats, sigma_px: float) -> Floats:
    """Gaussian low-pass of a square picture, mirrored at its edges.

    Args:
        picture: ``(N, N)`` float32.
        sigma_px: standard deviation, pixels; 0.3 or less returns the picture itself.
    """
    if sigma_px <= 0.3:
        return picture
    down, up = _gaussian(picture.shape[0], round(float(sigma_px), 4))
    small = _both(down, picture)
    return small if up is None else _both(up, small)


def resample(picture: Floats, size: int) -> Floats:
    """Cubic resampling of a square picture to ``size`` x ``size`` over the same field."""
    if picture.shape[0] == size:
        return picture
    return _both(_cubic(picture.shape[0], size), picture)


def power_noise(
    rng: np.random.Generator, size: int, spacing: float, band_mm: tuple[float, float], slope: float
) -> Floats:
    """Unit-variance noise with power spectrum f^-slope between two wavelengths.

    The random numbers are drawn on a grid of at most 512 cells and resampled, so that the same person
    has the same texture at every film size.

    Args:
        rng: the film's generator.
        size: edge length, pixels.
        spacing: mm per pixel.
        band_mm: shortest and longest wavelength, mm.
        slope: exponent of the power spectrum.
    """
    cells = 256 if band_mm[0] >= 6 else 512
    step = spacing * size / cells
    white = rng.standard_normal((cells, cells), dtype=np.float32)
    spectrum = scipy.fft.rfft2(white)
    fy = np.fft.fftfreq(cells, step).astype(np.float32)[:, None]
    fx = np.fft.rfftfreq(cells, step).astype(np.float32)[None, :]
    f = np.sqrt(fy * fy + fx * fx)
    keep = (f >= 1 / band_mm[1]) & (f <= 1 / band_mm[0])
    f[0, 0] = 1
    shaped = spectrum * np.where(keep, f ** np.float32(-slope / 2), np.float32(0))
    noise = scipy.fft.irfft2(shaped, s=(cells, cells)).astype(np.float32)
    noise /= np.float32(noise.std() + 1e-12)
    return resample(noise, size)
