"""Nodules with every reader's ratings: `Nodule`, the table `Readings`, and its CSV file.

The file has one row for each nodule: ``nodule_id, patient_id, series_uid, path, x_mm, y_mm, z_mm, diameter_mm,
thickness_mm, initial_release`` (each may be absent or empty) and ``subtlety_1 … malignancy_4``, one column for each
characteristic and reader. Other columns are ignored.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import CohortError, OutputError, RecordError, UsageError
from konio.nodules.attributes import MOST_READERS, NOMINAL, RATED, SCALES, rated_name
from konio.nodules.crop import MAX_THICKNESS_MM
from konio.nodules.labels import mean_ratings

#: LUNA16's reference standard: at least three of the four readers marked it.
MIN_READERS: Final = 3

_TEXTS: Final = ("nodule_id", "patient_id", "series_uid", "path")
_NUMBERS: Final = ("x_mm", "y_mm", "z_mm", "diameter_mm", "thickness_mm")
_RELEASE: Final = "initial_release"

Grades = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Nodule:
    """One nodule as one to four people read it.

    Args:
        nodule_id: names it within its table.
        patient_id: splits never part a patient.
        ratings: characteristic to one grade per reader, readers in the same order throughout; ``None`` = not rated.
        series_uid: of the scan, or empty.
        path: the scan's file, or empty.
        at_mm: centre, world ``(x, y, z)``, or ``None``.
        diameter_mm: or ``None``.
        thickness_mm: slice thickness of the scan, or ``None``.
        initial_release: whether it belongs to LIDC's first 399 scans; ``None`` if unknown.
        index: row in its source, counted from 0.

    Raises:
        RecordError: if characteristics have different numbers of readers, or a grade lies outside its scale.
    """

    nodule_id: str
    patient_id: str
    ratings: Mapping[str, Grades]
    series_uid: str = ""
    path: str = ""
    at_mm: tuple[float, float, float] | None = None
    diameter_mm: float | None = None
    thickness_mm: float | None = None
    initial_release: bool | None = None
    index: int = 0

    def __post_init__(self) -> None:
        kept = {name: tuple(self.ratings.get(name, ())) for name in RATED}
        readers = max(len(grades) for grades in kept.values())
        kept = {name: grades or (None,) * readers for name, grades in kept.items()}
        for name, grades in kept.items():
            if len(grades) != readers or readers == 0:
                raise RecordError(
                    f"nodule {self.nodule_id!r}: {name} has {len(grades)} readers, others have {readers}; "
                    "give one grade or None for each reader"
                )
            if any(g is not None and not 1 <= g <= len(SCALES[name]) for g in grades):
                raise RecordError(
                    f"nodule {self.nodule_id!r}: {name} is {grades}, its scale goes from 1 to "
                    f"{len(SCALES[name])}; correct the source"
                )
        object.__setattr__(self, "ratings", MappingProxyType(kept))

    @property
    def readers(self) -> int:
        """How many people read it."""
        return len(self.ratings[RATED[0]])


@dataclass(frozen=True, slots=True)
class Readings:
    """A table of nodules.

    Args:
        nodules: in order; may be empty after a selection.
    """

    nodules: tuple[Nodule, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodules", tuple(self.nodules))

    def __len__(self) -> int:
        return len(self.nodules)

    def __iter__(self) -> Iterator[Nodule]:
        return iter(self.nodules)

    def __getitem__(self, position: int) -> Nodule:
        return self.nodules[position]

    @property
    def patients(self) -> tuple[str, ...]:
        """Patient of each nodule."""
        return tuple(nodule.patient_id for nodule in self.nodules)

    @property
    def readers(self) -> NDArray[np.int64]:
        """Number of readers of each nodule, ``(n,)``."""
        return np.array([nodule.readers for nodule in self.nodules], np.int64)

    @property
    def diameters(self) -> NDArray[np.float64]:
        """Diameters, ``(n,)`` mm, NaN where unknown."""
        found = [nodule.diameter_mm for nodule in self.nodules]
        return np.array([math.nan if d is None else d for d in found], np.float64)

    def ratings(self, name: str) -> NDArray[np.float64]:
        """Every reader's grades of one characteristic, ``(n, readers)``, NaN where there is none.

        Raises:
            UsageError: if the characteristic is unknown.
        """
        if name not in RATED:
            raise UsageError(f"characteristic {name!r} is unknown; known: {', '.join(RATED)}")
        width = max((nodule.readers for nodule in self.nodules), default=1)
        out = np.full((len(self.nodules), width), np.nan)
        for row, nodule in enumerate(self.nodules):
            for column, grade in enumerate(nodule.ratings[name]):
                if grade is not None:
                    out[row, column] = grade
        return out

    def mean(self, name: str) -> NDArray[np.float64]:
        """Mean over the readers, ``(n,)``. The caller answers for averaging a nominal characteristic."""
        return mean_ratings(self.ratings(name))

    def spread(self, name: str) -> NDArray[np.float64]:
        """Standard deviation of the readers (n - 1), ``(n,)``; NaN where fewer than two rated."""
        grades = self.ratings(name)
        count = (~np.isnan(grades)).sum(axis=1)
        away = grades - mean_ratings(grades)[:, None]
        squares = np.nansum(away**2, axis=1)
        return np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)

    def subset(self, positions: Iterable[int]) -> Readings:
        """The nodules at these positions, in the order given."""
        return Readings(tuple(self.nodules[i] for i in positions))

    def where(self, keep: Callable[[Nodule], bool]) -> Readings:
        """The nodules for which ``keep`` says yes."""
        return Readings(tuple(nodule for nodule in self.nodules if keep(nodule)))

    def select(
        self, min_readers: int = MIN_READERS, max_thickness_mm: float = MAX_THICKNESS_MM
    ) -> Readings:
        """LUNA16's selection: enough readers, thin slices; an unknown thickness passes.

        Args:
            min_readers: at least so many people marked it.
            max_thickness_mm: slices no thicker than this.
        """
        return self.where(
            lambda nodule: (
                nodule.readers >= min_readers
                and (nodule.thickness_mm is None or nodule.thickness_mm <= max_thickness_mm)
            )
        )

    def write(self, path: str | Path) -> None:
        """Write the table as CSV; `read_ratings` gives it back.

        Raises:
            OutputError: if it cannot be written.
        """
        file = Path(path)
        text = io.StringIO(newline="")
        readers = max(MOST_READERS, *(nodule.readers for nodule in self.nodules), 0)
        grades = [f"{name}_{k + 1}" for name in RATED for k in range(readers)]
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*_TEXTS, *_NUMBERS, _RELEASE, *grades])
        for nodule in self.nodules:
            writer.writerow(_cells(nodule, readers, file.absolute().parent))
        part = file.with_name(f".{file.name}.part")
        try:
            part.write_text(text.getvalue(), encoding="utf-8", newline="")
            part.replace(file)
        except OSError as why:
            raise OutputError(
                f"{file} cannot be written ({why.strerror}); choose a folder that exists and has room"
            ) from why


def read_ratings(path: Path) -> Readings:
    """A table from CSV; paths in it are relative to the file.

    A code outside a nominal scale says nothing (LIDC-IDRI holds one internal structure 5); a grade outside an ordered
    scale is a mistake.

    Raises:
        CohortError: one sentence with row, column and value.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as why:
        raise CohortError(
            f"{path} cannot be read as a CSV table ({why}); give one in UTF-8"
        ) from why
    columns = _rating_columns(path, tuple(rows[0]) if rows else ())
    return Readings(tuple(_nodule(path, n, row, columns) for n, row in enumerate(rows)))


def _rating_columns(path: Path, names: tuple[str, ...]) -> dict[str, tuple[str, int]]:
    """Column to characteristic and reader."""
    found = {}
    for column in names:
        stem, _, reader = (column or "").rpartition("_")
        name = rated_name(stem)
        if name is not None and reader.isdigit() and int(reader) >= 1:
            found[column] = (name, int(reader) - 1)
    if not found:
        raise CohortError(
            f"{path} holds no rows with ratings; name the columns subtlety_1 … malignancy_4"
        )
    return found


def _nodule(
    path: Path, number: int, row: Mapping[str, str], columns: dict[str, tuple[str, int]]
) -> Nodule:
    values = {name: _number(path, number, name, row.get(name)) for name in _NUMBERS}
    texts = {name: (row.get(name) or "").strip() for name in _TEXTS}
    x, y, z = (values[name] for name in _NUMBERS[:3])
    if texts["path"]:
        texts["path"] = str(path.absolute().parent / texts["path"])
    try:
        nodule = Nodule(
            nodule_id=texts["nodule_id"] or str(number),
            patient_id=texts["patient_id"] or texts["series_uid"] or str(number),
            ratings=_ratings(path, number, row, columns),
            series_uid=texts["series_uid"],
            path=texts["path"],
            at_mm=None if x is None or y is None or z is None else (x, y, z),
            diameter_mm=values["diameter_mm"],
            thickness_mm=values["thickness_mm"],
            initial_release={"1": True, "0": False}.get((row.get(_RELEASE) or "").strip()),
        )
    except RecordError as why:
        raise CohortError(f"{path}, row {number + 2}: {why}") from why
    return replace(nodule, index=number)


def _ratings(
    path: Path, number: int, row: Mapping[str, str], columns: dict[str, tuple[str, int]]
) -> dict[str, Grades]:
    """Characteristic to the grades of the people who read the nodule."""
    given = {column: _number(path, number, column, row.get(column)) for column in columns}
    odd = next((c for c, grade in given.items() if grade is not None and grade % 1), None)
    if odd is not None:
        raise CohortError(
            f"{path}, row {number + 2}, column {odd!r}: {given[odd]} is no grade; give a whole number"
        )
    # A reader whose only code says nothing has read the nodule all the same.
    read = sorted({columns[c][1] for c, grade in given.items() if grade is not None})
    if not read:
        raise CohortError(
            f"{path}, row {number + 2}: nobody rated this nodule; leave the row out or fill subtlety_1 … malignancy_4"
        )
    found: dict[str, dict[int, int]] = {name: {} for name in RATED}
    for column, grade in given.items():
        name, reader = columns[column]
        if grade is not None and (name not in NOMINAL or 1 <= grade <= len(SCALES[name])):
            found[name][reader] = int(grade)
    return {name: tuple(grades.get(k) for k in read) for name, grades in found.items()}


def _number(path: Path, number: int, column: str, text: str | None) -> float | None:
    if text is None or not text.strip():
        return None
    try:
        value = float(text)
    except ValueError as why:
        raise CohortError(
            f"{path}, row {number + 2}, column {column!r}: {text!r} is no number; correct the cell"
        ) from why
    return value if math.isfinite(value) else None


def _cells(nodule: Nodule, readers: int, root: Path) -> list[str]:
    path = Path(nodule.path)
    place = path.relative_to(root).as_posix() if path.is_relative_to(root) else nodule.path
    numbers = (*(nodule.at_mm or (None,) * 3), nodule.diameter_mm, nodule.thickness_mm)
    release = "" if nodule.initial_release is None else str(int(nodule.initial_release))
    grades = []
    for name in RATED:
        given = nodule.ratings[name]
        grades += ["" if g is None else str(g) for g in given] + [""] * (readers - len(given))
    return [
        nodule.nodule_id, nodule.patient_id, nodule.series_uid, place,
        *("" if n is None else repr(float(n)) for n in numbers), release, *grades,
    ]  # fmt: skip
