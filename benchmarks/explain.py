"""How good the explanations are on made-up patients, and what SCDA features and t-SNE cost.

Run from the repository root::

    OMP_NUM_THREADS=2 python benchmarks/explain.py                            everything, on a few films
    OMP_NUM_THREADS=2 python benchmarks/explain.py scores --films 300 --curves 300 --slow 30 --out out/explain
    OMP_NUM_THREADS=2 python benchmarks/explain.py scores --films 90 --explainers hires-cam,two-scale-cam --curves 0
                                                                              what RESULTS.md shows, in minutes
    OMP_NUM_THREADS=2 python benchmarks/explain.py cost                       maps and SCDA features beside the forward pass
    OMP_NUM_THREADS=2 python benchmarks/explain.py t-sne

Films are made with seeds that no shipped model has learned from. The class that is explained is the predicted one;
lesions are those of the true one, and films that the network calls wrong count like all others; a second block of rows
has those alone that it calls right. The network is told of the lungs that konio-lungs finds, as in an assessment, and
energy is measured in the true ones. Rows that end at the lungs are maps as pages show them.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from _machine import machine
from konio.errors import RefusedError
from konio.explain import EXPLAINERS, about_task, discriminative_maps, explain
from konio.explain.contract import AboutTask
from konio.explain.curves import deletion_insertion
from konio.explain.known import KnownFilm, chance, known_film, mean_scores, score_map
from konio.explain.pictures import channel_sheet, overlay
from konio.explain.sanity import cascade, rank_correlation
from konio.features import embed, film_features
from konio.lungs import find_lungs, load_segmenter
from konio.networks import MultiTaskNetwork, find_bundle, read_bundle
from konio.phantom import radiograph
from konio.prepare import Preparation
from konio.records import Image as Radiograph
from konio.records import Lungs
from konio.studies.explanations import ENDED, explanation_table
from konio.studies.tables import to_markdown

#: Made-up patients from here on belong to this benchmark.
SEED: Final = 7_700_000
#: Wish and the questions whose maps are measured. Large opacities are asked for where the film has some: in stage III lesions
#: are everywhere, so that only these tell a map that knows from one that does not.
ASKED: Final = {
    "dust-III": ("stage", "large_opacity"),
    "tuberculosis": ("differential",),
    "dust-II": ("stage",),
}
#: Score-CAM asks the whole network 64 times for one film.
SLOW: Final = "score-cam"

Film = tuple[str, str, KnownFilm]
Maps = dict[int, Tensor]
Way = Callable[[Tensor], Tensor]
#: Group, whether the answer is right, the map, its scores, and those of the map that ends at the lungs.
Rows = Iterator[tuple[str, bool, Tensor, dict[str, float], dict[str, float] | None]]


def made(count: int, preparation: Preparation) -> list[Film]:
    """``count`` films, the wishes taking turns, once for every question about it: group, question, film."""
    segmenter = load_segmenter()

    def find(film: Radiograph) -> Lungs:
        return find_lungs(film, segmenter)

    found: list[Film] = []
    for number in range(count):
        wish = list(ASKED)[number % len(ASKED)]
        try:
            film = known_film(radiograph(SEED + number, wish, size=512), preparation, find)
        except RefusedError as error:
            print(f"film {number} is left out: {error}")
            continue
        found.extend(
            (f"{wish}: {task}", task, film)
            for task in ASKED[wish]
            if film.lesions_of(task, film.labels[task] or "").any()
        )
    return found


def question(network: MultiTaskNetwork, film: KnownFilm, task: str, size: int) -> AboutTask:
    zones = None if film.zones is None else film.zones[None]
    return about_task(network, task, zones, network.folded(size=size) if size else None)


def features_of(network: MultiTaskNetwork, films: Sequence[Film]) -> Maps:
    """The map of every film, once however many questions are asked about it."""
    way = network.folded(size=films[0][2].image.shape[-1])
    return {id(film): way(film.image[None]) for film in {id(f): f for _, _, f in films}.values()}


def curves_of(asked: AboutTask, film: KnownFilm, heat: Tensor, chosen: int) -> dict[str, float]:
    found = deletion_insertion(asked, film.image, heat, chosen, steps=8)
    return {"deletion": found.deletion_area, "insertion": found.insertion_area}


def scored(network: MultiTaskNetwork, films: Sequence[Film], known: Maps, name: str, curves: int, way: Way | None) -> Rows:  # fmt: skip
    """Group, row and scores of every map, and the maps; curves of the first few films only."""
    for number, (group, task, film) in enumerate(films):
        zones = None if film.zones is None else film.zones[None]
        asked = about_task(network, task, zones, way)
        said = explain(asked, film.image[None], name, features=known[id(film)])
        lesions = film.lesions_of(task, film.labels[task] or "")
        scores = score_map(said.heat[0], film, lesions)
        if number < curves:
            scores |= curves_of(asked, film, said.heat[0], int(said.chosen[0]))
        right = network.tasks[task].classes[int(said.chosen[0])] == film.labels[task]
        ended = None
        if network.plan.pooling[task] == "lungs":
            ended = score_map(said.heat[0], film, lesions, ended=True)
        yield group, right, said.heat, scores, ended


def measure(network: MultiTaskNetwork, broken: MultiTaskNetwork, films: Sequence[Film], given: argparse.Namespace) -> dict:  # fmt: skip
    """Network and group to explainer to the mean of every score."""
    way = network.folded(size=films[0][2].image.shape[-1])
    rows: dict = defaultdict(lambda: defaultdict(list))
    known, lost = features_of(network, films), features_of(broken, films)
    for name in given.explainers:
        start = time.perf_counter()
        mine = films if name != SLOW else films[: given.slow]
        spoiled = [] if name == SLOW else scored(broken, mine, lost, name, 0, None)
        pairs = itertools.zip_longest(
            scored(network, mine, known, name, given.curves, way), spoiled
        )
        for (group, right, heat, scores, ended), other in pairs:
            blocks = [group, f"{group}, answered rightly"] if right else [group]
            if other is not None:
                scores["alike"] = float(rank_correlation(heat, other[2])[0])
                keep(rows[f"{group}, randomised weights"], name, other[3], other[4])
            for block in blocks:
                keep(rows[block], name, scores, ended)
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    for group, task, film in films:
        lesions = film.lesions_of(task, film.labels[task] or "")
        keep(rows[group], "chance", chance(film, lesions), chance(film, lesions, ended=True))
    return {
        group: {name: mean_scores(scores) for name, scores in own.items()}
        for group, own in sorted(rows.items())
    }


def keep(block: dict, name: str, scores: dict, ended: dict | None) -> None:
    block[name].append(scores)
    if ended is not None:
        block[name + ENDED].append(ended)


def figures(network: MultiTaskNetwork, films: Sequence[Film], names: Sequence[str], out: Path) -> None:  # fmt: skip
    """Figures 3.3, 3.5 and 3.6 of the thesis in kind: channels of one film, and the explainers on eight films."""
    out.mkdir(parents=True, exist_ok=True)
    shown = []
    for _, task, film in films[:8]:
        asked = question(network, film, task, 0)
        cells = [explain(asked, film.image[None], name).heat[0] for name in names if name != SLOW]
        shown.append(np.vstack([overlay(film.image, heat)[::2, ::2] for heat in cells]))
    Image.fromarray(np.hstack(shown)).save(out / "explainers.png")
    _, task, film = films[0]
    _, maps = discriminative_maps(question(network, film, task, 0), film.image[None])
    Image.fromarray(channel_sheet(maps[0], 32)).save(out / "channels.png")


def cost(network: MultiTaskNetwork, films: Sequence[Film], rounds: int) -> None:
    """Maps and SCDA features of one question beside the forward pass that they start from."""
    size = films[0][2].image.shape[-1]
    way = network.folded(size=size)
    times: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds + 2):
        _, task, film = films[number % len(films)]
        asked = about_task(network, task, None if film.zones is None else film.zones[None], way)
        start = time.perf_counter()
        maps = way(film.image[None])
        forward = time.perf_counter()
        for name in ("hires-cam", "two-scale-cam"):
            begin = time.perf_counter()
            explain(asked, film.image[None], name, features=maps)
            if number >= 2:
                times[f"{name} of one question"].append((time.perf_counter() - begin) * 1e3)
        for form in ("pooled", "flattened"):
            begin = time.perf_counter()
            film_features(asked, film.image[None], form=form, features=maps)
            if number >= 2:
                times[f"SCDA features, {form}"].append((time.perf_counter() - begin) * 1e3)
        if number >= 2:
            times["forward pass to the map"].append((forward - start) * 1e3)
    base = statistics.median(times["forward pass to the map"])
    print(
        f"\nmilliseconds for one film{'':27}{'least':>9}{'median':>9}{'most':>9}{'of forward':>12}"
    )
    for name, values in times.items():
        middle = statistics.median(values)
        print(f"  {name:50}{min(values):9.1f}{middle:9.1f}{max(values):9.1f}{middle / base:12.1%}")


def t_sne(cases: int) -> None:
    """Seconds for cases of 2,048 features, as many as pooled features of DenseNet121 have."""
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(cases, 40)) @ rng.normal(size=(40, 2048))).astype(np.float32)
    x += 20 * rng.normal(size=(4, 2048)).astype(np.float32)[np.arange(cases) % 4]
    print(f"\nt-SNE of {cases} cases with 2,048 features, two cores")
    for dimensions in (2, 3):
        start, busy = time.perf_counter(), time.process_time()
        embed(x, dimensions, seed=0, workers=2)
        wall, busy = time.perf_counter() - start, time.process_time() - busy
        print(
            f"  {dimensions} dimensions{wall:10.1f} s, {busy:.1f} s of processor time", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", help="scores, cost, t-sne; all without")
    parser.add_argument("--model", default="konio-radiograph")
    parser.add_argument("--films", type=int, default=24)
    parser.add_argument(
        "--explainers", default=",".join(EXPLAINERS), type=lambda names: names.split(",")
    )
    parser.add_argument("--slow", type=int, default=3, help="films of Score-CAM")
    parser.add_argument("--curves", type=int, default=6, help="films of deletion and insertion")
    parser.add_argument("--cases", type=int, default=3300, help="cases of t-SNE")
    parser.add_argument("--out", type=Path, help="folder for table and pictures")
    given = parser.parse_args()
    parts = given.parts or ["scores", "cost", "t-sne"]
    bundle = read_bundle(find_bundle(given.model))
    network = bundle.network().requires_grad_(False)
    print(machine("scikit-learn"))
    print(f"{given.model} {bundle.weights_sha256[:12]}")
    if "scores" in parts or "cost" in parts:
        count = given.films if "scores" in parts else 3
        print(f"{count} made-up films from seed {SEED}", flush=True)
        films = made(count, Preparation.from_json(bundle.facts.preprocessing))
    if "scores" in parts:
        scores(network, films, given)
    if "cost" in parts:
        cost(network, films, 12)
    if "t-sne" in parts:
        t_sne(given.cases)


def scores(network: MultiTaskNetwork, films: Sequence[Film], given: argparse.Namespace) -> None:
    """The table, and pictures if a folder was named."""
    *_, (_, broken) = cascade(network, torch.Generator().manual_seed(1))
    table = explanation_table(measure(network, broken, films, given))
    print(to_markdown(table))
    if given.out is not None:
        table.write(given.out)
        figures(network, films, given.explainers, given.out)


if __name__ == "__main__":
    main()
