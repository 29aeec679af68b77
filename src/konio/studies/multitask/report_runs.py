"""What the finished trials said, as arrays: the evidence that every table and figure of the page is made from.

Reads ``study.json``, ``cases.csv`` and the predictions of whatever trials are finished; a study that still runs gives a page too.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio import metrics
from konio.errors import OutputError
from konio.report.words import Words
from konio.studies.multitask.predictions import read_predictions
from konio.studies.runner import Finished, finished
from konio.tasks import MISSING, RADIOGRAPH_TASKS, Task

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]

#: How methods are called on the page. ``single`` stands for one network a question.
METHODS: Final[Mapping[str, Words]] = {
    "multi": Words("multi-task", "多任务"),
    "single": Words("single-task", "单任务"),
    "mixed": Words("real and made-up films", "真实与虚构胸片"),
    "real": Words("real films alone", "仅真实胸片"),
    "texture": Words("zone texture, linear model", "肺区纹理线性模型"),
    "seen": Words("features of a finished model, linear model", "已有模型特征加线性模型"),
    "together": Words("network and features together", "网络与特征合并"),
    "majority": Words("majority class", "多数类"),
}

#: Columns of ``cases.csv`` that are no covariate.
_OWN: Final = ("position", "path", "patient_id", "part", "fold", *RADIOGRAPH_TASKS.names)
#: Covariates that follow from the label.
_DERIVED: Final = ("observed_stage", "clause")
#: Covariates that name files.
_FILES: Final = ("zones", "lungs", "lesions")


@dataclass(frozen=True, slots=True)
class Question:
    """A question with those of its classes that the cohort has.

    Args:
        task: the question.
        kept: positions of these classes in the task, ascending; real films know no dust, for example.
    """

    task: Task
    kept: tuple[int, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.task.classes[k] for k in self.kept)

    @property
    def words(self) -> tuple[Words, ...]:
        """Their names in both languages."""
        return tuple(Words(a.en, a.zh) for a in (self.task.answers[k] for k in self.kept))

    @property
    def title(self) -> Words:
        """The question in a word or two."""
        if self.classes == ("healthy", "tuberculosis"):
            return Words("Tuberculosis or normal", "肺结核或正常")
        return {
            "differential": Words("Task 1, differential", "任务一：鉴别诊断"),
            "stage": Words("Task 2, stage", "任务二：诊断分期"),
        }[self.task.name]


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One row of ``cases.csv``.

    Args:
        path: the film.
        patient_id: of the patient.
        part: ``train``, ``test``, ``extra`` or ``refused``.
        labels: question to class, unknown ones left out.
        covariates: everything else that is known.
    """

    path: str
    patient_id: str
    part: str
    labels: Mapping[str, str]
    covariates: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One network's (or baseline's) answers to one question; films without a label are left out.

    Args:
        name: of the trial.
        group: ``multi``, ``single-stage``, ``texture`` ...
        role: ``cv`` (one fold held out) or ``final`` (the test part).
        dropout: or ``None``.
        fold: or ``None``.
        seed: or ``None``.
        position: ``(n,)`` rows of ``cases.csv``.
        truth: ``(n,)`` positions in `Question.classes`.
        logits: ``(n, classes)`` of these classes, not calibrated.
        temperature: fitted on films that are not measured here; ``None`` where there was none.
    """

    name: str
    group: str
    role: str
    dropout: float | None
    fold: int | None
    seed: int | None
    position: Positions
    truth: Positions
    logits: Floats
    temperature: float | None

    @property
    def predicted(self) -> Positions:
        """Most probable classes, ``(n,)``."""
        return np.asarray(self.logits.argmax(axis=1))

    def probabilities(self, *, calibrated: bool = True) -> Floats:
        """``(n, classes)``, divided by the temperature where there is one."""
        warm = self.temperature if calibrated and self.temperature else 1.0
        return metrics.softmax(self.logits, warm)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything a page is made from.

    Args:
        out: the study's folder.
        study: ``study.json``.
        cases: rows of ``cases.csv``.
        questions: those that were asked and have labels.
        runs: question to the runs that answered it, by name.
    """

    out: Path
    study: Mapping[str, Any]
    cases: tuple[CaseRow, ...]
    questions: Mapping[str, Question]
    runs: Mapping[str, tuple[Run, ...]]

    @cached_property
    def groups(self) -> frozenset[str]:
        """Groups of which a trial is finished."""
        return frozenset(run.group for runs in self.runs.values() for run in runs)

    @property
    def pair(self) -> tuple[str, str | None]:
        """The method in question and the one it is compared with."""
        if {"real", "mixed"} & self.groups:
            return ("mixed", "real") if "mixed" in self.groups else ("real", None)
        return "multi", "single"

    @property
    def measured(self) -> tuple[CaseRow, ...]:
        """The study's own films that take part; not those that were refused or only mixed into training."""
        return tuple(row for row in self.cases if row.part in ("train", "test"))

    @cached_property
    def several_films(self) -> bool:
        """Whether some patients have several films, so that films are not independent of one another."""
        return len({row.patient_id for row in self.measured}) < len(self.measured)

    @property
    def tested(self) -> bool:
        """Whether films were set aside for a test."""
        return bool(self.study["design"]["seeds"])

    @property
    def repeats(self) -> int:
        """Trainings of every fold at one drop-out rate."""
        return int(self.study["design"].get("repeats", 1))

    @property
    def baselines(self) -> tuple[str, ...]:
        """Baselines that were asked, weakest first."""
        return tuple(name for name in ("majority", "texture", "seen") if name in self.groups)

    @property
    def made_up(self) -> bool:
        """Whether the measured patients are made up."""
        return bool(self.study["cohort"]["made_up"])

    @property
    def dropouts(self) -> tuple[float, ...]:
        """Drop-out rates of the design and of the finished trials, ascending."""
        own = {run.dropout for runs in self.runs.values() for run in runs}
        return tuple(
            sorted({*self.study["design"]["dropouts"], *(x for x in own if x is not None)})
        )

    def of(
        self, task: str, method: str, role: str, dropout: float | None = None
    ) -> tuple[Run, ...]:
        """Runs of one method.

        Args:
            task: the question.
            method: key of `METHODS`.
            role: ``cv`` or ``final``.
            dropout: of the networks; any where ``None``.
        """
        group = f"single-{task}" if method == "single" else method
        return tuple(
            run
            for run in self.runs.get(task, ())
            if (run.group, run.role) == (group, role) and dropout in (None, run.dropout)
        )

    def chosen(self, task: str, method: str) -> float | None:
        """The drop-out rate chosen on cross-validation; until it is, the best of those tried so far."""
        group = f"single-{task}" if method == "single" else method
        known = (self.study.get("chosen") or {}).get(group)
        if known is not None:
            return float(known)
        by_rate: dict[float, list[float]] = {}
        for run in self.of(task, method, "cv"):
            if run.dropout is not None:
                by_rate.setdefault(run.dropout, []).append(
                    float((run.predicted == run.truth).mean())
                )
        return max(by_rate, key=lambda rate: (np.mean(by_rate[rate]), -rate)) if by_rate else None

    def best(self, task: str, method: str) -> tuple[Run, ...]:
        """Cross-validation at the chosen drop-out rate."""
        return self.of(task, method, "cv", self.chosen(task, method))

    def film(self, position: int) -> str:
        """A film by its path in the folder that holds all films of the study."""
        path = Path(self.cases[position].path)
        if self._root is None or not path.is_relative_to(self._root):
            return path.name
        return path.relative_to(self._root).as_posix()

    @cached_property
    def _root(self) -> Path | None:
        parents = {str(Path(row.path).parent) for row in self.cases if row.part != "extra"}
        try:
            return Path(os.path.commonpath(parents))
        except ValueError:  # no films, or of several drives
            return None

    def patients(self, position: Iterable[int]) -> list[str]:
        """Patients of films."""
        return [self.cases[int(place)].patient_id for place in position]


def read_evidence(out: str | Path) -> Evidence:
    """Everything in a study's folder.

    Raises:
        OutputError: if ``study.json`` or ``cases.csv`` is missing or damaged.
    """
    folder = Path(out)
    try:
        study = json.loads((folder / "study.json").read_text("utf-8"))
        with (folder / "cases.csv").open(encoding="utf-8", newline="") as file:
            cases = tuple(_case(row) for row in csv.DictReader(file))
    except (OSError, ValueError, KeyError) as error:
        raise OutputError(
            f"{folder} holds no study that can be reported ({error}); run `konio study multitask` into it"
        ) from error
    questions = _questions(study, cases)
    trials = finished(folder, "multitask")
    runs = {
        name: tuple(run for trial in trials if (run := _run(trial, question, study)) is not None)
        for name, question in questions.items()
    }
    together = {name: (*own, *_together(own)) for name, own in runs.items()}
    return Evidence(folder, study, cases, questions, together)


def _together(runs: Sequence[Run]) -> Iterator[Run]:
    """Network and linear model on a finished model's features as one: the mean of their probabilities, fold by fold."""
    seen = {run.fold: run for run in runs if (run.group, run.role) == ("seen", "cv")}
    for run in runs:
        other = seen.get(run.fold)
        if (run.group, run.role) != ("real", "cv") or other is None:
            continue
        mine, theirs = np.argsort(run.position), np.argsort(other.position)
        if not np.array_equal(run.position[mine], other.position[theirs]):
            continue
        mean = (run.probabilities()[mine] + other.probabilities()[theirs]) / 2
        yield dataclasses.replace(
            run,
            name=run.name.replace("real", "together"),
            group="together",
            position=run.position[mine],
            truth=run.truth[mine],
            logits=np.log(np.maximum(mean, np.finfo(np.float64).tiny)),
            temperature=None,
        )


def _case(row: Mapping[str, str]) -> CaseRow:
    labels = {name: row[name] for name in RADIOGRAPH_TASKS.names if row.get(name)}
    covariates = {k: v for k, v in row.items() if k not in (*_OWN, *_FILES, *_DERIVED) and v}
    return CaseRow(row["path"], row["patient_id"], row["part"], labels, covariates)


def _questions(study: Mapping[str, Any], cases: Sequence[CaseRow]) -> dict[str, Question]:
    found = {}
    for name in study["design"]["tasks"]:
        task = RADIOGRAPH_TASKS[name]
        known = {row.labels.get(name) for row in cases if row.part in ("train", "test")}
        kept = tuple(k for k, one in enumerate(task.classes) if one in known)
        if len(kept) > 1:
            found[name] = Question(task, kept)
    return found


def _run(trial: Finished, question: Question, study: Mapping[str, Any]) -> Run | None:
    settings, task = trial.settings, question.task.name
    if task not in settings["tasks"]:
        return None
    predictions = read_predictions(trial.folder)
    if task not in predictions.tasks:
        return None
    answers = predictions.tasks[task]
    labelled = np.flatnonzero(answers.truth != MISSING)
    if not len(labelled):
        return None
    group = settings.get("group", settings["model"])
    if settings["role"] == "final":
        temperature = ((study.get("temperatures") or {}).get(group) or {}).get(task)
    else:
        temperature = trial.result.get("temperatures", {}).get(task)
    return Run(
        name=trial.name,
        group=group,
        role=settings["role"],
        dropout=settings.get("dropout"),
        fold=settings.get("fold"),
        seed=settings.get("seed"),
        position=predictions.position[labelled],
        truth=np.searchsorted(question.kept, answers.truth[labelled]),
        logits=answers.logits[labelled][:, list(question.kept)].astype(np.float64),
        temperature=temperature,
    )


def pair_of(evidence: Evidence) -> tuple[str, ...]:
    """The networks compared on this page."""
    return tuple(method for method in evidence.pair if method is not None)


def joined(*parts: Words) -> Words:
    """Names side by side, as headings have them."""
    return Words(" · ".join(own.en for own in parts), " · ".join(own.zh for own in parts))
