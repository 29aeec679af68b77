"""Nodules whose answer is plain to see: bright and large ones are rated high. For tests of training only."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from konio.nodules import RATED, SCALES, Nodule, Readings
from konio.prepare.nodule import NodulePreparation


def readings(count: int, seed: int = 0, patients: int | None = None) -> Readings:
    """Nodules of patients with four readers each; every tenth nodule was read by two people."""
    rng = np.random.default_rng(seed)
    nodules = []
    for row in range(count):
        grade = int(rng.integers(1, 6))
        readers = 2 if row % 10 == 9 else 4
        ratings = {
            name: tuple(
                int(np.clip(grade + rng.integers(-1, 2), 1, len(SCALES[name])))
                for _ in range(readers)
            )
            for name in RATED
        }
        nodules.append(
            Nodule(
                nodule_id=str(row),
                patient_id=f"p{row % (patients or count)}",
                ratings=ratings,
                diameter_mm=3.0 + 3.0 * grade,
                index=row,
            )
        )
    return Readings(tuple(nodules))


def cut(nodule: Nodule, preparation: NodulePreparation) -> NDArray[np.float32]:
    """A ball as bright as its first malignancy grade in noisy air."""
    rng = np.random.default_rng(nodule.index)
    shape = preparation.kept.voxels
    places = [np.arange(n) - (n - 1) / 2 for n in shape]
    z, y, x = np.meshgrid(*places, indexing="ij")
    ball = np.sqrt(z**2 + y**2 + x**2) < math.sqrt(nodule.diameter_mm or 1)
    grade = nodule.ratings["malignancy"][0] or 1
    hu = np.where(ball, -600 + 180 * grade, -850) + rng.normal(0, 20, shape)
    return hu.astype(np.float32)
