"""NIH ChestX-ray14 as it is downloaded: one CSV, image folders, the official lists.

::

    ROOT/Data_Entry_2017.csv            (or Data_Entry_2017_v2020.csv)
    ROOT/images_001/images/*.png ...    (or images/*.png)
    ROOT/train_val_list.txt, ROOT/test_list.txt   (optional)

References:
    Wang X et al., ChestX-ray8: hospital-scale chest X-ray database and benchmarks, CVPR 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.cohort.table import Row, read_table
from konio.errors import CohortError
from konio.records import frozen

#: The fourteen findings in the order of the CheXNet network's outputs.
FINDINGS: Final = (
    "Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia",
    "Pneumothorax", "Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural_Thickening", "Hernia",
)  # fmt: skip
NO_FINDING: Final = "No Finding"
TABLES: Final = ("Data_Entry_2017.csv", "Data_Entry_2017_v2020.csv")
LISTS: Final = (("train_val_list.txt", "train"), ("test_list.txt", "test"))
_COLUMNS: Final = ("Image Index", "Finding Labels", "Patient ID", "View Position")
_LISTED: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class ChestXray14:
    """Films with any number of fourteen findings.

    Args:
        paths: absolute image files.
        patient_ids: as in the table.
        labels: ``(N, 14)`` uint8, 1 where a finding of `FINDINGS` is named.
        views: ``PA`` or ``AP``.
        official: ``train`` or ``test`` by the official lists, ``None`` without them.
    """

    paths: tuple[str, ...]
    patient_ids: tuple[str, ...]
    labels: NDArray[np.uint8]
    views: tuple[str, ...]
    official: tuple[str | None, ...]

    def __post_init__(self) -> None:
        lengths = {len(x) for x in (self.paths, self.patient_ids, self.views, self.official)}
        if lengths != {len(self.labels)} or self.labels.shape[1:] != (len(FINDINGS),):
            raise CohortError(
                f"paths, patients, views, lists and labels must be equally many and labels {len(FINDINGS)} "
                f"wide, got {len(self.paths)} paths and labels of shape {self.labels.shape}; build all from one table"
            )
        frozen(self.labels)

    def __len__(self) -> int:
        return len(self.paths)

    def select(self, mask: NDArray[Any]) -> ChestXray14:
        """The films where ``mask`` (N, bool) holds."""
        kept = np.flatnonzero(mask)
        return ChestXray14(
            paths=tuple(self.paths[i] for i in kept),
            patient_ids=tuple(self.patient_ids[i] for i in kept),
            labels=self.labels[kept].copy(),
            views=tuple(self.views[i] for i in kept),
            official=tuple(self.official[i] for i in kept),
        )


def read_chestxray14(root: str | Path, *, partial: bool = False) -> ChestXray14:
    """Read the original folder layout.

    Args:
        root: the folder that holds the table.
        partial: leave out rows whose image was not downloaded, instead of refusing.

    Raises:
        CohortError: on a missing table, image or column, an unknown finding, a film in both official
            lists, or a patient on both sides of them.
    """
    folder = Path(root).expanduser().absolute()
    table_path = next((folder / name for name in TABLES if (folder / name).is_file()), None)
    if table_path is None:
        raise CohortError(
            f"{folder} holds neither {' nor '.join(TABLES)}; give the folder of the original download"
        )
    table = read_table(table_path, needed=_COLUMNS)
    images = {file.name: file for file in _images(folder)}
    rows = [row for row in table.rows if row.cells["Image Index"] in images]
    if not rows or (len(rows) < len(table.rows) and not partial):
        _refuse_missing(table_path, table.rows, images)
    lists = _official(folder)
    films = ChestXray14(
        paths=tuple(str(images[row.cells["Image Index"]]) for row in rows),
        patient_ids=tuple(row.cells["Patient ID"] for row in rows),
        labels=np.array([_findings(table_path, row) for row in rows], dtype=np.uint8),
        views=tuple(row.cells["View Position"] for row in rows),
        official=tuple(lists.get(row.cells["Image Index"]) for row in rows),
    )
    _refuse_shared_patients(films)
    return films


def _images(folder: Path) -> list[Path]:
    return sorted([*folder.glob("images/*.png"), *folder.glob("images_*/**/*.png")])


def _findings(table: Path, row: Row) -> list[int]:
    named = [name.strip() for name in row.cells["Finding Labels"].split("|")]
    unknown = [name for name in named if name not in (*FINDINGS, NO_FINDING)]
    if unknown:
        raise CohortError(
            f"{table}, row {row.number}, column 'Finding Labels': {unknown[0]!r} is no finding of "
            f"ChestX-ray14; use {', '.join(FINDINGS)} or {NO_FINDING}, parted by |"
        )
    return [int(name in named) for name in FINDINGS]


def _official(folder: Path) -> dict[str, str]:
    sides: dict[str, str] = {}
    for name, side in LISTS:
        file = folder / name
        if not file.is_file():
            continue
        for line in file.read_text(encoding="utf-8").split():
            if sides.setdefault(line, side) != side:
                raise CohortError(
                    f"{line} stands in both official lists of {folder}; download the lists again"
                )
    return sides


def _refuse_missing(table: Path, rows: tuple[Row, ...], images: dict[str, Path]) -> None:
    names = [row.cells["Image Index"] for row in rows]
    missing = [name for name in names if name not in images]
    rest = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
    raise CohortError(
        f"{table}: {len(missing)} of {len(names)} images are missing: {', '.join(missing[:_LISTED])}{rest}; "
        "unpack the image archives beside the table, or ask for a partial cohort"
    )


def _refuse_shared_patients(films: ChestXray14) -> None:
    sides: dict[str, set[str | None]] = {}
    for patient, side in zip(films.patient_ids, films.official, strict=True):
        if side is not None:
            sides.setdefault(patient, set()).add(side)
    shared = [patient for patient, found in sides.items() if len(found) > 1]
    if shared:
        raise CohortError(
            f"patients {', '.join(shared[:_LISTED])} stand in both official lists; download the lists again"
        )
