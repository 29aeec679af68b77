"""How much of the accuracy on one hospital's films survives films as another hospital might deliver them.

    python benchmarks/travel.py SHENZHEN [--model konio-radiograph] [--folds 3] [--study DIR] [--no-whole] [--copies] [--changes NAME ...]

``--study`` takes what the model sees of the unchanged films from a finished study of the same films (``--preset real-kept``), which
saves one look at each; ``--no-whole`` leaves the last row out, which saves another. ``--copies`` asks what augmentation gives: the
linear model also learns from one copy of every film whose grey scale, sharpness and noise were moved by chance.

A linear model on what a finished model sees (docs/decisions/0042) learns tuberculosis from the films of nine folds of ten; the
films of the tenth are asked as they are, in all ten folds, and changed, in some: another grey scale, a narrow window, less resolution, sharpening,
noise, a border with a mark. Lungs are found anew on every changed film. The last row goes the other way: model and films see the
whole film instead of the lungs. Areas under the ROC curve: mean over the measured folds, and the smallest and largest difference
from the unchanged films. The films come from one hospital, so this is the part of the question that they can answer.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import scipy.ndimage as ndi
import torch

from _machine import machine
from konio import metrics
from konio.cohort import Split, folds
from konio.errors import RefusedError
from konio.features.blocks import block_features
from konio.features.classifiers import Classifier, fit_wide
from konio.io import read
from konio.lungs import find_lungs, load_segmenter
from konio.networks import find_bundle, read_bundle
from konio.networks.multitask import MultiTaskNetwork
from konio.networks.precision import fastest_dtype
from konio.prepare import Preparation, prepare_film
from konio.records import Image
from konio.significance import nadeau_bengio_interval
from konio.studies.multitask.cohorts import read_films
from konio.studies.seen import features_file

Pixels = np.ndarray
Rows = list[np.ndarray | None]
FOLDS = 10


def narrow(pixels: Pixels) -> Pixels:
    """A window that cuts the darkest and the brightest tenth."""
    low, high = np.percentile(pixels, (10, 90))
    return np.clip((pixels - low) / max(high - low, 1e-6), 0, 1)


def half(pixels: Pixels) -> Pixels:
    """Half the resolution, brought back."""
    small = ndi.zoom(ndi.gaussian_filter(pixels, 0.8), 0.5, order=1)
    return ndi.zoom(small, np.array(pixels.shape) / np.array(small.shape), order=1)


def sharpened(pixels: Pixels) -> Pixels:
    """Edges raised as many digital systems do."""
    return np.clip(pixels + 0.8 * (pixels - ndi.gaussian_filter(pixels, 3)), 0, 1)


def noisy(pixels: Pixels) -> Pixels:
    """Noise of two grey levels in a hundred."""
    return np.clip(pixels + np.random.default_rng(0).normal(0, 0.02, pixels.shape), 0, 1)


def framed(pixels: Pixels) -> Pixels:
    """A black border of a twelfth on every side and a bright mark in a corner."""
    edge = pixels.shape[0] // 12
    wide = np.pad(pixels, edge)
    wide[2 * edge : 3 * edge, 2 * edge : 4 * edge] = 1
    return wide


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "gamma 0.7": lambda pixels: pixels**0.7,
    "gamma 1.4": lambda pixels: pixels**1.4,
    "narrow window": narrow,
    "half the resolution": half,
    "sharpened": sharpened,
    "noise of 2 %": noisy,
    "border and mark": framed,
}


def moved(pixels: Pixels, seed: int) -> Pixels:
    """A film whose grey scale, sharpness and noise are moved by chance, less or more than in `CHANGES`."""
    rng = np.random.default_rng([3, seed])
    out = pixels ** np.exp(rng.uniform(-0.5, 0.5))
    out = ndi.gaussian_filter(out, rng.uniform(0, 1.5))
    return np.clip(out + rng.normal(0, rng.uniform(0, 0.03), out.shape), 0, 1)


class Eyes:
    """From a film to its features."""

    def __init__(self, model: str) -> None:
        bundle = read_bundle(find_bundle(model))
        self.name = f"{bundle.facts.name} {bundle.weights_sha256[:12]}"
        self.network: MultiTaskNetwork = bundle.network()
        self.network.to(memory_format=torch.channels_last)
        self.preparation = Preparation.from_json(bundle.facts.preprocessing)
        self.segmenter = load_segmenter("konio-lungs")
        self.dtype = fastest_dtype("cpu")

    def see(self, image: Image, *, whole: bool = False) -> np.ndarray | None:
        """Features of a film, of its lungs or of all of it; ``None`` where no lungs are found."""
        try:
            lungs = find_lungs(image, self.segmenter)
        except RefusedError:
            return None
        own = dataclasses.replace(self.preparation, crop="film" if whole else "lungs")
        film = prepare_film(image, lungs, own)
        seen = film.image[None].contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", self.dtype, enabled=self.dtype != torch.float32):
            return block_features(self.network, seen, film.zones[None])[0].float().numpy()


def kept_rows(study: Path, films: int) -> Rows:
    """What a finished study kept of the first films of its table; ``None`` where it refused one."""
    table = np.load(features_file(study), allow_pickle=False)[:films].astype(np.float32)
    return [row if row.any() else None for row in table]


def _fold(rows: Rows, truth: np.ndarray, split: Split, kept: np.ndarray) -> tuple[float, float]:
    """Area and accuracy on the films that one fold holds out."""
    train, test = ([k for k in side if kept[k]] for side in (split.train, split.test))
    model = fit_wide(np.stack([rows[k] for k in train]), truth[train], seed=0)
    said = model.probabilities(np.stack([rows[k] for k in test]))
    right = said.argmax(axis=1) == truth[test]
    return metrics.roc_auc(truth[test] == 1, said[:, 1]), float(right.mean())


def _interval(values: np.ndarray) -> str:
    found = nadeau_bengio_interval(values, 1 / (FOLDS - 1))
    return f"{found.low:.3f} to {min(1.0, found.high):.3f}"


def changed(
    eyes: Eyes, images: list[Image], test: list[int], change: Callable[[Pixels], Pixels]
) -> Rows:
    """What the model sees of some films after a change."""
    rows = []
    for k in test:
        pixels = np.ascontiguousarray(change(images[k].pixels), np.float32)
        rows.append(eyes.see(dataclasses.replace(images[k], pixels=pixels)))
    return rows


def taught(rows: Rows, copies: Rows, truth: np.ndarray, train: list[int]) -> Classifier:
    """A linear model of the films of one side and, where there are any, of their moved copies."""
    more = [k for k in train if copies and copies[k] is not None]
    seen = [rows[k] for k in train] + [copies[k] for k in more]
    return fit_wide(np.stack(seen), truth[train + more], seed=0)


def area(model: Classifier, rows: Rows, truth: np.ndarray) -> float:
    """Area under the ROC curve on the films that were not refused."""
    found = [k for k, row in enumerate(rows) if row is not None]
    said = model.probabilities(np.stack([row for row in rows if row is not None]))
    return metrics.roc_auc(truth[found] == 1, said[:, 1])


@dataclasses.dataclass(frozen=True)
class Asked:
    """Films and what is asked of them.

    Args:
        images: the films.
        truth: their classes.
        lungs: what the model sees of their lungs.
        whole: of the whole films; empty where this is not asked.
        copies: of moved copies; empty where this is not asked.
        changes: names of `CHANGES`.
    """

    images: list[Image]
    truth: np.ndarray
    lungs: Rows
    whole: Rows
    copies: Rows
    changes: tuple[str, ...]


def travelled(
    eyes: Eyes, own: Asked, splits: Sequence[Split]
) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Areas of every change in every fold, and how many changed films were refused."""
    areas: dict[str, list[float]] = {}
    refused: dict[str, int] = {}
    for split in splits:
        train, test = (
            [k for k in side if own.lungs[k] is not None] for side in (split.train, split.test)
        )
        plain = taught(own.lungs, [], own.truth, train)
        moving = taught(own.lungs, own.copies, own.truth, train) if own.copies else None
        for name in ("as they are", *own.changes):
            rows = (
                [own.lungs[k] for k in test]
                if name == "as they are"
                else changed(eyes, own.images, test, CHANGES[name])
            )
            refused[name] = refused.get(name, 0) + sum(row is None for row in rows)
            areas.setdefault(name, []).append(area(plain, rows, own.truth[test]))
            if moving is not None:
                areas.setdefault(f"{name}, copies learned too", []).append(
                    area(moving, rows, own.truth[test])
                )
            print(f"  ({name}: {areas[name][-1]:.3f})", flush=True)
        if own.whole:
            model = taught(own.whole, [], own.truth, train)
            areas.setdefault("whole film instead of the lungs", []).append(
                area(model, [own.whole[k] for k in test], own.truth[test])
            )
    return areas, refused


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("films", type=Path)
    parser.add_argument("--model", default="konio-radiograph")
    parser.add_argument("--folds", type=int, default=3, help="of ten that are measured")
    parser.add_argument("--study", type=Path, help="folder of a finished study of these films")
    parser.add_argument("--no-whole", action="store_true", help="leave the whole films out")
    parser.add_argument("--copies", action="store_true", help="learn from moved copies too")
    parser.add_argument("--changes", nargs="+", default=list(CHANGES), choices=list(CHANGES))
    given = parser.parse_args()
    print(machine("scipy", "scikit-learn", network=True), flush=True)
    start = time.perf_counter()
    cohort, eyes = read_films(given.films), Eyes(given.model)
    images = [read(case.path) for case in cohort]
    truth = np.array(cohort.targets("differential"))
    lungs = (
        kept_rows(given.study, len(images))
        if given.study
        else [eyes.see(image) for image in images]
    )
    whole = [] if given.no_whole else [eyes.see(image, whole=True) for image in images]
    copies = (
        [
            changed(eyes, images, [k], lambda pixels, k=k: moved(pixels, k))[0]
            for k in range(len(images))
        ]
        if given.copies
        else []
    )
    asked = Asked(images, truth, lungs, whole, copies, tuple(given.changes))
    kept = np.array([row is not None for row in lungs])
    every = folds(cohort, FOLDS, np.random.default_rng([7, 11]))
    own = np.array([_fold(lungs, truth, split, kept) for split in every])
    areas, refused = travelled(eyes, asked, every[: given.folds])
    print(f"{eyes.name}; {int(kept.sum())} films, {time.perf_counter() - start:.0f} s")
    print(
        f"as they are, all {FOLDS} folds: area {own[:, 0].mean():.3f} ({own[:, 0].min():.3f} to {own[:, 0].max():.3f}; "
        f"Nadeau-Bengio 95 % {_interval(own[:, 0])}), accuracy {own[:, 1].mean():.3f} ({_interval(own[:, 1])})"
    )
    print(f"changed, the first {given.folds} folds:")
    base = np.array(areas["as they are"])
    for name, found in areas.items():
        gaps = np.array(found) - base
        print(
            f"  {name:40} area {np.mean(found):.3f}   difference {gaps.mean():+.3f} ({gaps.min():+.3f} to {gaps.max():+.3f})"
            f"   refused {refused.get(name, 0)}"
        )


if __name__ == "__main__":
    main()
