"""Many films on several processes or machines: who looks at which, and what comes back.

The engine carries text and nothing else (decision 0011): a process is told names of films and of the files of their results, writes
those itself, and gives back what it said about them as JSON. Everybody sees the same folders under the same names.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from konio.assess import Assessor, load
from konio.engine import Engine, Failure
from konio.errors import BundleError, OutputError, RefusedError, UsageError
from konio.records import Refusal
from konio.report import FilmFiles, ResultFolder, Row, read_assessment

#: Films that a process is given at a time: enough that the next one is decoded while the network works, few enough that none waits long.
CHUNK: Final = 8

_WORK: Final = "konio.bulk:work"


@dataclass(frozen=True, slots=True)
class Looked:
    """One film that some process looked at.

    Args:
        row: what was said, and its place in the list.
        problem: why its files could not be written, or ``None``.
    """

    row: Row
    problem: OutputError | None = None


def assess_many(
    paths: Sequence[str],
    model: str,
    assessor: Assessor,
    engine: Engine,
    folder: ResultFolder | None = None,
) -> Iterator[Looked]:
    """Assess films on an engine; the same answers, files and order as in one process.

    A film under which a process dies is tried again alone, so that it takes no other along; if it fails again it is refused with
    the code ``not-assessed``.

    Args:
        paths: files of films.
        model: name of a shipped bundle or a bundle's directory, as every process finds it.
        assessor: the same model, opened here.
        engine: where the work runs.
        folder: of the run; the lists in it are written here, the files of films where they are looked at.

    Yields:
        One of each film in the order given, as soon as all before it are there.

    Raises:
        UsageError: if a process has another model, or cannot see the folders.
    """
    films = _films(paths, folder)
    orders = _Orders(model, assessor, folder)
    ready: dict[int, Looked] = {}
    told = 0
    size = max(1, min(CHUNK, -(-len(films) // engine.workers)))
    chunks = [range(k, min(k + size, len(films))) for k in range(0, len(films), size)]
    alone: list[range] = []
    for part in (chunks, alone):
        items = [orders.of([films[n] for n in chunk]) for chunk in part]
        with closing(engine.run(_WORK, items)) as replies:  # type: ignore[type-var]
            for position, reply in replies:
                chunk = part[position]
                if isinstance(reply, Failure) and len(chunk) > 1 and _worth_a_try(reply):
                    alone += [range(n, n + 1) for n in chunk]
                    continue
                ready |= zip(chunk, orders.read([films[n] for n in chunk], reply), strict=True)
                while told in ready:
                    looked = ready.pop(told)
                    yield looked if folder is None else _enlisted(looked, folder)
                    told += 1


def _worth_a_try(failure: Failure) -> bool:
    """Whether films of a chunk may be sound; an error that konio raised itself is everybody's.

    Raises:
        UsageError: where it is.
    """
    if not failure.died and not failure.detail:
        raise UsageError(failure.reason)
    return True


def _enlisted(looked: Looked, folder: ResultFolder) -> Looked:
    failure = folder.enlist(looked.row)
    return Looked(looked.row, looked.problem or failure)


def _films(paths: Sequence[str], folder: ResultFolder | None) -> list[dict[str, str]]:
    """What a process has to know of each film: its path, the name of its results, the first film with the same bytes."""
    earlier = twins(paths)
    return [
        {
            "path": path,
            "stem": "" if folder is None else folder.stem(path),
            **({"earlier": earlier[path]} if path in earlier else {}),
        }
        for path in paths
    ]


def twins(paths: Iterable[str]) -> dict[str, str]:
    """Files that hold the same bytes as an earlier one, and which; only files of one size are read.

    Args:
        paths: files; what is no file, or cannot be opened, has no twin.
    """
    sizes: defaultdict[int, list[str]] = defaultdict(list)
    for path in paths:
        try:
            sizes[Path(path).stat().st_size].append(path)
        except (OSError, ValueError):
            continue
    first: dict[bytes, str] = {}
    found = {}
    for alike in (group for group in sizes.values() if len(group) > 1):
        for path in alike:
            digest = _digest(path)
            if digest is not None and first.setdefault(digest, path) != path:
                found[path] = first[digest]
    return found


def _digest(path: str) -> bytes | None:
    if not Path(path).is_file():
        return None
    try:
        with Path(path).open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").digest()
    except OSError:
        return None


class _Orders:
    """What is sent to the processes of a run, and how their replies are read."""

    def __init__(self, model: str, assessor: Assessor, folder: ResultFolder | None) -> None:
        here = Path.cwd()
        self.assessor = assessor
        self.shared: dict[str, Any] = {
            "here": str(here),
            "model": str(here / model) if Path(model).is_dir() else model,
            "weights": assessor.stamp.weights_sha256,
            "folder": None if folder is None else str(folder.folder),
            "formats": [] if folder is None else list(folder.formats),
            "language": "auto" if folder is None else folder.language,
        }

    def of(self, films: list[dict[str, str]]) -> dict[str, Any]:
        """The order for some films."""
        return {**self.shared, "films": films}

    def read(
        self, films: list[dict[str, str]], reply: Mapping[str, Any] | Failure
    ) -> Iterator[Looked]:
        """What a process said of each of its films."""
        if isinstance(reply, Failure):
            _worth_a_try(reply)
            for film in films:
                yield self._failed(film["path"], reply)
            return
        for said in reply["films"]:
            assessment = read_assessment(said["assessment"], said["chinese"])
            problem = None if said["problem"] is None else OutputError(said["problem"])
            yield Looked(
                Row(assessment, self.assessor.questions, said["thumbnail"], problem is not None),
                problem,
            )

    def _failed(self, path: str, failure: Failure) -> Looked:
        reason = failure.reason.partition("; ")[0].partition(", for want")[0]
        refused = RefusedError("not-assessed", reason)
        nothing = self.assessor.refused(refused, {"path": path})
        return Looked(Row(nothing.assessment, nothing.questions))


def work(order: Mapping[str, Any]) -> dict[str, Any]:
    """Some films, in a process of the engine; called by `assess_many`.

    Raises:
        UsageError: if the run's folder is not seen here.
        BundleError: if the model here has other weights than where the run began.
    """
    _enter(order["here"])
    assessor = _assessor(order["model"], order["weights"])
    files = None
    if order["folder"] is not None:
        files = FilmFiles(
            Path(order["folder"]), tuple(order["formats"]), order["language"], assessor.about
        )
    films = order["films"]
    earlier = {film["path"]: film["earlier"] for film in films if "earlier" in film}
    looked = assessor.examine([film["path"] for film in films], earlier)
    said = []
    for film, examined in zip(films, looked, strict=True):
        assessment, problem, thumbnail = examined.assessment, None, ""
        if files is not None:
            assessment, problem = files.write(examined, film["stem"])
            thumbnail = Row.of(examined, assessment, failed=problem is not None).thumbnail
        said.append(
            {
                "assessment": assessment.to_json(),
                "chinese": _chinese(assessment.withheld, assessment.refusal),
                "thumbnail": thumbnail,
                "problem": None if problem is None else str(problem),
            }
        )
    return {"films": said}


def _chinese(withheld: Mapping[str, tuple[str, str]], refusal: Refusal | None) -> dict[str, str]:
    found = {name: why[1] for name, why in withheld.items()}
    return found if refusal is None else {**found, "": refusal.reason_zh}


def _enter(here: str) -> None:
    """Relative paths mean here what they mean where the run began."""
    if here == str(Path.cwd()):
        return
    try:
        os.chdir(here)
    except OSError as error:
        raise UsageError(
            f"the folder {here} is not seen on every machine of the cluster ({error.strerror}); share it under the same name"
        ) from error


@lru_cache(maxsize=1)
def _assessor(model: str, weights: str) -> Assessor:
    assessor = load(model)
    if assessor.stamp.weights_sha256 != weights:
        raise BundleError(
            f"the model {assessor.facts.name!r} of one machine has other weights ({assessor.stamp.weights_sha256[:12]}) than "
            f"where the run began ({weights[:12]}); install the same konio everywhere"
        )
    return assessor
