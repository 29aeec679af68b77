"""From readings, scans and a recipe to a bundle that answers nine questions about a nodule."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from konio.cohort import Split
from konio.errors import CohortError, RecipeError, RecordError, UsageError
from konio.learning.checkpoint import STATE, is_state, take_over
from konio.learning.fit import Fitted
from konio.learning.look import look
from konio.learning.module import Run
from konio.learning.nodule_parts import (
    diameter_only,
    nodule_holdout,
    reader_spread,
    readings_fingerprint,
)
from konio.learning.nodule_remembered import remembered_nodules
from konio.learning.nodule_sources import Source, open_source
from konio.learning.nodule_table import rated_table
from konio.learning.nodules import Cutter, NoduleVolumes, open_volumes
from konio.learning.rated_objective import RatedQuestions
from konio.learning.recipe import Recipe
from konio.learning.ship import finite
from konio.learning.timetable import lay_out
from konio.learning.training import BUNDLE, RUN, Options, claim, go
from konio.networks import BundleFacts, read_bundle, write_bundle
from konio.networks.balancing import build_balance
from konio.networks.bundle import FACTS, tasks_json
from konio.networks.card import FILMS
from konio.networks.nodule import NoduleNetwork, build_nodule_network
from konio.networks.nodule_bundle import NODULE, nodule_network
from konio.networks.vit import load_published
from konio.nodules import Readings
from konio.tasks import NODULE_TASKS

#: Where a transformer keeps its position embeddings; those of another kind are never taken over.
_POSITIONS: Final = "backbone.embeddings.position_embeddings"
_USE: Final = (
    "Research and teaching on nodules of chest CT. Not a medical device, not for diagnosis; a physician must review "
    "every answer."
)
_MADE_UP: Final = " The nodules it learned from are made up: its figures describe made-up scans and are no clinical claim."


def train_nodules(
    source: str | Path,
    recipe: Recipe,
    out: str | Path,
    *,
    resume: bool = False,
    options: Options | None = None,
    cutter: Cutter | None = None,
) -> Path:
    """Train by a recipe of the kind ``nodule``.

    Args:
        source: what `konio.learning.nodule_sources.open_source` opens: a folder of ``konio phantom nodule`` or of LUNA16,
            a table of readings that names scans and places, slices, cubes.
        recipe: what to do.
        out: the run's folder, as for films.
        resume: go on with the run that ``out`` holds.
        options: where things are kept and who is told.
        cutter: makes the cube of one nodule, in place of the source's own.

    Returns:
        The bundle's directory.

    Raises:
        CohortError: if no nodule can be used, or there is one slice of each and the network takes cubes.
        RecipeError: if ``out`` holds another run, or pre-trained weights do not fit.
        UsageError: if ``out`` holds a run and ``resume`` was not given.
        StoppedError: after Ctrl-C.
    """
    options, out = options or Options(), Path(out)
    held = open_source(source)
    table, cutter = held.readings, cutter or _cutter(held, recipe)
    finished = claim(out, recipe, readings_fingerprint(table), out / BUNDLE, resume=resume)
    if finished is not None:
        return finished
    preparation = recipe.nodule.preparation()
    folder = options.cache or out / "prepared"
    voxels, refused = open_volumes(table, preparation, folder, cutter, options.counted())
    usable = [row for row in range(len(table)) if row not in refused]
    usable = [row for row in usable if table[row].readers >= recipe.nodule.min_readers]
    if not usable:
        raise CohortError(
            f"no nodule was read by {recipe.nodule.min_readers} people; lower nodule.min_readers"
        )
    split = _part(table.subset(usable), recipe)
    rows = np.array(usable, np.int64)
    network, origin = first_nodule_network(recipe)
    # Before the training, which may last longer than the scans are there.
    learned = remembered_nodules(held, table.subset(usable), recipe.nodule.pretrained)
    run = nodule_run(recipe, table, voxels, rows[list(split.train)], rows[list(split.test)])
    fitted = go(run, network, out, options)
    beside = {
        "nodules": len(table),
        "refused": len(refused),
        "made_up": held.made_up,
        "about": held.note[0],
        FILMS: learned,
    }
    return _ship(run, fitted, table, out / BUNDLE, {**beside, "first_weights": origin})


def _cutter(held: Source, recipe: Recipe) -> Cutter:
    """What makes the cubes of a source, if it has what the network takes."""
    if held.cutter is None:
        raise CohortError(f"{held.name} holds readings and no pixels; give scans, slices or cubes")
    if held.single and not recipe.nodule.single:
        raise CohortError(
            f"{held.name} has one slice of each nodule and {recipe.name!r} takes cubes; set nodule.single in the recipe"
        )
    return held.cutter


def nodule_run(
    recipe: Recipe,
    table: Readings,
    voxels: NDArray[np.uint8],
    train: NDArray[np.int64],
    held_out: NDArray[np.int64],
) -> Run:
    """A run of the shared trainer on some rows of a table.

    Args:
        recipe: of the kind ``nodule``.
        table: the nodules.
        voxels: one kept cube for each.
        train: rows to learn from.
        held_out: rows to look at.
    """
    wanted = recipe.nodule
    tasks = NODULE_TASKS.subset(*wanted.tasks)
    labels = rated_table(table, tasks, wanted.classes)
    if not labels[train, : sum(len(task) for task in tasks)].any():
        raise CohortError(
            f"no nodule has a reading of {', '.join(tasks.names)}; fill these columns"
        )
    preparation = wanted.preparation()
    balance = build_balance(tasks.names, wanted.balance_plan())
    return Run(
        recipe=recipe,
        timetable=lay_out(recipe, len(train)),
        train=NoduleVolumes(voxels, train, labels[train], preparation),
        held_out=NoduleVolumes(voxels, held_out, labels[held_out], preparation),
        objective=RatedQuestions(tasks, wanted.rated_loss(), balance, wanted.importance),
        balance=balance,
    )


def first_nodule_network(recipe: Recipe) -> tuple[NoduleNetwork, dict[str, Any]]:
    """The network with its first weights, and where those come from.

    Pre-trained weights may be a finished bundle or the state of a run (whose questions and geometry must be the same,
    except that heads of questions it does not have begin anew), or a published transformer.

    Raises:
        RecipeError: if the weights are of another network.
        UsageError: if they are not there.
    """
    wanted = recipe.nodule
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = build_nodule_network(wanted.plan(), torch.Generator().manual_seed(recipe.seed))
    source = ended_run(wanted.pretrained)
    if not source:
        return network, {"origin": "random"}
    place = Path(source)
    name = {"file": place.name}
    if (place / "bundle.json").is_file():
        bundle = read_bundle(place)
        _fill(network, nodule_network(bundle), place)
        return network, {"origin": "konio bundle", **name, "sha256": bundle.weights_sha256}
    if place.is_file() and is_state(place):
        take_over(network, place)
        return network, {"origin": "konio run", **name}
    if not network.transformer:
        raise RecipeError(
            f"published weights {source!r} are of a transformer and the encoder is {wanted.encoder!r}; "
            "choose vit-base"
        )
    digest = load_published(network.backbone, source, wanted.position)
    return network, {"origin": "published transformer", **name, "sha256": digest}


def ended_run(pretrained: str) -> str:
    """First weights as they are opened: the folder of a run that has ended means its bundle, one that has not its state."""
    place = Path(pretrained)
    if not pretrained or (place / FACTS).is_file() or not (place / RUN).is_file():
        return pretrained
    bundle = place / BUNDLE
    return str(bundle if (bundle / FACTS).is_file() else place / STATE)


def _fill(network: NoduleNetwork, given: NoduleNetwork, place: Path) -> None:
    own = network.state_dict()
    begun = [f"heads.{name}." for name in network.tasks.names if name not in given.tasks]
    if network.plan.position != given.plan.position:
        begun.append(_POSITIONS)
    kept = {name: own[name] for name in own if name.startswith(tuple(begun))}
    wanted = {n: v for n, v in given.state_dict().items() if n in own and n not in kept}
    try:
        network.load_state_dict({**kept, **wanted})
    except RuntimeError as error:
        raise RecipeError(
            f"{place} holds another network than the recipe describes ({str(error).splitlines()[-1].strip()}); "
            "give the recipe the encoder and geometry of that bundle"
        ) from error


def _part(table: Readings, recipe: Recipe) -> Split:
    if not recipe.validation.fraction:
        return Split(tuple(range(len(table))), ())
    return nodule_holdout(
        table, recipe.validation.fraction, np.random.default_rng([recipe.seed, 3])
    )


def _ship(
    run: Run, fitted: Fitted, table: Readings, directory: Path, beside: dict[str, Any]
) -> Path:
    network, objective, train = fitted.network, run.objective, run.train
    if not isinstance(network, NoduleNetwork) or not isinstance(objective, RatedQuestions):
        raise RecipeError("only a nodule network becomes this bundle; train with kind nodule")
    if not isinstance(train, NoduleVolumes):
        raise RecordError("a nodule network learns from NoduleVolumes; give it some")
    temperatures, scores = judged_held_out(run, network)
    learned = train.positions.tolist()
    origin = beside.pop("first_weights")
    facts = BundleFacts(
        name=run.recipe.name,
        kind=NODULE,
        architecture=network.plan.to_json(),
        licence=run.recipe.licence,
        intended_use=_USE + (_MADE_UP if beside["made_up"] else ""),
        tasks=tasks_json(network.tasks),
        preprocessing=train.preparation.to_json(),
        recipe={
            "fingerprint": run.recipe.fingerprint,
            "about": run.recipe.about,
            "first_weights": origin,
            "precision": fitted.precision,
            "document": run.recipe.to_json(),
        },
        cohort={
            "fingerprint": readings_fingerprint(table),
            "description": "made-up nodules" if beside["made_up"] else "nodules of a table",
            "patients": len(set(table.patients)),
            "trained_on": len(train),
            "held_out": len(run.held_out),
            **beside,
        },
        metrics={
            "held_out": finite(scores),
            "diameter_only": diameter_only(table, learned),
            "reader_spread": reader_spread(table.subset(learned)),
        },
        temperatures=temperatures,
    )
    return write_bundle(directory, facts, network.state_dict()).path


def judged_held_out(run: Run, network: NoduleNetwork) -> tuple[dict[str, float], dict[str, float]]:
    """Temperatures (where the network learned votes) and scores on the held-out nodules; empty without any."""
    objective = run.objective
    if not len(run.held_out) or not isinstance(objective, RatedQuestions):
        return {}, {}
    logits = look(network, run.held_out, 0, objective).numpy()
    temperatures = {}
    if objective.loss.kind == "votes":
        votes = objective.split(run.held_out.labels)
        temperatures = {
            name: vote_temperature(own, votes[name])
            for name, own in objective.split(logits).items()
            if votes[name].any()
        }
    return temperatures, objective.judge(logits, run.held_out.labels)


def vote_temperature(logits: NDArray[np.float32], votes: NDArray[np.float32]) -> float:
    """What logits are divided by so that their cross-entropy against the votes is least (Guo et al., ICML 2017).

    Raises:
        UsageError: if nobody rated.
    """
    from scipy.optimize import minimize_scalar

    rated = votes.sum(axis=1) > 0
    if not rated.any():
        raise UsageError(
            "no nodule was rated, so nothing can be calibrated; leave the question out"
        )
    own, wanted = torch.from_numpy(logits[rated]).double(), torch.from_numpy(votes[rated]).double()

    def loss(log_temperature: float) -> float:
        shares = (own / np.exp(log_temperature)).log_softmax(dim=1)
        return float(-(wanted * shares).sum(dim=1).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded").x))
