"""A bundle measured on a cohort: scores with intervals, every prediction, confusion tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from konio import metrics, significance
from konio.cohort import Cohort, read_cohort
from konio.errors import OutputError
from konio.hierarchy.bundle import STAGING
from konio.learning.batches import Films
from konio.learning.films import FilmPlan
from konio.learning.look import folded, look
from konio.learning.objective import Questions
from konio.networks import Bundle, LossPlan, find_bundle, read_bundle
from konio.networks.nodule_bundle import NODULE
from konio.prepare import Preparation
from konio.records import Case
from konio.standards import Findings, LargeOpacity, stage
from konio.tasks import MISSING, STAGE, ZONES, Task, TaskSet

if TYPE_CHECKING:
    from konio.learning.training import Options

METRICS: Final = "metrics.json"
PREDICTIONS: Final = "predictions.csv"
#: Intervals of kappa and macro-recall: draws of patients.
_DRAWS: Final = 1000
#: The stage that follows from the predicted zones, large opacity and aggregation.
RULE: Final = "stage_by_rule"
#: Any large opacity of stage III size serves: only the class is predicted, not the diameters.
_STAGE_III_OPACITY: Final = LargeOpacity(20.0, 11.0)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a model said about a cohort.

    Args:
        cases: the films that could be used, in the order of the cohort.
        tasks: the questions.
        probabilities: task name to ``(n, classes)``, calibrated.
        truth: task name to ``(n,)`` class positions or `MISSING`.
        refused: path to reason for the films that could not.
        decided: task name to ``(n,)`` class positions where a rule decides and not the largest probability.
        beside: what else stands in the document, by name.
        columns: further columns of the predictions, by name; one cell for each case.
    """

    cases: tuple[Case, ...]
    tasks: TaskSet
    probabilities: dict[str, NDArray[np.float64]]
    truth: dict[str, NDArray[np.int64]]
    refused: dict[str, str]
    decided: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)

    def predicted(self, task: str) -> NDArray[np.int64]:
        """Class positions that are answered, ``(n,)``: the decided ones, else as `konio.tasks.Task.chosen` says."""
        if task in self.decided:
            return self.decided[task]
        rows = map(self.tasks[task].chosen, self.probabilities[task])
        return np.fromiter(rows, np.int64, len(self.probabilities[task]))


def evaluate(
    cohort: Cohort | str | Path,
    model: str | Path,
    out: str | Path,
    *,
    options: Options | None = None,
) -> dict[str, Any]:
    """Measure a model on a cohort.

    Writes ``metrics.json``, ``predictions.csv`` and one ``confusion-TASK.csv`` per question into ``out``.

    Args:
        cohort: the cases, or the path of their table; for a nodule model the path of its readings.
        model: name of a shipped bundle or a bundle's directory.
        out: folder of the results; prepared films are kept there too unless the options name a cache.
        options: where things are kept and who is told.

    Returns:
        What ``metrics.json`` holds.

    Raises:
        CohortError: if no film can be used.
        BundleError: if the bundle answers no questions about radiographs.
        OutputError: if ``out`` cannot be written.
    """
    from konio.learning.training import Options

    bundle = read_bundle(find_bundle(model))
    if bundle.facts.kind == NODULE:
        from konio.learning.nodule_evaluation import evaluate_nodules

        return evaluate_nodules(cohort, bundle, Path(out), options or Options())
    if not isinstance(cohort, Cohort):
        cohort = read_cohort(cohort)
    answers = answer_cohort(cohort, bundle, Path(out), options or Options())
    document = {
        "schema": "konio.evaluation/1",
        "model": {"name": bundle.facts.name, "weights_sha256": bundle.weights_sha256},
        "cohort": {
            "fingerprint": cohort.fingerprint,
            "films": len(cohort),
            "assessed": len(answers.cases),
            "refused": answers.refused,
        },
        "tasks": scores(answers),
        **answers.beside,
    }
    write_results(Path(out), document, answers)
    return document


def answer_cohort(cohort: Cohort, bundle: Bundle, out: Path, options: Options) -> Answers:
    """Ask a model about every film of a cohort.

    Args:
        cohort: the cases.
        bundle: the model.
        out: folder of the prepared films where the options name no cache.
        options: where things are kept and who is told.
    """
    from konio.learning.training import films_of, labels_of

    if bundle.facts.kind == STAGING:
        from konio.learning.staging_answers import answer_stages

        return answer_stages(cohort, bundle, out, options)
    network = bundle.network()
    preparation = Preparation.from_json(bundle.facts.preprocessing)
    plan = FilmPlan(preparation, (preparation.size,), options.segmenter)
    store = films_of(cohort, plan, out, options)
    kept = np.flatnonzero(store.ready)
    labels = labels_of(cohort, network.tasks)[kept]
    objective = Questions(network.tasks, LossPlan())
    logits = look(
        folded(network, preparation.size), Films(store, kept, labels), preparation.size, objective
    ).numpy()
    temperatures = bundle.facts.temperatures
    return Answers(
        cases=tuple(cohort.cases[i] for i in kept),
        tasks=network.tasks,
        probabilities={
            name: metrics.softmax(own, temperatures.get(name, 1.0))
            for name, own in objective.split(logits).items()
        },
        truth={name: labels[:, column] for column, name in enumerate(network.tasks.names)},
        refused={cohort.cases[i].path: reason for i, reason in store.refusals.items()},
    )


def scores(answers: Answers) -> dict[str, Any]:
    """Scores of every question that has labels, and of the stage by rule where it can be made."""
    found = {}
    for task in answers.tasks:
        truth = answers.truth[task.name]
        if (truth != MISSING).any():
            found[task.name] = _scores(
                task, truth, answers.predicted(task.name), answers, answers.probabilities[task.name]
            )
    by_rule = stages_by_rule(answers)
    if by_rule is not None and STAGE.name in found:
        found[RULE] = _scores(STAGE, answers.truth[STAGE.name], by_rule, answers)
    return found


def stages_by_rule(answers: Answers) -> NDArray[np.int64] | None:
    """GBZ 70-2015 applied to the predicted zones, large opacity and aggregation.

    Returns:
        ``(n,)`` positions of `konio.tasks.STAGE`; ``None`` where the model does not answer all of these.
    """
    wanted = [f"zone_{zone}" for zone in ZONES] + ["large_opacity", "aggregation"]
    if not all(name in answers.tasks for name in wanted):
        return None
    predicted = {name: answers.predicted(name) for name in wanted}

    def staged(row: int) -> int:
        said = {name: answers.tasks[name].label(int(predicted[name][row])) for name in wanted}
        findings = Findings(
            {zone: str(said[f"zone_{zone}"]) for zone in ZONES},
            aggregation=said["aggregation"] == "present",
            large=(_STAGE_III_OPACITY,) if said["large_opacity"] == "present" else (),
        )
        return STAGE.index(stage(findings).stage)

    return np.array([staged(row) for row in range(len(answers.cases))], np.int64)


def _scores(
    task: Task,
    truth: NDArray[np.int64],
    predicted: NDArray[np.int64],
    answers: Answers,
    probabilities: NDArray[np.float64] | None = None,
) -> dict[str, Any]:
    present = np.flatnonzero(truth != MISSING)
    truth, predicted = truth[present], predicted[present]
    matrix = metrics.confusion(truth, predicted, len(task))
    by_class = metrics.class_scores(matrix)
    interval = significance.wilson(int(np.trace(matrix)), int(matrix.sum()))
    found: dict[str, Any] = {
        "films": len(present),
        "accuracy": metrics.accuracy(matrix),
        "accuracy_95": [interval.low, interval.high],
        "balanced_accuracy": metrics.balanced_accuracy(matrix),
        "macro_precision": metrics.macro_precision(matrix),
        "macro_recall": metrics.macro_recall(matrix),
        "macro_recall_95": _macro_recall_interval(truth, predicted, present, answers, len(task)),
        "macro_f1": metrics.macro_f1(matrix),
        "recall": dict(zip(task.classes, by_class.recall.tolist(), strict=True)),
        "recall_95": dict(zip(task.classes, _recall_intervals(matrix), strict=True)),
        "precision": dict(zip(task.classes, by_class.precision.tolist(), strict=True)),
        "f1": dict(zip(task.classes, by_class.f1.tolist(), strict=True)),
        "confusion": matrix.tolist(),
    }
    if task.ordered:
        patients = [answers.cases[i].patient_id for i in present]
        found |= _ordinal(matrix, truth, predicted, patients)
    if probabilities is not None:
        own = probabilities[present]
        found["expected_calibration_error"] = metrics.expected_calibration_error(own, truth)
        found["brier_loss"] = metrics.brier_loss(own, truth)
        areas = metrics.one_vs_rest_auc(truth, own)
        found["auc"] = dict(zip(task.classes, np.asarray(areas).tolist(), strict=True))
    return {name: _finite(value) for name, value in found.items()}


def _recall_intervals(matrix: NDArray[np.int64]) -> list[list[float] | None]:
    """Wilson's interval of every class' recall; ``None`` for a class without films."""
    found: list[list[float] | None] = []
    for right, films in zip(np.diag(matrix).tolist(), matrix.sum(axis=1).tolist(), strict=True):
        interval = significance.wilson(right, films) if films else None
        found.append(None if interval is None else [interval.low, interval.high])
    return found


def _macro_recall_interval(
    truth: NDArray[np.int64],
    predicted: NDArray[np.int64],
    present: NDArray[np.intp],
    answers: Answers,
    classes: int,
) -> list[float] | None:
    """Patient bootstrap within the true classes, which keeps their numbers; ``None`` with fewer than two patients."""
    patients = [answers.cases[i].patient_id for i in present]
    if len(set(patients)) < 2:
        return None

    def recall(rows: NDArray[np.intp]) -> float:
        return metrics.macro_recall(metrics.confusion(truth[rows], predicted[rows], classes))

    spread = significance.patient_bootstrap(
        recall,
        patients,
        np.random.default_rng(0),
        draws=_DRAWS,
        strata=[str(own) for own in truth],
        bca=False,
    )
    return [spread.percentile.low, spread.percentile.high]


def _ordinal(
    matrix: NDArray[np.int64],
    truth: NDArray[np.int64],
    predicted: NDArray[np.int64],
    patients: Sequence[str],
) -> dict[str, Any]:
    classes = len(matrix)

    def kappa(rows: NDArray[np.intp]) -> float:
        drawn = metrics.confusion(truth[rows], predicted[rows], classes)
        return metrics.quadratic_weighted_kappa(drawn)

    spread = significance.patient_bootstrap(
        kappa, patients, np.random.default_rng(0), draws=_DRAWS, bca=False
    )
    return {
        "quadratic_weighted_kappa": metrics.quadratic_weighted_kappa(matrix),
        "quadratic_weighted_kappa_95": [spread.percentile.low, spread.percentile.high],
        "mae": metrics.ordinal_mae(matrix),
        "under_rate": metrics.under_rate(matrix),
        "over_rate": metrics.over_rate(matrix),
        "off_by_two_rate": metrics.off_by_two_rate(matrix),
    }


def _finite(value: Any) -> Any:
    """The same with ``None`` for what is not defined, since JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def write_results(out: Path, document: dict[str, Any], answers: Answers) -> None:
    """Write ``metrics.json``, ``predictions.csv`` and the confusion tables.

    Raises:
        OutputError: if they cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        (out / METRICS).write_text(text + "\n", encoding="utf-8")
        (out / PREDICTIONS).write_text(_predictions(answers), encoding="utf-8", newline="")
        for name, found in document["tasks"].items():
            classes = answers.tasks[name if name != RULE else STAGE.name].classes
            rows = [["truth \\ prediction", *classes]]
            rows += [[c, *map(str, r)] for c, r in zip(classes, found["confusion"], strict=True)]
            (out / f"confusion-{name}.csv").write_text(_csv(rows), encoding="utf-8", newline="")
    except OSError as error:
        raise OutputError(
            f"results cannot be written to {out} ({error.strerror}); choose another folder"
        ) from error


def _predictions(answers: Answers) -> str:
    header = ["path", "patient_id", *answers.columns]
    for task in answers.tasks:
        header += [f"{task.name}_truth", f"{task.name}_predicted"]
        header += [f"{task.name}_p_{name}" for name in task.classes]
    rows = [header]
    for row, case in enumerate(answers.cases):
        cells = [case.path, case.patient_id, *(own[row] for own in answers.columns.values())]
        for task in answers.tasks:
            own = answers.probabilities[task.name][row]
            cells.append(task.label(int(answers.truth[task.name][row])) or "")
            cells.append(task.classes[int(answers.predicted(task.name)[row])])
            cells += [f"{p:.6f}" for p in own]
        rows.append(cells)
    return _csv(rows)


def _csv(rows: list[list[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
