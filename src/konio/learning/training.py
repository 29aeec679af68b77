"""From a cohort and a recipe to a bundle."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from konio.cohort import Cohort, Split, check_leakage, holdout, read_cohort
from konio.errors import CohortError, KonioError, OutputError, RecipeError, RecordError, UsageError
from konio.learning.batches import Films
from konio.learning.callbacks import TrainingProgress
from konio.learning.checkpoint import is_state, take_over
from konio.learning.films import FilmFiles, FilmPlan
from konio.learning.fit import Fitted, first_process, fit
from konio.learning.module import Run
from konio.learning.objective import Questions
from konio.learning.pace import Pace
from konio.learning.recipe import Recipe
from konio.learning.ship import ship
from konio.learning.store import Store, open_store, store_key
from konio.learning.timetable import lay_out
from konio.networks import build_network, load_backbone_weights, read_bundle
from konio.networks.filters import begin_with_spots
from konio.networks.multitask import MultiTaskNetwork
from konio.prepare import Preparation
from konio.tasks import MISSING, TaskSet

RUN: Final = "run.json"
BUNDLE: Final = "bundle"
_SCHEMA: Final = "konio.run/1"


@dataclass(frozen=True, slots=True)
class Options:
    """What does not decide the weights: where things are kept and who is told.

    Args:
        cache: folder of the prepared films; ``prepared`` in the run's folder where ``None``. Runs on the
            same cohort may share one.
        workers: processes that prepare films; one per processor where ``None``.
        segmenter: lung bundle for films without a lung mask.
        preparing: told films done, films in all, seconds left (``None`` while it is too early to say).
        training: told how far the training is.
        keeping: told of how many films the features are kept, and of how many they will be (`konio.learning.refit`).
    """

    cache: Path | None = None
    workers: int | None = None
    segmenter: str = "konio-lungs"
    preparing: Callable[[int, int, float | None], None] | None = None
    training: Callable[[TrainingProgress], None] | None = None
    keeping: Callable[[int, int], None] | None = None

    @property
    def processes(self) -> int:
        """Processes that prepare films."""
        return self.workers or os.cpu_count() or 1

    def counted(self) -> Callable[[int, int], None] | None:
        """``preparing`` for work that knows what is done and not how long the rest takes: by the pace so far."""
        tell = self.preparing
        if tell is None:
            return None
        pace = Pace()

        def told(done: int, whole: int) -> None:
            tell(done, whole, pace.left(done, whole))

        return told


class StoppedError(KonioError):
    """The run was stopped by Ctrl-C or a polite kill; its state is saved."""


def train(
    cohort: Cohort | str | Path,
    recipe: Recipe,
    out: str | Path,
    *,
    extra: Cohort | str | Path | None = None,
    resume: bool = False,
    options: Options | None = None,
) -> Path:
    """Train by a recipe.

    ``out`` will hold ``run.json`` (what is being done), ``state.safetensors`` (where it stands), ``logs/``
    (TensorBoard and CSV) and at the end ``bundle/``. A run of the kind ``chestxray14`` takes the folder of the
    original download and ends in ``backbone.safetensors`` instead (`konio.learning.pretrain`).

    Args:
        cohort: the cases, or the path of their table or folder.
        recipe: what to do.
        out: the run's folder.
        extra: more films for the backbone, of the kind ``radiograph`` only: never held out, and heads that begin anew do not see them, so
            that it may hold more of what is rare than ``cohort`` does (docs/decisions/0044).
        resume: go on with the run that ``out`` holds; without it, such a folder is refused.
        options: where things are kept and who is told.

    Returns:
        The bundle's directory, or the backbone's file.

    Raises:
        CohortError: if no films can be used, or training and held-out part share a patient or pixels.
        RecipeError: if ``out`` holds a run of another recipe or cohort.
        UsageError: if ``out`` holds a run and ``resume`` was not given.
        StoppedError: after Ctrl-C; the sentence says how to go on.
        OutputError: if ``out`` cannot be written.
    """
    options = options or Options()
    out = Path(out)
    if extra is not None and recipe.kind != "radiograph":
        raise UsageError(
            f"recipe {recipe.name!r} is of the kind {recipe.kind}, which takes no extra films; leave --extra out"
        )
    if recipe.kind == "chestxray14":
        from konio.learning.pretrain import pretrain

        if isinstance(cohort, Cohort):
            raise UsageError(
                f"recipe {recipe.name!r} pre-trains on ChestX-ray14; give the folder of its original download"
            )
        return pretrain(Path(cohort), recipe, out, resume=resume, options=options)
    if recipe.kind == "nodule":
        from konio.learning.nodule_training import train_nodules

        if isinstance(cohort, Cohort):
            raise UsageError(
                f"recipe {recipe.name!r} learns from readings of nodules; give their table or folder"
            )
        return train_nodules(cohort, recipe, out, resume=resume, options=options)
    if not isinstance(cohort, Cohort):
        cohort = read_cohort(cohort)
    if recipe.kind == "hierarchy":
        from konio.learning.levels import train_levels

        return train_levels(cohort, recipe, out, resume=resume, options=options)
    if extra is not None and not isinstance(extra, Cohort):
        extra = read_cohort(extra)
    whole = cohort if extra is None else cohort.joined(extra)
    finished = claim(out, recipe, whole.fingerprint, out / BUNDLE, resume=resume)
    if finished is not None:
        return finished
    own = part(cohort, recipe)
    split = _beside(whole, own, len(cohort))
    store = films_of(whole, _plan(recipe, options), out, options)
    refuse_same_pixels(whole, split, store)
    network, origin = first_network(recipe)
    run = _run(recipe, whole, split, store, network)
    fitted = go(run, network, out, options)
    if recipe.heads.epochs:
        mixed_as_asked = labelled(store, own.train, labels_of(whole, network.tasks))
        fitted = _with_new_heads(fitted, mixed_as_asked, recipe, options)
    return ship(run, fitted, whole, out / BUNDLE, origin)


def _beside(whole: Cohort, own: Split, count: int) -> Split:
    """The split of the first ``count`` cases, with all others to learn from.

    Raises:
        CohortError: if one of the others is of a patient who is held out, or the same file.
    """
    if len(whole) == count:
        return own
    split = Split((*own.train, *range(count, len(whole))), own.test)
    if split.test:
        check_leakage(whole.subset(split.train), whole.subset(split.test))
    return split


def _with_new_heads(fitted: Fitted, films: Films, recipe: Recipe, options: Options) -> Fitted:
    from konio.learning.refit import refit

    if not isinstance(fitted.network, MultiTaskNetwork):
        raise RecipeError("only the heads of a multi-task network begin anew; leave [heads] out")
    network = refit(fitted.network.plain().eval(), films, recipe, options.keeping)
    return dataclasses.replace(fitted, network=network)


def claim(
    out: Path, recipe: Recipe, fingerprint: str, result: Path, *, resume: bool
) -> Path | None:
    """Make the folder this run's own, or see that it is.

    The processes that Lightning starts beside the first one, one for each further device, find the first one's run there.

    Args:
        out: the run's folder.
        recipe: what is to be done.
        fingerprint: of the cohort.
        result: what the run ends in.
        resume: whether a run may be there already.

    Returns:
        The result, if the run is finished already.
    """
    own = {"schema": _SCHEMA, "recipe": recipe.fingerprint, "cohort": fingerprint}
    path = out / RUN
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            if not first_process():
                return None
            path.write_text(json.dumps({**own, "document": recipe.to_json()}, indent=2) + "\n")
            return None
        found: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise OutputError(
            f"the run's folder {out} cannot be used ({error}); choose another folder"
        ) from error
    if not resume and first_process():
        raise UsageError(
            f"{out} already holds a run; give --resume to go on with it, or another folder"
        )
    for name, what in (("recipe", "another recipe"), ("cohort", "another cohort")):
        if found.get(name) != own[name]:
            raise RecipeError(
                f"{out} holds a run of {what}; resume with what it was started with, or choose another folder"
            )
    return result if result.exists() else None


def part(cohort: Cohort, recipe: Recipe) -> Split:
    """Training and held-out part of a cohort, patient by patient, checked for leaks.

    Raises:
        CohortError: if both share a patient or a file's bytes.
    """
    if not recipe.validation.fraction:
        return Split(tuple(range(len(cohort))), ())
    rng = np.random.default_rng([recipe.seed, 3])
    split = holdout(cohort, recipe.validation.fraction, rng)
    check_leakage(cohort.subset(split.train), cohort.subset(split.test))
    return split


def films_of(cohort: Cohort, plan: FilmPlan, out: Path, options: Options) -> Store:
    """The prepared films of a cohort, made where they are not there yet."""
    folder = (options.cache or out / "prepared") / store_key(cohort.fingerprint, plan)
    files = [FilmFiles.of(case) for case in cohort]
    return open_store(files, folder, plan, options.processes, options.preparing)


def labelled(store: Store, positions: Sequence[int], labels: np.ndarray[Any, Any]) -> Films:
    """The usable films among ``positions``, with their rows of ``labels`` (one per case)."""
    kept = np.array([p for p in positions if store.ready[p]], np.int64)
    return Films(store, kept, labels[kept].astype(np.int64).reshape(len(kept), labels.shape[1]))


def labels_of(cohort: Cohort, tasks: TaskSet) -> np.ndarray[Any, Any]:
    """``(N, T)`` class positions, `konio.tasks.MISSING` where unknown."""
    return np.array([cohort.targets(task.name) for task in tasks], np.int64).T


def first_network(recipe: Recipe) -> tuple[MultiTaskNetwork, dict[str, Any]]:
    """The network with its first weights, and where those come from.

    Raises:
        RecipeError: if the recipe describes no network that can be built.
        BundleError: if the file of pre-trained weights does not fit.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        try:
            network = build_network(
                recipe.network.plan(), torch.Generator().manual_seed(recipe.seed)
            )
        except (RecordError, UsageError) as error:
            raise RecipeError(f"recipe {recipe.name!r}: {error}") from error
    path = recipe.network.pretrained
    if not path:
        if recipe.network.first_filters == "spots":
            begin_with_spots(network.backbone)
        return network, {"origin": recipe.network.first_filters}
    if Path(path).is_dir():
        return network, _take_over_bundle(network, path)
    if is_state(path):
        origin = "konio run"
        take_over(network, path)
    else:
        origin = load_backbone_weights(network.backbone, path).origin
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return network, {"origin": origin, "file": Path(path).name, "sha256": digest}


def _take_over_bundle(network: MultiTaskNetwork, path: str) -> dict[str, Any]:
    """Fill a network with a finished bundle of the same plan; says where the weights come from."""
    bundle = read_bundle(path)
    own, given = network.state_dict(), bundle.network().state_dict()
    # Deep heads only teach: a bundle without them is as good a start. Heads that are to be standardised begin anew.
    kept = {key: value for key, value in own.items() if key.startswith("deep.")}
    if network.plan.standardise:
        heads = {key: value for key, value in own.items() if key.startswith("heads.")}
        given = {key: value for key, value in given.items() if key not in heads} | heads
    try:
        network.load_state_dict(kept | given)
    except RuntimeError as error:
        raise RecipeError(
            f"{path} holds another network than the recipe describes ({str(error).splitlines()[-1].strip()}); "
            "give the recipe the [network] of that bundle"
        ) from error
    return {"origin": "konio bundle", "file": Path(path).name, "sha256": bundle.weights_sha256}


def go(
    run: Run, network: torch.nn.Module, out: Path, options: Options, *, last: bool = True
) -> Fitted:
    """Train to the end.

    Where several devices train, each has a process; what comes after the training is left to the first one.

    Args:
        run: what to do.
        network: with its first weights; trained in place.
        out: folder of state and logs.
        options: who is told.
        last: no other training of this program follows.

    Raises:
        StoppedError: if it was stopped before.
        SystemExit: after the last training, in every process but the first.
    """
    fitted = fit(run, network, out, options.training)
    if not first_process() and (last or not fitted.finished):
        raise SystemExit(0)
    if not fitted.finished:
        raise StoppedError(
            f"training was stopped at step {fitted.step} of {run.timetable.steps} and is saved in {out}; "
            "run the same command with --resume to go on"
        )
    return fitted


def _plan(recipe: Recipe, options: Options) -> FilmPlan:
    return FilmPlan(Preparation(size=recipe.sides[-1]), recipe.sides, options.segmenter)


def _run(
    recipe: Recipe, cohort: Cohort, split: Split, store: Store, network: MultiTaskNetwork
) -> Run:
    labels = labels_of(cohort, network.tasks)
    films = labelled(store, split.train, labels)
    if not (films.labels != MISSING).any():
        raise CohortError(
            f"no film of the cohort has a label for {', '.join(network.tasks.names)}; fill these columns"
        )
    return Run(
        recipe=recipe,
        timetable=lay_out(recipe, len(films)),
        train=films,
        held_out=labelled(store, split.test, labels),
        objective=Questions(network.tasks, recipe.loss.plan()),
    )


def refuse_same_pixels(cohort: Cohort, split: Split, store: Store) -> None:
    """The same film saved twice in different formats is found by its prepared pixels.

    Raises:
        CohortError: if both parts hold it.
    """
    if not split.test:
        return
    largest = store.images[max(store.images)]
    rows = {case.path: row for row, case in enumerate(cohort.cases)}

    def digest(path: str) -> str:
        row = rows[path]
        # A film that was refused has no pixels and equals only itself.
        pixels = largest[row].tobytes() if store.ready[row] else path.encode()
        return hashlib.sha256(pixels).hexdigest()

    check_leakage(cohort.subset(split.train), cohort.subset(split.test), pixel_hash=digest)
