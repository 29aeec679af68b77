"""Training of one level or two that name a stage, the cut point between them, and their bundle (paper B)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from konio.cohort import Cohort
from konio.errors import CohortError, RecipeError, RecordError, UsageError
from konio.hierarchy.bundle import CUT, STAGING, Staging
from konio.hierarchy.calibration import fit_temperatures, temperatures_of
from konio.hierarchy.cut import CutPoint, choose, sweep
from konio.hierarchy.network import CLASSES, FastLevel, StagingNetwork, StagingPlan
from konio.hierarchy.populations import diseased, stages
from konio.learning.batches import Films
from konio.learning.level_objective import LevelObjective
from konio.learning.look import look
from konio.learning.module import Run
from konio.learning.recipe import Recipe
from konio.learning.sampling import SAMPLERS
from konio.learning.timetable import lay_out
from konio.networks.bundle import BundleFacts, packed, unpacked, write_bundle
from konio.networks.class_losses import ClassLossPlan
from konio.networks.classifier import Classifier, ClassifierPlan
from konio.prepare import Preparation
from konio.tasks import MISSING, STAGE

if TYPE_CHECKING:
    from konio.learning.training import Options

#: Parts of a seed, so that drawing films and first weights do not depend on one another.
_SAMPLING: Final = 5


def train_levels(
    cohort: Cohort, recipe: Recipe, out: Path, *, resume: bool, options: Options
) -> Path:
    """Train every level, choose the cut point on the held-out films, and write the bundle.

    One split by patients governs all: both levels, the sampling (of the training part only) and the cut point.
    ``out`` holds a folder ``level-1`` (and ``level-2``) with each level's state and logs.

    Args:
        cohort: the cases; those that are none of stage 0 to III are left out.
        recipe: of the kind ``hierarchy``.
        out: the run's folder.
        resume: go on with the run that ``out`` holds.
        options: where things are kept and who is told.

    Returns:
        The bundle's directory.

    Raises:
        CohortError: if a class has no film in the training part, or none in the held-out part to choose a cut
            point on.
        RecipeError: if the recipe describes no network that can be built.
    """
    from konio.learning.training import BUNDLE, claim, go

    finished = claim(out, recipe, cohort.fingerprint, out / BUNDLE, resume=resume)
    if finished is not None:
        return finished
    parts = _films(cohort, recipe, out, options)
    plan = _plan(recipe)
    trained, precision = [], ""
    for number, level in enumerate(plan.levels, start=1):
        run = level_run(recipe, parts, number)
        network = first_level(recipe, level, number)
        last = number == len(plan.levels)
        fitted = go(run, network, out / f"level-{number}", options, last=last)
        trained.append(_with_new_head(fitted.network, run, options).state_dict())
        precision = fitted.precision
    staging, measured, temperatures = _finish(plan, trained, parts, recipe)
    facts = dataclasses.replace(
        _described(measured, recipe, parts, precision), temperatures=temperatures
    )
    return write_bundle(out / BUNDLE, facts, staging.network.state_dict()).path


def _with_new_head(network: nn.Module, run: Run, options: Options) -> nn.Module:
    """The level as trained, or with its head begun anew where the recipe says so."""
    if not run.recipe.heads.epochs:
        return network
    from konio.learning.refit import refit_level

    if not isinstance(network, Classifier) or not isinstance(run.objective, LevelObjective):
        raise RecipeError("only a base classifier is a level; leave [heads] out")
    return refit_level(network, run.train, run.recipe, run.objective, options.keeping)


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The two parts of a cohort, labelled with stages 0..3.

    Args:
        cohort: the cases that have a stage.
        train: to learn from.
        held_out: to look at and to choose the cut point on; may be empty.
    """

    cohort: Cohort
    train: Films
    held_out: Films


def level_run(recipe: Recipe, parts: Parts, number: int) -> Run:
    """What one level is given.

    Args:
        recipe: of the run.
        parts: training and held-out films with their stages.
        number: level 1 or 2.
    """
    levels = recipe.levels
    classes = CLASSES[levels.count][number - 1]
    rng = np.random.default_rng([recipe.seed, _SAMPLING])
    drawn = SAMPLERS[levels.sampling](parts.train.labels[:, 0], levels.targets, rng)
    train = _asked(parts.train, drawn, levels.count, number)
    # A head that begins anew after the training is looked at then; what the old one says decides nothing.
    looked_at = 0 if recipe.heads.epochs else len(parts.held_out)
    held_out = _asked(parts.held_out, np.arange(looked_at), levels.count, number)
    loss = levels.loss(number)
    if loss.classes not in (None, classes):
        raise RecipeError(
            f"recipe {recipe.name!r}: the loss of level {number} has numbers for {loss.classes} classes and the level "
            f"answers {classes}; give one for each"
        )
    missing = sorted(set(range(classes)) - set(train.labels[:, 0].tolist()))
    if missing:
        raise CohortError(
            f"level {number} has no training film of its class {', '.join(map(str, missing))}; add films of every stage"
        )
    return Run(
        recipe=recipe,
        timetable=lay_out(recipe, len(train)),
        train=train,
        held_out=held_out,
        objective=LevelObjective(classes, loss, levels.crops(recipe.phases[-1].size)),
    )


def _asked(films: Films, drawn: NDArray[np.int64], count: int, number: int) -> Films:
    """The drawn films with the labels of one level's question, those it is not asked about left out."""
    stage = films.labels[drawn, 0]
    label = stage if count == 1 else diseased(stage) if number == 1 else np.where(stage > 0, stage - 1, MISSING)  # fmt: skip
    kept = label != MISSING
    return Films(films.store, films.positions[drawn][kept], label[kept][:, None])


def first_level(recipe: Recipe, plan: ClassifierPlan, number: int) -> Classifier:
    """One level with its first weights.

    ``network.pretrained`` is a file of ImageNet weights in torchvision's layout, a multi-task bundle with the same
    backbone, or a staging bundle with the same levels.

    Raises:
        RecipeError: if the recipe's weights belong to another network.
        BundleError: if the file cannot be read or does not fit.
    """
    from konio.networks.densenet import DenseNet
    from konio.networks.filters import begin_with_spots
    from konio.networks.imagenet import load_imagenet

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = Classifier(plan, torch.Generator().manual_seed(recipe.seed * 2 + number))
    path = recipe.network.pretrained
    if path and Path(path).is_dir():
        _take_over(network, path, number)
    elif path:
        load_imagenet(network, path)
    elif recipe.network.first_filters == "spots":
        if not isinstance(network.backbone, DenseNet):
            raise RecipeError(
                f"recipe {recipe.name!r}: first_filters 'spots' fit a DenseNet, not {plan.architecture}; use 'random'"
            )
        begin_with_spots(network.backbone)
    return network


def _take_over(network: Classifier, path: str, number: int) -> None:
    """Fill a level from a bundle: the backbone of a multi-task network, or the whole level of a staging network."""
    from konio.networks import read_bundle

    bundle = read_bundle(path)
    prefix = f"levels.{number - 1}." if bundle.facts.kind == STAGING else ""
    state = {
        name.removeprefix(prefix): value
        for name, value in bundle.weights.items()
        if name.startswith(prefix or "backbone.")
    }
    own = network.state_dict()
    wrong = [
        name
        for name, value in own.items()
        if name.startswith("backbone.") and getattr(state.get(name), "shape", None) != value.shape
    ]
    if wrong:
        raise RecipeError(
            f"{path} holds another backbone than {network.plan.architecture} with {network.plan.in_channels} channels "
            f"({wrong[0]} does not fit); give the recipe the backbone of that bundle"
        )
    fitting = {n: v for n, v in state.items() if n in own and own[n].shape == v.shape}
    network.load_state_dict({**own, **fitting})


def _films(cohort: Cohort, recipe: Recipe, out: Path, options: Options) -> Parts:
    from konio.learning.training import films_of, labelled, part, refuse_same_pixels

    stage = stages(cohort, recipe.levels.zero)
    if not (stage != MISSING).any():
        raise CohortError(
            "no film of the cohort is a stage 0, I, II or III; fill the columns differential and stage"
        )
    staged = cohort.subset(np.flatnonzero(stage != MISSING).tolist())
    split = part(staged, recipe)
    store = films_of(staged, film_plan(recipe, options), out, options)
    refuse_same_pixels(staged, split, store)
    labels = stages(staged, recipe.levels.zero)[:, None]
    return Parts(staged, labelled(store, split.train, labels), labelled(store, split.test, labels))


def film_plan(recipe: Recipe, options: Options) -> Any:
    """How the films of such a run are kept."""
    from konio.learning.films import FilmPlan

    return FilmPlan(Preparation(size=recipe.sides[-1]), recipe.sides, options.segmenter)


def _plan(recipe: Recipe) -> StagingPlan:
    network, levels = recipe.network, recipe.levels
    try:
        return StagingPlan(
            tuple(
                ClassifierPlan(classes, network.backbone, network.in_channels, network.dropout)
                for classes in CLASSES[levels.count]
            ),
            levels.crops(recipe.phases[-1].size),
            levels.zero,
        )
    except (RecordError, UsageError) as error:
        raise RecipeError(f"recipe {recipe.name!r}: {error}") from error


def look_at_levels(network: StagingNetwork, films: Films, side: int) -> list[NDArray[np.float64]]:
    """Every level's probabilities of some films, over all their crops.

    Args:
        network: in evaluation mode.
        films: to look at.
        side: which of the store's sizes.

    Returns:
        ``(n, K)`` of each level.
    """
    found = []
    crops = network.plan.crops
    for number, plan in enumerate(network.plan.levels, start=1):
        level = network.level(number)
        answer = FastLevel.of(level, crops.crops(side)[0].side)
        objective = LevelObjective(plan.classes, ClassLossPlan(), crops)
        logarithms = look(answer, films, side, objective).double()
        found.append(np.asarray(logarithms.softmax(dim=1).numpy()))
    return found


def _finish(
    plan: StagingPlan, trained: Sequence[Mapping[str, Tensor]], parts: Parts, recipe: Recipe
) -> tuple[Staging, dict[str, Any], dict[str, float]]:
    """The levels as they will be stored with their cut point, what was measured on the held-out films, temperatures."""
    network = StagingNetwork(plan)
    for number, state in enumerate(trained, start=1):
        network.level(number).load_state_dict(state)
    payload, sha256 = packed(network.state_dict())
    network.load_state_dict(unpacked(payload))
    network.eval()
    measured: dict[str, Any] = {}
    held_out = parts.held_out
    said = look_at_levels(network, held_out, recipe.final_side) if len(held_out) else []
    truth = held_out.labels[:, 0]
    temperatures = fit_temperatures(said, truth) if said else {}
    warm = temperatures_of(temperatures, len(plan.levels))
    if len(plan.levels) == 1:
        staging = Staging(network, None, warm)
    else:
        cut = _cut_point(recipe, said, truth, sha256)
        measured[CUT] = cut.to_json()
        staging = Staging(network, cut.value, warm)
    if said:
        from konio.learning.staging_scores import staging_scores

        measured["held_out"] = staging_scores(truth, staging, said)
    return staging, measured, temperatures


def _cut_point(
    recipe: Recipe, said: list[NDArray[np.float64]], truth: NDArray[np.int64], sha256: str
) -> CutPoint:
    if recipe.levels.cut_point >= 0:
        return CutPoint(recipe.levels.cut_point, sha256)
    curve = sweep(said[0][:, 1], said[1], truth)
    return CutPoint(choose(curve), sha256, {"part": "held out", "films": len(truth)}, curve)


def _described(
    measured: dict[str, Any], recipe: Recipe, parts: Parts, precision: str
) -> BundleFacts:
    """The facts of the bundle."""
    from konio.learning.ship import cohort_facts, intended_use, is_made_up

    made_up = is_made_up(parts.cohort)
    cut = measured.get(CUT)
    return BundleFacts(
        name=recipe.name,
        kind=STAGING,
        architecture=_plan(recipe).to_json(),
        licence=recipe.licence,
        intended_use=intended_use(made_up),
        tasks={STAGE.name: STAGE.classes},
        preprocessing=Preparation(size=recipe.final_side).to_json(),
        recipe={
            "fingerprint": recipe.fingerprint,
            "about": recipe.about,
            "first_weights": {"file": Path(recipe.network.pretrained).name},
            "precision": precision,
            "document": recipe.to_json(),
        },
        cohort=cohort_facts(parts.cohort, parts.train, parts.held_out, recipe, (STAGE.name,)),
        metrics=measured,
        cut_point=None if cut is None else cut["value"],
    )
