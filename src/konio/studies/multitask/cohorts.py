"""The films of the study: those given, or made-up patients in the proportions of the paper.

References:
    Paper A, section 1.1 (dossier 4.1 P1): 1200 healthy, 1200 tuberculosis, 300 exposed of each stage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from konio.cohort import Cohort, read_cohort, write_phantom_cohort
from konio.cohort.shenzhen import is_shenzhen, read_shenzhen
from konio.learning.ship import is_made_up
from konio.studies.multitask.presets import Preset, check

#: Told films made and films in all.
Count = Callable[[int, int], None]

#: Folder of the made-up patients in the study's own.
MADE_UP: Final = "made-up"


@dataclass(frozen=True, slots=True, eq=False)
class Films:
    """All films of a study.

    Args:
        cohort: the study's own films and, behind them, made-up ones to be mixed into training.
        own: how many are the study's own.
        name: for tables.
        made_up: whether the study's own patients are.
    """

    cohort: Cohort
    own: int
    name: str
    made_up: bool


def gather(
    out: Path,
    preset: Preset,
    cohort: Cohort | str | Path | None,
    workers: int,
    progress: Count | None = None,
) -> Films:
    """Read the cohort, or make one.

    Args:
        out: the study's folder; made-up films are kept in it.
        preset: how many, and whether some are mixed in.
        cohort: the films, the path of their table, or the folder of the Shenzhen set.
        workers: processes that make films.
        progress: told films made and films in all.

    Raises:
        UsageError: if the preset needs a cohort and none is given.
        CohortError: if it cannot be used.
    """
    check(preset, cohort)
    if cohort is None:
        made = _make(out, preset, preset.cases, workers, progress)
        return Films(made, len(made), f"{len(made)} made-up patients", made_up=True)
    found = cohort if isinstance(cohort, Cohort) else read_films(Path(cohort))
    name = found.root.name if isinstance(cohort, Cohort) else Path(cohort).name
    made_up = is_made_up(found)
    if not preset.extra:
        return Films(found, len(found), name, made_up)
    extra = _make(out, preset, preset.extra, workers, progress)
    return Films(replace(found, cases=(*found.cases, *extra.cases)), len(found), name, made_up)


def read_films(path: Path) -> Cohort:
    """A cohort from its table, its folder, or the folder of the Shenzhen set.

    Raises:
        CohortError: if it cannot be used.
    """
    if path.is_dir():
        return read_shenzhen(path) if is_shenzhen(path) else read_cohort(path / "cohort.csv")
    return read_cohort(path)


def _make(
    out: Path,
    preset: Preset,
    cases: int,
    workers: int,
    progress: Count | None,
) -> Cohort:
    return write_phantom_cohort(
        out / MADE_UP, cases, preset.seed, preset.film, workers=workers, progress=progress
    )
