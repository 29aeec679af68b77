"""LUNA16's files: the scans' headers, ``annotations.csv``, and which of its nodules the readings hold.

References:
    Setio et al., Medical Image Analysis 42:1-13 (2017); dossier section 3.2.
"""

from __future__ import annotations

import csv
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from konio.errors import CohortError
from konio.io.grid import Grid
from konio.io.mhd import grid_of, parse_header, read_header
from konio.nodules.table import Readings

#: Of ``annotations.csv``.
COLUMNS: Final = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")
#: A nodule and an annotation mean the same place up to this distance, or up to the annotation's radius if larger.
NEAR_MM: Final = 3.0
_MOST_HEADER_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Annotation:
    """One row of ``annotations.csv``: a place in a scan, world ``(x, y, z)`` mm, and a diameter in mm."""

    series_uid: str
    at_mm: tuple[float, float, float]
    diameter_mm: float


@dataclass(frozen=True, slots=True)
class Found:
    """An annotation and the nodule that means it.

    Args:
        annotation: the row.
        position: position of the nodule in the table, or ``None``.
        distance_mm: between the two centres, to the nearest nodule of the scan; infinite if it has none.
    """

    annotation: Annotation
    position: int | None
    distance_mm: float


def read_annotations(path: Path) -> tuple[Annotation, ...]:
    """All rows of ``annotations.csv``.

    Raises:
        CohortError: if a column is missing or a cell is no number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        return tuple(
            Annotation(
                row["seriesuid"],
                (float(row["coordX"]), float(row["coordY"]), float(row["coordZ"])),
                float(row["diameter_mm"]),
            )
            for row in rows
        )
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError, csv.Error) as why:
        raise CohortError(
            f"{path} is no table of LUNA16 annotations ({why}); it needs the columns {', '.join(COLUMNS)}"
        ) from why


def read_grids(path: Path) -> dict[str, Grid]:
    """Grid of every scan, by series UID, from MHD headers alone.

    Args:
        path: a folder that is searched for ``.mhd`` files, or a zip archive of them.

    Raises:
        CohortError: if there is no header.
        RefusedError: if a header contradicts itself.
    """
    if path.is_dir():
        found = {file.stem: grid_of(read_header(file)[0]) for file in sorted(path.rglob("*.mhd"))}
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            found = {
                Path(entry.filename).stem: grid_of(parse_header(archive.read(entry))[0])
                for entry in archive.infolist()
                if entry.filename.endswith(".mhd") and entry.file_size <= _MOST_HEADER_BYTES
            }
    else:
        found = {}
    if not found:
        raise CohortError(
            f"{path} holds no MHD header; give a folder of LUNA16 scans or their headers"
        )
    return found


def find(annotations: tuple[Annotation, ...], nodules: Readings) -> tuple[Found, ...]:
    """For each annotation the nearest nodule of its scan, each nodule taken once, nearest pairs first.

    A pair counts within the annotation's radius or `NEAR_MM`, whichever is larger.

    Args:
        annotations: rows of ``annotations.csv``.
        nodules: with world coordinates.
    """
    places: dict[str, list[int]] = {}
    for position, nodule in enumerate(nodules):
        if nodule.at_mm is not None:
            places.setdefault(nodule.series_uid, []).append(position)
    pairs = sorted(
        (math.dist(row.at_mm, nodules[position].at_mm or (math.nan,) * 3), number, position)
        for number, row in enumerate(annotations)
        for position in places.get(row.series_uid, ())
    )
    nearest: dict[int, float] = {}
    taken: dict[int, int] = {}
    used: set[int] = set()
    for distance, number, position in pairs:
        nearest.setdefault(number, distance)
        within = max(annotations[number].diameter_mm / 2, NEAR_MM)
        if distance <= within and number not in taken and position not in used:
            taken[number] = position
            used.add(position)
    return tuple(
        Found(row, taken.get(number), nearest.get(number, math.inf))
        for number, row in enumerate(annotations)
    )


def round_trip_mm(annotations: tuple[Annotation, ...], grids: Mapping[str, Grid]) -> float:
    """Largest error of world to voxel and back over all annotations, millimetres."""
    errors = [
        np.abs(grids[a.series_uid].to_world(grids[a.series_uid].to_voxel(a.at_mm)) - a.at_mm).max()
        for a in annotations
    ]
    return float(max(errors))
