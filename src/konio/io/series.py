"""A DICOM CT series as one volume: sorted along the slices' normal, checked, and read slice by slice when needed.

What is wrong with a series is either named in the volume's notes (thick slices, a tilted gantry, doubles with the same
pixels, missing slices, localizers) or, where no place in it could be trusted, refused (several series, slices that do
not lie parallel or at even distances, two different slices at one place). A missing slice refuses only the boxes
that need it.

References:
    DICOM PS3.3 C.7.6.2.1.1 (position and orientation), C.8.2.1 (CT image).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import RefusedError
from konio.io.decoder import Decoder, shared
from konio.io.grid import Grid, Triple
from konio.io.magic import HEAD_BYTES, sniff
from konio.io.volume import Box, Volume, Voxels

#: Thicker slices are named (LUNA16 leaves such scans out).
THICK_MM: Final = 2.5
#: Slices of one series at fewer places than this are single pictures, not a scan.
LEAST_PLACES: Final = 3
#: What a slice must say of its place.
NEEDED: Final = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
#: Tilts above this are named, degrees.
_TILT: Final = 0.5
_SAME_PLACE_MM: Final = 0.01
_SAME_DIRECTION: Final = 1e-3
#: How far a slice may lie off its even place: millimetres, and part of the distance.
_UNEVEN_MM, _UNEVEN_PART = 0.1, 0.1
_HASHED_AT_ONCE: Final = 1 << 22

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One file of a series and what its header says."""

    path: str
    facts: Mapping[str, Any]

    @property
    def position(self) -> Floats:
        """Centre of the first pixel, world ``(x, y, z)``."""
        return np.array(self.facts["ImagePositionPatient"], np.float64)

    @property
    def axes(self) -> Floats:
        """Directions of growing column and growing row, ``(2, 3)``."""
        return np.array(self.facts["ImageOrientationPatient"], np.float64).reshape(2, 3)


def find_series(
    path: str | os.PathLike[str], decoder: Decoder | None = None
) -> dict[str, tuple[Slice, ...]]:
    """All CT series of a folder (not of the folders below it).

    Args:
        path: the folder.
        decoder: reads the headers; the shared one if ``None``.

    Returns:
        Series Instance UID to its slices, in the order of the file names.

    Raises:
        RefusedError: ``missing`` or ``unreadable`` for the folder, ``not-ct`` if it holds no CT slice.
    """
    reader = decoder or shared()
    found: dict[str, list[Slice]] = {}
    for file in _dicom_files(Path(path)):
        try:
            facts = reader.ask(file, "header").facts
        except RefusedError:
            continue  # a file that is no sound DICOM object belongs to no series
        if facts["modality"] == "CT" and facts["rows"] and facts["series"]:
            found.setdefault(facts["series"], []).append(Slice(file, facts))
    if not found:
        raise RefusedError("not-ct", "no CT slice in the folder")
    return {uid: tuple(slices) for uid, slices in sorted(found.items())}


def find_scans(
    path: str | os.PathLike[str], decoder: Decoder | None = None
) -> dict[str, tuple[Slice, ...]]:
    """The series of a folder that lie at `LEAST_PLACES` or more; stray slices and copies of one slice are none.

    Args:
        path: the folder.
        decoder: reads the headers; the shared one if ``None``.

    Returns:
        As `find_series`; empty where there is no scan.
    """
    try:
        found = find_series(path, decoder)
    except RefusedError:
        return {}
    return {uid: slices for uid, slices in found.items() if _places(slices) >= LEAST_PLACES}


def scan_words(path: str | os.PathLike[str], decoder: Decoder | None = None) -> str:
    """How much of a folder is CT scans: files and series; fit for a refusal."""
    scans = find_scans(path, decoder)
    files = sum(map(len, scans.values()))
    return f"{files} files of {len(scans)} series" if scans else "it is no radiograph"


def _places(slices: Sequence[Slice]) -> int:
    """At how many different places slices lie."""
    positions = (one.facts["ImagePositionPatient"] for one in slices)
    return len({tuple(place) for place in positions if place is not None})


def open_series(
    path: str | os.PathLike[str], series_uid: str | None = None, decoder: Decoder | None = None
) -> Volume:
    """One CT series as a volume; only headers are read.

    Args:
        path: a folder, or one file of the series.
        series_uid: which series, if the folder holds several: its UID or the end of it.
        decoder: reads headers and pixels; the shared one if ``None``.

    Raises:
        RefusedError: with the code that applies.
    """
    place = Path(path)
    reader = decoder or shared()
    if place.is_file():
        series_uid = series_uid or reader.ask(str(place), "header").facts["series"]
    folder = place.parent if place.is_file() else place
    return assemble(_choose(find_series(folder, reader), series_uid), str(path), reader)


def assemble(slices: Sequence[Slice], path: str, decoder: Decoder) -> Volume:
    """Slices of one series as a volume.

    Args:
        slices: in any order.
        path: what to call the volume.
        decoder: reads the pixels.

    Raises:
        RefusedError: with the code that applies.
    """
    images = [one for one in slices if not one.facts["localizer"]]
    notes = (
        [f"{len(slices) - len(images)} localizers left out"] if len(images) < len(slices) else []
    )
    _check_alike(images)
    normal = np.cross(*images[0].axes)
    images.sort(key=lambda one: (float(one.position @ normal), one.facts["number"] or 0, one.path))
    single = _without_doubles(images, normal, decoder)
    if len(single) < len(images):
        notes.append(f"{len(images) - len(single)} duplicate slices left out")
    indices, step = _even(single, normal)
    files = {index: one.path for index, one in zip(indices, single, strict=True)}
    count = indices[-1] + 1
    missing = frozenset(range(count)) - files.keys()
    if missing:
        notes.append(f"{len(missing)} missing slices")
    grid = _grid(single, count, step)
    thickness = next(iter(single[0].facts["SliceThickness"] or ()), None)
    notes += _remarks(single[0], step, normal, thickness)
    return Volume(
        grid=grid,
        path=path,
        format="dicom",
        reader=lambda box: _read(files, box, decoder),
        digest=lambda: _digest(files[index] for index in sorted(files)),
        thickness_mm=thickness,
        series_uid=single[0].facts["series"],
        patient_id=single[0].facts["patient"],
        notes=tuple(notes),
        missing=missing,
    )


def _dicom_files(folder: Path) -> list[str]:
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError as error:
        raise RefusedError("missing") from error
    except OSError as error:
        raise RefusedError("unreadable", error.strerror or "") from error
    found = []
    for entry in entries:
        if entry.is_file() and entry.name.upper() != "DICOMDIR":
            with contextlib.suppress(OSError), entry.open("rb") as file:
                if sniff(file.read(HEAD_BYTES)) == "dicom":
                    found.append(str(entry))
    return found


def _choose(found: dict[str, tuple[Slice, ...]], series_uid: str | None) -> tuple[Slice, ...]:
    fitting = [uid for uid in found if series_uid is None or uid.endswith(series_uid)]
    if len(fitting) == 1:
        return found[fitting[0]]
    if not fitting:
        raise RefusedError("not-ct", "no series of that name in the folder")
    listed = ", ".join(f"…{uid[-12:]} with {len(found[uid])} slices" for uid in fitting[:5])
    raise RefusedError("several-series", listed)


def _check_alike(images: Sequence[Slice]) -> None:
    """Refuse slices without place, of several frames, of different sizes or directions."""
    if not images:
        raise RefusedError("not-ct", "only localizers")
    first = images[0]
    for one in images:
        absent = [keyword for keyword in NEEDED if one.facts[keyword] is None]
        if absent:
            raise RefusedError("bad-header", f"{absent[0]} is missing or no number")
        if one.facts["frames"] != 1:
            raise RefusedError("not-ct", f"{one.facts['frames']} frames in one file")
        if np.abs(one.axes - first.axes).max() > _SAME_DIRECTION:
            different = sum(np.abs(o.axes - first.axes).max() > _SAME_DIRECTION for o in images)
            raise RefusedError("mixed-orientation", f"{different} of {len(images)} slices")
        if any(one.facts[k] != first.facts[k] for k in ("rows", "columns", "PixelSpacing")):
            raise RefusedError("bad-header", "slices of different size in one series")
    lengths = np.linalg.norm(first.axes, axis=1)
    if not np.allclose(lengths, 1, atol=1e-2) or abs(first.axes[0] @ first.axes[1]) > 1e-2:
        raise RefusedError(
            "bad-header", "ImageOrientationPatient holds no two axes at right angles"
        )


def _without_doubles(images: Sequence[Slice], normal: Floats, decoder: Decoder) -> list[Slice]:
    """One slice a place; two at one place must be the same object or hold the same pixels."""
    kept = [images[0]]
    for one in images[1:]:
        last = kept[-1]
        if float((one.position - last.position) @ normal) > _SAME_PLACE_MM:
            kept.append(one)
        elif one.facts["instance"] != last.facts["instance"]:
            pixels = decoder.ask(one.path, "slice").pixels
            if not np.array_equal(pixels, decoder.ask(last.path, "slice").pixels):
                raise RefusedError("duplicate-slices", f"at {float(one.position @ normal):.1f} mm")
    return kept


def _even(images: Sequence[Slice], normal: Floats) -> tuple[list[int], Floats]:
    """Index of each slice on an even grid, and the way from one slice to the next, world mm."""
    if len(images) < 2:
        raise RefusedError("uneven-slices", "one slice only")
    positions = np.stack([one.position for one in images])
    along = (positions - positions[0]) @ normal
    distance = float(np.median(np.diff(along)))
    indices = np.rint(along / distance).astype(int)
    if (np.diff(indices) < 1).any():
        raise RefusedError("uneven-slices", "some lie closer together than the others")
    step = (positions[-1] - positions[0]) / indices[-1]
    off = np.linalg.norm(positions - positions[0] - indices[:, None] * step, axis=1).max()
    if off > max(_UNEVEN_MM, _UNEVEN_PART * distance):
        raise RefusedError("uneven-slices", f"up to {off:.2f} mm off")
    return indices.tolist(), np.asarray(step)


def _grid(images: Sequence[Slice], count: int, step: Floats) -> Grid:
    first = images[0]
    row_mm, column_mm = first.facts["PixelSpacing"]
    distance = float(np.linalg.norm(step))
    lengths = np.linalg.norm(first.axes, axis=1, keepdims=True)
    columns = np.vstack([first.axes / lengths, step / distance]).T
    rows = [_triple(row) for row in columns]
    return Grid(
        shape=(count, first.facts["rows"], first.facts["columns"]),
        origin_mm=_triple(first.position),
        spacing_mm=(float(column_mm), float(row_mm), distance),
        direction=(rows[0], rows[1], rows[2]),
    )


def _remarks(first: Slice, step: Floats, normal: Floats, thickness: float | None) -> list[str]:
    distance = float(np.linalg.norm(step))
    upright = abs(float(step @ normal)) / (distance * float(np.linalg.norm(normal)))
    sheared = float(np.degrees(np.arccos(min(upright, 1.0))))
    tilt = max(sheared, abs(next(iter(first.facts["GantryDetectorTilt"] or ()), 0.0)))
    thick = max(distance, thickness or 0.0)
    facts = {
        f"gantry tilt {tilt:.1f} degrees": tilt > _TILT,
        f"slice thickness {thick:.3g} mm": thick > THICK_MM * 1.001,
        "gaps between the slices": thickness is not None and distance > 1.2 * thickness,
        "slice thickness unknown": thickness is None,
        "SYNTHETIC": bool(first.facts["synthetic"]),
    }
    return [note for note, holds in facts.items() if holds]


def _read(files: Mapping[int, str], box: Box, decoder: Decoder) -> Voxels:
    (z0, z1), (y0, y1), (x0, x1) = box
    out = np.empty((z1 - z0, y1 - y0, x1 - x0), np.int16)
    for z in range(z0, z1):
        out[z - z0] = decoder.ask(files[z], "slice").pixels[y0:y1, x0:x1]
    return out


def _digest(files: Iterable[str]) -> str:
    state = hashlib.sha256()
    for name in files:
        with Path(name).open("rb") as file:
            while part := file.read(_HASHED_AT_ONCE):
                state.update(part)
    return state.hexdigest()


def _triple(vector: Floats) -> Triple:
    return (float(vector[0]), float(vector[1]), float(vector[2]))
