"""How long the study will take, from steps measured here and now.

Nothing is trained: a few steps of the recipe on noise, at its own size and batch, and a few looks at films. The rest is
counting. Making and preparing films and the baselines are not in it.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from konio.engine.local import LocalEngine
from konio.studies.multitask.presets import QUESTIONS, Preset

if TYPE_CHECKING:
    from konio.learning.recipe import Phase, Recipe

#: Steps and looks are measured so often, and no longer than so many seconds each once one is done.
_ROUNDS: Final = 3
_PATIENCE: Final = 30.0
#: Films in a measured step or look of a processor, whose time grows with their number; a GPU gets whole batches.
_FEW: Final = 4
#: Shares of the films in paper A's cohort that a question is asked of.
_ASKED: Final = {"differential": 1.0, "stage": 1 / 3}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What was measured and what follows.

    Args:
        preset: its name.
        machine: processor or GPU, threads, load.
        step_seconds: median of one step of each phase, beside its size and batch.
        look_seconds: one film answered.
        trials: networks to train.
        steps: of all of them together.
        workers: trials at a time.
        hours: of all trials on this machine.
    """

    preset: str
    machine: str
    step_seconds: tuple[tuple[int, int, float], ...]
    look_seconds: float
    trials: int
    steps: int
    workers: int
    hours: float

    def lines(self) -> Iterator[str]:
        """What a terminal shows."""
        yield f"preset {self.preset} on {self.machine}"
        for size, batch, seconds in self.step_seconds:
            yield f"  a step of {batch} films at {size} x {size}: {seconds:.3f} s (median of at most {_ROUNDS})"
        yield f"  a film answered: {self.look_seconds * 1000:.0f} ms"
        yield f"  {self.trials} networks, {self.steps} steps, {self.workers} at a time"
        yield f"  about {self.hours:.1f} hours, films and page not counted"


def estimate(preset: Preset, workers: int | None = None, films: int | None = None) -> Estimate:
    """Measure some steps and count the rest.

    Args:
        preset: how large.
        workers: trials at a time; as many as the local engine would take by default.
        films: of the cohort; as many as the preset would make up by default.
    """
    import torch

    from konio.learning.recipe import parse_recipe

    engine = LocalEngine(workers)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    before = torch.get_num_threads()
    torch.set_num_threads(engine.threads)
    try:
        recipe = parse_recipe(
            {**preset.recipe, "name": "estimate", "network": {**preset.recipe["network"]}}
        )
        measured = [(p.size, p.batch, _step(recipe, p, device, preset)) for p in recipe.phases]
        look = once = _look(recipe, device)
    finally:
        torch.set_num_threads(before)
    trials, steps, seconds = 0, 0, 0.0
    if preset.kept:  # every film is looked at once, and that is the most of it
        seconds, look = look * (films or preset.cases), 0.0
    for trained, answered in _networks(preset, films or preset.cases):
        trials += 1
        for phase, (_, _, each) in zip(recipe.phases, measured, strict=True):
            own = max(1, round(phase.epochs * max(1, trained // phase.batch)))
            steps += own
            seconds += own * each
        seconds += answered * look
    # Workers of one machine share its memory and caches; the steps were measured by one alone.
    name = torch.cuda.get_device_name(0) if device == "cuda" else platform.machine()
    machine = f"{name}, {engine.threads} threads a trial, load {os.getloadavg()[0]:.1f}"
    hours = seconds / engine.workers / 3600
    return Estimate(
        preset.name, machine, tuple(measured), once, trials, steps, engine.workers, hours
    )


def _networks(preset: Preset, films: int) -> Iterator[tuple[int, int]]:
    """Films trained on and films answered, of every network."""
    test = round(films * preset.test_fraction)
    fold = (films - test) // preset.folds
    inner = (films - test - fold) * (1 - preset.inner)
    for group in preset.groups:
        share = max(_ASKED[name] for name in group.tasks)
        extra = preset.extra if group.extra else 0
        for _ in range(preset.folds * preset.repeats * len(preset.dropouts)):
            yield round(inner * share) + extra, 2 * fold
        for _ in range(preset.seeds):
            yield round((films - test) * share), test


def _step(recipe: Recipe, phase: Phase, device: str, preset: Preset) -> float:
    """Seconds of a step of a preset's networks."""
    if preset.kept:
        return _kept_step(recipe, phase, preset.kept_maps)
    return _film_step(recipe, phase, device)


def _film_step(recipe: Recipe, phase: Phase, device: str) -> float:
    """Median seconds of a step on noise."""
    import torch

    from konio.learning.objective import Questions
    from konio.learning.training import first_network
    from konio.networks.precision import fastest_dtype

    network, _ = first_network(recipe)
    network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    objective = Questions(network.tasks, recipe.loss.plan())
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-5, fused=True)
    half = recipe.trainer.precision != "float32" and fastest_dtype(device) == torch.bfloat16

    def step(batch: int) -> None:
        seen, labels, known = _noise(recipe, phase.size, batch, device)
        with torch.autocast(device, torch.bfloat16, enabled=half):
            cost = objective.cost(network, seen, labels, known, windowed=False)
        cost.total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        _wait(device)

    few = _measured(phase.batch, device)
    step(min(2, few))
    return statistics.median(_times(lambda: step(few))) * phase.batch / few


def _measured(batch: int, device: str) -> int:
    """Films that are measured in place of a batch."""
    return batch if device == "cuda" else min(batch, _FEW)


def _times(run: Callable[[], object]) -> list[float]:
    """Seconds of some rounds: a slow processor gets one, not three."""
    taken: list[float] = []
    while len(taken) < _ROUNDS and sum(taken) < _PATIENCE:
        begun = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begun)
    return taken


def _kept_step(recipe: Recipe, phase: Phase, maps: int) -> float:
    """Seconds of a step on kept features, from as many as an epoch of a thousand films has."""
    import torch

    from konio.features.blocks import described_channels
    from konio.learning.timetable import lay_out
    from konio.learning.training import first_network
    from konio.studies.multitask.kept import KeptNetwork, learn

    network, _ = first_network(recipe)
    films, width = 1000, 2 * sum(described_channels(network)[-maps:])
    short = recipe.model_copy(update={"phases": (phase.model_copy(update={"epochs": 1.0}),)})
    timetable = lay_out(short, films)
    draw = torch.Generator().manual_seed(0)
    vectors = torch.rand((films, width), generator=draw)
    labels = torch.randint(0, 3, (films, len(recipe.network.tasks)), generator=draw)
    begun = time.perf_counter()
    learn(KeptNetwork(width, recipe), vectors, labels, short, timetable)
    return (time.perf_counter() - begun) / timetable.steps


def _look(recipe: Recipe, device: str) -> float:
    """Seconds for one film in a batch of answers."""
    import torch

    from konio.learning.look import LOOK_BATCH, folded
    from konio.learning.training import first_network

    network, _ = first_network(recipe)
    side = recipe.final_side
    answer = folded(network.eval(), side)
    few = _measured(LOOK_BATCH, device)
    seen, _, _ = _noise(recipe, side, few, "cpu")
    with torch.no_grad():
        return min(_times(lambda: answer(seen.image, seen.zones))) / few


def _noise(recipe: Recipe, size: int, batch: int, device: str) -> tuple[Any, Any, Any]:
    import torch

    from konio.learning.recipe import STRIDE
    from konio.learning.views import View

    draw = torch.Generator().manual_seed(0)
    cells = size // STRIDE
    image = torch.rand((batch, 1, size, size), generator=draw) * 2 - 1
    seen = View(
        image.to(device).contiguous(memory_format=torch.channels_last),
        torch.rand((batch, 6, cells, cells), generator=draw).to(device),
        torch.rand((batch, 3, cells, cells), generator=draw).to(device),
        torch.ones((batch, 6)).to(device),
    )
    classes = {name: 3 if name == QUESTIONS[0] else 4 for name in recipe.network.tasks}
    columns = [torch.randint(0, count, (batch,), generator=draw) for count in classes.values()]
    labels = torch.stack(columns, dim=1).to(device)
    return seen, labels, torch.zeros(batch, dtype=torch.bool, device=device)


def _wait(device: str) -> None:
    import torch

    if device == "cuda":
        torch.cuda.synchronize()
