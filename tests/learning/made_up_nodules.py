"""Nodules whose answer is plain to see: bright and large ones are rated high. For tests of training only."""

from __future__ import annotations

import csv
import math
from pathlib import Path

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


def write_slices(folder: Path, count: int = 24, seed: int = 1, patient: str = "p{}") -> Path:
    """Disks whose size and brightness go with every grade, in the files of the collection of slices.

    Args:
        folder: is made.
        count: of nodules, two of each patient; fewer of the same seed are the first ones of more.
        seed: of the noise.
        patient: what a patient is called, by his number.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir()
    pixels = np.full((count, 71, 71), -850, np.int16)
    y, x = np.mgrid[:71, :71] - 35
    columns = ["index", "nodule_id", "patient_id", "study_uid", "pixel_spacing_mm", "diameter_mm"]
    columns += [f"{name.replace('_', '')}_{k}" for name in RATED for k in range(1, 5)]
    with (folder / "nodules.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in range(count):
            grade = 1 + 3 * (row % 2)
            diameter = 5.0 * grade
            pixels[row][x**2 + y**2 < (diameter / 1.4) ** 2] = 40 * grade
            rated = {c: str(grade) for c in columns[6:] if not c.startswith(("internal", "calc"))}
            rated |= {c: "1" for c in columns if c.startswith("internal")}
            rated |= {c: "6" if grade > 1 else "3" for c in columns if c.startswith("calc")}
            rated["internalstructure_1"] = "5"  # the slip of the real collection
            fixed = dict(
                zip(
                    columns,
                    (row, row, patient.format(row // 2), "uid", 0.7, diameter),
                    strict=False,
                )
            )
            writer.writerow(fixed | rated)
    pixels += rng.normal(0, 20, pixels.shape).astype(np.int16)
    np.savez_compressed(folder / "slices_hu.npz", hu=pixels)
    return folder
