"""TenCrop: where the crops lie, that they follow the image, and that mirrored ones come back."""

from __future__ import annotations

import pytest
import torch

from konio.errors import RecordError, UsageError
from konio.prepare.crops import CropPlan

NOISE = torch.rand(2, 1, 40, 40, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("side", "crop"), [(600, 480), (512, 410), (320, 256), (280, 224), (10, 8)]
)
def test_ten_crops_follow_the_image(side: int, crop: int) -> None:
    crops = CropPlan().crops(side)
    assert len(crops) == len(set(crops)) == 10
    assert {c.side for c in crops} == {crop}
    assert all(0 <= c.top <= side - crop and 0 <= c.left <= side - crop for c in crops)
    # Together they show every pixel.
    seen = torch.zeros(side, side)
    for c in crops:
        seen[c.top : c.top + c.side, c.left : c.left + c.side] += 1
    assert int(seen.min()) >= 2


def test_crops_come_film_by_film_and_mirrored_after_plain() -> None:
    batch = CropPlan().cut(NOISE)
    assert batch.shape == (20, 1, 32, 32)
    assert torch.equal(batch[0], NOISE[0, :, :32, :32])
    assert torch.equal(batch[3], NOISE[0, :, 8:, 8:])
    assert torch.equal(batch[4], NOISE[0, :, 4:36, 4:36])
    assert torch.equal(batch[15], NOISE[1, :, :32, :32].flip(-1))


def test_one_crop_is_the_centre_and_all_of_it_is_the_image() -> None:
    assert torch.equal(CropPlan(ten=False).cut(NOISE), NOISE[..., 4:36, 4:36])
    assert torch.equal(CropPlan(share=1.0, ten=False).cut(NOISE), NOISE)


def test_a_crop_can_be_brought_to_another_size() -> None:
    plan = CropPlan(size=24)
    assert plan.cut(NOISE).shape == (20, 1, 24, 24)
    flat = torch.full((1, 1, 40, 40), 0.25)
    torch.testing.assert_close(plan.cut(flat), torch.full((10, 1, 24, 24), 0.25))


def test_a_crop_that_is_nearly_the_wanted_size_is_cut_at_it() -> None:
    near = CropPlan(0.8, size=416).crops(512)
    assert {c.side for c in near} == {416}
    assert {c.top for c in near} == {0, 48, 96}
    assert {c.side for c in CropPlan(0.8, size=320).crops(512)} == {410}
    assert {c.side for c in CropPlan(0.99, size=104).crops(100)} == {99}
    assert {c.side for c in CropPlan(1.0, size=101).crops(100)} == {100}


def test_probabilities_are_averaged_and_not_logits() -> None:
    logits = torch.zeros(10, 2)
    logits[0] = torch.tensor([50.0, 0.0])  # one crop is sure, nine are not
    assert CropPlan().merge(logits).tolist() == [pytest.approx([0.55, 0.45])]
    assert logits.mean(dim=0).softmax(0)[0] > 0.99


def test_maps_are_laid_back_where_their_crops_were() -> None:
    plan = CropPlan()
    laid = plan.lay_out(torch.ones(20, 3, 3), 40)
    torch.testing.assert_close(laid, torch.ones(2, 40, 40))
    # What the crops saw comes back as it was, the mirrored ones included.
    maps = plan.cut(NOISE)[:, 0]
    torch.testing.assert_close(plan.lay_out(maps, 40), NOISE[:, 0])
    alone = CropPlan(share=0.5, ten=False).lay_out(torch.ones(1, 2, 2), 8)
    assert float(alone.sum()) == 16
    assert float(alone[0, 2:6, 2:6].min()) == 1


def test_maps_are_laid_on_a_grid_that_is_not_the_image_s() -> None:
    plan = CropPlan(0.8, ten=False, size=416)
    laid = plan.lay_out(torch.ones(1, 13, 13), 64, 512)
    assert float(laid.sum()) == 52 * 52
    assert float(laid[0, 6:58, 6:58].min()) == 1


def test_a_constant_map_stays_constant() -> None:
    assert CropPlan().lay_out(torch.zeros(10, 4, 4), 16).abs().max() == 0


def test_bad_plans_and_images_are_refused() -> None:
    for share, size in ((0.0, 0), (1.1, 0), (0.8, -1)):
        with pytest.raises(RecordError, match="a crop is"):
            CropPlan(share, size=size)
    with pytest.raises(UsageError, match="square"):
        CropPlan().cut(torch.zeros(1, 1, 4, 5))
    plan = CropPlan(0.5, ten=False, size=64, shared=True)
    assert CropPlan.from_json(plan.to_json()) == plan
