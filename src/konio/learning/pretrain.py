"""Pre-training of a backbone on the fourteen findings of ChestX-ray14, in its original folder.

The result, ``backbone.safetensors``, is named as ``network.pretrained`` in the next recipe.

References:
    Wang et al., CVPR 2017; Rajpurkar et al., CheXNet, 2017. Paper A starts from such weights (section 1.3).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from safetensors.torch import save_file

from konio.cohort import FINDINGS, ChestXray14, Cohort, Split, read_chestxray14
from konio.errors import OutputError
from konio.learning.films import FilmPlan
from konio.learning.fit import Fitted
from konio.learning.module import Run
from konio.learning.objective import Findings, FindingsNetwork, build_findings_network
from konio.learning.recipe import Recipe
from konio.learning.timetable import lay_out
from konio.networks.densenet import DenseNet
from konio.networks.plan import BACKBONES
from konio.networks.weights import load_backbone_weights
from konio.prepare import Preparation
from konio.records import Case

if TYPE_CHECKING:
    from konio.learning.training import Options

BACKBONE: Final = "backbone.safetensors"
FACTS: Final = "pretraining.json"


def pretrain(folder: Path, recipe: Recipe, out: Path, *, resume: bool, options: Options) -> Path:
    """Train a backbone on ChestX-ray14.

    The official lists decide what is held out where the folder has them; otherwise whole patients are drawn.
    Films that were not downloaded are left out.

    Args:
        folder: of the original download.
        recipe: of the kind ``chestxray14``.
        out: the run's folder.
        resume: go on with the run that ``out`` holds.
        options: where things are kept and who is told.

    Returns:
        The file of backbone weights.
    """
    from konio.learning.training import claim, films_of, go, labelled, part

    films = read_chestxray14(folder, partial=True)
    cohort = as_cohort(films, folder)
    fingerprint = hashlib.sha256(cohort.fingerprint.encode() + films.labels.tobytes()).hexdigest()
    finished = claim(out, recipe, fingerprint, out / BACKBONE, resume=resume)
    if finished is not None:
        return finished
    official = _official(films)
    split = part(cohort, recipe) if official is None else official
    plan = FilmPlan(Preparation(size=recipe.sides[-1], crop="film"), recipe.sides)
    store = films_of(cohort, plan, out, options)
    train = labelled(store, split.train, films.labels)
    run = Run(
        recipe=recipe,
        timetable=lay_out(recipe, len(train)),
        train=train,
        held_out=labelled(store, split.test, films.labels),
        objective=Findings(FINDINGS),
    )
    network = first_network(recipe)
    return _keep(run, go(run, network, out, options), fingerprint, out)


def as_cohort(films: ChestXray14, folder: Path) -> Cohort:
    """The films as cases without labels of ours."""
    cases = (
        Case(path=path, patient_id=patient, labels={})
        for path, patient in zip(films.paths, films.patient_ids, strict=True)
    )
    return Cohort(tuple(cases), folder)


def first_network(recipe: Recipe) -> FindingsNetwork:
    """The network of a pre-training recipe with its first weights."""
    generator = torch.Generator().manual_seed(recipe.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        backbone = DenseNet(
            BACKBONES[recipe.network.backbone], recipe.network.in_channels, generator
        )
        network = build_findings_network(backbone, len(FINDINGS), generator)
    if recipe.network.pretrained:
        load_backbone_weights(backbone, recipe.network.pretrained)
    return network


def _official(films: ChestXray14) -> Split | None:
    sides = np.array([side or "" for side in films.official])
    train, test = np.flatnonzero(sides == "train"), np.flatnonzero(sides == "test")
    if not len(train):
        return None
    return Split(tuple(train.tolist()), tuple(test.tolist()))


def _keep(run: Run, fitted: Fitted, fingerprint: str, out: Path) -> Path:
    from konio.learning.ship import finite

    facts = {
        "schema": "konio.pretraining/1",
        "kind": "chestxray14",
        "findings": list(FINDINGS),
        "cohort": {"fingerprint": fingerprint, "trained_on": len(run.train)},
        "recipe": run.recipe.to_json(),
        "metrics": finite(fitted.scores),
    }
    path = out / BACKBONE
    beside = path.with_suffix(".part")
    weights = {
        name: value.contiguous().clone() for name, value in fitted.network.state_dict().items()
    }
    try:
        (out / FACTS).write_text(json.dumps(facts, indent=2, allow_nan=False) + "\n", "utf-8")
        save_file(weights, beside, metadata={"konio": json.dumps(facts)})
        beside.replace(path)
    except OSError as error:
        raise OutputError(
            f"the backbone cannot be written to {path} ({error.strerror}); free space or choose another folder"
        ) from error
    return path
