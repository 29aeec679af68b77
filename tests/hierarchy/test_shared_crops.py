"""Ten crops whose first layers see the film once."""

from __future__ import annotations

import pytest
import torch

from konio.errors import UsageError
from konio.hierarchy import StagingPlan, build_staging
from konio.hierarchy.network import FastLevel, crop_maps
from konio.networks.classifier import ClassifierPlan, build_classifier
from konio.networks.folded import FoldedDenseNet
from konio.prepare.crops import Crop, CropPlan

FILM = torch.rand(1, 1, 160, 160, generator=torch.Generator().manual_seed(1)) * 2 - 1
#: 128 of 160 pixels: edges at 0, 16 and 32.
PLAN = CropPlan(0.8, size=128, shared=True)


@pytest.fixture(scope="module")
def network() -> FoldedDenseNet:
    level = build_classifier(
        ClassifierPlan(2, "densenet-mini"), torch.Generator().manual_seed(0)
    ).eval()
    return FoldedDenseNet(level.backbone, torch.float32, 128)  # type: ignore[arg-type]


def test_a_crop_of_everything_is_the_film(network: FoldedDenseNet) -> None:
    everything = network.of_crops(FILM, [Crop(0, 0, 160, mirrored=False)])
    torch.testing.assert_close(everything, network(FILM))
    mirrored = network.of_crops(FILM, [Crop(0, 0, 160, mirrored=True)])
    torch.testing.assert_close(mirrored, network(FILM.flip(-1)))


def test_each_crop_gets_its_own_part_of_the_film(network: FoldedDenseNet) -> None:
    """Nothing but the edge differs from the crop alone: maps are nearer to their own crop's than to any other's."""
    shared = crop_maps(network, FILM, PLAN)
    alone = network(PLAN.cut(FILM))
    assert (
        shared.shape == alone.shape == (10, network.of_crops(FILM, PLAN.crops(160)).shape[1], 4, 4)
    )
    apart = torch.cdist(shared.flatten(1), alone.flatten(1))
    assert apart.argmin(dim=1).tolist() == list(range(10))


def test_a_mirrored_crop_is_the_crop_of_the_mirrored_film(network: FoldedDenseNet) -> None:
    left, right = Crop(16, 0, 128, mirrored=True), Crop(16, 32, 128, mirrored=False)
    torch.testing.assert_close(
        network.of_crops(FILM, [left]), network.of_crops(FILM.flip(-1), [right])
    )


@pytest.mark.parametrize(
    ("side", "own", "top", "blocks"), [(512, 416, 48, 2), (520, 416, 104, 1), (300, 240, 60, 0)]
)
def test_as_many_layers_are_shared_as_keep_the_crops_on_whole_cells(
    network: FoldedDenseNet, side: int, own: int, top: int, blocks: int
) -> None:
    crops = [Crop(top, 0, own, mirrored=False)]
    assert network._shared_blocks(side, crops) == blocks


def test_crops_off_the_grid_are_refused(network: FoldedDenseNet) -> None:
    with pytest.raises(UsageError, match="multiples of 4, or leave shared out"):
        network.of_crops(FILM, [Crop(3, 0, 128, mirrored=False)])


def test_a_network_that_cannot_share_answers_for_the_crops() -> None:
    level = build_classifier(ClassifierPlan(2, "resnet-mini")).eval()
    fast = FastLevel.of(level, 128)
    with torch.no_grad():
        torch.testing.assert_close(fast.over(FILM, PLAN), fast(PLAN.cut(FILM)))


def test_two_levels_share_where_their_plan_says_so() -> None:
    levels = tuple(ClassifierPlan(n, "densenet-mini") for n in (2, 3))
    said = {}
    for shared in (False, True):
        plan = StagingPlan(levels, CropPlan(0.8, size=128, shared=shared))
        staging = build_staging(plan, torch.Generator().manual_seed(0)).eval()
        features = staging.level(2).fastest(128)
        said[shared] = staging.probabilities(2, FILM, features)[0]
    torch.testing.assert_close(said[True], said[False], rtol=0, atol=0.02)
    assert not torch.equal(said[True], said[False])
