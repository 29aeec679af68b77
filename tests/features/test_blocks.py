"""What a network sees, zone by zone."""

from __future__ import annotations

import torch

from konio.features.blocks import block_features
from konio.networks import NetworkPlan, build_network
from konio.networks.pooling import zone_means
from konio.prepare import zone_weights

FILMS = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _network():
    plan = NetworkPlan(("stage",), backbone="densenet-mini")
    return build_network(plan, torch.Generator().manual_seed(1)).eval()


def _zones():
    labels = torch.zeros(2, 64, 64, dtype=torch.uint8)
    for zone in range(6):
        rows = slice(20 * (zone % 3), 20 * (zone % 3) + 20)
        labels[:, rows, 4 : 28 if zone < 3 else 60] = zone + 1
    labels[1] = 0
    return zone_weights(labels, 2)


def test_means_by_zone_and_the_greatest_in_the_lungs_of_every_block() -> None:
    network, zones = _network(), _zones()
    found = block_features(network, FILMS, zones)
    maps, inner = network.backbone.with_blocks(FILMS)
    described = [inner[2].relu(), inner[3].relu(), maps]
    widths = [m.shape[1] for m in described]
    assert found.shape == (2, 7 * sum(widths))
    last = found[0, -7 * widths[-1] :]
    torch.testing.assert_close(last[: 6 * widths[-1]], zone_means(maps, zones)[0].flatten())
    inside = (zones[0].sum(0) > 0.5).flatten()
    torch.testing.assert_close(last[6 * widths[-1] :], maps[0].flatten(1)[:, inside].amax(dim=1))


def test_a_film_without_lungs_is_all_zero() -> None:
    assert block_features(_network(), FILMS, _zones())[1].abs().max() == 0
