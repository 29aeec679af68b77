"""Finished trainings that nobody trained: their documents with scores that a rule gives. For tests of what is made of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.learning.made_up_nodules import write_slices

from konio.learning.nodule_parts import readings_fingerprint
from konio.learning.nodule_sources import Source, open_source
from konio.studies.nodules import record
from konio.studies.nodules.design import Preset, study_of
from konio.studies.nodules.evidence import SCORES
from konio.studies.nodules.presets import PRESETS
from konio.studies.runner import RESULT, SCHEMA, TRIALS, Study, Trial, write_json
from konio.tasks import NODULE_TASKS

#: Trial to the score it has in everything.
Rule = Callable[[Trial], float]


def tiny(**changes: Any) -> Preset:
    """The preset for slices with a network of nothing and two folds."""
    preset = PRESETS["slices"]
    table = {**preset.recipe["nodule"], "encoder": "cnn-mini", "patch": 4, "hidden": 8}
    recipe = {**preset.recipe, "nodule": table, "phases": [{"epochs": 2, "batch": 6}]}
    recipe["trainer"] = {"accelerator": "cpu", "precision": "float32"}
    own: dict[str, Any] = {
        "recipe": recipe,
        "folds": 2,
        "more_seeds": (),
        "ablations": ("equal",),
        "views": 2,
        "repeats": 1,
        "draws": 20,
    }
    return dataclasses.replace(preset, **{**own, **changes})


def write_trial(
    out: Path, study: Study, trial: Trial, score: float, origin: str = "random"
) -> None:
    """One finished training, as the runner writes it."""
    scores = dict.fromkeys(SCORES, score)
    tasks = trial.settings["recipe"]["nodule"].get("tasks", NODULE_TASKS.names)
    folder = out / TRIALS / trial.name
    folder.mkdir(parents=True, exist_ok=True)
    result = {
        "first_weights": {"origin": origin, "file": "bundle", "sha256": "12678f25515a" + "0" * 52},
        "scores": dict.fromkeys(tasks, scores),
        "three": dict.fromkeys(tasks, scores),
        "from_answers": {"malignancy": dict.fromkeys(SCORES, score + 0.02)}
        if len(tasks) > 1
        else {},
        "score": score,
    }
    write_json(
        folder / RESULT,
        {
            "schema": SCHEMA,
            "study": study.name,
            "name": trial.name,
            "fingerprint": study.trial_fingerprint(trial),
            "settings": dict(trial.settings),
            "seconds": 1.0,
            "result": result,
        },
    )


def write_study(
    out: Path, preset: Preset, rule: Rule, origin: str = "random"
) -> tuple[Source, Study]:
    """A whole finished study of drawn slices beside the folder."""
    out.mkdir(parents=True, exist_ok=True)
    place = out.parent / "slices"
    source = open_source(place if place.exists() else write_slices(place))
    pretrained = "" if origin == "random" else "konio-nodule"
    study = study_of(preset.trials(str(place), pretrained), "f" * 64)
    weights = {"name": "" if origin == "random" else "konio-nodule", "sha256": ""}
    record.begin(out, study, preset, source, place, weights)
    for trial in study.trials:
        write_trial(out, study, trial, rule(trial), origin)
    record.refresh(out)
    return source, study


def cohort_of(source: Source) -> str:
    """What ``study.json`` calls the nodules."""
    return readings_fingerprint(source.readings)
