"""How long the trainings of a preset take, from steps measured here and now on one core.

Every kind of network of the design is trained for a few steps on empty cubes, and answers for a few; the rest is counting.
Making nodules, cutting cubes and the page are not in it.
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.learning.nodule_parts import nodule_folds
from konio.learning.nodule_sources import Source
from konio.learning.recipe import Recipe, parse_recipe
from konio.nodules import Readings
from konio.studies.nodules.design import FROM_NOTHING, MULTI, SINGLE, Preset
from konio.studies.nodules.trial import averaged, measured_only, studied
from konio.studies.runner import Trial

#: Steps of the short and of the long training whose difference is measured.
_STEPS: Final = (2, 10)
#: Stands for any pre-trained network, so that every training of the design is counted.
_GIVEN: Final = "given"
#: Nodules that are answered to see how long one takes.
_ANSWERED: Final = 32


@dataclass(frozen=True, slots=True)
class Pace:
    """What one kind of network costs, processor seconds of one core.

    Args:
        start: until the first step.
        step: one step of training.
        view: one answer, for one of the copies it is averaged over.
    """

    start: float
    step: float
    view: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """What was measured and what follows.

    Args:
        preset: its name.
        machine: processor and load.
        paces: by kind of network.
        trials: networks to train.
        steps: of all of them together.
        core_hours: of one core.
    """

    preset: str
    machine: str
    paces: Mapping[str, Pace]
    trials: int
    steps: int
    core_hours: float

    def lines(self) -> Iterator[str]:
        """What a terminal shows."""
        yield f"preset {self.preset} on {self.machine}"
        for kind, pace in self.paces.items():
            yield f"  {kind}: a step {1e3 * pace.step:.0f} ms, an answer {1e3 * pace.view:.1f} ms a view"
        yield f"  {self.trials} networks, {self.steps} steps"
        yield f"  about {self.core_hours:.1f} hours of one free core; cubes and page not counted"


def estimate(preset: Preset, source: Source) -> Estimate:
    """Measure some steps and count the rest.

    Args:
        preset: how large.
        source: whose nodules; one with pixels.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _counted(preset, source)
    finally:
        torch.set_num_threads(before)


def _counted(preset: Preset, source: Source) -> Estimate:
    table = studied(source, preset.recipe["nodule"]["min_readers"])
    sizes = _fold_sizes(preset, table, source)
    paces: dict[str, Pace] = {}
    trials = preset.trials("", _GIVEN)
    steps, seconds = 0, 0.0
    for trial in trials:
        recipe = _from_nothing(trial)
        kind = _kind(trial)
        if kind not in paces:
            paces[kind] = _pace(recipe, table)
        trained, asked = sizes[trial.settings["fold"]]
        own = _steps_of(recipe, trained)
        steps += own
        pace = paces[kind]
        seconds += pace.start + own * pace.step + asked * preset.views * pace.view
    machine = f"{platform.machine()}, one thread, load {os.getloadavg()[0]:.1f}"
    return Estimate(preset.name, machine, paces, len(trials), steps, seconds / 3600)


def _from_nothing(trial: Trial) -> Recipe:
    """The trial's recipe without pre-trained weights, which change no time."""
    plain = trial.settings["recipe"]
    table = {key: value for key, value in plain["nodule"].items() if key != "pretrained"}
    return parse_recipe({**plain, "nodule": table})


def _kind(trial: Trial) -> str:
    """Networks that cost the same: single-task ones do, and what begins from nothing does as what does not."""
    group = str(trial.settings["group"])
    if group == FROM_NOTHING.name:
        return MULTI
    return "single-task" if group.startswith(SINGLE) else group


def _fold_sizes(preset: Preset, table: Readings, source: Source) -> list[tuple[int, int]]:
    """Nodules trained on and nodules measured, of every fold."""
    measured = measured_only(table, source)
    parts = nodule_folds(table, preset.folds, np.random.default_rng(preset.seed))
    return [(len(part.train), int(measured[list(part.test)].sum())) for part in parts]


def _steps_of(recipe: Recipe, nodules: int) -> int:
    from konio.learning.timetable import lay_out

    return lay_out(recipe, nodules).steps


def _pace(recipe: Recipe, table: Readings) -> Pace:
    from konio.learning.nodule_training import first_nodule_network
    from konio.learning.nodules import NoduleVolumes
    from konio.learning.rated_objective import RatedQuestions

    network, _ = first_nodule_network(recipe)
    run, short = _trained(recipe, network, table, _STEPS[0])
    _, long = _trained(recipe, network, table, _STEPS[1])
    step = max(0.0, long - short) / (_STEPS[1] - _STEPS[0])
    examples, objective = run.train, run.objective
    assert isinstance(examples, NoduleVolumes) and isinstance(objective, RatedQuestions)  # noqa: S101 - of a nodule run
    asked = NoduleVolumes(
        examples.voxels,
        examples.positions[:_ANSWERED],
        examples.labels[:_ANSWERED],
        examples.preparation,
    )
    begun = time.process_time()
    averaged(network.eval(), asked, objective, 1)
    view = (time.process_time() - begun) / len(asked)
    return Pace(max(0.0, short - _STEPS[0] * step), step, view)


def _trained(recipe: Recipe, network: Any, table: Readings, steps: int) -> tuple[Any, float]:
    """A run of so many steps on empty cubes, and the processor time it took."""
    from konio.learning.fit import fit
    from konio.learning.nodule_training import nodule_run

    rows = np.arange(len(table))
    phase = recipe.phases[0]
    epochs = steps / max(1, len(rows) // phase.batch)
    brief = recipe.model_copy(update={"phases": (phase.model_copy(update={"epochs": epochs}),)})
    run = nodule_run(brief, table, _empty(recipe, len(table)), rows, rows[:0])
    with tempfile.TemporaryDirectory() as folder:
        begun = time.process_time()
        fit(run, network.train(), Path(folder))
        return run, time.process_time() - begun


def _empty(recipe: Recipe, count: int) -> NDArray[np.uint8]:
    """Cubes of air that take no memory."""
    shape = recipe.nodule.preparation().kept.voxels
    return np.broadcast_to(np.zeros((1, *shape), np.uint8), (count, *shape))
