"""What a digital radiography system does with the logarithmic signal before a reader sees it.

References:
    Dossier section 2.2 ("DR processing") and section 2.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import UsageError
from konio.phantom.physics import Detector
from konio.phantom.smooth import Floats, low_pass

#: Standard deviations of the bands, mm.
_BANDS: Final = (1.2, 4.0, 12.0, 38.0)


@dataclass(frozen=True, slots=True)
class Device:
    """One make of system: detector and processing.

    Args:
        detector: tube, dose, blur.
        compression: how much of the widest band is taken away.
        gains: ``(thin, dense)`` factors of the bands 4-12 mm, 1.2-4 mm and below 1.2 mm.
        steepness: slope of the final sigmoid.
        middle: its centre on the 0..1 scale.
        corner: brightness of unexposed background, 0 for black air.
    """

    detector: Detector
    compression: float = 0.42
    gains: tuple[tuple[float, float], ...] = ((1.6, 1.1), (2.7, 0.9), (1.5, 0.35))
    steepness: float = 2.7
    middle: float = 0.46
    corner: float = 0.0


#: The makes. None of them belongs to a class of people, unless a preset says so.
DEVICES: Final = MappingProxyType(
    {
        "alpha": Device(Detector()),
        "beta": Device(
            Detector(quanta=32_000, blur_mm=0.22),
            compression=0.34,
            gains=((1.45, 1.05), (2.2, 0.85), (1.2, 0.3)),
            steepness=3.1,
            middle=0.43,
            corner=0.03,
        ),
        "gamma": Device(
            Detector(quanta=70_000, blur_mm=0.12),
            compression=0.52,
            gains=((1.7, 1.2), (3.0, 1.1), (1.9, 0.45)),
            steepness=2.3,
            middle=0.50,
        ),
        "delta": Device(
            Detector(tube="90kV", quanta=40_000, blur_mm=0.18),
            compression=0.45,
            gains=((1.5, 1.1), (2.5, 0.9), (1.3, 0.35)),
            steepness=2.5,
            middle=0.42,
            corner=0.05,
        ),
    }
)


def device(name: str) -> Device:
    """The make of that name.

    Raises:
        UsageError: if there is none.
    """
    if name not in DEVICES:
        raise UsageError(f"device {name!r} is unknown; use one of {', '.join(DEVICES)}")
    return DEVICES[name]


def develop(
    signal: Floats, lungs: NDArray[np.bool_], body: NDArray[np.bool_], spacing: float, make: Device
) -> Floats:
    """The display picture, ``(N, N)`` float32 in 0..1, bright bone.

    Args:
        signal: negative logarithm of the exposure.
        lungs: lung fields.
        body: where the body is.
        spacing: mm per pixel.
        make: the processing.
    """
    bent = _shoulder(signal)
    b1, b2, b3, b4 = (low_pass(bent, sigma / spacing) for sigma in _BANDS)
    dense = np.clip((b2 - np.float32(2.1)) / np.float32(0.9), 0, 1)
    g2, g1, g0 = (np.float32(thin) + np.float32(deep - thin) * dense for thin, deep in make.gains)
    out = np.float32(1 - make.compression) * b4 + np.float32(1.05) * (b3 - b4)
    out += g2 * (b2 - b3) + g1 * (b1 - b2) + g0 * (bent - b1)
    low = np.percentile(out[lungs][::7], 1.5) if lungs.any() else np.percentile(out[::5, ::5], 5)
    high = np.percentile(out[body][::23], 99.8) + 0.12
    picture = _sigmoid((out - np.float32(low)) / np.float32(high - low), make)
    black = np.clip((signal - np.float32(0.25)) / np.float32(0.9), 0, 1) ** np.float32(0.8)
    picture = make.corner + (1 - make.corner) * np.maximum(picture, 0) * black
    return np.asarray(np.clip(picture, 0, 1), np.float32)


def _shoulder(signal: Floats) -> Floats:
    """Bends high densities so that the mediastinum keeps its detail."""
    clipped = np.clip(signal, np.float32(0.35), np.float32(np.percentile(signal[::5, ::5], 99.5)))
    soft = np.logaddexp(np.float32(0), (clipped - np.float32(2.5)) / np.float32(0.35))
    return np.asarray(clipped - np.float32(0.55 * 0.35) * soft, np.float32)


def _sigmoid(x: Floats, make: Device) -> Floats:
    """Logistic curve through (-0.12, 0) and (1.08, 1)."""
    k, x0 = make.steepness, make.middle
    ends = [1 / (1 + np.exp(-k * (v - x0))) for v in (-0.12, 1.08)]
    value = 1 / (1 + np.exp(np.float32(-k) * (x - np.float32(x0))))
    return np.asarray((value - ends[0]) / (ends[1] - ends[0]), np.float32)
