"""The trials of the study: which networks and baselines, on which sides, with which settings.

References:
    Paper A, sections 1.3 and 1.4: cross-validation for the dropout, then final trainings with 40 seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from konio.learning.recipe import parse_recipe
from konio.learning.timetable import lay_out
from konio.studies.multitask.choice import Choice
from konio.studies.multitask.parts import Parts
from konio.studies.multitask.presets import Group, Preset
from konio.studies.multitask.trial import learnable, sides_of
from konio.studies.runner import Study, Trial
from konio.studies.seen import SEEN

FUNCTION: Final = "konio.studies.multitask.trial:run_trial"
NAME: Final = "multitask"
#: Baselines of every study; ``seen`` joins them where a preset names a model (`konio.studies.seen`).
BASELINES: Final = ("majority", "texture")
#: Pixels seen in training that cost as much time as a trial that trains nothing.
_START: Final = 5e7


@dataclass(frozen=True, slots=True)
class Laid:
    """What a study has laid down before its first trial.

    Args:
        preset: how large.
        parts: who is where.
        fingerprint: of the study, from `konio.studies.runner.fingerprint`.
        weights: file and SHA-256 of pre-trained weights, or ``None``.
        kept: channels of the maps of the backbone whose kept features the networks see; none where they see films.
    """

    preset: Preset
    parts: Parts
    fingerprint: str
    weights: Mapping[str, str] | None
    kept: tuple[int, ...] = ()


def baselines(preset: Preset) -> tuple[str, ...]:
    """The baselines of a preset."""
    return (*BASELINES, SEEN) if preset.seen_by else BASELINES


def cross_validation(laid: Laid) -> Study:
    """Every group and dropout on every fold, and the baselines.

    Trials of one fold come together, so that partial results compare all groups.
    """
    trials = []
    for fold in range(len(laid.parts.folds)):
        trials += [_baseline(laid, model, "cv", fold) for model in baselines(laid.preset)]
        trials += [
            _network(laid, group, "cv", fold, dropout, repeat)
            for repeat in range(1, laid.preset.repeats + 1)
            for dropout in laid.preset.dropouts
            for group in laid.preset.groups
        ]
    return Study(NAME, tuple(trials), FUNCTION, laid.fingerprint)


def final(laid: Laid, choice: Choice) -> Study:
    """Every group at its chosen dropout with every seed, and the baselines, measured on the test films."""
    trials = [_baseline(laid, model, "final", None) for model in baselines(laid.preset)]
    for seed in range(1, laid.preset.seeds + 1):
        for group in laid.preset.groups:
            dropout = choice.dropouts[group.name]
            kept = choice.temperatures[group.name] if seed == 1 else None
            trials.append(_network(laid, group, "final", None, dropout, seed, kept))
    return Study(NAME, tuple(trials), FUNCTION, laid.fingerprint)


def cv_name(preset: Preset, group: str, dropout: float, fold: int, repeat: int) -> str:
    """Name of a trial of the cross-validation, such as ``cv-multi-d75-f03``."""
    which = f"-d{round(100 * dropout):02d}" if len(preset.dropouts) > 1 else ""
    again = f"-s{repeat}" if preset.repeats > 1 or preset.seeds == 0 else ""
    return f"cv-{group}{which}-f{fold:02d}{again}"


def _network(
    laid: Laid,
    group: Group,
    role: str,
    fold: int | None,
    dropout: float,
    seed: int,
    kept: Mapping[str, float] | None = None,
) -> Trial:
    preset = laid.preset
    name = (
        f"final-{group.name}-s{seed:02d}"
        if fold is None
        else cv_name(preset, group.name, dropout, fold, seed)
    )
    settings = {
        **_common(laid, role, group.name, group.model, list(group.tasks), fold),
        "dropout": dropout,
        "seed": seed,
        "extra": group.extra,
        "recipe": dict(preset.recipe),
        "weights": None if laid.weights is None else dict(laid.weights),
        "kept": list(laid.kept),
        "bundle": kept is not None and not laid.kept,
        "temperatures": {} if kept is None else dict(kept),
    }
    return Trial(name, settings, cost=_cost(settings, laid.parts))


def _baseline(laid: Laid, model: str, role: str, fold: int | None) -> Trial:
    name = f"final-{model}" if fold is None else f"cv-{model}-f{fold:02d}"
    settings = {
        **_common(laid, role, model, model, _asked(laid), fold),
        "kept": list(laid.kept),
        "dropout": None,
        "seed": None,
        "extra": False,
        "recipe": None,
        "weights": None,
    }
    return Trial(name, settings, cost=_START)


def _asked(laid: Laid) -> list[str]:
    """Questions that the study's own films have labels for; made-up ones to be mixed in teach no baseline."""
    own = sorted({p for fold in laid.parts.folds for p in fold.measured})
    return [name for name in laid.preset.tasks if learnable(laid.parts, tuple(own), [name])]


def _common(
    laid: Laid, role: str, group: str, model: str, tasks: list[str], fold: int | None
) -> dict[str, Any]:
    return {
        "role": role,
        "group": group,
        "model": model,
        "tasks": tasks,
        "fold": fold,
        "parts": laid.parts.digest,
    }


def _cost(settings: Mapping[str, Any], parts: Parts) -> float:
    """Pixels that the training sees, forward and back, and a start."""
    films = len(learnable(parts, sides_of(settings, parts).train, settings["tasks"]))
    recipe = parse_recipe({"name": "cost", **settings["recipe"]})
    return _START + float(lay_out(recipe, films).pixels_left(0))


def steps_of(study: Study, parts: Parts) -> Iterator[tuple[Trial, int]]:
    """Training steps of every network of a study."""
    for trial in study.trials:
        if trial.settings["recipe"] is not None:
            films = len(
                learnable(parts, sides_of(trial.settings, parts).train, trial.settings["tasks"])
            )
            recipe = parse_recipe({"name": "cost", **trial.settings["recipe"]})
            yield trial, lay_out(recipe, films).steps
