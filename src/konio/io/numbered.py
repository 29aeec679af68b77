"""A folder of numbered cases that are made one by one, here or in processes, and gone on with after a kill.

Every case depends on the folder's plan and its own number alone, so that order and number of workers change nothing; each
file is there whole or not at all.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any, Final

from konio.errors import OutputError

#: What decides every byte of the cases besides their number, in their folder.
PLAN_FILE: Final = "phantom.json"


def case_name(number: int) -> str:
    """Stem of the files of a case.

    Examples:
        >>> case_name(7)
        '000007'
    """
    return f"{number:06d}"


def claim_folder(root: Path, folders: Iterable[str], plan: Mapping[str, Any]) -> None:
    """Make the folders, and refuse a folder that holds cases of another plan.

    Args:
        root: of everything.
        folders: to be made in it.
        plan: JSON.

    Raises:
        OutputError: if it does, or cannot be written.
    """
    note = root / PLAN_FILE
    text = json.dumps(plan, indent=1)
    try:
        for name in folders:
            (root / name).mkdir(parents=True, exist_ok=True)
        known = note.read_text("utf-8") if note.exists() else None
    except OSError as why:
        raise _unwritable(root, why) from why
    if known is None:
        replace_file(note, text.encode())
    elif not _same(known, text):
        raise OutputError(
            f"{root} holds a phantom cohort of another plan ({PLAN_FILE}); choose an empty folder"
        )


def replace_file(file: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Raises:
        OutputError: if it cannot be written.
    """
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_bytes(content)
        part.replace(file)
    except OSError as why:
        raise _unwritable(file, why) from why


def _unwritable(place: Path, why: OSError) -> OutputError:
    return OutputError(
        f"{place} cannot be written ({why.strerror}); choose a folder that can be written and has room"
    )


def _same(known: str, plan: str) -> bool:
    """Whether two documents say the same; a damaged one says nothing."""
    try:
        return bool(json.loads(known) == json.loads(plan))
    except ValueError:
        return False


def make_cases(
    make: Callable[..., int], jobs: Sequence[tuple[Any, ...]], workers: int
) -> Iterator[int]:
    """Make cases, here or in processes; never more than a few are waiting.

    Args:
        make: called with the arguments of a job; gives the number of its case. For processes a function of a module.
        jobs: arguments of every case that is to be made.
        workers: processes; with one, or for one case, this one makes them.

    Yields:
        The number of each case as it is finished.
    """
    if workers == 1 or len(jobs) < 2:
        for job in jobs:
            yield make(*job)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context) as pool:
        waiting: set[Future[int]] = set()
        try:
            for job in jobs:
                waiting.add(pool.submit(make, *job))
                if len(waiting) >= 3 * workers:
                    finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in finished)
            while waiting:
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
        finally:
            for future in waiting:
                future.cancel()
