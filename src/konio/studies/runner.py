"""The runner of all studies: independent trials, each done once.

A study's folder holds ``trials/NAME/`` for every trial::

    trial.json     what is being tried, written first; its fingerprint says of what recipe, cohort and code
    ...            whatever the trial keeps (predictions, the state of a training run)
    result.json    what came of it, written last and in one step
    failure.json   instead of a result, why there is none

A trial is finished exactly if ``result.json`` with the right fingerprint is there. So a kill at any moment loses at
most the trials in flight, and those go on from the state they saved, where they keep one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from konio import __version__
from konio.engine import Engine, Failure, resolve
from konio.errors import OutputError, UsageError

TRIALS: Final = "trials"
TRIAL: Final = "trial.json"
RESULT: Final = "result.json"
FAILURE: Final = "failure.json"
SCHEMA: Final = "konio.trial/1"
_WORK: Final = "konio.studies.runner:work"


@dataclass(frozen=True, slots=True)
class Trial:
    """One independent piece of a study.

    Args:
        name: its folder; letters, digits, ``-``, ``_`` and ``.``.
        settings: JSON, everything that tells this trial from the others.
        cost: expected time in any unit that is the same for all trials; only the time left is reckoned from it.

    Raises:
        UsageError: on a name that is no folder's.
    """

    name: str
    settings: Mapping[str, Any]
    cost: float = 1.0

    def __post_init__(self) -> None:
        plain = self.name.replace("-", "").replace("_", "").replace(".", "")
        if not plain.isalnum() or self.name.startswith("."):
            raise UsageError(
                f"a trial cannot be called {self.name!r}; use letters, digits, '-', '_' and '.'"
            )


@dataclass(frozen=True, slots=True)
class Study:
    """Trials that belong together.

    Args:
        name: of the study.
        trials: in the order they are tried.
        function: ``module:name``, called as ``f(settings, folder)`` with the trial's settings and its own folder;
            what it returns is JSON. A number ``score`` in it (higher is better) is shown as the best so far.
        fingerprint: from `fingerprint`.

    Raises:
        UsageError: if two trials have one name.
    """

    name: str
    trials: tuple[Trial, ...]
    function: str
    fingerprint: str

    def __post_init__(self) -> None:
        names = [trial.name for trial in self.trials]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UsageError(f"two trials of study {self.name!r} are called {twice!r}; rename one")

    def trial_fingerprint(self, trial: Trial) -> str:
        """SHA-256 of the study's fingerprint, the function and the trial's settings."""
        return _digest([SCHEMA, self.fingerprint, self.function, trial.name, dict(trial.settings)])


@dataclass(frozen=True, slots=True)
class Finished:
    """A trial that has a result.

    Args:
        name: of the trial.
        fingerprint: of the trial.
        settings: as they were given.
        result: what the study's function returned.
        seconds: wall-clock time of its last start.
        folder: its own.
    """

    name: str
    fingerprint: str
    settings: Mapping[str, Any]
    result: Mapping[str, Any]
    seconds: float
    folder: Path


@dataclass(frozen=True, slots=True)
class StudyProgress:
    """How far a study is.

    Args:
        done: trials with a result.
        failed: trials without one.
        trials: all of them.
        seconds_left: reckoned from the trials finished since this start; ``None`` before the first.
        best: name and score of the best trial so far, or ``None``.
        last: the trial that ended just now, or ``""``.
        failure: why it failed, or ``""``.
    """

    done: int
    failed: int
    trials: int
    seconds_left: float | None
    best: tuple[str, float] | None
    last: str = ""
    failure: str = ""


def fingerprint(recipe: Any, cohort: str, code: str) -> str:
    """SHA-256 of what decides a study's numbers.

    Args:
        recipe: JSON.
        cohort: fingerprint of the cohort.
        code: from `code_version`.
    """
    return _digest([recipe, cohort, code])


def code_version(*modules: str) -> str:
    """The version of konio and a hash over the source of the modules and packages that decide a study's numbers.

    Examples:
        >>> code_version("konio.metrics") == code_version("konio.metrics")
        True
    """
    digest = hashlib.sha256()
    for name in sorted(modules):
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise UsageError(f"there is no module {name!r}; name one of konio's")
        file = Path(spec.origin)
        files = sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]
        for path in files:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:16]}"


def run_study(
    study: Study,
    out: str | Path,
    engine: Engine,
    progress: Callable[[StudyProgress], None] | None = None,
) -> list[Finished]:
    """Try every trial that is not finished yet.

    A trial that fails stops nobody; it is tried again at the next start.

    Args:
        study: what to do.
        out: its folder, seen by every process of the engine.
        engine: where it runs.
        progress: told after every trial, and once before the first.

    Returns:
        The finished trials of this study, in its order.

    Raises:
        OutputError: if ``out`` cannot be written, or another process is running a study there.
    """
    out = Path(out).absolute()
    with _alone(out):
        todo = [trial for trial in study.trials if _result(study, out, trial) is None]
        count = _Count(study, out, todo, engine.workers, progress)
        orders = [_order(study, out, trial) for trial in todo]
        for position, result in engine.run(_WORK, orders):
            trial = todo[position]
            if isinstance(result, Failure):
                _write_failure(out / TRIALS / trial.name, result)
            count.ended(trial, result)
    return finished_of(study, out)


def work(order: Mapping[str, Any]) -> dict[str, Any]:
    """One trial, in a process of the engine; called by `run_study`.

    Returns:
        Its score, if it has one.
    """
    folder = Path(order["folder"])
    own = {name: order[name] for name in ("schema", "study", "name", "fingerprint", "settings")}
    _begin(folder, own)
    begun = time.monotonic()
    result = resolve(order["function"])(order["settings"], folder)
    seconds = time.monotonic() - begun
    write_json(folder / RESULT, {**own, "seconds": round(seconds, 3), "result": result})
    return {"score": result.get("score")}


def finished(out: str | Path, study: str | None = None) -> list[Finished]:
    """Every finished trial in a study's folder, by name; at any time, also while it runs.

    Args:
        out: the study's folder.
        study: leave out trials of other studies.
    """
    found = []
    for path in sorted((Path(out) / TRIALS).glob(f"*/{RESULT}")):
        plain = _read(path)
        if plain is not None and (study is None or plain["study"] == study):
            found.append(_finished(plain, path.parent))
    return found


def finished_of(study: Study, out: str | Path) -> list[Finished]:
    """The finished trials of exactly this study, in its order."""
    found = []
    for trial in study.trials:
        plain = _result(study, Path(out), trial)
        if plain is not None:
            found.append(_finished(plain, Path(out) / TRIALS / trial.name))
    return found


def failures(study: Study, out: str | Path) -> dict[str, str]:
    """Why trials of the study failed: name to reason."""
    found = {}
    for trial in study.trials:
        plain = _read(Path(out) / TRIALS / trial.name / FAILURE)
        if plain is not None:
            found[trial.name] = str(plain["reason"])
    return found


def write_json(path: Path, document: Any) -> None:
    """Write a document so that it is there whole or not at all.

    Raises:
        OutputError: if it cannot be written.
    """
    beside = path.with_name(path.name + ".part")
    try:
        with beside.open("w", encoding="utf-8") as file:
            json.dump(document, file, indent=1, ensure_ascii=False, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}); free space or choose another folder"
        ) from error


class _Count:
    """Keeps count of what is done, and tells."""

    def __init__(
        self,
        study: Study,
        out: Path,
        todo: list[Trial],
        workers: int,
        tell: Callable[[StudyProgress], None] | None,
    ) -> None:
        self.trials, self.workers, self.tell = len(study.trials), workers, tell
        self.done, self.failed = len(study.trials) - len(todo), 0
        self.cost_left, self.cost_done = sum(trial.cost for trial in todo), 0.0
        self.best: tuple[str, float] | None = None
        for trial in finished_of(study, out):
            self._better(trial.name, trial.result.get("score"))
        self.begun = time.monotonic()
        self._say("", "")

    def ended(self, trial: Trial, result: Any) -> None:
        self.cost_left -= trial.cost
        self.cost_done += trial.cost
        if isinstance(result, Failure):
            self.failed += 1
            self._say(trial.name, result.reason)
            return
        self.done += 1
        self._better(trial.name, result["score"])
        self._say(trial.name, "")

    def _better(self, name: str, score: Any) -> None:
        if isinstance(score, (int, float)) and (self.best is None or score > self.best[1]):
            self.best = (name, float(score))

    def _say(self, last: str, failure: str) -> None:
        if self.tell is None:
            return
        took = time.monotonic() - self.begun
        left = took / self.cost_done * self.cost_left if self.cost_done else None
        now = StudyProgress(self.done, self.failed, self.trials, left, self.best, last, failure)
        self.tell(now)


def _digest(document: Any) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _order(study: Study, out: Path, trial: Trial) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "study": study.name,
        "name": trial.name,
        "fingerprint": study.trial_fingerprint(trial),
        "settings": dict(trial.settings),
        "function": study.function,
        "folder": str(out / TRIALS / trial.name),
    }


def _begin(folder: Path, own: dict[str, Any]) -> None:
    """Make the folder this trial's: what another fingerprint left is removed, its own traces are kept."""
    try:
        known = _read(folder / TRIAL)
        if folder.exists() and (known is None or known["fingerprint"] != own["fingerprint"]):
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FAILURE).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"the trial's folder {folder} cannot be used ({error.strerror}); choose another --out"
        ) from error
    if known != own:
        write_json(folder / TRIAL, own)


def _result(study: Study, out: Path, trial: Trial) -> dict[str, Any] | None:
    plain = _read(out / TRIALS / trial.name / RESULT)
    wanted = study.trial_fingerprint(trial)
    return plain if plain is not None and plain.get("fingerprint") == wanted else None


def _read(path: Path) -> dict[str, Any] | None:
    """A document, or ``None`` where there is none; the runner's own are whole or not there."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return plain if isinstance(plain, dict) else None


def _finished(plain: dict[str, Any], folder: Path) -> Finished:
    names = ("name", "fingerprint", "settings", "result", "seconds")
    return Finished(**{name: plain[name] for name in names}, folder=folder)


def _write_failure(folder: Path, failure: Failure) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    plain = {"reason": failure.reason, "detail": failure.detail, "attempts": failure.attempts}
    write_json(folder / FAILURE, plain)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Refuse to run two studies in one folder at a time; a killed process leaves no lock behind."""
    try:
        (out / TRIALS).mkdir(parents=True, exist_ok=True)
        lock = (out / TRIALS / ".lock").open("w")
    except OSError as error:
        raise OutputError(
            f"the study's folder {out} cannot be used ({error.strerror}); choose another --out"
        ) from error
    with lock:
        try:
            import fcntl
        except ImportError:  # a system without such locks
            yield
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OutputError(
                f"another process is running a study in {out}; wait for it or choose another --out"
            ) from error
        yield
