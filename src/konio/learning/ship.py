"""The end of a run: calibration and scores on the held-out films, and the bundle with everything known about it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio import metrics
from konio.cohort import Cohort
from konio.errors import RecipeError
from konio.learning.batches import Films
from konio.learning.fit import Fitted
from konio.learning.look import folded, look
from konio.learning.module import Run
from konio.learning.objective import Questions
from konio.learning.recipe import Recipe
from konio.learning.remembered import remembered
from konio.networks import BundleFacts, write_bundle
from konio.networks.bundle import MULTITASK, tasks_json
from konio.networks.card import FILMS
from konio.networks.multitask import MultiTaskNetwork
from konio.prepare import Preparation
from konio.tasks import MISSING

_USE: Final = (
    "Research and teaching on chest radiographs of people exposed to dust. Not a medical device, not for "
    "diagnosis; a physician must review every answer."
)
_MADE_UP: Final = " The patients it learned from are made up: its figures describe made-up films and are no clinical claim."


def ship(run: Run, fitted: Fitted, cohort: Cohort, directory: Path, origin: dict[str, Any]) -> Path:
    """Calibrate, score and write the bundle.

    Args:
        run: what was done.
        fitted: what came of it.
        cohort: the cases.
        directory: the bundle's.
        origin: where the first weights came from.

    Returns:
        The bundle's directory.
    """
    network, objective = fitted.network, run.objective
    train, held_out = run.train, run.held_out
    if (
        not isinstance(network, MultiTaskNetwork)
        or not isinstance(objective, Questions)
        or not isinstance(train, Films)
        or not isinstance(held_out, Films)
    ):
        raise RecipeError("only a multi-task network becomes a bundle; train with kind radiograph")
    network = network.plain()
    side = run.recipe.final_side
    temperatures: dict[str, float] = {}
    scores: dict[str, float] = {}
    if len(held_out):
        logits = look(folded(network, side), held_out, side, objective).numpy()
        temperatures = calibrate(objective, logits, held_out.labels)
        scores = objective.judge(logits, held_out.labels)
    made_up = is_made_up(cohort)
    facts = BundleFacts(
        name=run.recipe.name,
        kind=MULTITASK,
        architecture=network.plan.to_json(),
        licence=run.recipe.licence,
        intended_use=intended_use(made_up),
        tasks=tasks_json(network.tasks),
        preprocessing=Preparation(size=side).to_json(),
        recipe={
            "fingerprint": run.recipe.fingerprint,
            "about": run.recipe.about,
            "first_weights": origin,
            "precision": fitted.precision,
            "document": run.recipe.to_json(),
        },
        cohort=cohort_facts(cohort, train, held_out, run.recipe, run.recipe.network.tasks),
        metrics={"held_out": finite(scores)} if scores else {},
        temperatures=temperatures,
    )
    return write_bundle(directory, facts, network.state_dict()).path


def calibrate(
    objective: Questions, logits: NDArray[np.float32], labels: NDArray[np.int64]
) -> dict[str, float]:
    """Temperature of every question that has labels (Guo et al., ICML 2017).

    Args:
        objective: the questions.
        logits: ``(n, outputs)`` of held-out films.
        labels: ``(n, T)``.
    """
    fitted = {}
    for column, (name, own) in enumerate(objective.split(logits).items()):
        present = labels[:, column] != MISSING
        if present.any():
            fitted[name] = metrics.fit_temperature(own[present], labels[present, column])
    return fitted


def finite(scores: dict[str, float]) -> dict[str, float | None]:
    """Scores as JSON takes them: ``None`` where a score is not defined."""
    return {name: value if math.isfinite(value) else None for name, value in scores.items()}


def is_made_up(cohort: Cohort) -> bool:
    """Whether every film is of a made-up patient: only those come with the truth about their lesions."""
    return all(case.lesions is not None for case in cohort)


def intended_use(made_up: bool) -> str:
    """The paragraph of the model card."""
    return _USE + (_MADE_UP if made_up else "")


def cohort_facts(
    cohort: Cohort, train: Films, held_out: Films, recipe: Recipe, tasks: Sequence[str]
) -> dict[str, Any]:
    """What a bundle says about the cases it learned from.

    Args:
        cohort: the cases.
        train: films learned from.
        held_out: films looked at.
        recipe: of the run; films that its first weights have learned from are remembered too.
        tasks: whose labels are counted.
    """
    return {
        "fingerprint": cohort.fingerprint,
        "description": "made-up patients" if is_made_up(cohort) else "films of a cohort table",
        "films": len(cohort),
        "patients": len(cohort.patients),
        "trained_on": len(train),
        "held_out": len(held_out),
        "refused": len(train.store.refusals),
        "labels": {
            task.name: dict(cohort.counts(task.name)) for task in cohort.tasks if task.name in tasks
        },
        "devices": dict(
            Counter(case.covariates["device"] for case in cohort if "device" in case.covariates)
        ),
        FILMS: remembered(cohort, train.store, recipe.network.pretrained),
    }
