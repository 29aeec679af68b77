"""From millimetres of tissue to the detector's signal: spectrum, scatter, blur, quantum noise, logarithm.

References:
    Dossier section 2.2; attenuation values like those of NIST for water and cortical bone.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.phantom.smooth import Floats, low_pass

#: Part of the soft tissue that bone displaces.
_DISPLACED: Final = 0.35
#: Blur of the pixel aperture, pixels.
_APERTURE: Final = 0.42


@dataclass(frozen=True, slots=True)
class Tube:
    """Three energy bins: weight, attenuation of soft tissue and of cortical bone per cm."""

    weights: tuple[float, float, float]
    soft: tuple[float, float, float]
    bone: tuple[float, float, float]


#: 120 kV as GBZ 70-2015 appendix F asks (100-125 kV), and a low-voltage film.
TUBES: Final = MappingProxyType(
    {
        "120kV": Tube((0.35, 0.40, 0.25), (0.235, 0.200, 0.183), (0.8145, 0.503, 0.389)),
        "90kV": Tube((0.35, 0.40, 0.25), (0.285, 0.235, 0.215), (1.278, 0.8145, 0.6044)),
    }
)


@dataclass(frozen=True, slots=True)
class Detector:
    """How the signal is taken.

    Args:
        tube: key of `TUBES`.
        quanta: detected quanta per mm2 without a patient.
        blur_mm: standard deviation of focal spot and detector, mm.
    """

    tube: str = "120kV"
    quanta: float = 45_000.0
    blur_mm: float = 0.16


def primary(soft: Floats, bone: Floats, tube: Tube) -> Floats:
    """Primary intensity, 1 without a patient: ``sum w exp(-mu_s t_s - (mu_b - 0.35 mu_s) t_b)``.

    Args:
        soft: ``(N, N)`` mm of water-equivalent soft tissue.
        bone: ``(N, N)`` mm of cortical bone.
        tube: the spectrum.
    """
    out = np.zeros_like(soft)
    for weight, mu_s, mu_b in zip(tube.weights, tube.soft, tube.bone, strict=True):
        depth = np.float32(mu_s / 10) * soft + np.float32((mu_b - _DISPLACED * mu_s) / 10) * bone
        out += np.float32(weight) * np.exp(-depth)
    return out


def expose(
    rng: np.random.Generator,
    soft: Floats,
    bone: Floats,
    lungs: NDArray[np.bool_],
    spacing: float,
    detector: Detector,
) -> Floats:
    """The negative logarithm of the detected signal, ``(N, N)`` float32.

    Args:
        rng: the film's generator.
        soft: mm of soft tissue.
        bone: mm of bone.
        lungs: the lung fields; they set the level of scatter.
        spacing: mm per pixel.
        detector: tube, dose and blur.
    """
    direct = primary(soft, bone, TUBES[detector.tube])
    level = float(np.median(direct[lungs])) if lungs.any() else float(np.median(direct))
    scatter = np.float32(0.19) * low_pass(direct, 40 / spacing) + np.float32(0.056 * level)
    sigma = float(np.hypot(_APERTURE, detector.blur_mm / spacing))
    signal = low_pass(direct, sigma) + scatter
    quanta = np.float32(detector.quanta * spacing**2)
    noise = rng.standard_normal(signal.shape, dtype=np.float32)
    counted = signal * quanta + noise * np.sqrt(signal * quanta + np.float32(25))
    return np.asarray(-np.log(np.maximum(counted / quanta, np.float32(1e-4))), np.float32)
