"""How well and how fast lungs are found.

    python benchmarks/lungs.py folds --out DIR     five-fold cross-validation on the Montgomery set (trains five networks)
    python benchmarks/lungs.py phantoms            unseen made-up patients: Dice, recall in stage III and large opacities
    python benchmarks/lungs.py films               real films accepted, other pictures refused, ranges of all measures
    python benchmarks/lungs.py time                one 3000 x 3000 film

Real films are found through KONIO_DATA. Dice is that of the finished mask against the mask as published, on its grid.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Picture

from _machine import machine
from konio.errors import RefusedError
from konio.learning.lungs import LungRecipe, LungTraining, train_lungs
from konio.learning.lungs_cohort import (
    pairs_of_folders,
    prepare_pairs,
    prepare_phantoms,
    read_film,
    read_mask,
)
from konio.lungs import LungSegmenter, find_lungs, load_segmenter, measure_quality
from konio.lungs.clean import solid
from konio.lungs.find import exclusive
from konio.lungs.plausible import LIMITS, measure
from konio.networks.unet import UNET_CHANNELS
from konio.phantom import WISHES, radiograph
from konio.records import Image, Lungs, Source

HERE = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("KONIO_DATA", HERE.parent / "shared" / "data"))
FOLDS = 5
UNSEEN_SEED = 900_000
PERCENTILES = (0, 1, 5, 50, 95, 99, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("folds", "phantoms", "films", "time"))
    parser.add_argument("--model", default="konio-lungs")
    parser.add_argument("--recipe", type=Path, default=HERE / "recipes" / "lungs.toml")
    parser.add_argument("--out", type=Path, default=HERE / "out" / "lungs")
    parser.add_argument(
        "--steps", type=int, help="of a fold after the warm-up, if not the recipe's"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=120, help="made-up patients")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(machine())
    {"folds": folds, "phantoms": phantoms, "films": films, "time": timing}[given.what](given)


def folds(given: argparse.Namespace) -> None:
    recipe = LungRecipe.read(given.recipe)
    if given.steps:
        recipe = recipe.model_copy(update={"steps": given.steps})
    pairs = pairs_of_folders(DATA / "nlm-tb" / "montgomery", DATA / "nlm-tb" / "montgomery-lungs")
    cache = given.out / "films"
    made_up = prepare_phantoms(recipe.phantoms, given.seed, recipe.phantom_size, cache)
    whole = LungTraining(recipe, made_up, prepare_pairs(pairs, cache), given.seed)
    print(f"{len(pairs)} real pairs, {len(made_up)} made-up patients, {recipe}")
    warm = train_lungs(
        whole.warm_up(), given.out / "warm-up", resume=True, stop_after=recipe.warm_up_steps
    )
    means, every = [], []
    for fold in range(FOLDS):
        seen = [i for i in range(len(pairs)) if i % FOLDS != fold]
        training = LungTraining(recipe, made_up, whole.real.subset(seen), given.seed)
        network = train_lungs(training, given.out / f"fold-{fold}", resume=True, start=warm)
        segmenter = LungSegmenter.of(network)
        scores = [
            dice_of_pair(film, mask, segmenter)
            for i, (film, mask) in enumerate(pairs)
            if i % FOLDS == fold
        ]
        every += scores
        means.append(statistics.mean(scores))
        print(
            f"fold {fold}: {len(scores)} unseen films, Dice mean {means[-1]:.4f}, median "
            f"{statistics.median(scores):.4f}, lowest {min(scores):.4f}",
            flush=True,
        )
    print(
        f"all folds: Dice {statistics.mean(means):.4f}, spread of the fold means (SD) {statistics.stdev(means):.4f}, "
        f"of films (SD) {statistics.stdev(every):.4f}, films under 0.90: {sum(s < 0.9 for s in every)}"
    )


def dice_of_pair(film: Path, mask: Path, segmenter: LungSegmenter) -> float:
    truth = read_mask(mask)
    try:
        lungs = find_lungs(image_of(read_film(film)), segmenter)
    except RefusedError:
        return 0.0
    return dice(on_film(lungs), truth)


def on_film(lungs: Lungs) -> np.ndarray:
    rows, columns = lungs.shape_px
    picture = Picture.fromarray(lungs.mask.astype(np.uint8) * 255)
    return np.asarray(picture.resize((columns, rows), Picture.Resampling.BILINEAR)) > 127


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    return float(2 * (found & truth).sum() / max(1, found.sum() + truth.sum()))


def image_of(pixels: np.ndarray) -> Image:
    source = Source("film", "0" * 64, "memory", *pixels.shape)
    return Image(np.array(pixels, np.float32), None, "radiograph", source)


def phantoms(given: argparse.Namespace) -> None:
    segmenter = load_segmenter(given.model)
    print("made-up patients with seeds the training never saw, 512 x 512")
    rows: dict[str, list[tuple[float, float, float, float]]] = {}
    for index in range(given.count):
        wish = WISHES[index % len(WISHES)]
        film = radiograph(np.random.default_rng((UNSEEN_SEED + given.seed, index)), wish)
        lungs = find_lungs(image_of(film.display), segmenter)
        found, large = on_film(lungs), film.lesions == 2
        zones = np.asarray(
            Picture.fromarray(lungs.zones).resize((512, 512), Picture.Resampling.NEAREST)
        )
        both = found & film.lungs
        rows.setdefault(wish, []).append(
            (
                dice(found, film.lungs),
                both.sum() / film.lungs.sum(),
                (found & large & film.lungs).sum() / (large & film.lungs).sum()
                if (large & film.lungs).any()
                else np.nan,
                float((zones == film.zones)[both].mean()),
            )
        )
    print(
        f"{'':14}{'films':>6}{'Dice':>9}{'lowest':>9}{'recall':>9}{'lowest':>9}{'in large':>9}{'lowest':>9}{'zones':>9}"
    )
    for wish, values in [*rows.items(), ("all", [v for vs in rows.values() for v in vs])]:
        table = np.array(values)
        large = table[:, 2][~np.isnan(table[:, 2])]
        inside = (large.mean(), large.min()) if len(large) else (np.nan, np.nan)
        numbers = (
            table[:, 0].mean(), table[:, 0].min(), table[:, 1].mean(), table[:, 1].min(), *inside, table[:, 3].mean()
        )  # fmt: skip
        print(f"{wish:14}{len(values):6}" + "".join(f"{number:9.4f}" for number in numbers))


def films(given: argparse.Namespace) -> None:
    segmenter = load_segmenter(given.model)
    sets = {
        "Montgomery": sorted((DATA / "nlm-tb" / "montgomery").glob("*.jpg")),
        "Shenzhen": sorted((DATA / "nlm-tb" / "shenzhen").glob("*.jpg")),
        "ChestX-ray14": sorted((DATA / "nih-sample" / "images").glob("*.png")),
    }
    for name, paths in sets.items():
        measures, qualities, refused = [], [], []
        for path in paths:
            image = image_of(read_film(path))
            measures.append(dataclasses.astuple(measures_of(image, segmenter)))
            try:
                lungs = find_lungs(image, segmenter)
            except RefusedError as refusal:
                refused.append(f"  {path.name}: {refusal.detail}")
                continue
            quality = measure_quality(image, lungs).facts()
            quality.pop("remarks")
            qualities.append(list(quality.values()))
        print(
            f"{name}: {len(paths)} films, {len(paths) - len(refused)} accepted", *refused, sep="\n"
        )
        table(list(LIMITS), measures)
        table(list(quality), qualities)
    for name, make in NOT_FILMS.items():
        rng = np.random.default_rng(given.seed)
        refused = sum(refuses(picture, segmenter) for picture in make(rng))
        print(
            f"{name}: {refused} of {sum(1 for _ in make(np.random.default_rng(given.seed)))} refused"
        )


def measures_of(image: Image, segmenter: LungSegmenter):
    raw, box = segmenter.probabilities(image.pixels)
    seen = box.cut(raw)
    sides = exclusive(np.stack([solid(seen[i], name) for i, name in enumerate(UNET_CHANNELS)]))
    return measure(sides[0], sides[1], seen)


def table(names: list[str], values: list) -> None:
    print(f"    {'percentile':22}" + "".join(f"{p:>9}" for p in PERCENTILES))
    for name, column in zip(names, np.array(values).T, strict=True):
        print(f"    {name:22}" + "".join(f"{v:9.3f}" for v in np.percentile(column, PERCENTILES)))


def refuses(pixels: np.ndarray, segmenter: LungSegmenter) -> bool:
    try:
        find_lungs(image_of(pixels), segmenter)
    except RefusedError:
        return True
    return False


def some_films() -> Iterator[np.ndarray]:
    for path in sorted((DATA / "nlm-tb" / "shenzhen").glob("*.jpg"))[::16]:
        yield read_film(path)


def ct_slices(rng: np.random.Generator) -> Iterator[np.ndarray]:
    import pydicom

    del rng
    for path in sorted((DATA / "ct-series" / "dicom").rglob("*.dcm")):
        slice_ = pydicom.dcmread(path)
        hounsfield = slice_.pixel_array * float(slice_.RescaleSlope) + float(
            slice_.RescaleIntercept
        )
        for low, high in ((-1000, 400), (-160, 240)):
            yield np.clip((hounsfield - low) / (high - low), 0, 1)


def nodules(rng: np.random.Generator) -> Iterator[np.ndarray]:
    with np.load(DATA / "lidc-slices" / "slices_hu.npz", allow_pickle=False) as data:
        for patch in data["hu"][rng.integers(0, len(data["hu"]), 60)]:
            yield np.clip((patch.astype(np.float32) + 1000) / 1400, 0, 1)


def other_dicom(rng: np.random.Generator) -> Iterator[np.ndarray]:
    import pydicom

    del rng
    for path in sorted((DATA / "dicom").glob("*.dcm")):
        if path.name.startswith(("chest_dx", "wg04__J2KI__RG1", "fo_dicom__CR")):
            continue
        try:
            pixels = np.asarray(pydicom.dcmread(path).pixel_array, np.float32)
        except Exception:  # noqa: S112 - hostile files; only what decodes is of interest here
            continue
        grey = pixels.mean(axis=-1) if pixels.ndim == 3 and pixels.shape[-1] == 3 else pixels
        if grey.ndim == 2 and np.ptp(grey) > 0:
            yield (grey - grey.min()) / np.ptp(grey)


def noise(rng: np.random.Generator) -> Iterator[np.ndarray]:
    for _ in range(30):
        yield rng.random((256, 256))


def pages(rng: np.random.Generator) -> Iterator[np.ndarray]:
    from PIL import ImageDraw

    for number in range(20):
        page = Picture.new("L", (600, 800), 255 * (number % 2))
        pen = ImageDraw.Draw(page)
        for row in range(20, 780, 14):
            words = "".join(chr(c) for c in rng.integers(97, 123, 80))
            pen.text((30, row), words, fill=255 - 255 * (number % 2))
        yield np.asarray(page, np.float32) / 255


def parts(cut: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Iterator[np.ndarray]]:
    return lambda _rng: (np.ascontiguousarray(cut(film)) for film in some_films())


NOT_FILMS = {
    "slices of a chest CT": ct_slices,
    "nodules on CT": nodules,
    "CT, MR, US, NM and hand films (sample DICOM)": other_dicom,
    "noise": noise,
    "pages of text": pages,
    "films turned by 90 degrees": parts(lambda film: np.rot90(film)),
    "films upside down": parts(lambda film: film[::-1, ::-1]),
    "negatives": parts(lambda film: 1 - film),
    "right halves": parts(lambda film: film[:, : film.shape[1] // 2]),
    "lowest thirds (abdomen)": parts(lambda film: film[2 * film.shape[0] // 3 :]),
    "top fifths (neck)": parts(lambda film: film[: film.shape[0] // 5]),
}


def timing(given: argparse.Namespace) -> None:
    segmenter = load_segmenter(given.model)
    film = radiograph(0, "dust-II", size=1024).display
    image = image_of(np.kron(film, np.ones((3, 3), np.float32))[:3000, :3000])
    small = np.random.default_rng(0).random((256, 256), np.float32)
    jobs = {
        "network alone, 256 x 256": lambda: segmenter.probabilities_of_square(small),
        "find_lungs, 3000 x 3000": lambda: find_lungs(image, segmenter),
    }
    lungs = find_lungs(image, segmenter)
    jobs["measure_quality, 3000 x 3000"] = lambda: measure_quality(image, lungs)
    for name, job in jobs.items():
        spent = []
        for _ in range(25):
            begun = time.perf_counter()
            job()
            spent.append((time.perf_counter() - begun) * 1e3)
        spent.sort()
        print(
            f"{name}: median {spent[12]:.1f} ms, 10th to 90th percentile {spent[2]:.1f} to {spent[22]:.1f} ms"
        )


if __name__ == "__main__":
    main()
