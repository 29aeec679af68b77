"""A nodule model measured on nodules that people read: every grade, and paper C's two classes of every question.

What the readers said is held against the answer twice. Grade by grade, the truth of an ordered question is the readers'
mean, rounded, that of calcification the commonest code, that of the diameter the nearest grade. By classes, as in paper C,
means below 2.75 stand against means above 3.25, and what lies between has no class.

References:
    Paper C, section 3.1; dossier 3.7, 4.3 B10 and B12.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from konio import metrics, significance
from konio.cohort import Cohort
from konio.errors import CohortError, UsageError
from konio.learning.evaluation import Answers, scores, write_results
from konio.learning.look import look
from konio.learning.nodule_parts import readings_fingerprint
from konio.learning.nodule_sources import Source, open_source
from konio.learning.nodule_table import classes_of, rated_table, votes_of
from konio.learning.nodules import NoduleVolumes, open_volumes
from konio.learning.rated_objective import RatedQuestions, called, scores_of
from konio.networks import Bundle
from konio.networks.balancing import BalancePlan, build_balance
from konio.networks.nodule import NoduleNetwork
from konio.networks.nodule_bundle import nodule_network
from konio.networks.rated import RatedLoss
from konio.nodules import Readings, labels
from konio.prepare.nodule import NodulePreparation
from konio.records import Case
from konio.tasks import MISSING, Task, TaskSet

if TYPE_CHECKING:
    from konio.learning.training import Options

#: Nodules that fewer people read are answered and not scored, as in LUNA16, where any has so many readers.
MEASURED_READERS: Final = 3
#: The question that the diameter alone is compared in.
MAIN: Final = "malignancy"
#: Of the patient bootstrap.
_DRAWS: Final = 1000

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def evaluate_nodules(
    source: Cohort | str | Path, bundle: Bundle, out: Path, options: Options
) -> dict[str, Any]:
    """Measure a nodule model; `konio.learning.evaluation.evaluate` comes here.

    Args:
        source: what `konio.learning.nodule_sources.open_source` opens.
        bundle: of the kind ``nodule-multitask``.
        out: folder of the results; cubes are kept there too unless the options name a cache.
        options: where things are kept and who is told.

    Returns:
        What ``metrics.json`` holds: as for films, and ``two_classes`` beside ``tasks``.

    Raises:
        UsageError: if the cohort was read as one of films.
        CohortError: if no nodule can be used, or the model takes cubes and there is one slice of each.
    """
    if isinstance(source, Cohort):
        raise UsageError(
            f"{bundle.facts.name} answers about nodules, whose readings a cohort of films does not hold; "
            "give the path of the table or of its folder"
        )
    held = open_source(source)
    answers, table, logits = answer_nodules(held, bundle, out, options)
    document = {
        "schema": "konio.evaluation/1",
        "model": {"name": bundle.facts.name, "weights_sha256": bundle.weights_sha256},
        "cohort": {
            "fingerprint": readings_fingerprint(held.readings),
            "films": len(held.readings),
            "assessed": len(answers.cases),
            "refused": answers.refused,
            "measured": int(_measured(table).sum()),
            "made_up": held.made_up,
            "about": held.note[0],
        },
        "tasks": scores(answers),
        "two_classes": two_class_results(table, answers.tasks, logits, bundle),
    }
    write_results(out, document, answers)
    return document


def answer_nodules(
    held: Source, bundle: Bundle, out: Path, options: Options
) -> tuple[Answers, Readings, dict[str, NDArray[np.float32]]]:
    """Ask a model about every nodule of a source.

    Returns:
        The answers, the nodules that could be used, and the calibrated logits of each question.
    """
    network = nodule_network(bundle)
    _check(held, network, bundle)
    preparation = NodulePreparation.from_json(bundle.facts.preprocessing)
    folder = options.cache or out / "prepared"
    assert held.cutter is not None  # noqa: S101 - checked above
    voxels, refused = open_volumes(
        held.readings, preparation, folder, held.cutter, options.counted()
    )
    rows = np.array([row for row in range(len(held.readings)) if row not in refused], np.int64)
    table = held.readings.subset(rows.tolist())
    tasks = network.tasks
    asked = NoduleVolumes(voxels, rows, rated_table(table, tasks), preparation)
    objective = RatedQuestions(tasks, RatedLoss("votes"), build_balance(tasks.names, BalancePlan()))
    said = objective.split(look(network, asked, 0, objective).numpy())
    warm = bundle.facts.temperatures
    logits = {name: own / np.float32(warm.get(name, 1.0)) for name, own in said.items()}
    measured = _measured(table)
    answers = Answers(
        cases=tuple(Case(n.path, n.patient_id, {}) for n in table),
        tasks=tasks,
        probabilities={name: metrics.softmax(own, 1.0) for name, own in logits.items()},
        truth={
            name: np.where(measured, own, MISSING) for name, own in grades_of(table, tasks).items()
        },
        refused={held.readings[row].nodule_id: reason for row, reason in refused.items()},
        columns=_columns(table, tasks, logits, _loss(bundle)),
    )
    return answers, table, logits


def grades_of(table: Readings, tasks: TaskSet) -> dict[str, Labels]:
    """The grade that people gave, ``(n,)`` class positions of each question; `konio.tasks.MISSING` where nobody did.

    Means are rounded half up; two codes of calcification that are as common as one another give none.
    """
    votes = votes_of(table, tasks)
    found = {}
    for task in tasks:
        rated = votes[task.name].sum(axis=1) > 0
        if not task.ordered:
            found[task.name] = labels.calcification(table.ratings(task.name), "nominal")
            continue
        means = votes[task.name] @ np.arange(len(task))
        found[task.name] = np.where(rated, np.floor(means + 0.5 + 1e-6), MISSING).astype(np.int64)
    return found


def two_class_results(
    table: Readings, tasks: TaskSet, logits: dict[str, NDArray[np.float32]], bundle: Bundle
) -> dict[str, Any]:
    """Paper C's reading of every question: two classes, the middle discarded.

    Args:
        table: the nodules that were answered.
        tasks: the questions.
        logits: question to calibrated logits ``(n, K)``.
        bundle: the model, for the loss it learned by and the diameter alone.

    Returns:
        Question to prevalence, accuracy, balanced accuracy, sensitivity, specificity and AUC, with intervals from a
        bootstrap over patients; questions without a nodule of either class are absent. Under malignancy also the diameter alone.
    """
    loss = _loss(bundle)
    measured = _measured(table)
    found = {}
    for task in tasks:
        truth = np.where(measured, classes_of(table, TaskSet((task,)))[task.name], MISSING)
        known = np.flatnonzero(truth != MISSING)
        if not len(known):
            continue
        own = logits[task.name][known]
        patients = [table.patients[row] for row in known]
        found[task.name] = _two_classes(
            truth[known], called(task, own, loss), scores_of(task, own, loss), patients
        )
        if task.name == MAIN:
            found[task.name]["diameter_only"] = _ruler(table, truth, bundle)
    return found


def _two_classes(
    truth: Labels, answered: Labels, score: Floats, patients: list[str]
) -> dict[str, Any]:
    def counts(rows: Any) -> Any:
        return metrics.confusion(truth[rows], answered[rows], 2)

    matrix = counts(slice(None))
    per_class = metrics.class_scores(matrix)
    measures = {
        "accuracy": lambda rows: metrics.accuracy(counts(rows)),
        "balanced_accuracy": lambda rows: _balanced(counts(rows)),
        "auc": lambda rows: metrics.roc_auc(truth[rows], score[rows]),
    }
    found: dict[str, Any] = {
        "nodules": len(truth),
        "prevalence": float((truth == 1).mean()),
        "sensitivity": _known(per_class.recall[1]),
        "specificity": _known(per_class.recall[0]),
        "confusion": matrix.tolist(),
    }
    for name, measure in measures.items():
        found |= _bounded(name, measure, patients)
    return found


def _bounded(name: str, measure: Any, patients: list[str]) -> dict[str, Any]:
    """A score with its interval over patients; ``None`` where it is not defined."""
    value = float(measure(np.arange(len(patients))))
    if not np.isfinite(value) or len(set(patients)) < 2:
        return {name: _known(value), f"{name}_95": None}
    spread = significance.patient_bootstrap(
        measure, patients, np.random.default_rng(0), draws=_DRAWS, bca=False
    ).percentile
    return {name: value, f"{name}_95": [spread.low, spread.high]}


def _balanced(matrix: Any) -> float:
    """Balanced accuracy; not defined where a class is absent."""
    return metrics.balanced_accuracy(matrix) if matrix.sum(axis=1).all() else float("nan")


def _ruler(table: Readings, truth: Labels, bundle: Bundle) -> dict[str, Any] | None:
    """What the bundle's curve of the diameter alone says about the nodules whose diameter is known."""
    curve = bundle.facts.metrics.get("diameter_only")
    rows = np.flatnonzero((truth != MISSING) & np.isfinite(table.diameters))
    if curve is None or not len(rows):
        return None
    odds = curve["slope"] * np.log2(table.diameters[rows] / curve["midpoint_mm"])
    patients = [table.patients[row] for row in rows]
    return _two_classes(truth[rows], (odds > 0).astype(np.int64), odds, patients)


def _loss(bundle: Bundle) -> RatedLoss:
    """How the network learned, which says how its answers are read as two classes."""
    document = bundle.facts.recipe.get("document") or {}
    return RatedLoss((document.get("nodule") or {}).get("loss", "votes"), 2)


def _measured(table: Readings) -> NDArray[np.bool_]:
    enough = table.readers >= MEASURED_READERS
    return enough if enough.any() else np.ones(len(table), np.bool_)


def _columns(
    table: Readings, tasks: TaskSet, logits: dict[str, NDArray[np.float32]], loss: RatedLoss
) -> dict[str, list[str]]:
    """What stands beside the answers in ``predictions.csv``: which nodule, its readers' means and our scores in 0..1."""
    found = {
        "nodule_id": [nodule.nodule_id for nodule in table],
        "readers": [str(nodule.readers) for nodule in table],
        "diameter_mm": [_cell(value) for value in table.diameters],
    }
    for task in tasks:
        found |= {f"{task.name}_readers_mean": _means(table, task)} if _averaged(task) else {}
        score = scores_of(task, logits[task.name], loss)
        found[f"{task.name}_score"] = [f"{value:.6f}" for value in score]
    return found


def _averaged(task: Task) -> bool:
    return task.ordered and task.name != "diameter"


def _means(table: Readings, task: Task) -> list[str]:
    return [_cell(value) for value in table.mean(task.name)]


def _cell(value: float) -> str:
    return f"{value:.4f}" if np.isfinite(value) else ""


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _check(held: Source, network: NoduleNetwork, bundle: Bundle) -> None:
    if held.cutter is None:
        raise CohortError(f"{held.name} holds readings and no pixels; give scans, slices or cubes")
    if held.single and not network.plan.single:
        raise CohortError(
            f"{held.name} has one slice of each nodule and {bundle.facts.name} takes cubes; choose a model of single slices"
        )
