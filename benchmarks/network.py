"""How long the network and its explanation take, beside the same work in plain MONAI.

Run from the repository root::

    OMP_NUM_THREADS=2 python benchmarks/network.py

Every figure is wall time of one 512 x 512 film in milliseconds: the least, the median and the largest of
several runs, after two that do not count. The kinds of run take turns, so that a busy machine disturbs all of
them alike. A difference between least and median says that the machine was not idle.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from konio.explain import enlarge, find_regions, grad_cam
from konio.networks import FoldedDenseNet, NetworkPlan, build_network, fastest_dtype
from konio.networks.densenet import DENSENET121, DenseNet
from konio.networks.multitask import MultiTaskNetwork
from konio.prepare import frame_around, normalise
from konio.tasks import RADIOGRAPH_TASKS

Clock = Callable[[], float]
Runs = dict[str, Callable[[], object]]
Times = dict[str, list[float]]


def measure(runs: Runs, rounds: int, clock: Clock) -> Times:
    """Milliseconds of every run, the runs taking turns."""
    times: Times = {name: [] for name in runs}
    for number in range(rounds + 2):
        for name, run in runs.items():
            start = clock()
            run()
            if number >= 2:
                times[name].append((clock() - start) * 1e3)
    return times


def show(title: str, times: Times) -> None:
    print(f"\n{title}\n{'':52}{'least':>9}{'median':>9}{'most':>9}")
    for name, values in times.items():
        least, most = min(values), max(values)
        print(f"  {name:50}{least:9.1f}{statistics.median(values):9.1f}{most:9.1f}")


def machine() -> None:
    dtype = str(fastest_dtype("cpu")).removeprefix("torch.")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{platform.platform()}, {platform.processor() or platform.machine()}, load {load:.1f}")
    print(f"{torch.get_num_threads()} threads of {os.cpu_count()} cores, fastest format {dtype}")
    print(f"Python {platform.python_version()}, torch {torch.__version__}, NumPy {np.__version__}")


def forward_runs(network: DenseNet, image: Tensor) -> Runs:
    """The backbone in every form that was tried."""
    rows = DenseNet(DENSENET121, 1).eval()
    rows.load_state_dict(network.state_dict())
    rows = rows.to(memory_format=torch.channels_last)
    half = DenseNet(DENSENET121, 1).eval()
    half.load_state_dict(network.state_dict())
    half = half.to(memory_format=torch.channels_last).bfloat16()
    in_rows = image.to(memory_format=torch.channels_last)
    single, folded = FoldedDenseNet(network, torch.float32), FoldedDenseNet(network, torch.bfloat16)

    def autocast() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            out: Tensor = rows(in_rows)
            return out

    return {
        "eager float32": lambda: network(image),
        "channels last float32": lambda: rows(in_rows),
        "channels last, autocast bfloat16": autocast,
        "channels last, bfloat16 weights": lambda: half(in_rows.bfloat16()),
        "folded float32": lambda: single(image),
        "folded bfloat16 (what konio uses where it pays)": lambda: folded(image),
    }


def explained(
    network: MultiTaskNetwork, backbone: FoldedDenseNet, image: Tensor, zones: Tensor
) -> None:
    """Answers to all ten questions, a Grad-CAM and boxes for each."""
    features = backbone(image)
    explain(network, features, zones)


def explain(network: MultiTaskNetwork, features: Tensor, zones: Tensor) -> None:
    frame = frame_around((0, 0, 3000, 3000), (3000, 3000))
    answers = network.answer(features, zones)
    maps = grad_cam(network, features, zones, {k: v.argmax(dim=1) for k, v in answers.items()})
    fine = enlarge(torch.stack(list(maps.values()), dim=1)[0], 128)
    for name, heat in zip(maps, fine, strict=True):
        find_regions(name, heat, frame)


def autograd_cam(network: MultiTaskNetwork, features: Tensor, zones: Tensor) -> list[Tensor]:
    """The same ten maps by ten backward passes through the heads."""
    leaf = features.clone().requires_grad_()
    maps = []
    for logits in network.answer(leaf, zones).values():
        (slope,) = torch.autograd.grad(logits.max(), leaf, retain_graph=True)
        maps.append(torch.relu((slope.mean(dim=(2, 3), keepdim=True) * leaf).sum(dim=1)))
    return maps


def explanation_runs(network: MultiTaskNetwork, image: Tensor, zones: Tensor) -> Runs:
    backbone = network.folded()
    features = backbone(image).clone()
    answers = network.answer(features, zones)
    classes = {name: logits.argmax(dim=1) for name, logits in answers.items()}

    def by_autograd() -> list[Tensor]:
        with torch.enable_grad():
            return autograd_cam(network, features, zones)

    return {
        "backbone": lambda: backbone(image),
        "ten answers from the features": lambda: network.answer(features, zones),
        "Grad-CAM, ten tasks, closed form": lambda: grad_cam(network, features, zones, classes),
        "Grad-CAM, ten tasks, autograd on the features": by_autograd,
        "ten answers, ten Grad-CAMs and their boxes": lambda: explain(network, features, zones),
        "all of it from the image": lambda: explained(network, backbone, image, zones),
    }


def monai_runs(image: Tensor) -> Runs:
    """DenseNet121 and Grad-CAM as MONAI gives them, one task of three classes."""
    from monai.networks.nets import DenseNet121
    from monai.visualize import GradCAM

    network = DenseNet121(spatial_dims=2, in_channels=1, out_channels=3).eval()
    cam = GradCAM(nn_module=network, target_layers="class_layers.relu")

    def forward() -> object:
        with torch.no_grad():
            return network(image)

    def explain_one() -> object:
        with torch.enable_grad():
            return cam(x=image)

    return {"MONAI forward, eager float32": forward, "MONAI Grad-CAM of one task": explain_one}


def preparation_runs() -> Runs:
    film = np.random.default_rng(0).random((3000, 3000), dtype=np.float32)
    frame = frame_around((350, 350, 2650, 2650), film.shape)
    crop = frame.crop(film)
    return {
        "3000 x 3000 film to the 512 x 512 square": lambda: frame.crop(film),
        "normalise": lambda: normalise(crop),
    }


def cold_imports() -> None:
    print("\nCold import in a fresh interpreter, seconds, least of three")
    for module in ("torch", "konio.networks.multitask", "monai.networks.nets"):
        code = (
            f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
        )
        took = [
            float(subprocess.check_output([sys.executable, "-W", "ignore", "-c", code]))
            for _ in range(3)
        ]
        print(f"  {module:50}{min(took):9.2f}")


def training_runs(size: int, batch: int) -> Runs:
    """One step of Adam on random tensors, our DenseNet and MONAI's."""
    from monai.networks.nets import DenseNet121

    image = torch.randn(batch, 1, size, size).to(memory_format=torch.channels_last)
    runs: Runs = {}
    networks = {
        "konio": DenseNet(DENSENET121, 1),
        "MONAI": DenseNet121(spatial_dims=2, in_channels=1, out_channels=3),
    }
    for name, network in networks.items():
        network = network.to(memory_format=torch.channels_last).train()
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-5)

        def step(
            network: torch.nn.Module = network, optimiser: torch.optim.Adam = optimiser
        ) -> None:
            optimiser.zero_grad()
            with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16):
                loss = network(image).float().square().mean()
            loss.backward()
            optimiser.step()

        runs[f"{name}, {batch} films of {size} x {size}, autocast bfloat16"] = step
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="no cold imports, no training step")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    options = parser.parse_args()
    clock = time.perf_counter if options.clock == "wall" else time.process_time
    machine()
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 1, 512, 512, generator=generator) * 2 - 1
    plan = NetworkPlan(RADIOGRAPH_TASKS.names)
    network = build_network(plan, generator).eval()
    zones = torch.rand(1, 6, 16, 16, generator=generator)
    with torch.no_grad():
        forward = measure(forward_runs(network.backbone, image), options.rounds, clock)
        both = {**explanation_runs(network, image, zones), **monai_runs(image)}
        explanation = measure(both, options.rounds, clock)
        show("Forward pass of DenseNet121, one film of 512 x 512, milliseconds", forward)
        show("Answers and explanations, milliseconds", explanation)
        show("Preparation, milliseconds", measure(preparation_runs(), options.rounds, clock))
    ours = min(explanation["all of it from the image"])
    least = {name: min(values) for name, values in explanation.items()}
    cost = least["ten answers, ten Grad-CAMs and their boxes"] / least["backbone"]
    print(f"\nAnswers and explanation on top of the backbone: {100 * cost:.1f} %")
    print(
        f"MONAI Grad-CAM / konio per explained film: {least['MONAI Grad-CAM of one task'] / ours:.1f}"
    )
    if not options.quick:
        show("One training step, milliseconds", measure(training_runs(256, 4), 3, clock))
        cold_imports()


if __name__ == "__main__":
    main()
