"""One trial: a network or a baseline is trained on its side, then measured once on films it never saw.

Only `run_trial` is called, in a process of an engine. It reads what the study has laid down beside ``trials/``: the
parts, the prepared films, the textures.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from konio import metrics
from konio.learning.batches import Films
from konio.learning.checkpoint import STATE
from konio.learning.fit import Fitted, fit
from konio.learning.look import folded, look
from konio.learning.module import Run
from konio.learning.objective import Questions
from konio.learning.recipe import Recipe, parse_recipe
from konio.learning.ship import calibrate
from konio.learning.store import read_store
from konio.learning.timetable import lay_out
from konio.learning.training import StoppedError, first_network, labelled
from konio.networks.multitask import MultiTaskNetwork
from konio.studies.multitask.kept import KeptNetwork, answer, learn, summary
from konio.studies.multitask.parts import Parts, Sides, read_parts
from konio.studies.multitask.predictions import Answers, Predictions, write_predictions
from konio.studies.seen import SEEN, features_file
from konio.tasks import MISSING, RADIOGRAPH_TASKS

PREPARED: Final = "prepared"
TEXTURE: Final = "texture.npy"
WEIGHTS: Final = "pretraining"
BUNDLE: Final = "bundle"
#: A class that a baseline has never seen is that improbable.
_NEVER: Final = 1e-9


def run_trial(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train and measure by the settings of one trial.

    Args:
        settings: see `konio.studies.multitask.design.trial_settings`.
        folder: the trial's own; predictions and logs are written into it.

    Returns:
        Number of films on each side, temperatures, scores.
    """
    if settings["model"] in ("majority", "texture", SEEN):
        return _run_baseline(settings, folder)
    if settings.get("kept"):
        return _run_kept(settings, folder)
    return _run_network(settings, folder)


def recipe_of(settings: Mapping[str, Any], out: Path) -> Recipe:
    """The recipe of one trial, its pre-trained weights found in the study's folder."""
    document = {**settings["recipe"], "validation": {"fraction": 0.0}}
    document["name"] = "multitask-" + settings["group"]
    document["seed"] = settings["seed"]
    document["network"] = {
        **document["network"],
        "tasks": settings["tasks"],
        "dropout": settings["dropout"],
    }
    if settings["weights"] is not None:
        document["network"]["pretrained"] = str(out / WEIGHTS / settings["weights"]["file"])
    return parse_recipe(document)


def sides_of(settings: Mapping[str, Any], parts: Parts) -> Sides:
    """Who is trained on, looked at and measured in one trial."""
    sides = parts.final if settings["role"] == "final" else parts.folds[settings["fold"]]
    if sides is None:
        raise ValueError("a final trial needs test films; the preset sets none aside")
    if not settings["extra"]:
        return sides
    return Sides((*sides.train, *parts.extra), sides.validation, sides.measured)


def learnable(parts: Parts, positions: tuple[int, ...], tasks: list[str]) -> list[int]:
    """The films among these that have a label for one of the questions."""
    labels = parts.label_table(tasks)
    return [p for p in positions if (labels[p] != MISSING).any()]


def _run_network(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    out = folder.parents[1]
    recipe, parts = recipe_of(settings, out), read_parts(out)
    sides, tasks = sides_of(settings, parts), list(settings["tasks"])
    store = read_store(out / PREPARED, recipe.sides)
    labels = parts.label_table(tasks)
    network, origin = first_network(recipe)
    train = labelled(store, learnable(parts, sides.train, tasks), labels)
    validation = labelled(store, sides.validation, labels)
    run = Run(
        recipe=recipe,
        timetable=lay_out(recipe, len(train)),
        train=train,
        held_out=validation,
        objective=Questions(network.tasks, recipe.loss.plan()),
    )
    fitted = fit(run, network, folder)
    if not fitted.finished:
        raise StoppedError(f"trial {folder.name} was stopped at step {fitted.step}; run it again")
    measured = labelled(store, sides.measured, labels)
    result = _measure(run, fitted, validation, measured, folder)
    if settings["bundle"]:
        _ship(run, fitted, folder, origin, settings["temperatures"])
    (folder / STATE).unlink(missing_ok=True)
    return result


def _run_kept(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A network on kept features (`konio.studies.multitask.kept`)."""
    out = folder.parents[1]
    recipe, parts = recipe_of(settings, out), read_parts(out)
    sides, tasks = sides_of(settings, parts), list(settings["tasks"])
    labels = parts.label_table(tasks).astype(np.int64)
    vectors = torch.from_numpy(
        summary(np.load(features_file(out), allow_pickle=False), settings["kept"])
    )
    train = learnable(parts, sides.train, tasks)
    timetable = lay_out(recipe, len(train))
    network = KeptNetwork(vectors.shape[1], recipe)
    learn(network, vectors[train], torch.from_numpy(labels[train]), recipe, timetable)
    objective = Questions(network.tasks, recipe.loss.plan())

    def answered(positions: tuple[int, ...]) -> tuple[Predictions, NDArray[np.float32]]:
        rows = np.array(positions, np.int64)
        logits = answer(network, vectors[rows])
        split = objective.split(logits)
        columns = enumerate(objective.tasks.names)
        own = {name: Answers(labels[rows, k], split[name]) for k, name in columns}
        return Predictions(rows, own), logits

    temperatures, looked_at = {}, None
    if sides.validation:
        looked_at, logits = answered(sides.validation)
        temperatures = calibrate(objective, logits, labels[list(sides.validation)])
    found, _ = answered(sides.measured)
    write_predictions(folder, Predictions(found.position, found.tasks, looked_at))
    return {
        "films": {
            "train": len(train),
            "validation": len(sides.validation),
            "measured": len(sides.measured),
        },
        "steps": timetable.steps,
        "parameters": sum(p.numel() for p in network.parameters()),
        "precision": "float32",
        "temperatures": temperatures,
        **_scores(found),
    }


def _measure(
    run: Run, fitted: Fitted, validation: Films, measured: Films, folder: Path
) -> dict[str, Any]:
    network = fitted.network
    assert isinstance(network, MultiTaskNetwork)  # noqa: S101 - what first_network made
    objective = run.objective
    assert isinstance(objective, Questions)  # noqa: S101 - as above
    answering, side = folded(network, run.recipe.final_side), run.recipe.final_side
    temperatures, looked_at = {}, None
    if len(validation):
        logits = look(answering, validation, side, objective).numpy()
        temperatures = calibrate(objective, logits, validation.labels)
        looked_at = _answers(objective, validation, logits)
    logits = look(answering, measured, side, objective).numpy()
    found = _answers(objective, measured, logits)
    write_predictions(folder, Predictions(found.position, found.tasks, looked_at))
    return {
        "films": {
            "train": len(run.train),
            "validation": len(validation),
            "measured": len(measured),
        },
        "steps": fitted.step,
        "parameters": sum(p.numel() for p in network.parameters()),
        "precision": fitted.precision,
        "temperatures": temperatures,
        **_scores(found),
    }


def _answers(objective: Questions, films: Films, logits: NDArray[np.float32]) -> Predictions:
    split = objective.split(logits)
    return Predictions(
        position=films.positions,
        tasks={
            name: Answers(films.labels[:, column], split[name])
            for column, name in enumerate(objective.tasks.names)
        },
    )


def _scores(found: Predictions) -> dict[str, Any]:
    """Accuracy and macro averages of every question, and the mean accuracy as the trial's score."""
    scores = {}
    for name, answers in found.tasks.items():
        present = answers.truth != MISSING
        if not present.any():
            continue
        matrix = metrics.confusion(
            answers.truth[present],
            answers.logits[present].argmax(axis=1),
            len(RADIOGRAPH_TASKS[name]),
        )
        scores[name] = {
            "accuracy": metrics.accuracy(matrix),
            "macro_precision": metrics.macro_precision(matrix),
            "macro_recall": metrics.macro_recall(matrix),
            "macro_f1": metrics.macro_f1(matrix),
        }
    plain = {
        task: {name: float(value) if np.isfinite(value) else None for name, value in own.items()}
        for task, own in scores.items()
    }
    mean = float(np.mean([own["accuracy"] for own in scores.values()])) if scores else None
    return {"scores": plain, "score": mean}


def _ship(
    run: Run,
    fitted: Fitted,
    folder: Path,
    origin: dict[str, Any],
    temperatures: Mapping[str, float],
) -> None:
    """A bundle of the final network, warmed or cooled by what the cross-validation found."""
    import dataclasses

    from konio.cohort import read_cohort
    from konio.learning.ship import ship
    from konio.networks import read_bundle, write_bundle

    cohort = read_cohort(folder.parents[1] / "cohort.csv", check_files=False)
    directory = ship(run, fitted, cohort, folder / BUNDLE, origin)
    facts = dataclasses.replace(read_bundle(directory).facts, temperatures=dict(temperatures))
    write_bundle(directory, facts, fitted.network.state_dict())


def _run_baseline(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Shares of the classes, or a linear model on zone textures or on what a finished model sees (dossier 4.1 gap 18)."""
    out = folder.parents[1]
    parts = read_parts(out)
    sides, tasks = sides_of(settings, parts), list(settings["tasks"])
    learned = (*sides.train, *sides.validation)
    measured = np.array(sides.measured, np.int64)
    labels = parts.label_table(tasks)
    table = np.load(
        features_file(out) if settings["model"] == SEEN else out / TEXTURE, allow_pickle=False
    )
    if settings["model"] == SEEN and settings.get(
        "kept"
    ):  # the very features that the networks see
        table = summary(table, settings["kept"])
    answers = {}
    for column, name in enumerate(tasks):
        rows = np.array([p for p in learned if labels[p, column] != MISSING], np.int64)
        truth = labels[rows, column]
        classes = len(RADIOGRAPH_TASKS[name])
        if settings["model"] == "majority":
            shares = np.bincount(truth, minlength=classes) / len(truth)
            said = np.tile(shares, (len(measured), 1))
        else:
            said = _linear(settings["model"], table[rows], truth, table[measured], classes)
        logits = np.log(np.maximum(said, _NEVER)).astype(np.float32)
        answers[name] = Answers(labels[measured, column], logits)
    found = Predictions(measured, answers)
    write_predictions(folder, found)
    return {
        "films": {"train": len(learned), "validation": 0, "measured": len(measured)},
        "temperatures": {},
        **_scores(found),
    }


def _linear(
    model: str, x: NDArray[Any], y: NDArray[np.int64], new: NDArray[Any], classes: int
) -> NDArray[np.float64]:
    """Probabilities ``(n, classes)``; zero for classes that the training side does not have."""
    from konio.features.classifiers import fit as fit_classifier
    from konio.features.classifiers import fit_wide

    if len(np.unique(y)) == 1:  # nothing to tell apart
        said = np.zeros((len(new), classes))
        said[:, y[0]] = 1.0
        return said
    if model == SEEN:
        return fit_wide(x, y, seed=0, classes=classes).probabilities(new)
    own = fit_classifier("logistic", x, y, seed=0, classes=classes, c=0.1, balanced=False)
    return own.probabilities(new)
