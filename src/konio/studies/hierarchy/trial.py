"""One trial: one base classifier, or one level on kept features, is trained for one question and measured once.

Only `run_trial` is called, in a process of an engine. It reads what the study has laid down beside ``trials/`` and
leaves its probabilities in ``predictions.npz`` and, where it looks at films, its weights in ``level.safetensors``; how two
levels and a cut point are put together is arithmetic on these (`konio.studies.hierarchy.results`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save_file

from konio import metrics
from konio.cohort import read_cohort
from konio.hierarchy.network import CLASSES, FastLevel
from konio.learning import levels
from konio.learning.batches import Films
from konio.learning.checkpoint import STATE
from konio.learning.fit import fit
from konio.learning.level_objective import LevelObjective
from konio.learning.levels import first_level, level_run
from konio.learning.look import look
from konio.learning.module import Run
from konio.learning.recipe import Recipe, parse_recipe
from konio.learning.store import read_store
from konio.learning.training import StoppedError
from konio.networks.class_losses import ClassLossPlan
from konio.networks.classifier import Classifier, ClassifierPlan
from konio.studies.hierarchy import kept
from konio.studies.hierarchy.parts import WAYS, read_parts
from konio.studies.hierarchy.presets import PLAIN, TARGETS
from konio.studies.seen import features_file
from konio.studies.training_curves import training_curve

PREPARED: Final = "prepared"
COHORT: Final = "cohort.csv"
PREDICTIONS: Final = "predictions.npz"
WEIGHTS: Final = "level.safetensors"

#: Probabilities of the films of a side, ``(n, K)``.
Said = dict[str, NDArray[np.float64]]


def run_trial(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train and measure by the settings of one trial.

    Args:
        settings: see `konio.studies.hierarchy.design`.
        folder: the trial's own.

    Returns:
        Films on each side, how loss and scores moved, and scores of its own question on the measured films.
    """
    out = folder.parents[1]
    recipe, parts = recipe_of(settings), read_parts(out)
    store = read_store(out / PREPARED, recipe.sides)
    learned, chosen_on, measured = (
        Films(store, np.array(places, np.int64), parts.labels(places))
        for places in WAYS[settings["way"]](parts)
    )
    cohort = read_cohort(out / COHORT, check_files=False)
    run = level_run(recipe, levels.Parts(cohort, learned, chosen_on), int(settings["number"]))
    train = _train_kept if settings["kept"] else _train
    said, told = train(settings, run, {"validation": chosen_on, "test": measured}, folder)
    np.savez(folder / PREDICTIONS, **said)  # type: ignore[arg-type]
    films = {"train": len(run.train), "validation": len(chosen_on), "test": len(measured)}
    return {"films": films, **told, **_scores(settings, said["test"], measured)}


def _train(
    settings: Mapping[str, Any], run: Run, sides: Mapping[str, Films], folder: Path
) -> tuple[Said, dict[str, Any]]:
    """A base classifier that looks at films: its probabilities of every side, and how its training went."""
    recipe, number = run.recipe, int(settings["number"])
    network = first_level(recipe, plan_of(settings, recipe), number)
    fitted = fit(run, network, folder)
    if not fitted.finished:
        raise StoppedError(f"trial {folder.name} was stopped at step {fitted.step}; run it again")
    trained = fitted.network
    assert isinstance(trained, Classifier)  # noqa: S101 - what first_level made
    said = {name: probabilities(trained, recipe, films) for name, films in sides.items()}
    save_file({n: v.contiguous() for n, v in trained.state_dict().items()}, folder / WEIGHTS)
    (folder / STATE).unlink(missing_ok=True)
    return said, {"steps": fitted.step, "curve": training_curve(folder, run.timetable)}


def _train_kept(
    settings: Mapping[str, Any], run: Run, sides: Mapping[str, Films], folder: Path
) -> tuple[Said, dict[str, Any]]:
    """A level on kept features (`konio.studies.hierarchy.kept`): the same; its weights are not kept."""
    table = np.load(features_file(folder.parents[1]), mmap_mode="r", allow_pickle=False)
    seen = kept.Seen.of(table, settings["kept"])
    network = kept.learn(run, seen, int(settings["number"]))
    said = {name: kept.answer(network, seen, films.positions) for name, films in sides.items()}
    parameters = sum(p.numel() for p in network.parameters())
    return said, {"steps": run.timetable.steps, "parameters": parameters}


def recipe_of(settings: Mapping[str, Any]) -> Recipe:
    """The recipe of one trial; in the leaking way films are drawn again before and not here."""
    count, number, clean = settings["count"], settings["number"], settings["way"] == "clean"
    losses = [dict(PLAIN) for _ in range(count)]
    losses[number - 1] = dict(settings["loss"])
    drawn = {"sampling": "oversample", "targets": list(TARGETS)} if clean else {}
    return parse_recipe(
        {
            **settings["recipe"],
            "name": "hierarchy-study",
            "kind": "hierarchy",
            "seed": settings["seed"],
            "network": {
                "backbone": settings["architecture"],
                "dropout": settings["dropout"],
                "pretrained": settings["weights"],
            },
            "levels": {"count": count, "losses": losses, "cut_point": 0.5, **drawn},
        }
    )


def plan_of(settings: Mapping[str, Any], recipe: Recipe) -> ClassifierPlan:
    """The network of one trial."""
    classes = CLASSES[settings["count"]][settings["number"] - 1]
    return ClassifierPlan(
        classes, settings["architecture"], recipe.network.in_channels, settings["dropout"]
    )


def probabilities(network: Classifier, recipe: Recipe, films: Films) -> NDArray[np.float64]:
    """A level's probabilities of some films over their ten crops, ``(n, K)``."""
    if not len(films):
        return np.zeros((0, network.plan.classes))
    crops = recipe.levels.crops(recipe.phases[-1].size)
    answer = FastLevel.of(network, crops.size)
    objective = LevelObjective(network.plan.classes, ClassLossPlan(), crops)
    logarithms = look(answer, films, recipe.final_side, objective).double()
    return np.asarray(logarithms.softmax(dim=1).numpy())


def _scores(
    settings: Mapping[str, Any], said: NDArray[np.float64], measured: Films
) -> dict[str, Any]:
    """Scores of the trial's own question, on the films it is asked about."""
    truth = measured.labels[:, 0]
    count, number = settings["count"], settings["number"]
    label = truth if count == 1 else (truth > 0).astype(np.int64) if number == 1 else truth - 1
    asked = label >= 0
    matrix = metrics.confusion(label[asked], said[asked].argmax(axis=1), said.shape[1])
    macro = metrics.macro_recall(matrix)
    return {
        "score": macro,
        "macro_recall": macro,
        "accuracy": metrics.accuracy(matrix),
        "confusion": matrix.tolist(),
    }


def read_predictions(folder: Path) -> dict[str, NDArray[np.float64]]:
    """``validation`` and ``test`` of a finished trial."""
    with np.load(folder / PREDICTIONS, allow_pickle=False) as kept:
        return {name: kept[name] for name in ("validation", "test")}
