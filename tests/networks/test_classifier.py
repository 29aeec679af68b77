"""The contract of base classifiers, over the whole registry, and the sizes that torchvision publishes."""

from __future__ import annotations

import json

import pytest
import torch

from konio.errors import RecordError, UsageError
from konio.networks.classifier import (
    ARCHITECTURES,
    Classifier,
    ClassifierPlan,
    build_classifier,
)

MINIS = [name for name in ARCHITECTURES if name.endswith("-mini")]
PUBLISHED = {  # parameters with 1000 classes and three channels, tensors of the state dict
    "alexnet": (61_100_840, 16),
    "vgg16": (138_357_544, 32),
    "resnet34": (21_797_672, 218),
    "densenet121": (7_978_856, 727),
}
SHAPES = {
    "alexnet": {
        "features.0.weight": (64, 3, 11, 11),
        "features.10.weight": (256, 256, 3, 3),
        "classifier.1.weight": (4096, 9216),
        "classifier.4.bias": (4096,),
        "classifier.6.weight": (1000, 4096),
    },
    "vgg16": {
        "features.0.weight": (64, 3, 3, 3),
        "features.28.bias": (512,),
        "classifier.0.weight": (4096, 25088),
        "classifier.3.weight": (4096, 4096),
        "classifier.6.bias": (1000,),
    },
    "resnet34": {
        "conv1.weight": (64, 3, 7, 7),
        "bn1.running_var": (64,),
        "layer1.2.conv2.weight": (64, 64, 3, 3),
        "layer2.0.downsample.0.weight": (128, 64, 1, 1),
        "layer3.5.bn2.num_batches_tracked": (),
        "layer4.0.downsample.1.running_mean": (512,),
        "fc.weight": (1000, 512),
    },
    "densenet121": {
        "features.conv0.weight": (64, 3, 7, 7),
        "features.norm5.bias": (1024,),
        "classifier.weight": (1000, 1024),
    },
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_network_of_the_thesis_is_there() -> None:
    assert {"alexnet", "vgg16", "resnet34", "densenet121"} <= set(ARCHITECTURES)
    assert len(MINIS) == 4


@pytest.mark.parametrize("name", PUBLISHED)
def test_names_and_shapes_are_those_of_torchvision(name: str) -> None:
    with torch.device("meta"):
        network = Classifier(ClassifierPlan(1000, name, in_channels=3))
    parameters, tensors = PUBLISHED[name]
    own = network.state_dict()
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert len(own) == tensors
    for published, shape in SHAPES[name].items():
        assert tuple(own[network.layout.own_name(published)].shape) == shape, published
    last = {k for k in own if network.layout.is_last(k)}
    assert all(own[k].shape[0] == 1000 for k in last)
    assert len(last) == 2


@pytest.mark.parametrize("name", MINIS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_network_keeps_the_contract(name: str, channels: int) -> None:
    plan = ClassifierPlan(4, name, channels, dropout=0.5)
    network = build_classifier(plan, seeded()).eval()
    image = torch.rand(3, 1, 96, 128, generator=seeded(1)) * 2 - 1
    with torch.no_grad():
        maps = network.features(image)
        logits = network.answer(maps)
        assert torch.equal(network(image), logits)
        alone = network(image[1:2])
    assert maps.ndim == 4
    assert maps.shape[:2] == (3, network.channels)
    assert float(maps.min()) >= 0
    assert float(maps.max()) > 0
    assert logits.shape == (3, 4)
    torch.testing.assert_close(alone, logits[1:2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_map_follows_the_image(name: str) -> None:
    with torch.device("meta"):
        network = Classifier(ClassifierPlan(4, name)).eval()
        sizes = {
            side: network.features(torch.empty(1, 1, side, side)).shape[-1]
            for side in (224, 480, 512)
        }
        assert network.answer(torch.empty(1, network.channels, 3, 5)).shape == (1, 4)
    # The thesis' 7 x 7 needs 224 pixels (dossier 4.2 B11); AlexNet's unpadded poolings lose one cell.
    less = int(name.startswith("alexnet"))
    assert sizes == {224: 7 - less, 480: 15 - less, 512: 16 - less}


@pytest.mark.parametrize("name", MINIS)
def test_the_answer_has_a_slope_in_the_map_and_the_network_can_learn(name: str) -> None:
    network = build_classifier(ClassifierPlan(3, name), seeded()).eval()
    maps = network.features(torch.rand(2, 1, 64, 64, generator=seeded(1))).detach()
    maps.requires_grad_(requires_grad=True)
    network.answer(maps)[:, 1].sum().backward()
    assert maps.grad is not None
    assert maps.grad.shape == maps.shape
    assert float(maps.grad.abs().sum()) > 0
    assert all(p.grad is None for p in network.backbone.parameters())
    network.zero_grad()
    network(torch.rand(2, 1, 64, 64, generator=seeded(2))).square().sum().backward()
    assert any(
        float(p.grad.abs().sum()) > 0 for p in network.backbone.parameters() if p.grad is not None
    )


@pytest.mark.parametrize("name", MINIS)
def test_the_fastest_form_gives_the_same_map(name: str) -> None:
    network = build_classifier(ClassifierPlan(3, name), seeded()).eval()
    image = torch.rand(2, 1, 64, 64, generator=seeded(3)) * 2 - 1
    fast = network.fastest(64)(image)
    assert not fast.requires_grad
    truth = network.features(image).detach()
    assert float((fast - truth).norm() / truth.norm()) < 2e-2  # bfloat16 where the machine has it


@pytest.mark.parametrize("name", MINIS)
def test_the_same_generator_gives_the_same_weights(name: str) -> None:
    one, two = (build_classifier(ClassifierPlan(3, name), seeded(5)).state_dict() for _ in range(2))
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_a_plan_travels_as_json() -> None:
    plan = ClassifierPlan(4, "vgg-mini", 3, 0.5)
    assert ClassifierPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    with pytest.raises(RecordError, match="another version"):
        ClassifierPlan.from_json({"classes": 4})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"architecture": "lenet"}, "none of alexnet, vgg16"),
        ({"classes": 1}, "at least 2"),
        ({"in_channels": 2}, "1 or 3"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_a_plan_that_cannot_be_built_is_refused(change: dict, why: str) -> None:
    with pytest.raises(RecordError, match=why):
        ClassifierPlan(**{"classes": 4, **change})


@pytest.mark.parametrize("name", MINIS)
def test_an_image_too_small_is_refused(name: str) -> None:
    side = ARCHITECTURES[name].smallest
    network = build_classifier(ClassifierPlan(3, name), seeded()).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 1, side, side)).shape == (1, 3)
    with pytest.raises(UsageError, match="give larger"):
        network(torch.zeros(1, 1, side - 1, 200))
