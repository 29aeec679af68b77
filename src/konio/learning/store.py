"""Prepared films on disk, so that training reads bytes and decodes nothing.

Every film is read, its lungs located, cut and resized once, by several processes. What stays is a folder of plain
``.npy`` tables that training maps into memory::

    images-512.npy   (N, 512, 512) uint8     one per size of the recipe
    zones.npy        (N, M, M)     uint8     0 outside the lungs, 1..6
    lesions.npy      (N, 3, M, M)  uint8     255 x share of small, large, tuberculosis
    status.npy       (N, 2)        uint8     `OPEN`, `READY` or `REFUSED`; whether lesions are known
    refusals.json    position to reason

A preparation that was stopped goes on where it stood.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from konio.errors import CohortError, OutputError, RefusedError
from konio.learning.films import PREPARATION, FilmFiles, FilmPlan, PreparedFilm, prepare_film
from konio.learning.pace import Pace

#: Values of ``status.npy``.
OPEN: Final = 0
READY: Final = 1
REFUSED: Final = 2

Progress = Callable[[int, int, float | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """Prepared films, mapped into memory.

    Args:
        folder: where they lie.
        images: side in pixels to ``(N, side, side)`` uint8.
        zones: ``(N, M, M)`` uint8.
        lesions: ``(N, 3, M, M)`` uint8.
        has_lesions: ``(N,)`` bool, whether the lesions of a film are known.
        ready: ``(N,)`` bool; a film that was refused is not.
        refusals: position to reason.
    """

    folder: Path
    images: dict[int, NDArray[np.uint8]]
    zones: NDArray[np.uint8]
    lesions: NDArray[np.uint8]
    has_lesions: NDArray[np.bool_]
    ready: NDArray[np.bool_]
    refusals: dict[int, str]

    def __len__(self) -> int:
        return len(self.ready)


def store_key(fingerprint: str, plan: FilmPlan) -> str:
    """Folder name that changes with the cohort, the sizes and the way of preparing.

    Args:
        fingerprint: of the cohort.
        plan: sizes and way of locating.
    """
    text = json.dumps(
        [fingerprint, PREPARATION, plan.preparation.to_json(), list(plan.sides), plan.segmenter]
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def open_store(
    cases: Sequence[FilmFiles],
    folder: Path,
    plan: FilmPlan,
    workers: int = 1,
    progress: Progress | None = None,
) -> Store:
    """Prepare what is not prepared yet, then map everything.

    Args:
        cases: the films, in the order of the cohort.
        folder: the store's own folder, named by `store_key`.
        plan: sizes and way of locating.
        workers: processes; 1 prepares in this one.
        progress: told films done, films in all, seconds left (``None`` while it is too early to say).

    Raises:
        CohortError: if not one film could be prepared.
        OutputError: if the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tables = {
            name: _table(folder / f"{name}.npy", shape)
            for name, shape in _shapes(len(cases), plan).items()
        }
        refusals = _read_refusals(folder)
        _fill(cases, tables, refusals, _Job(folder, plan, workers, progress))
    except OSError as error:
        raise OutputError(
            f"prepared films cannot be kept in {folder} ({error.strerror}); free space or choose another folder"
        ) from error
    status = tables["status"]
    if not (status[:, 0] == READY).any():
        raise CohortError(
            f"none of the {len(cases)} films can be used; the first reason is: {next(iter(refusals.values()))}"
        )
    return _opened(folder, plan.sides, refusals)


def read_store(folder: Path, sides: Sequence[int]) -> Store:
    """Map a store that is finished, without preparing anything.

    Args:
        folder: the store's own folder.
        sides: sizes to map.

    Raises:
        OutputError: if it is not there or not finished.
    """
    try:
        store = _opened(folder, sides, _read_refusals(folder))
    except OSError as error:
        raise OutputError(
            f"prepared films cannot be read from {folder} ({error.strerror}); prepare them again"
        ) from error
    if int(store.ready.sum()) + len(store.refusals) < len(store):
        raise OutputError(f"the films in {folder} are not all prepared; prepare them first")
    return store


def _opened(folder: Path, sides: Sequence[int], refusals: dict[int, str]) -> Store:
    status = _mapped(folder / "status.npy")
    return Store(
        folder=folder,
        images={side: _mapped(folder / f"images-{side}.npy") for side in sides},
        zones=_mapped(folder / "zones.npy"),
        lesions=_mapped(folder / "lesions.npy"),
        has_lesions=np.array(status[:, 1] == 1),
        ready=np.array(status[:, 0] == READY),
        refusals=refusals,
    )


@dataclass(frozen=True, slots=True)
class _Job:
    folder: Path
    plan: FilmPlan
    workers: int
    progress: Progress | None


def _shapes(films: int, plan: FilmPlan) -> dict[str, tuple[int, ...]]:
    images = {f"images-{side}": (films, side, side) for side in plan.sides}
    maps = {
        "zones": (films, plan.points, plan.points),
        "lesions": (films, 3, plan.points, plan.points),
    }
    return {**images, **maps, "status": (films, 2)}


def _table(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """An existing table to go on with, or a new one of zeros (sparse where the file system can)."""
    if path.exists():
        return _mapped(path, "r+")
    beside = path.with_suffix(".part")
    made = np.lib.format.open_memmap(beside, mode="w+", dtype=np.uint8, shape=shape)
    made.flush()
    beside.replace(path)
    return _mapped(path, "r+")


def _mapped(path: Path, mode: Literal["r", "r+"] = "r") -> NDArray[np.uint8]:
    table: NDArray[np.uint8] = np.load(path, mmap_mode=mode)
    return table


def _fill(
    cases: Sequence[FilmFiles],
    tables: dict[str, NDArray[np.uint8]],
    refusals: dict[int, str],
    job: _Job,
) -> None:
    status = tables["status"]
    todo = [int(position) for position in np.flatnonzero(status[:, 0] == OPEN)]
    pace = Pace()
    for done, (position, film, reason) in enumerate(_prepared(cases, todo, job), start=1):
        if film is None:
            refusals[position] = reason
            _write_refusals(job.folder, refusals)
        else:
            _keep(tables, position, film)
        # The mark comes last: a film without it is prepared again.
        status[position] = (REFUSED, 0) if film is None else (READY, film.lesions is not None)
        if job.progress is not None:
            before = len(cases) - len(todo)
            job.progress(before + done, len(cases), pace.left(before + done, len(cases)))
    for table in tables.values():
        if isinstance(table, np.memmap):
            table.flush()


def _keep(tables: dict[str, NDArray[np.uint8]], position: int, film: PreparedFilm) -> None:
    for side, image in film.images.items():
        tables[f"images-{side}"][position] = image
    tables["zones"][position] = film.zones
    if film.lesions is not None:
        tables["lesions"][position] = film.lesions


_Result = tuple[int, PreparedFilm | None, str]


def _prepared(cases: Sequence[FilmFiles], todo: Sequence[int], job: _Job) -> Iterator[_Result]:
    pairs = [(position, cases[position], job.plan) for position in todo]
    if job.workers < 2 or len(pairs) < 2:
        yield from map(_prepare_one, pairs)
        return
    # Children are started anew: a fork of a process that holds torch's threads may hang.
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(job.workers, context, initializer=_one_thread) as pool:
        yield from pool.map(_prepare_one, pairs, chunksize=4)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"


def _prepare_one(work: tuple[int, FilmFiles, FilmPlan]) -> _Result:
    position, case, plan = work
    try:
        return position, prepare_film(case, plan), ""
    except RefusedError as error:
        return position, None, f"{Path(case.path).name}: {error.reason}"


def _read_refusals(folder: Path) -> dict[int, str]:
    path = folder / "refusals.json"
    if not path.exists():
        return {}
    plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {int(position): str(reason) for position, reason in plain.items()}


def _write_refusals(folder: Path, refusals: dict[int, str]) -> None:
    beside = folder / "refusals.part"
    beside.write_text(json.dumps(refusals, ensure_ascii=False), encoding="utf-8")
    beside.replace(folder / "refusals.json")
