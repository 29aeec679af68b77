"""How good the explanations are on made-up patients, and what SCDA features and t-SNE cost.

Run from the repository root::

    OMP_NUM_THREADS=2 python benchmarks/explain.py                            everything, on a few films
    OMP_NUM_THREADS=2 python benchmarks/explain.py scores --films 300 --curves 300 --slow 30 --out out/explain
    OMP_NUM_THREADS=2 python benchmarks/explain.py cost                       SCDA features beside the forward pass
    OMP_NUM_THREADS=2 python benchmarks/explain.py t-sne

Films are made with seeds that no shipped model has learned from. The class that is explained is the predicted one;
lesions are those of the true one, and films that the network calls wrong count like all others.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from konio.explain import EXPLAINERS, about_task, discriminative_maps, explain
from konio.explain.contract import AboutTask
from konio.explain.curves import deletion_insertion
from konio.explain.known import KnownFilm, chance, known_film, mean_scores, score_map
from konio.explain.pictures import channel_sheet, overlay
from konio.explain.sanity import cascade, rank_correlation
from konio.features import embed, film_features
from konio.networks import MultiTaskNetwork, find_bundle, read_bundle
from konio.phantom import radiograph
from konio.prepare import Preparation
from konio.studies.explanations import explanation_table
from konio.studies.tables import to_markdown

#: Made-up patients from here on belong to this benchmark.
SEED: Final = 7_700_000
#: Wish and the question whose map is measured.
ASKED: Final = (("dust-III", "stage"), ("tuberculosis", "differential"), ("dust-II", "stage"))
#: Score-CAM asks the whole network 64 times for one film.
SLOW: Final = "score-cam"

Film = tuple[str, str, KnownFilm]


def made(count: int, preparation: Preparation) -> list[Film]:
    """``count`` films, the wishes taking turns: group, question, film."""
    found = []
    for number in range(count):
        wish, task = ASKED[number % len(ASKED)]
        film = radiograph(SEED + number, wish, size=512)
        found.append((f"{wish}: {task}", task, known_film(film, preparation)))
    return found


def question(network: MultiTaskNetwork, film: KnownFilm, task: str, size: int) -> AboutTask:
    zones = None if film.zones is None else film.zones[None]
    return about_task(network, task, zones, network.folded(size=size) if size else None)


def curves_of(asked: AboutTask, film: KnownFilm, heat: Tensor, chosen: int) -> dict[str, float]:
    found = deletion_insertion(asked, film.image, heat, chosen, steps=8)
    return {"deletion": found.deletion_area, "insertion": found.insertion_area}


def spoiled_maps(network: MultiTaskNetwork, films: Sequence[Film], name: str, fast: dict) -> Iterator[float]:  # fmt: skip
    """Correlation of each film's map with the one of a network whose weights were all dealt out anew."""
    *_, (_, broken) = cascade(network, torch.Generator().manual_seed(1))
    way = broken.folded(size=films[0][2].image.shape[-1])
    for number, (_, task, film) in enumerate(films):
        asked = about_task(broken, task, None if film.zones is None else film.zones[None], way)
        heat = explain(asked, film.image[None], name).heat
        yield float(rank_correlation(heat, fast[number])[0])


def measure(network: MultiTaskNetwork, films: Sequence[Film], slow: int, curves: int, broken: bool) -> dict:  # fmt: skip
    """Network and group to explainer to the mean of every score; curves of the first few films only."""
    size = films[0][2].image.shape[-1]
    way = network.folded(size=size)
    rows: dict = defaultdict(lambda: defaultdict(list))
    for name in EXPLAINERS:
        mine = films if name != SLOW else films[:slow]
        maps = {}
        for number, (group, task, film) in enumerate(mine):
            zones = None if film.zones is None else film.zones[None]
            asked = about_task(network, task, zones, way)
            said = explain(asked, film.image[None], name)
            lesions = film.lesions_of(task, film.labels[task] or "")
            maps[number] = said.heat
            scores = score_map(said.heat[0], film, lesions)
            if not broken and number < curves:
                scores |= curves_of(asked, film, said.heat[0], int(said.chosen[0]))
            rows[group][name].append(scores)
        if not broken and name != SLOW:
            for (group, _, _), value in zip(mine, spoiled_maps(network, mine, name, maps), strict=True):  # fmt: skip
                rows[group][name].append({"alike": value})
    for group, task, film in films:
        rows[group]["chance"].append(chance(film, film.lesions_of(task, film.labels[task] or "")))
    return {
        group: {name: mean_scores(scores) for name, scores in own.items()}
        for group, own in rows.items()
    }


def figures(network: MultiTaskNetwork, films: Sequence[Film], out: Path) -> None:
    """Figures 3.3, 3.5 and 3.6 of the thesis in kind: channels of one film, and every explainer on eight films."""
    out.mkdir(parents=True, exist_ok=True)
    shown = []
    for _, task, film in films[:8]:
        asked = question(network, film, task, 0)
        cells = [
            explain(asked, film.image[None], name).heat[0] for name in EXPLAINERS if name != SLOW
        ]
        shown.append(np.vstack([overlay(film.image, heat)[::2, ::2] for heat in cells]))
    Image.fromarray(np.hstack(shown)).save(out / "explainers.png")
    _, task, film = films[0]
    _, maps = discriminative_maps(question(network, film, task, 0), film.image[None])
    Image.fromarray(channel_sheet(maps[0], 32)).save(out / "channels.png")


def cost(network: MultiTaskNetwork, films: Sequence[Film], rounds: int) -> None:
    """SCDA features beside the forward pass that they start from."""
    size = films[0][2].image.shape[-1]
    way = network.folded(size=size)
    times: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds + 2):
        _, task, film = films[number % len(films)]
        asked = about_task(network, task, None if film.zones is None else film.zones[None], way)
        start = time.perf_counter()
        maps = way(film.image[None])
        forward = time.perf_counter()
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
    parser.add_argument("--slow", type=int, default=3, help="films of Score-CAM")
    parser.add_argument("--curves", type=int, default=6, help="films of deletion and insertion")
    parser.add_argument("--cases", type=int, default=3300, help="cases of t-SNE")
    parser.add_argument("--out", type=Path, help="folder for table and pictures")
    given = parser.parse_args()
    parts = given.parts or ["scores", "cost", "t-sne"]
    bundle = read_bundle(find_bundle(given.model))
    network = bundle.network().requires_grad_(False)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, torch {torch.__version__}")  # fmt: skip
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
    measured = measure(network, films, given.slow, given.curves, broken=False)
    *_, (_, broken) = cascade(network, torch.Generator().manual_seed(1))
    measured |= {
        f"{group}, randomised weights": rows
        for group, rows in measure(broken, films, 0, 0, broken=True).items()
    }
    table = explanation_table(measured)
    print(to_markdown(table))
    if given.out is not None:
        table.write(given.out)
        figures(network, films, given.out)


if __name__ == "__main__":
    main()
