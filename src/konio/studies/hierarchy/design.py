"""Which trials the study consists of; every one is independent of every other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from konio.learning.recipe import parse_recipe
from konio.studies.hierarchy.presets import COST, PLAIN, Preset
from konio.studies.runner import Study, Trial

FUNCTION: Final = "konio.studies.hierarchy.trial:run_trial"
FINE: Final = "konio.studies.hierarchy.fine:run_features"

#: Trials beside the networks of four classes: name to way, levels, which level, loss.
LEVELS: Final[Mapping[str, tuple[str, int, int, Mapping[str, Any]]]] = {
    "level-1": ("clean", 2, 1, PLAIN),
    "level-2": ("clean", 2, 2, PLAIN),
    "level-2-cost": ("clean", 2, 2, COST),
    "leaking-four": ("leaking", 1, 1, PLAIN),
    "leaking-level-1": ("leaking", 2, 1, PLAIN),
    "leaking-level-2-cost": ("leaking", 2, 2, COST),
}


def design(
    preset: Preset, fingerprint: str, weights: Mapping[str, str], kept: Sequence[int] = ()
) -> Study:
    """All trials of a preset.

    Args:
        preset: how large.
        fingerprint: of recipe, cohort and code.
        weights: network to the file of its ImageNet weights, where there is one.
        kept: channels of the maps whose kept features the networks see in place of films; none where empty.
    """
    trials = []
    for seed in preset.seeds:
        for name in preset.networks:
            own = _settings(preset, name, weights, seed, kept)
            four = {"way": "clean", "count": 1, "number": 1, "loss": dict(PLAIN)}
            trials.append(_trial(f"four-{name}", {**own, **four}, preset))
        own = _settings(preset, preset.best, weights, seed, kept)
        for name, (way, count, number, loss) in LEVELS.items():
            level = {"way": way, "count": count, "number": number, "loss": dict(loss)}
            trials.append(_trial(name, {**own, **level}, preset))
    return Study("hierarchy", tuple(trials), FUNCTION, fingerprint)


def fine_design(
    preset: Preset, fingerprint: str, weights: Mapping[str, str], cuts: Mapping[int, float]
) -> Study:
    """Features of the trained networks, once the cut points are known.

    Args:
        preset: how large.
        fingerprint: as for `design`.
        weights: as for `design`.
        cuts: seed to the cut point that validation films chose, with cost.
    """
    made = {trial.name: trial for trial in design(preset, fingerprint, weights).trials}
    trials = []
    for seed in preset.seeds:
        for name, of, cut in (
            ("features-four", (f"four-{preset.best}",), None),
            ("features-two", ("level-1", "level-2-cost"), cuts[seed]),
        ):
            for form in preset.forms:
                levels = [
                    {"name": trial_name(one, seed), "settings": dict(made[trial_name(one, seed)].settings)}
                    for one in of
                ]  # fmt: skip
                settings = {"levels": levels, "cut": cut, "form": form, "seed": seed}
                trials.append(Trial(trial_name(f"{name}-{form}", seed), settings))
    return Study("hierarchy", tuple(trials), FINE, fingerprint)


def trial_name(name: str, seed: int) -> str:
    """Folder of a trial."""
    return f"{name}-s{seed}"


def _settings(
    preset: Preset, network: str, weights: Mapping[str, str], seed: int, kept: Sequence[int]
) -> dict[str, Any]:
    architecture, dropout = preset.networks[network]
    return {
        "recipe": dict(preset.recipe),
        "architecture": architecture,
        "dropout": dropout,
        "weights": weights.get(network, ""),
        "kept": list(kept),
        "seed": seed,
    }


def _trial(name: str, settings: dict[str, Any], preset: Preset) -> Trial:
    recipe = parse_recipe({"name": "study", "kind": "hierarchy", **settings["recipe"]})
    pixels = sum(phase.epochs * phase.size**2 for phase in recipe.phases)
    part = sum(preset.counts[1:]) / sum(preset.counts) if settings["number"] == 2 else 1.0
    return Trial(trial_name(name, settings["seed"]), settings, pixels * part)
