"""How much of the accuracy on one hospital's films survives films as another hospital might deliver them.

    python benchmarks/travel.py SHENZHEN [--model konio-radiograph] [--folds 3] [--study DIR] [--no-whole]

``--study`` takes what the model sees of the unchanged films from a finished study of the same films (``--preset real-kept``), which
saves one look at each; ``--no-whole`` leaves the last row out, which saves another.

A linear model on what a finished model sees (docs/decisions/0042) learns tuberculosis from the films of nine folds of ten; the
films of the tenth are asked as they are, in all ten folds, and changed, in some: another grey scale, a narrow window, less resolution, sharpening,
noise, a border with a mark. Lungs are found anew on every changed film. The last row goes the other way: model and films see the
whole film instead of the lungs. Areas under the ROC curve: mean over the measured folds, and the smallest and largest difference
from the unchanged films. The films come from one hospital, so this is the part of the question that they can answer.
"""

from __future__ import annotations

import argparse
import dataclasses
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.ndimage as ndi
import torch

from konio import metrics
from konio.cohort import Split, folds
from konio.errors import RefusedError
from konio.features.blocks import block_features
from konio.features.classifiers import fit_wide
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
    "as they are": lambda pixels: pixels,
    "gamma 0.7": lambda pixels: pixels**0.7,
    "gamma 1.4": lambda pixels: pixels**1.4,
    "narrow window": narrow,
    "half the resolution": half,
    "sharpened": sharpened,
    "noise of 2 %": noisy,
    "border and mark": framed,
}


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


def kept_rows(study: Path, films: int) -> list[np.ndarray | None]:
    """What a finished study kept of the first films of its table; ``None`` where it refused one."""
    table = np.load(features_file(study), allow_pickle=False)[:films].astype(np.float32)
    return [row if row.any() else None for row in table]


def _fold(
    rows: list[np.ndarray | None], truth: np.ndarray, split: Split, kept: np.ndarray
) -> tuple[float, float]:
    """Area and accuracy on the films that one fold holds out."""
    train, test = ([k for k in side if kept[k]] for side in (split.train, split.test))
    model = fit_wide(np.stack([rows[k] for k in train]), truth[train], seed=0)
    said = model.probabilities(np.stack([rows[k] for k in test]))
    right = said.argmax(axis=1) == truth[test]
    return metrics.roc_auc(truth[test] == 1, said[:, 1]), float(right.mean())


def _interval(values: np.ndarray) -> str:
    found = nadeau_bengio_interval(values, 1 / (FOLDS - 1))
    return f"{found.low:.3f} to {min(1.0, found.high):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("films", type=Path)
    parser.add_argument("--model", default="konio-radiograph")
    parser.add_argument("--folds", type=int, default=3, help="of ten that are measured")
    parser.add_argument("--study", type=Path, help="folder of a finished study of these films")
    parser.add_argument("--no-whole", action="store_true", help="leave the whole films out")
    given = parser.parse_args()
    start = time.perf_counter()
    cohort, eyes = read_films(given.films), Eyes(given.model)
    images = [read(case.path) for case in cohort]
    truth = np.array(cohort.targets("differential"))
    views = {False: kept_rows(given.study, len(images)) if given.study else []}
    for whole in (False, True)[: 1 if given.no_whole else 2]:
        views[whole] = views.get(whole) or [eyes.see(image, whole=whole) for image in images]
    kept = np.array([row is not None for row in views[False]])
    every = folds(cohort, FOLDS, np.random.default_rng([7, 11]))
    unchanged = [_fold(views[False], truth, split, kept) for split in every]
    splits = every[: given.folds]
    areas: dict[str, list[float]] = {}
    refused: dict[str, int] = {}
    for split in splits:
        train, test = ([k for k in side if kept[k]] for side in (split.train, split.test))
        models = {
            whole: fit_wide(np.stack([rows[k] for k in train]), truth[train], seed=0)
            for whole, rows in views.items()
        }

        def area(rows: list[np.ndarray | None], whole: bool, test: list[int] = test, models: dict = models) -> float:  # fmt: skip
            found = [k for k, row in zip(test, rows, strict=True) if row is not None]
            said = models[whole].probabilities(np.stack([r for r in rows if r is not None]))
            return metrics.roc_auc(truth[found] == 1, said[:, 1])

        for name, change in CHANGES.items():
            rows = views[False]
            asked = [rows[k] for k in test]
            if name != "as they are":
                altered = [
                    dataclasses.replace(
                        images[k], pixels=np.ascontiguousarray(change(images[k].pixels), np.float32)
                    )
                    for k in test
                ]
                asked = [eyes.see(image) for image in altered]
            refused[name] = refused.get(name, 0) + sum(row is None for row in asked)
            areas.setdefault(name, []).append(area(asked, False))
        if True in views:
            areas.setdefault("whole film instead of the lungs", []).append(
                area([views[True][k] for k in test], True)
            )
    print(f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, {time.perf_counter() - start:.0f} s")  # fmt: skip
    own = np.array(unchanged)
    print(f"{eyes.name}; {int(kept.sum())} films")
    print(
        f"as they are, all {FOLDS} folds: area {own[:, 0].mean():.3f} ({own[:, 0].min():.3f} to {own[:, 0].max():.3f}; "
        f"Nadeau-Bengio 95 % {_interval(own[:, 0])}), accuracy {own[:, 1].mean():.3f} ({_interval(own[:, 1])})"
    )
    print(f"changed, the first {len(splits)} folds:")
    base = np.array(areas["as they are"])
    for name, own in areas.items():
        gaps = np.array(own) - base
        print(
            f"  {name:32} area {np.mean(own):.3f}   difference {gaps.mean():+.3f} ({gaps.min():+.3f} to {gaps.max():+.3f})"
            f"   refused {refused.get(name, 0)}"
        )


if __name__ == "__main__":
    main()
