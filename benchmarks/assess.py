"""What one film costs from file to JSON: warm, cold, many of them, in memory, and beside plain MONAI.

Run from the repository root::

    python benchmarks/assess.py                 # a few minutes
    python benchmarks/assess.py --films 1000    # the long run

The film is a made-up chest of 3000 x 3000 pixels, 12 bit, as uncompressed DICOM: a phantom of 1024 pixels enlarged,
with the noise of a detector on top. Kinds of run take turns, so that a busy machine disturbs all alike; every figure
is given as least, median and most.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
from PIL import Image as Picture

import konio
from _machine import machine
from konio.errors import KonioError

SIDE, BITS = 3000, 12

Runs = dict[str, Callable[[], object]]
Times = dict[str, list[float]]


def make_film(path: Path) -> Path:
    """A 3000 x 3000 film of 12 bit."""
    from konio.io.write import FilmFacts, write_radiograph
    from konio.phantom import radiograph

    small = radiograph(7, "dust-II", size=1024).display
    large = np.asarray(Picture.fromarray(small).resize((SIDE, SIDE), Picture.Resampling.BICUBIC))
    noisy = large + np.random.default_rng(1).normal(0, 0.01, large.shape).astype(np.float32)
    stored = np.rint(np.clip(noisy, 0, 1) * (2**BITS - 1)).astype(np.uint16)
    return write_radiograph(path, stored, (0.143, 0.143), FilmFacts("benchmark", "BENCHMARK"), BITS)


def measure(runs: Runs, rounds: int) -> Times:
    """Seconds of every run, the runs taking turns; the first two rounds do not count."""
    times: Times = {name: [] for name in runs}
    for number in range(rounds + 2):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if number >= 2:
                times[name].append(time.perf_counter() - start)
    return times


def show(title: str, times: Times) -> None:
    print(f"\n{title}\n{'milliseconds':>58}{'least':>9}{'median':>9}{'most':>9}")
    for name, values in times.items():
        least, middle, most = (1e3 * f(values) for f in (min, statistics.median, max))
        print(f"  {name:56}{least:9.1f}{middle:9.1f}{most:9.1f}")


def ratio(times: Times, above: str, below: str) -> str:
    """Ratio of the least and of the median times: the least are the machine at its quietest."""
    least = min(times[above]) / min(times[below])
    median = statistics.median(times[above]) / statistics.median(times[below])
    return f"{least:.2f} (least), {median:.2f} (median)"


def warm(assessor: konio.Assessor, film: Path, rounds: int) -> Times:
    """One film from file to JSON beside the network's own forward pass, and its parts."""
    image = konio.read(film)
    lungs = assessor.modality.locate(image, assessor.locator)
    prepared = assessor.modality.prepare(image, lungs, assessor.preparation)
    tensor = prepared.image[None].to(assessor.device)
    times = measure(
        {
            "forward pass at its fastest setting": lambda: assessor.answering.backbone(tensor),
            "one film, file to JSON": lambda: [
                json.dumps(item.to_json()) for item in assessor.assess(film)
            ],
            "  of that: read (decoding in the child process)": lambda: konio.read(film),
            "  of that: lungs and zones": lambda: assessor.modality.locate(image, assessor.locator),
            "  of that: prepare": lambda: assessor.modality.prepare(
                image, lungs, assessor.preparation
            ),
            "  of that: quality": lambda: assessor.modality.measure(image, lungs),
        },
        rounds,
    )
    show(f"Warm, {SIDE} x {SIDE}, {BITS} bit", times)
    print(f"  one film / forward pass: {ratio(times, 'one film, file to JSON', next(iter(times)))}")
    print("  wanted: at most 2.5")
    return times


def beside_monai(assessor: konio.Assessor, film: Path, rounds: int) -> None:
    """Network and explanation, ours and MONAI's (its DenseNet121 and Grad-CAM, eager float32)."""
    import torch
    from monai.networks.nets import DenseNet121
    from monai.visualize import GradCAM

    image = konio.read(film)
    lungs = assessor.modality.locate(image, assessor.locator)
    prepared = assessor.modality.prepare(image, lungs, assessor.preparation)
    tensor = prepared.image[None].to(assessor.device)
    plain = DenseNet121(spatial_dims=2, in_channels=1, out_channels=4).eval().to(assessor.device)
    # MONAI changes the maps in place after "features", which backward hooks forbid; after the ReLU it works.
    explain = GradCAM(nn_module=plain, target_layers="class_layers.relu")
    questions = assessor.answering.network.tasks

    def ours() -> None:
        zones = None if prepared.zones is None else prepared.zones[None].to(assessor.device)
        with torch.no_grad():
            features = assessor.answering.backbone(tensor)
            answers = assessor.answering.network.answer(features, zones)
            chosen = {name: int(logits[0].argmax()) for name, logits in answers.items()}
            assessor.modality.explain(assessor.answering.network, features, prepared, lungs, chosen)

    times = measure(
        {
            f"ours: {len(questions)} questions answered and explained": ours,
            "MONAI: one question answered and explained": lambda: explain(x=tensor),
        },
        rounds,
    )
    show("Network and explanation at the network's size", times)
    first, second = times
    print(f"  MONAI / ours: {ratio(times, second, first)}; wanted: at least 5")


def family_memory(process: psutil.Process) -> int:
    """Memory of a process and its children, shared pages counted once (PSS), in bytes."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def watch(process: psutil.Process, peak: list[int], done: threading.Event) -> None:
    """Keeps the largest memory seen until told to stop."""
    while not done.wait(0.02):
        peak[0] = max(peak[0], family_memory(process))


def cold(model: str, film: Path, rounds: int) -> None:
    """From the command to its first answer in a process of its own, and the memory it takes."""
    seconds, peaks = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        process = psutil.Popen(
            [sys.executable, "-m", "konio.cli", "assess", str(film), "--model", model, "--format", "json"],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        peak, done = [0], threading.Event()

        watcher = threading.Thread(target=watch, args=(process, peak, done))
        watcher.start()
        line = process.stdout.readline()
        seconds.append(time.perf_counter() - start)
        done.set()
        watcher.join()
        process.wait()
        peaks.append(peak[0] / 2**20)
        assert json.loads(line)["status"] == "assessed", line
    show("Cold start of the command to the first answer (wanted: 6000)", {"": seconds})
    print(
        f"  peak memory, decoding process included: {max(peaks):.0f} MiB (wanted: 1500 MB at most)"
    )


def many(assessor: konio.Assessor, film: Path, films: int, single: float) -> None:
    """Throughput against the single-film rate, and memory on the way."""
    own = psutil.Process()
    start = time.perf_counter()
    marks = {max(1, films * part // 10) for part in (1, 2, 4, 6, 8, 10)}
    print(f"\n{films} films one after another")
    for number, item in enumerate(assessor.assess(_copies(film, films)), 1):
        assert item.status == "assessed"
        if number in marks:
            rate = number / (time.perf_counter() - start)
            print(f"  {number:5} films  {rate:6.2f} films/s  {family_memory(own) / 2**20:7.0f} MiB")
    rate = films / (time.perf_counter() - start)
    print(f"  {rate:.2f} films/s; one warm film alone: {1 / single:.2f}; ratio {rate * single:.2f}")
    print("  wanted: at least 0.90, flat memory")


def _copies(film: Path, films: int) -> Iterator[Path]:
    yield from (film for _ in range(films))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="konio-radiograph")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--films", type=int, default=200)
    parser.add_argument("--cold", type=int, default=3)
    given = parser.parse_args()
    print(machine("pydicom", "imagecodecs", network=True))
    with tempfile.TemporaryDirectory() as folder:
        film = make_film(Path(folder) / "film.dcm")
        try:
            assessor = konio.load(given.model)
        except KonioError as error:
            sys.exit(f"{error}")
        print(
            f"model {assessor.stamp.name} {assessor.stamp.weights_sha256[:12]}, {assessor.stamp.precision}"
        )
        times = warm(assessor, film, given.rounds)
        beside_monai(assessor, film, given.rounds)
        cold(given.model, film, given.cold)
        many(assessor, film, given.films, statistics.median(times["one film, file to JSON"]))


if __name__ == "__main__":
    main()
