"""From a lung recipe and real pairs to a bundle that `konio.lungs.load_segmenter` opens."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from konio.errors import CohortError
from konio.learning.lungs import LungRecipe, LungTraining, Progress, train_lungs
from konio.learning.lungs_cohort import (
    LungFilms,
    pairs_of_cohort,
    pairs_of_folders,
    prepare_pairs,
    prepare_phantoms,
)
from konio.lungs.film import WINDOW_PERCENTILES
from konio.lungs.segmenter import KIND, SHIPPED
from konio.networks.bundle import Bundle, BundleFacts, write_bundle
from konio.networks.unet import UNET_CHANNELS, UNET_SIDE, LungUNet
from konio.phantom import RECIPE as PHANTOM_RECIPE

INTENDED_USE: Final = (
    "Finds both lung fields on a frontal chest radiograph, so that other networks know where to look. It learned from "
    "made-up patients and from the lung outlines of the public Montgomery County set; it was looked at on the public "
    "Shenzhen set and on samples of ChestX-ray14. No clinical claim is made: an outline is not a finding, and a film "
    "that is not refused is not thereby fit for a diagnosis. Not for lateral films, children or computed tomography."
)

#: Whom to cite for the real pairs of the shipped bundle.
MONTGOMERY: Final = (
    "Montgomery County set, U.S. National Library of Medicine: Jaeger et al., Quant Imaging Med Surg 2014;4(6):475-477; "
    "Candemir et al., IEEE Trans Med Imaging 2014;33(2):577-590"
)


def real_pairs(cohort: Path) -> tuple[tuple[Path, Path], ...]:
    """Films and masks of a cohort: a ``cohort.csv``, or a folder ``NAME`` of films with ``NAME-lungs`` beside it.

    Raises:
        CohortError: if there are none.
    """
    if cohort.is_dir():
        return pairs_of_folders(cohort, cohort.with_name(f"{cohort.name}-lungs"))
    if cohort.is_file():
        return pairs_of_cohort(cohort)
    raise CohortError(f"{cohort} is neither a cohort table nor a folder of films; check the path")


def train_lung_bundle(
    cohort: Path,
    recipe: LungRecipe,
    out: Path,
    *,
    seed: int = 0,
    resume: bool = False,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Bundle:
    """Train the lung network and write its bundle to ``out/bundle``.

    Args:
        cohort: the real pairs, see `real_pairs`.
        recipe: how to train.
        out: folder of the run.
        seed: of made-up patients, weights, films and changes.
        resume: go on from the last checkpoint in ``out``.
        cache: folder of prepared films; inside ``out`` where ``None``.
        progress: called with step, number of steps and loss.
    """
    films = cache or out / "films"
    training = LungTraining(
        recipe,
        prepare_phantoms(recipe.phantoms, seed, recipe.phantom_size, films),
        prepare_pairs(real_pairs(cohort), films),
        seed,
    )
    network = train_lungs(training, out, resume=resume, progress=progress)
    return write_lung_bundle(out / "bundle", network, training)


def write_lung_bundle(
    directory: Path,
    network: LungUNet,
    training: LungTraining,
    metrics: dict[str, Any] | None = None,
    real_source: str = "given by the user",
    phantom_recipe: str = PHANTOM_RECIPE,
) -> Bundle:
    """Write a trained lung network as a bundle, weights in half precision.

    Args:
        directory: where.
        network: trained.
        training: what it was trained on.
        metrics: what was measured on which films; plain data.
        real_source: where the real pairs come from, for the card.
        phantom_recipe: version of the recipe that drew the made-up patients, for the card.
    """
    facts = BundleFacts(
        name=SHIPPED,
        kind=KIND,
        architecture={
            "name": "LungUNet",
            "widths": list(network.plan.widths),
            "channels": list(UNET_CHANNELS),
        },
        licence="Apache-2.0",
        intended_use=INTENDED_USE,
        preprocessing={
            "side": UNET_SIDE,
            "aspect": "kept, centred in a black square",
            "window percentiles": list(WINDOW_PERCENTILES),
            "range": "-1..1, bright bone",
        },
        recipe={**training.recipe.model_dump(mode="json"), "seed": training.seed},
        cohort={
            "made-up patients": _counted(training.phantoms, phantom_recipe),
            "real pairs": _counted(training.real, real_source),
            "fingerprint": training.fingerprint(),
        },
        metrics=metrics or {},
    )
    return write_bundle(directory, facts, network.state_dict())


def _counted(films: LungFilms, source: str) -> str:
    return f"{len(films)} ({source})" if len(films) else "0"
