"""From a film to the network's input."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from konio.errors import RecordError
from konio.prepare.tensors import (
    Preparation,
    lesion_shares,
    normalise,
    prepare_film,
    zone_weights,
)
from konio.records import Image, Lungs, Source


def film(side: int = 600) -> Image:
    pixels = np.random.default_rng(0).random((side, side), dtype=np.float32)
    return Image(pixels, (0.7, 0.7), "radiograph", Source("m", "0" * 64, "memory", side, side))


def lungs(side: int = 600) -> Lungs:
    zones = np.zeros((150, 150), dtype=np.uint8)
    for column, first in ((30, 1), (90, 4)):
        for third in range(3):
            zones[20 + 36 * third : 56 + 36 * third, column : column + 36] = first + third
    return Lungs(zones > 0, zones, (side, side))


def test_a_film_becomes_a_tensor_and_its_zones() -> None:
    prepared = prepare_film(film(), lungs(), Preparation(size=256))
    assert prepared.image.shape == (1, 256, 256)
    assert prepared.image.dtype == torch.float32
    assert float(prepared.image.min()) == -1
    assert float(prepared.image.max()) == 1
    assert prepared.zones is not None
    assert prepared.zones.shape == (6, 8, 8)
    areas = prepared.zones.sum(dim=(1, 2))
    assert torch.allclose(areas, areas.mean().expand(6), rtol=0.1)
    assert float(prepared.zones.sum(dim=0).max()) <= 1 + 1e-6
    # The right upper zone lies left above on the film, the left lower zone right below.
    assert float(prepared.zones[0, :4, :4].sum()) == pytest.approx(float(areas[0]))
    assert float(prepared.zones[5, 4:, 4:].sum()) == pytest.approx(float(areas[5]))


def test_the_whole_film_needs_no_lungs() -> None:
    prepared = prepare_film(film(), None, Preparation(size=64, crop="film"))
    assert prepared.zones is None
    assert prepared.frame.to_film((0, 0, 64, 64)) == (0, 0, 600, 600)
    with pytest.raises(RecordError, match="lungs"):
        prepare_film(film(), None, Preparation(size=64))


def test_normalising_forgets_gain_and_offset_and_outliers() -> None:
    pixels = film(256).pixels
    one = normalise(pixels)
    assert one.dtype == np.float32
    assert np.allclose(one, normalise(pixels * np.float32(0.3) + np.float32(0.2)), atol=1e-4)
    burnt = pixels.copy()
    burnt[:8, :8] = 50  # a lead letter
    assert np.abs(normalise(burnt)[8:, 8:] - one[8:, 8:]).max() < 0.02
    assert one.mean() == pytest.approx(0, abs=0.02)


def test_a_film_without_contrast_is_black() -> None:
    assert np.array_equal(normalise(np.full((64, 64), 0.4, np.float32)), np.full((64, 64), -1))


def test_shares_count_pixels() -> None:
    labels = torch.zeros(2, 8, 8, dtype=torch.uint8)
    labels[0, :2, :4] = 1
    labels[1, 4:, 4:] = 6
    weights = zone_weights(labels, 2)
    assert weights.shape == (2, 6, 2, 2)
    assert weights[0, 0].tolist() == [[0.5, 0], [0, 0]]
    assert weights[1, 5].tolist() == [[0, 0], [0, 1]]
    labels[labels == 6] = 4  # a co-finding is no lesion the map learns
    shares = lesion_shares(labels, 2)
    assert shares.shape == (2, 3, 2, 2)
    assert float(shares.sum()) == 0.5
    assert torch.equal(zone_weights(labels[0], 2), zone_weights(labels, 2)[0])
    with pytest.raises(RecordError, match="multiple"):
        zone_weights(labels, 3)


@pytest.mark.parametrize(
    "wrong",
    [{"size": 500}, {"size": 0}, {"low": 60.0, "high": 40.0}, {"margin": -1.0}, {"crop": "box"}],
)
def test_preparations_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(RecordError):
        Preparation(**wrong)


def test_preparations_travel() -> None:
    one = Preparation(size=256, crop="film", margin=0.1)
    assert Preparation.from_json(one.to_json()) == one
    assert one.cells == 8
