"""ImageNet weights in torchvision's layout: every tensor arrives, the answer stays, anything else is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from konio.errors import BundleError
from konio.networks.classifier import ARCHITECTURES, Classifier, ClassifierPlan, build_classifier
from konio.networks.imagenet import fill, load_imagenet

MINIS = [name for name in ARCHITECTURES if name.endswith("-mini")]
FULL = [name for name in ARCHITECTURES if not name.endswith("-mini")]
MEAN = torch.tensor([0.485, 0.456, 0.406])[None, :, None, None]
DEVIATION = torch.tensor([0.229, 0.224, 0.225])[None, :, None, None]


def published(name: str, seed: int = 0) -> tuple[Classifier, dict[str, Tensor]]:
    """A trained network of 1000 classes and its state dict in torchvision's names."""
    generator = torch.Generator().manual_seed(seed)
    network = build_classifier(ClassifierPlan(1000, name, in_channels=3), generator).eval()
    for key, value in network.state_dict().items():
        if key.endswith("running_var"):
            value.uniform_(0.5, 1.5, generator=generator)
        elif value.ndim == 1:
            value.uniform_(0.1, 0.4, generator=generator)
    return network, {torchvision_name(network, k): v for k, v in network.state_dict().items()}


def torchvision_name(network: Classifier, own: str) -> str:
    if own.startswith("backbone."):
        return own.removeprefix("backbone.")
    return own.replace("head.layers", network.layout.head, 1)


@pytest.mark.parametrize("name", MINIS)
def test_a_loaded_network_sees_what_the_published_one_saw(name: str, tmp_path: Path) -> None:
    teacher, state = published(name)
    torch.save(state, tmp_path / "weights.pth")
    for channels in (1, 3):
        network = build_classifier(ClassifierPlan(4, name, channels)).eval()
        report = load_imagenet(network, tmp_path / "weights.pth")
        assert report.origin == "imagenet"
        assert report.channels == (3, channels)
        assert len(report.dropped) == 2
        grey = torch.rand(2, 1, 96, 96, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            truth = teacher.backbone((grey - MEAN) / DEVIATION)
            found = network.features(grey * 2 - 1)
        # Zero padding means another grey, so the border may differ; the middle may not.
        inner = (..., slice(1, -1), slice(1, -1)) if found.shape[-1] > 2 else (...,)
        if name == "alexnet-mini":
            inner = (...,)
        near = float((found[inner] - truth[inner]).norm() / truth[inner].norm())
        assert near < 0.5
        assert torch.corrcoef(torch.stack((found.flatten(), truth.flatten())))[0, 1] > 0.8


@pytest.mark.parametrize("name", MINIS)
def test_every_tensor_but_the_first_and_the_last_arrives_as_it_was(
    name: str, tmp_path: Path
) -> None:
    _, state = published(name)
    save_file({k: v.contiguous() for k, v in state.items()}, tmp_path / "weights.safetensors")
    network = build_classifier(ClassifierPlan(4, name))
    before = {k: v.clone() for k, v in network.state_dict().items()}
    load_imagenet(network, tmp_path / "weights.safetensors")
    layout = network.layout
    for own, value in network.state_dict().items():
        if layout.is_last(own):
            assert torch.equal(value, before[own])
        elif own not in (f"backbone.{layout.first}", f"backbone.{layout.constant}"):
            assert torch.equal(value, state[torchvision_name(network, own)]), own
        else:
            assert not torch.equal(value, before[own])


def test_the_first_layer_takes_the_intensities_over_exactly() -> None:
    for name in ("alexnet-mini", "resnet-mini"):
        teacher, state = published(name)
        network = build_classifier(ClassifierPlan(4, name)).eval()
        fill(network, state, "weights")
        grey = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(2))
        colour = (grey - MEAN) / DEVIATION
        seen = [
            module[0] if name == "alexnet-mini" else torch.nn.Sequential(*list(module)[:2])
            for module in (
                part.features if name == "alexnet-mini" else (part.conv1, part.bn1)
                for part in (teacher.backbone, network.backbone)
            )
        ]
        with torch.no_grad():
            truth, found = seen[0](colour), seen[1](grey * 2 - 1)
        torch.testing.assert_close(
            found[..., 3:-3, 3:-3], truth[..., 3:-3, 3:-3], rtol=1e-3, atol=1e-4
        )


@pytest.mark.parametrize("name", FULL)
def test_the_real_names_and_shapes_are_taken(name: str) -> None:
    with torch.device("meta"):
        like = Classifier(ClassifierPlan(1000, name, in_channels=3))
        network = Classifier(ClassifierPlan(4, name))
    # One number stands for each tensor, so that 138 million cost nothing.
    state = {
        torchvision_name(like, own): torch.ones(()).expand(value.shape)
        for own, value in like.state_dict().items()
    }
    report = fill(network, state, "weights")
    assert len(report.loaded) + len(report.dropped) == len(state)
    for own in report.loaded:
        assert network.state_dict()[own].shape == like.state_dict()[own].shape or own.endswith(
            network.layout.first
        )


@pytest.mark.parametrize("name", MINIS)
def test_files_of_other_networks_are_refused_and_change_nothing(name: str) -> None:
    network = build_classifier(ClassifierPlan(4, name))
    before = {k: v.clone() for k, v in network.state_dict().items()}
    _, state = published(name)
    first = next(iter(state))
    wrong = [
        {k: v for k, v in state.items() if k != first},
        {**state, first: torch.zeros(3, 3)},
        {},
    ]
    for given in wrong:
        with pytest.raises(BundleError, match=f"no weight file of {name}.*torchvision"):
            fill(network, given, "weights.pth")
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
