"""How long the network and its explanation take, beside the same work in plain MONAI.

Run from the repository root::

    OMP_NUM_THREADS=2 python benchmarks/network.py
    OMP_NUM_THREADS=1 python benchmarks/network.py --explanation --clock cpu    the explanation's price, on a machine that others use

Every figure is the time of one 512 x 512 film in milliseconds, on the clock or, with ``--clock cpu``, of the processors: the
least, the median and the largest of several runs, after two that do not count. Network, heads, lungs and maps are those of the
shipped konio-radiograph, by the functions an assessment calls, on one made-up film. The kinds of run take turns, so that a busy machine disturbs all of
them alike. A difference between least and median says that the machine was not idle.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import konio
from _machine import machine
from konio.assess.answering import MultiTaskAnswering, Said
from konio.assess.explained import explanation_facts
from konio.explain import grad_cam
from konio.explain.gradcam import hires_cam
from konio.networks import FoldedDenseNet
from konio.networks.densenet import DENSENET121, DenseNet
from konio.networks.multitask import MultiTaskNetwork
from konio.phantom import radiograph
from konio.prepare import Prepared, frame_around, normalise
from konio.records import Image, Lungs, Source

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


@dataclass(frozen=True)
class Shipped:
    """The shipped network and a film that is ready for it.

    Args:
        answering: network, folded backbone and preparation, as an assessment has them.
        prepared: the film.
        lungs: those found in it.
    """

    answering: MultiTaskAnswering
    prepared: Prepared
    lungs: Lungs

    @classmethod
    def load(cls) -> Shipped:
        """The shipped bundle and a made-up chest with dust of stage II."""
        assessor = konio.load("konio-radiograph")
        answering = assessor.answering
        assert isinstance(answering, MultiTaskAnswering)
        film = radiograph(7, "dust-II", size=1024)
        source = Source("made-up", "0" * 64, "memory", *film.display.shape)
        image = Image(film.display, film.spacing_mm, "radiograph", source)
        lungs = assessor.modality.locate(image, assessor.locator)
        return cls(answering, assessor.modality.prepare(image, lungs, answering.preparation), lungs)

    @property
    def image(self) -> Tensor:
        """``(1, 1, size, size)``."""
        return self.prepared.image[None]

    @property
    def zones(self) -> Tensor:
        """``(1, 6, h, w)``."""
        assert self.prepared.zones is not None
        return self.prepared.zones[None]

    def answers(self, features: Tensor) -> dict[str, int]:
        """Position of the predicted class of every question."""
        logits = self.answering.network.answer(features, self.zones)
        return {name: int(values.argmax()) for name, values in logits.items()}

    def explain(self, features: Tensor, chosen: dict[str, int]) -> object:
        """What an assessment shows of every answer: maps that end where the answer looks, boxes, shares inside the lungs."""
        answering = self.answering
        why = answering.modality.explain(
            answering.network, features, self.prepared, self.lungs, chosen
        )
        said = Said({}, {}, self.prepared.frame, why)
        return explanation_facts(answering.questions, said, self.lungs)

    def whole(self) -> object:
        """From the prepared film to answers and explanation."""
        features = self.answering.backbone(self.image)
        return self.explain(features, self.answers(features))


def autograd_cam(network: MultiTaskNetwork, features: Tensor, zones: Tensor) -> list[Tensor]:
    """The same ten maps by ten backward passes through the heads."""
    leaf = features.clone().requires_grad_()
    maps = []
    for logits in network.answer(leaf, zones).values():
        (slope,) = torch.autograd.grad(logits.max(), leaf, retain_graph=True)
        maps.append(torch.relu((slope.mean(dim=(2, 3), keepdim=True) * leaf).sum(dim=1)))
    return maps


#: The rows that the figure is made of.
BACKBONE, ANSWERS, EXPLANATION, WHOLE = (
    "backbone",
    "ten answers from the features",
    "explanation: maps, borders, boxes, shares in the lungs",
    "all of it from the prepared film",
)


def explanation_runs(shipped: Shipped) -> Runs:
    network, image, zones = shipped.answering.network, shipped.image, shipped.zones
    features = shipped.answering.backbone(image).clone()
    chosen = shipped.answers(features)
    classes = {name: torch.tensor([index]) for name, index in chosen.items()}

    def by_autograd() -> list[Tensor]:
        with torch.enable_grad():
            return autograd_cam(network, features, zones)

    return {
        BACKBONE: lambda: shipped.answering.backbone(image),
        ANSWERS: lambda: shipped.answers(features),
        "HiResCAM, ten tasks, closed form": lambda: hires_cam(network, features, zones, classes),
        "Grad-CAM, ten tasks, closed form": lambda: grad_cam(network, features, zones, classes),
        "Grad-CAM, ten tasks, autograd on the features": by_autograd,
        EXPLANATION: lambda: shipped.explain(features, chosen),
        WHOLE: shipped.whole,
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


def price(times: Times, dtype: str) -> None:
    """The explanation as a share of the forward pass, of the least and of the median times."""
    for name, of in (("least", min), ("median", statistics.median)):
        backbone = of(times[BACKBONE])
        alone = 100 * of(times[EXPLANATION]) / backbone
        both = alone + 100 * of(times[ANSWERS]) / backbone
        print(
            f"{name} times, backbone in {dtype}: explanation {alone:.1f} % of the forward pass, "
            f"answers and explanation {both:.1f} %"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="no cold imports, no training step")
    parser.add_argument(
        "--explanation", action="store_true", help="nothing but answers and explanations"
    )
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    options = parser.parse_args()
    clock = time.perf_counter if options.clock == "wall" else time.process_time
    print(machine())
    shipped = Shipped.load()
    dtype = str(shipped.answering.backbone.dtype).removeprefix("torch.")
    with torch.no_grad():
        runs = explanation_runs(shipped)
        if not options.explanation:
            backbone = shipped.answering.network.backbone
            forward = measure(forward_runs(backbone, shipped.image), options.rounds, clock)
            show("Forward pass of DenseNet121, one film of 512 x 512, milliseconds", forward)
            runs |= monai_runs(shipped.image)
        explanation = measure(runs, options.rounds, clock)
    show("Answers and explanations, milliseconds", explanation)
    price(explanation, dtype)
    if options.explanation:
        return
    show("Preparation, milliseconds", measure(preparation_runs(), options.rounds, clock))
    monai = min(explanation["MONAI Grad-CAM of one task"]) / min(explanation[WHOLE])
    print(f"MONAI Grad-CAM / konio per explained film: {monai:.1f}")
    if not options.quick:
        show("One training step, milliseconds", measure(training_runs(256, 4), 3, clock))
        cold_imports()


if __name__ == "__main__":
    main()
