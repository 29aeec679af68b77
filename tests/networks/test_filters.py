from __future__ import annotations

import pytest
import torch

from konio.errors import UsageError
from konio.networks.densenet import DENSENET_MINI, DenseNet
from konio.networks.filters import begin_with_spots, spot_filters


def test_every_filter_has_the_energy_of_a_kaiming_filter() -> None:
    energy = spot_filters().square().sum(dim=(1, 2, 3))
    assert torch.allclose(energy, torch.full_like(energy, 2.0), atol=1e-5)


def test_all_but_the_smooth_filters_are_blind_to_a_flat_film() -> None:
    sums = spot_filters().sum(dim=(1, 2, 3)).abs()
    assert (sums[:60] < 1e-5).all()
    assert (sums[60:] > 1).all()


def test_the_filters_of_one_bank_differ() -> None:
    flat = spot_filters().flatten(1)
    likeness = (flat @ flat.T) / 2 - torch.eye(len(flat))
    assert likeness.max() < 0.999


def test_larger_spots_are_seen_best_by_larger_filters() -> None:
    line = torch.arange(31.0) - 15
    y, x = torch.meshgrid(line, line, indexing="ij")
    bright_spots = spot_filters()[0:12:2]  # ascending radius, one sign
    best = []
    for radius in (0.5, 1.0, 2.5):
        picture = torch.exp(-(x**2 + y**2) / (2 * radius**2))
        answers = torch.conv2d(picture[None, None], bright_spots)[0].amax(dim=(1, 2))
        best.append(int(answers.argmax()))
    assert best == sorted(set(best))


def test_only_the_first_layer_begins_with_them() -> None:
    seeded = [DenseNet(DENSENET_MINI, 1, torch.Generator().manual_seed(3)) for _ in range(2)]
    begin_with_spots(seeded[0])
    different = {
        name
        for name, value in seeded[0].state_dict().items()
        if not torch.equal(value, seeded[1].state_dict()[name])
    }
    assert different == {"features.conv0.weight"}


def test_three_channels_are_refused() -> None:
    with pytest.raises(UsageError, match="one grey channel"):
        begin_with_spots(DenseNet(DENSENET_MINI, 3))
