"""A table of labelled images, `Cohort`, and its file, ``cohort.csv``."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from konio.cohort.identity import fingerprint
from konio.cohort.labels import EMPTY, check_sense, read_label
from konio.cohort.table import Row, read_table
from konio.errors import CohortError, OutputError
from konio.records import Case
from konio.tasks import RADIOGRAPH_TASKS, TaskSet

#: Columns without which a table is no cohort.
NEEDED: Final = ("path", "patient_id")
#: Columns that name mask images; `Case` has a field for each.
MASKS: Final = ("lungs", "lesions")
#: Covariates that name files; kept as absolute paths.
FILE_COVARIATES: Final = ("zones",)
#: Covariates that say which place of an image a row means: one CT may stand in a row for each of its places.
PLACE: Final = ("x_mm", "y_mm", "z_mm")
#: How many names a message lists.
LISTED: Final = 5


@dataclass(frozen=True, slots=True)
class Cohort:
    """Labelled images that belong together.

    Args:
        cases: one or more.
        root: folder that relative paths start from.
        tasks: the questions whose labels the cases carry.

    Raises:
        CohortError: if there is no case.
    """

    cases: tuple[Case, ...]
    root: Path
    tasks: TaskSet = RADIOGRAPH_TASKS

    def __post_init__(self) -> None:
        object.__setattr__(self, "cases", tuple(self.cases))
        if not self.cases:
            raise CohortError("a cohort needs at least one case, got none; add rows to its table")

    def __len__(self) -> int:
        return len(self.cases)

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)

    @property
    def patients(self) -> tuple[str, ...]:
        """Every patient once, sorted."""
        return tuple(sorted({case.patient_id for case in self.cases}))

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the labels and file sizes (`konio.cohort.identity.fingerprint`)."""
        return fingerprint(self)

    def subset(self, positions: Iterable[int]) -> Cohort:
        """The cases at these positions, in the order given."""
        return replace(self, cases=tuple(self.cases[i] for i in positions))

    def joined(self, other: Cohort) -> Cohort:
        """These cases and after them those of another cohort; paths start from the folder that holds both.

        Raises:
            CohortError: if they answer other questions or an image stands in both.
        """
        if self.tasks.names != other.tasks.names:
            raise CohortError(
                "two cohorts with other questions cannot be joined; give two tables of one kind"
            )
        both = {case.path for case in self.cases} & {case.path for case in other.cases}
        if both:
            raise CohortError(
                f"{min(both)} stands in both cohorts; take it out of one of the two tables"
            )
        root = Path(os.path.commonpath([self.root, other.root]))
        return replace(self, cases=(*self.cases, *other.cases), root=root)

    def targets(self, task: str) -> tuple[int, ...]:
        """Class positions of all cases for one question, `konio.tasks.MISSING` where unknown."""
        question = self.tasks[task]
        return tuple(question.index(case.labels.get(task)) for case in self.cases)

    def counts(self, task: str) -> dict[str, int]:
        """Number of cases of each class of one question, in the order of the classes."""
        found = Counter(case.labels.get(task) for case in self.cases)
        return {name: found[name] for name in self.tasks[task].classes}


def read_cohort(
    path: str | Path, tasks: TaskSet = RADIOGRAPH_TASKS, *, check_files: bool = True
) -> Cohort:
    """Read ``cohort.csv``.

    Accepts UTF-8 (with or without a byte order mark), UTF-16 with one and GB18030; comma, semicolon or
    tab; columns in any order. Columns that are no question and no mask are kept as covariates.

    Args:
        path: the table. Paths inside are relative to it.
        tasks: the questions whose columns are read.
        check_files: whether every image and mask must exist.

    Returns:
        The cohort, cases in the order of the rows.

    Raises:
        CohortError: one sentence with row, column, value and remedy.
    """
    file = Path(path).expanduser().absolute()
    known = (*MASKS, *FILE_COVARIATES, *(task.column for task in tasks))
    table = read_table(file, NEEDED, known)
    cases = [_case(file, row, tasks) for row in table.rows]
    _refuse_twice(file, cases, [row.number for row in table.rows])
    if check_files:
        _refuse_missing(file, cases)
    return Cohort(tuple(cases), file.parent, tasks)


def _case(file: Path, row: Row, tasks: TaskSet) -> Case:
    for column in NEEDED:
        if not row.cells[column]:
            raise CohortError(f"{file}, row {row.number}, column {column!r}: empty; fill it in")
    labels = {}
    for task in tasks:
        try:
            labels[task.name] = read_label(task, row.cells.get(task.column, ""))
        except CohortError as why:
            raise CohortError(f"{file}, row {row.number}, column {task.column!r}: {why}") from why
    try:
        check_sense(tasks, labels)
    except CohortError as why:
        raise CohortError(f"{file}, row {row.number}: {why}") from why
    used = {*NEEDED, *MASKS, *(task.column for task in tasks)}
    covariates = {name: cell for name, cell in row.cells.items() if name not in used}
    for name in FILE_COVARIATES:
        if covariates.get(name, ""):
            covariates[name] = _resolve(file.parent, covariates[name])
    masks = {name: row.cells.get(name, "") for name in MASKS}
    return Case(
        path=_resolve(file.parent, row.cells["path"]),
        patient_id=row.cells["patient_id"],
        labels=labels,
        lungs=_resolve(file.parent, masks["lungs"]) if masks["lungs"] else None,
        lesions=_resolve(file.parent, masks["lesions"]) if masks["lesions"] else None,
        covariates=covariates,
    )


def _resolve(root: Path, text: str) -> str:
    """Absolute path; backslashes of another system are understood where the name does not exist as it is."""
    as_is = root / text
    if "\\" in text and not as_is.exists():
        return str(root / text.replace("\\", "/"))
    return str(as_is)


def _refuse_twice(file: Path, cases: Sequence[Case], numbers: Sequence[int]) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for case, number in zip(cases, numbers, strict=True):
        key = (case.path, *(case.covariates.get(name, "") for name in PLACE))
        if key in seen:
            raise CohortError(
                f"{file}, row {number}, column 'path': {case.path} already stands in row "
                f"{seen[key]}; keep one row for each image, or for each place in it"
            )
        seen[key] = number


def _refuse_missing(file: Path, cases: Sequence[Case]) -> None:
    named = [
        path
        for case in cases
        for path in (
            case.path,
            case.lungs,
            case.lesions,
            *(case.covariates.get(c) for c in FILE_COVARIATES),
        )
        if path
    ]
    missing = [path for path in named if not Path(path).exists()]
    if missing:
        rest = f" and {len(missing) - LISTED} more" if len(missing) > LISTED else ""
        raise CohortError(
            f"{file}: {len(missing)} of {len(named)} files do not exist: {', '.join(missing[:LISTED])}{rest}; "
            "paths are relative to the table, copy the files beside it"
        )


def write_cohort(cohort: Cohort, path: str | Path) -> None:
    """Write ``cohort.csv``: UTF-8, paths relative to the file where they lie below it.

    Reading it again gives the same cases. The file appears at once or not at all.

    Args:
        cohort: what to write.
        path: the file; its folder must exist.

    Raises:
        OutputError: if it cannot be written.
    """
    file = Path(path).expanduser().absolute()
    text = io.StringIO(newline="")
    masks = tuple(m for m in MASKS if any(getattr(case, m) for case in cohort))
    tasks = tuple(t for t in cohort.tasks if any(case.labels.get(t.name) for case in cohort))
    covariates = tuple(dict.fromkeys(name for case in cohort for name in case.covariates))
    columns = (*NEEDED, *(t.column for t in tasks), *masks, *covariates)
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for case in cohort:
        cells = {
            name: _outside(file.parent, name, value) for name, value in case.covariates.items()
        }
        cells |= {t.column: case.labels.get(t.name) or "" for t in tasks}
        cells |= {m: _relative(file.parent, getattr(case, m) or "") for m in masks}
        cells |= {"path": _relative(file.parent, case.path), "patient_id": case.patient_id}
        writer.writerow(cells)
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(text.getvalue(), encoding="utf-8", newline="")
        part.replace(file)
    except OSError as why:
        raise OutputError(
            f"{file} cannot be written ({why.strerror}); choose a folder that exists and has room"
        ) from why


def _outside(root: Path, name: str, value: str) -> str:
    return _relative(root, value) if name in FILE_COVARIATES else value


def _relative(root: Path, path: str) -> str:
    if not path:
        return ""
    place = Path(path)
    return place.relative_to(root).as_posix() if place.is_relative_to(root) else str(place)


def covariate_values(cohort: Cohort, name: str) -> Mapping[str, int]:
    """Values of one covariate and how often each occurs, unknown ones left out.

    Raises:
        CohortError: if no case has the covariate.
    """
    values = [case.covariates[name] for case in cohort if name in case.covariates]
    if not values:
        known = sorted({key for case in cohort for key in case.covariates})
        raise CohortError(
            f"no case has the covariate {name!r}; known covariates: {', '.join(known) or 'none'}"
        )
    return Counter(value for value in values if value.casefold() not in EMPTY)
