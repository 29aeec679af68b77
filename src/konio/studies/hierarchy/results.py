"""From the trials' probabilities to the thesis' rows: two levels with and without cost and cut point, clean and leaking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konio import metrics, significance
from konio.hierarchy import (
    CutCurve,
    RecallBound,
    Verdicts,
    choose,
    decide,
    recall_bound,
    sweep,
)
from konio.studies.hierarchy.design import fine_design, trial_name
from konio.studies.hierarchy.parts import Parts
from konio.studies.hierarchy.presets import Preset
from konio.studies.hierarchy.trial import read_predictions
from konio.studies.runner import TRIALS, finished, finished_of

#: Where nothing was chosen, level 1 decides by the larger probability.
DEFAULT_CUT = 0.5
_DRAWS = 1000

Said = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One row: what some films are called, and what they are.

    Args:
        truth: ``(n,)`` stages.
        stage: ``(n,)`` what they are called.
        patients: of the films, for the bootstrap.
        cut: cut point, ``None`` for one level.
        bound: of two levels, ``None`` for one.
    """

    truth: NDArray[np.int64]
    stage: NDArray[np.int64]
    patients: tuple[str, ...]
    cut: float | None = None
    bound: RecallBound | None = None

    @property
    def confusion(self) -> NDArray[np.int64]:
        """``(4, 4)`` counts."""
        return metrics.confusion(self.truth, self.stage, 4)

    @property
    def macro_recall(self) -> float:
        """Mean recall of the stages."""
        return metrics.macro_recall(self.confusion)

    @property
    def recalls(self) -> tuple[float, ...]:
        """Of stage 0, I, II, III."""
        return tuple(metrics.class_scores(self.confusion).recall.tolist())

    def interval(self) -> significance.Interval:
        """Macro-recall with its 95 % interval over patients, drawn within the stages."""

        def statistic(rows: NDArray[np.intp]) -> float:
            return metrics.macro_recall(metrics.confusion(self.truth[rows], self.stage[rows], 4))

        found = significance.patient_bootstrap(
            statistic,
            self.patients,
            np.random.default_rng(0),
            draws=_DRAWS,
            strata=[str(stage) for stage in self.truth],
            bca=False,
        )
        return found.percentile


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """Everything the tables are made of, for one seed.

    Args:
        networks: network to its four-class outcome.
        two_levels: ``two_level``, ``two_level_cost``, ``two_level_cut``, ``two_level_cut_cost``.
        validation: curve of the cut point on validation films, ``with_cost`` and ``without_cost``.
        test: the same on test films, to be looked at and not chosen from.
        levels: ``level-1``, ``level-2``, ``level-2-cost`` to their own confusion on test films.
        leaking: ``four`` and ``two_level_cut_cost`` in the leaking way.
    """

    networks: Mapping[str, Outcome]
    two_levels: Mapping[str, Outcome]
    validation: Mapping[str, CutCurve]
    test: Mapping[str, CutCurve]
    levels: Mapping[str, NDArray[np.int64]]
    leaking: Mapping[str, Outcome]


def chosen_cut(out: Path, parts: Parts, seed: int) -> float:
    """The cut point that validation films choose for level 2 with cost."""
    first, second = (
        read_predictions(out / TRIALS / trial_name(name, seed))["validation"]
        for name in ("level-1", "level-2-cost")
    )
    return choose(sweep(first[:, 1], second, parts.labels(parts.validation)[:, 0]))


def read_curves(out: Path, preset: Preset) -> dict[str, list[Mapping[str, Any]]]:
    """How the four-class trainings went (`konio.studies.training_curves`): network to one curve a seed.

    Networks of which a seed is not finished, or left no curve, are not there.

    Args:
        out: the study's folder.
        preset: of the study.
    """
    left = {done.name: done.result.get("curve") for done in finished(out, "hierarchy")}
    found = {}
    for name in preset.networks:
        curves = [left.get(trial_name(f"four-{name}", seed)) for seed in preset.seeds]
        known = [curve for curve in curves if curve]
        if len(known) == len(curves):
            found[name] = known
    return found


def read_fine(
    out: Path, preset: Preset, parts: Parts, study: Mapping[str, Any]
) -> dict[int, dict[str, Fine]]:
    """Finished features, seed by seed: ``four`` and ``two``, each with its form, to what came of them.

    Args:
        out: the study's folder.
        preset: of the study.
        parts: of the study.
        study: content of ``study.json``.
    """
    cuts = {seed: chosen_cut(out, parts, seed) for seed in preset.seeds}
    design = fine_design(preset, study["fingerprint"], study["weights"], cuts)
    found: dict[int, dict[str, Fine]] = {seed: {} for seed in preset.seeds}
    for done in finished_of(design, out):
        seed = int(done.settings["seed"])
        name = done.name.removeprefix("features-").removesuffix(trial_name("", seed))
        found[seed][name] = Fine(done.result, done.folder)
    return {seed: own for seed, own in found.items() if own}


@dataclass(frozen=True, slots=True, eq=False)
class Fine:
    """Features of one network, or of both levels, and what classifiers made of them.

    Args:
        result: from `konio.studies.hierarchy.fine.run_features`.
        folder: of the trial.
    """

    result: Mapping[str, Any]
    folder: Path

    def scores(self, name: str, components: int) -> Mapping[str, Any]:
        """Macro-recall and confusion of a classifier on so many components."""
        found: Mapping[str, Any] = self.result["classifiers"][f"{name}-{components}"]
        return found


def gather(
    out: Path, preset: Preset, parts: Parts, patients: tuple[str, ...], seed: int
) -> Results:
    """Read the finished trials of one seed and put them together.

    Args:
        out: the study's folder.
        preset: of the study.
        parts: of the study.
        patients: of every film of the cohort.
        seed: which training.
    """

    def said(name: str) -> Said:
        return read_predictions(out / TRIALS / trial_name(name, seed))

    truth = {
        "validation": parts.labels(parts.validation)[:, 0],
        "test": parts.labels(parts.test)[:, 0],
        "leaking": parts.labels(parts.leaking_test)[:, 0],
    }
    people = tuple(patients[i] for i in parts.test)
    copies = tuple(patients[i] for i in parts.leaking_test)
    first = said("level-1")
    second = {"without_cost": said("level-2"), "with_cost": said("level-2-cost")}
    curves = {
        side: {
            cost: sweep(first[side][:, 1], own[side], truth[side]) for cost, own in second.items()
        }
        for side in ("validation", "test")
    }
    two = {}
    for name, cost, chosen in (
        ("two_level", "without_cost", False),
        ("two_level_cost", "with_cost", False),
        ("two_level_cut", "without_cost", True),
        ("two_level_cut_cost", "with_cost", True),
    ):
        cut = choose(curves["validation"][cost]) if chosen else DEFAULT_CUT
        two[name] = _two(first["test"], second[cost]["test"], truth["test"], people, cut)
    return Results(
        networks={
            name: Outcome(truth["test"], said(f"four-{name}")["test"].argmax(axis=1), people)
            for name in preset.networks
        },
        two_levels=two,
        validation=curves["validation"],
        test=curves["test"],
        levels=_levels(first["test"], second, truth["test"]),
        leaking=_leaking(said, truth["leaking"], copies),
    )


def _two(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    truth: NDArray[np.int64],
    patients: tuple[str, ...],
    cut: float,
) -> Outcome:
    verdicts: Verdicts = decide(first[:, 1], second, cut)
    bound = recall_bound(truth, verdicts.stage, verdicts.passed, 1 + second.argmax(axis=1))
    return Outcome(truth, verdicts.stage, patients, cut, bound)


def _levels(
    first: NDArray[np.float64], second: Mapping[str, Said], truth: NDArray[np.int64]
) -> dict[str, NDArray[np.int64]]:
    ill = truth > 0
    return {
        "level-1": metrics.confusion(ill.astype(np.int64), first.argmax(axis=1), 2),
        "level-2": metrics.confusion(
            truth[ill] - 1, second["without_cost"]["test"][ill].argmax(axis=1), 3
        ),
        "level-2-cost": metrics.confusion(
            truth[ill] - 1, second["with_cost"]["test"][ill].argmax(axis=1), 3
        ),
    }


def _leaking(
    said: Callable[[str], Said], truth: NDArray[np.int64], copies: tuple[str, ...]
) -> dict[str, Outcome]:
    """The thesis' probable way: copies on both sides, and the cut point chosen on what is reported."""
    first, second = said("leaking-level-1")["test"], said("leaking-level-2-cost")["test"]
    cut = choose(sweep(first[:, 1], second, truth))
    four = said("leaking-four")["test"].argmax(axis=1)
    return {
        "four": Outcome(truth, four, copies),
        "two_level_cut_cost": _two(first, second, truth, copies, cut),
    }
