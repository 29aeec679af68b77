"""What the studies share around their trials: who is told, films prepared once, ``study.json``, and what failed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from konio.engine.local import usable_cores
from konio.errors import OutputError, StudyError
from konio.studies.runner import Study, StudyProgress, failures

if TYPE_CHECKING:
    from konio.cohort import Cohort
    from konio.learning.recipe import Recipe
    from konio.learning.store import Store

#: What a study says about itself, in its folder.
STUDY: Final = "study.json"

#: Told the stage and how far its trials are.
Tell = Callable[[str, StudyProgress], None]
#: Told the stage, images done, all of them, and seconds left where they are known.
Count = Callable[[str, int, int, float | None], None]


class Counting(Protocol):
    """Told films done, films in all and, where it is known, seconds left."""

    def __call__(self, done: int, films: int, left: float | None = None, /) -> None:
        """One film more."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Asking:
    """Who is told, and how many may work before the first trial; every study's ``Ask`` is one.

    Args:
        workers: processes that make and prepare films; one per core where ``None``.
        tell: told the stage and how far its trials are.
        count: told the stage, films done, films in all and seconds left, before the first trial.
    """

    workers: int | None = None
    tell: Tell | None = None
    count: Count | None = None

    @property
    def processes(self) -> int:
        """Processes that make and prepare films."""
        return self.workers or usable_cores()

    def counting(self, stage: str) -> Counting:
        """A progress function for a stage that counts films."""

        def tell(done: int, films: int, left: float | None = None, /) -> None:
            if self.count is not None:
                self.count(stage, done, films, left)

        return tell

    def telling(self, stage: str) -> Callable[[StudyProgress], None]:
        """A progress function for a stage of trials."""

        def tell(now: StudyProgress) -> None:
            if self.tell is not None:
                self.tell(stage, now)

        return tell


def prepare_films(
    folder: Path, cohort: Cohort, recipe: Recipe, ask: Asking, more: Sequence[int] = ()
) -> Store:
    """The films of a cohort as every training of a study reads them; those that are there are kept.

    Args:
        folder: of the prepared films.
        cohort: the films.
        recipe: one of the study's; its sizes count.
        ask: who is told.
        more: sizes that are needed besides.
    """
    from konio.learning.films import FilmFiles, FilmPlan
    from konio.learning.store import open_store
    from konio.prepare import Preparation

    sides = tuple(sorted({*recipe.sides, *more}))
    plan = FilmPlan(Preparation(size=sides[-1]), sides)
    files = [FilmFiles.of(case) for case in cohort]
    return open_store(files, folder, plan, ask.processes, ask.counting("preparing films"))


def read_study(out: Path) -> dict[str, Any]:
    """``study.json`` of a folder.

    Raises:
        OutputError: if the folder holds no study.
    """
    try:
        document: dict[str, Any] = json.loads((out / STUDY).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{out} holds no study that could be read ({error}); name the --out of a study that was begun"
        ) from error
    return document


def refuse_failed(out: Path, *studies: Study, page: Path | None = None) -> None:
    """Say which trials failed, and why the first one did.

    Args:
        out: the study's folder.
        *studies: whose trials were tried.
        page: of the trials that did not fail, where it is written already.

    Raises:
        StudyError: if there are any.
    """
    why = {name: reason for study in studies for name, reason in failures(study, out).items()}
    if not why:
        return
    name, reason = next(iter(why.items()))
    trials = sum(len(study.trials) for study in studies)
    others = "" if page is None else f"; the page {page} is of the others"
    raise StudyError(
        f"{len(why)} of {trials} trials failed, the first ({name}) since {reason.rstrip('.')}{others}; run the same command "
        "again to try them anew"
    )
