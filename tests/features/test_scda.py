"""SCDA: threshold, largest part, empty mask, both forms; features by the network's own answer and the deciding level."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from konio.errors import UsageError
from konio.explain import LeakageWarning, discriminative_maps
from konio.features.films import deciding_level_features, film_features
from konio.features.scda import FORMS, flattened, pooled, selection
from konio.networks.classifier import ClassifierPlan, build_classifier


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(seed: int = 0, architecture: str = "densenet-mini", classes: int = 4):
    return build_classifier(ClassifierPlan(classes, architecture), seeded(seed)).eval()


FILMS = torch.rand(4, 1, 160, 160, generator=seeded(9)) * 2 - 1


def grid(rows: list[str]) -> torch.Tensor:
    """A map drawn with digits; two channels that share its sum."""
    drawn = torch.tensor([[float(cell) for cell in row] for row in rows])
    return torch.stack((0.25 * drawn, 0.75 * drawn))[None]


def picture(kept: torch.Tensor) -> list[str]:
    return ["".join("#" if cell else "." for cell in row) for row in kept.tolist()]


def test_the_largest_part_above_the_mean_is_kept_and_corners_connect() -> None:
    maps = grid(["90001", "09001", "00001", "00000", "80000"])
    assert picture(selection(maps)[0]) == ["#....", ".#...", ".....", ".....", "....."]
    # With four neighbours only, the two cells of the diagonal would be two parts.


def test_of_equal_parts_the_first_in_reading_order_is_kept() -> None:
    maps = grid(["0099", "0000", "9900", "0000"])
    assert picture(selection(maps)[0]) == ["..##", "....", "....", "...."]


def test_negative_maps_are_thresholded_as_they_are() -> None:
    maps = -grid(["1111", "1990", "1990", "1111"])
    assert picture(selection(maps)[0]) == ["####", "#..#", "#..#", "####"]


@pytest.mark.parametrize("value", [0.0, 0.7, -3.3])
@pytest.mark.parametrize("side", [3, 7, 18])
def test_a_constant_map_keeps_its_first_cell(value: float, side: int) -> None:
    kept = selection(torch.full((1, 5, side, side), value))[0]
    assert int(kept.sum()) == 1
    assert bool(kept[0, 0])


@given(seed=st.integers(0, 10_000), side=st.integers(1, 9))
@settings(max_examples=25)
def test_laws_of_the_selection(seed: int, side: int) -> None:
    maps = torch.randn(2, 3, side, side, generator=seeded(seed))
    kept = selection(maps)
    assert kept.shape == (2, side, side)
    assert bool((kept.flatten(1).sum(dim=1) >= 1).all())
    total = maps.sum(dim=1, dtype=torch.float64)
    above = total > total.mean(dim=(1, 2), keepdim=True)
    assert bool((kept <= above).all()) or side == 1
    assert torch.equal(selection(4 * maps), kept)  # scale does not matter
    flat, short = flattened(maps, kept), pooled(maps, kept)
    assert flat.shape == (2, 3 * side * side)
    assert short.shape == (2, 6)
    assert torch.allclose(
        flat.reshape(2, 3, -1).sum(dim=2) / kept.flatten(1).sum(dim=1, keepdim=True), short[:, :3], atol=1e-5
    )  # fmt: skip
    assert bool((short[:, 3:] >= short[:, :3] - 1e-6).all())


def test_pooled_features_by_hand() -> None:
    maps = grid(["0000", "0480", "0000", "0000"])
    assert pooled(maps, selection(maps))[0].tolist() == [1.5, 4.5, 2.0, 6.0]


def test_features_follow_the_size_of_the_image() -> None:
    net = network()
    channels = net.channels
    for size, cells in ((64, 2), (160, 5), (224, 7)):
        film = FILMS[:1, :, :1, :1].expand(1, 1, size, size).clone()
        assert film_features(net, film).shape == (1, 2 * channels)
        assert film_features(net, film, form="flattened").shape == (1, channels * cells * cells)


def test_features_select_by_the_predicted_class_and_the_true_one_is_warned_of() -> None:
    net = network()
    said, maps = discriminative_maps(net, FILMS)
    expected = pooled(maps, selection(maps)).numpy()
    assert np.array_equal(film_features(net, FILMS), expected)
    assert np.array_equal(
        film_features(net, FILMS, features=net.features(FILMS).detach()), expected
    )
    with pytest.warns(LeakageWarning):
        leaked = film_features(net, FILMS, class_source="true", truth=(said.chosen + 1) % 4)
    assert not np.array_equal(leaked, expected)


def test_raw_values_do_not_know_the_class() -> None:
    net = network()
    raw = film_features(net, FILMS, values="raw")
    with torch.no_grad():
        maps = net.features(FILMS)
    assert np.allclose(raw, pooled(maps, selection(maps)).numpy())


@pytest.mark.parametrize("form", list(FORMS))
def test_two_levels_give_the_features_of_the_level_that_decided(form: str) -> None:
    first, second = network(1, classes=2), network(2, classes=3)
    decided = np.array([1, 2, 2, 1])
    table = deciding_level_features((first, second), decided, FILMS, form=form)
    whole = [film_features(level, FILMS, form=form) for level in (first, second)]
    for film, number in enumerate(decided):
        assert np.allclose(table[film], whole[number - 1][film], atol=1e-5)
    nobody = deciding_level_features((first, second), np.ones(4, int), FILMS, form=form)
    assert np.allclose(nobody, whole[0], atol=1e-5)  # nobody passes the cut point


def test_nonsense_is_refused() -> None:
    net = network()
    with pytest.raises(UsageError, match="pooled"):
        film_features(net, FILMS, form="folded")
    with pytest.raises(UsageError, match="raw"):
        film_features(net, FILMS, values="cooked")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="finite"):
        selection(torch.full((1, 2, 3, 3), torch.nan))
    with pytest.raises(UsageError, match="finite"):
        selection(torch.zeros(2, 3, 3))
    with pytest.raises(UsageError, match="levels"):
        deciding_level_features((net,), np.array([1, 1, 2, 1]), FILMS)
    other = network(0, "resnet-mini", 3)
    with pytest.raises(UsageError, match="width"):
        deciding_level_features((net, other), np.array([1, 1, 2, 1]), FILMS)
