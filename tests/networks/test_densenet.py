"""Names and shapes are torchvision's; the folded form answers as the eager one does."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from konio.networks.densenet import DENSENET121, DENSENET_MINI, DenseNet
from konio.networks.folded import FoldedDenseNet
from konio.networks.plan import BACKBONES
from konio.networks.precision import fastest_dtype


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def lively(network: DenseNet, dead: bool = False) -> DenseNet:
    """Batch norms as training leaves them, not as they are born; some slopes negative, or zero."""
    generator = seeded(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            width = module.num_features
            module.running_mean = torch.randn(width, generator=generator) / 10
            module.running_var = 0.5 + torch.rand(width, generator=generator)
            slope = 0.5 + torch.rand(width, generator=generator)
            if dead:
                slope = slope * torch.where(torch.rand(width, generator=generator) < 0.2, -1.0, 1.0)
                slope[::7] = 0
            module.weight.data = slope
            module.bias.data = torch.randn(width, generator=generator) / 10
    return network.eval()


def relative(found: torch.Tensor, truth: torch.Tensor) -> float:
    return float((found - truth).norm() / truth.norm())


def test_densenet121_has_the_tensors_of_torchvision() -> None:
    state = DenseNet(DENSENET121, in_channels=3).state_dict()
    floats = sum(v.numel() for k, v in state.items() if not k.endswith("num_batches_tracked"))
    # 7,978,856 parameters with the classifier of 1000 classes (1,025,000), and two statistics per channel.
    parameters = sum(p.numel() for p in DenseNet(DENSENET121, in_channels=3).parameters())
    assert parameters == 7_978_856 - 1_025_000
    assert floats - parameters == 2 * 41_824
    assert len(state) == 725
    shapes = {
        "features.conv0.weight": (64, 3, 7, 7),
        "features.norm0.running_var": (64,),
        "features.denseblock1.denselayer1.norm1.weight": (64,),
        "features.denseblock1.denselayer6.conv2.weight": (32, 128, 3, 3),
        "features.transition1.conv.weight": (128, 256, 1, 1),
        "features.transition3.norm.bias": (1024,),
        "features.denseblock4.denselayer16.conv1.weight": (128, 992, 1, 1),
        "features.norm5.weight": (1024,),
    }
    assert {name: tuple(state[name].shape) for name in shapes} == shapes


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_backbone_keeps_the_contract(name: str, channels: int) -> None:
    network = DenseNet(BACKBONES[name], channels, seeded()).eval()
    with torch.no_grad():
        maps = network(torch.randn(2, channels, 64, 96, generator=seeded()))
    assert maps.shape == (2, network.out_channels, 64 // network.stride, 96 // network.stride)
    assert float(maps.min()) >= 0


def test_the_same_generator_gives_the_same_weights() -> None:
    one, two = (DenseNet(DENSENET_MINI, 1, seeded(5)).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("dead", [False, True])
@pytest.mark.parametrize("shape", [DENSENET_MINI, DENSENET121], ids=["mini", "121"])
def test_folding_changes_nothing_but_rounding(shape, dead: bool) -> None:
    network = lively(DenseNet(shape, 1, seeded()), dead)
    image = torch.rand(2, 1, 64, 96, generator=seeded()) * 2 - 1
    with torch.no_grad():
        truth = network(image)
    assert relative(FoldedDenseNet(network, torch.float32, size=64)(image), truth) < 1e-5


def test_half_precision_stays_near() -> None:
    network = lively(DenseNet(DENSENET121, 1, seeded()))
    image = torch.rand(1, 1, 128, 128, generator=seeded()) * 2 - 1
    with torch.no_grad():
        truth = network(image)
    found = FoldedDenseNet(network, torch.bfloat16, size=128)(image)
    assert found.dtype == torch.float32
    assert relative(found, truth) < 0.02


def test_a_folded_network_of_three_channels_sees_the_grey_image_three_times() -> None:
    network = lively(DenseNet(DENSENET_MINI, 3, seeded()))
    image = torch.randn(1, 1, 64, 64, generator=seeded())
    with torch.no_grad():
        truth = network(image.expand(-1, 3, -1, -1))
    assert relative(FoldedDenseNet(network, torch.float32, size=64)(image), truth) < 1e-5


def test_folding_leaves_the_network_as_it_found_it() -> None:
    network = lively(DenseNet(DENSENET_MINI, 1, seeded())).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    features = FoldedDenseNet(network, size=64)(torch.zeros(1, 1, 64, 64))
    assert network.training
    assert not features.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_fastest_dtype_is_one_that_computes() -> None:
    dtype = fastest_dtype("cpu")
    assert dtype in (torch.float32, torch.bfloat16)
    assert torch.ones(2, dtype=dtype).sum() == 2


@pytest.mark.parametrize("channels", [1, 3])
def test_two_halves_make_the_whole_way(channels: int) -> None:
    network = lively(DenseNet(DENSENET_MINI, channels, seeded())).eval()
    image = torch.randn(2, channels, 64, 64, generator=seeded())
    with torch.no_grad():
        inner, rest = network.halves(image)
        before = inner.clone()
        assert inner.shape[2:] == (8, 8)
        assert float(inner.min()) >= 0
        assert torch.equal(rest(inner), network(image))
        assert torch.equal(inner, before)  # the rest changes nothing that it is given
