"""One trial: a network is trained on four folds of nodules and answers for the fifth, which it never saw.

Only `run_trial` is called, in a process of an engine; it reads what the study has laid down beside ``trials/``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from konio import metrics
from konio.errors import CohortError
from konio.learning.batches import Batch
from konio.learning.checkpoint import STATE
from konio.learning.fit import fit
from konio.learning.look import look
from konio.learning.module import Run
from konio.learning.nodule_parts import nodule_folds
from konio.learning.nodule_sources import Source, open_source
from konio.learning.nodule_table import classes_of, rated_table
from konio.learning.nodule_training import first_nodule_network, nodule_run
from konio.learning.nodules import NoduleVolumes, open_volumes
from konio.learning.rated_objective import RatedQuestions, called, class_count, scores_of
from konio.learning.recipe import AugmentTable, Phase, Recipe, parse_recipe
from konio.learning.training import StoppedError
from konio.networks.rated import RatedLoss
from konio.nodules import Readings
from konio.studies.nodules.classical import two_class_scores
from konio.studies.nodules.from_answers import TOLD, from_answers
from konio.tasks import MISSING, NODULE_TASKS, TaskSet

PREPARED: Final = "prepared"
PREDICTIONS: Final = "predictions.npz"

#: Turned and mirrored copies: any quarter, either side up.
_TURNED: Final = AugmentTable(
    scale=0.0, rotation=0.0, translation=0.0, flip_horizontal=True, flip_vertical=True
)


def studied(source: Source, min_readers: int) -> Readings:
    """The nodules a study is about: enough readers (one suffices to learn from), slices thin enough."""
    return source.readings.select(min_readers)


def measured_only(readings: Readings, source: Source) -> NDArray[np.bool_]:
    """Which nodules are measured: those that three or four people read, as in LUNA16, where the source has such."""
    enough = readings.readers >= 3
    return enough if enough.any() else np.ones(len(readings), np.bool_)


def run_trial(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train and answer by the settings of one trial.

    Args:
        settings: from `konio.studies.nodules.design.Preset.trials`.
        folder: the trial's own; predictions and logs are written into it.

    Returns:
        Numbers of nodules and steps, and the scores of two classes of every question.
    """
    out = folder.parents[1]
    recipe = parse_recipe(settings["recipe"])
    source = open_source(settings["source"])
    if source.cutter is None:
        raise CohortError(
            f"{source.name} holds readings and no pixels; give scans, slices or cubes"
        )
    table = studied(source, recipe.nodule.min_readers)
    preparation = recipe.nodule.preparation()
    voxels, refused = open_volumes(table, preparation, out / PREPARED, source.cutter)
    split = nodule_folds(table, settings["folds"], np.random.default_rng(settings["split_seed"]))[
        settings["fold"]
    ]
    train = np.array([row for row in split.train if row not in refused], np.int64)
    test = np.array([row for row in split.test if row not in refused], np.int64)
    test = test[measured_only(table, source)[test]]
    network, origin = first_nodule_network(recipe)
    run = nodule_run(recipe, table, voxels, train, test[:0])
    fitted = fit(run, network, folder)
    if not fitted.finished:
        raise StoppedError(f"trial {folder.name} was stopped at step {fitted.step}; run it again")
    tasks = NODULE_TASKS.subset(*recipe.nodule.tasks)
    asked = NoduleVolumes(voxels, test, rated_table(table, tasks)[test], preparation)
    objective = run.objective
    assert isinstance(objective, RatedQuestions)  # noqa: S101 - what nodule_run made
    logits = averaged(fitted.network, asked, objective, settings["views"])
    np.savez_compressed(folder / PREDICTIONS, position=test, **logits)  # type: ignore[arg-type]
    (folder / STATE).unlink(missing_ok=True)
    scores = two_classes(table, test, logits, tasks, recipe)
    learned = train[measured_only(table, source)[train]]
    told = _from_answers(
        table, voxels, learned, (test, logits), fitted.network, run, settings["views"]
    )
    three = three_classes(table, test, logits, tasks, recipe)
    main = scores.get("malignancy") or next(iter(scores.values()), {})
    return {
        "nodules": {"train": len(train), "measured": len(test)},
        "steps": fitted.step,
        "parameters": sum(p.numel() for p in network.parameters()),
        "precision": fitted.precision,
        "first_weights": origin,
        "scores": scores,
        "three": three,
        "from_answers": told,
        "score": main.get("balanced_accuracy"),
    }


def _from_answers(
    table: Readings,
    voxels: NDArray[np.uint8],
    learned: NDArray[np.int64],
    asked: tuple[NDArray[np.int64], dict[str, NDArray[np.float32]]],
    network: torch.nn.Module,
    run: Run,
    views: int,
) -> dict[str, dict[str, float | None]]:
    """Malignancy told from all answers; the network answers once more for clear nodules that it has learned from."""
    objective, recipe = run.objective, run.recipe
    assert isinstance(objective, RatedQuestions)  # noqa: S101 - what nodule_run made
    tasks = objective.tasks
    if TOLD not in tasks.names or len(tasks) < 2:
        return {}
    classes = classes_of(table, tasks)[TOLD]
    known = learned[classes[learned] != MISSING]
    test, logits = asked
    clear = classes[test] != MISSING
    again = NoduleVolumes(
        voxels, known, rated_table(table, tasks)[known], recipe.nodule.preparation()
    )
    scores = from_answers(
        (averaged(network, again, objective, views), classes[known]),
        ({name: own[clear] for name, own in logits.items()}, classes[test][clear]),
        tasks,
        RatedLoss(recipe.nodule.loss, 2),
    )
    return {} if scores is None else {TOLD: _defined(scores)}


def _defined(scores: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in scores.items()}


def two_classes(
    table: Readings,
    positions: NDArray[np.int64],
    logits: Mapping[str, NDArray[np.float32]],
    tasks: TaskSet,
    recipe: Recipe,
) -> dict[str, dict[str, float | None]]:
    """Question to scores on the nodules that have one of two classes; ``None`` where a score is not defined."""
    classes = classes_of(table, tasks)
    loss = RatedLoss(recipe.nodule.loss, 2)
    found = {}
    for task in tasks:
        truth = classes[task.name][positions]
        known = truth != MISSING
        if known.any():
            own = logits[task.name][known]
            scores = two_class_scores(
                truth[known], called(task, own, loss), scores_of(task, own, loss)
            )
            found[task.name] = _defined(scores)
    return found


def three_classes(
    table: Readings,
    positions: NDArray[np.int64],
    logits: Mapping[str, NDArray[np.float32]],
    tasks: TaskSet,
    recipe: Recipe,
) -> dict[str, dict[str, float]]:
    """Question to accuracy and balanced accuracy of three classes (two where a question has no middle)."""
    classes = classes_of(table, tasks, 3)
    loss = RatedLoss(recipe.nodule.loss, 3)
    found = {}
    for task in tasks:
        truth = classes[task.name][positions]
        known = truth != MISSING
        if known.any():
            answered = called(task, logits[task.name][known], loss)
            matrix = metrics.confusion(truth[known], answered, class_count(task, loss))
            found[task.name] = {
                "accuracy": metrics.accuracy(matrix),
                "balanced_accuracy": metrics.balanced_accuracy(matrix),
            }
    return found


def averaged(
    network: torch.nn.Module, asked: NoduleVolumes, objective: RatedQuestions, views: int
) -> dict[str, NDArray[np.float32]]:
    """Question to logits ``(n, K)``: the logarithm of the probabilities' mean over turned and mirrored copies.

    Args:
        network: in evaluation mode.
        asked: the nodules.
        objective: the questions.
        views: how many copies; 1 looks at the nodule as it is.
    """
    sums: dict[str, NDArray[np.float64]] = {}
    for number in range(views):
        examples = asked if number == 0 else _Turned.of(asked, number)
        logits = look(network, examples, 0, objective).numpy()
        for name, own in objective.split(logits).items():
            shares = torch.from_numpy(own).double().softmax(dim=1).numpy()
            sums[name] = sums.get(name, 0) + shares / views
    return {name: np.log(np.maximum(p, 1e-12)).astype(np.float32) for name, p in sums.items()}


class _Turned(NoduleVolumes):
    """The same nodules, each turned and mirrored by a draw that its copy's number decides."""

    number = 0

    @classmethod
    def of(cls, asked: NoduleVolumes, number: int) -> _Turned:
        turned = cls(asked.voxels, asked.positions, asked.labels, asked.preparation)
        object.__setattr__(turned, "number", number)
        return turned

    def batch(self, which: NDArray[np.int64], side: int) -> Batch:
        plain = NoduleVolumes.batch(self, which, side)
        moved = self.moves([self.number, int(which[0])], len(which), _TURNED, Phase())
        return {**plain, **moved}
