"""Laws of augmentation: identity, everything moves together, drawing decides all."""

from __future__ import annotations

import math

import pytest
import torch

from konio.errors import RecordError
from konio.prepare.augment import NO_LIMITS, Drawing, Limits, draw, move_image, move_labels


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def smooth(count: int, side: int) -> torch.Tensor:
    grid = torch.linspace(0, 3, side)
    waves = torch.sin(grid[:, None] * 2) * torch.cos(grid[None] * 3)
    return waves.expand(count, 1, side, side).clone()


def placed(matrix: list[list[float]]) -> Drawing:
    return Drawing(torch.tensor([matrix]), torch.ones(1), torch.ones(1))


def test_no_limits_change_nothing_bit_for_bit() -> None:
    drawing = draw(3, NO_LIMITS, seeded())
    images = torch.rand(3, 1, 64, 64) * 2 - 1
    labels = torch.randint(0, 7, (3, 32, 32), dtype=torch.uint8)
    assert torch.equal(move_image(images, drawing), images)
    assert torch.equal(move_labels(labels, drawing), labels)


def test_the_same_generator_draws_the_same_and_another_does_not() -> None:
    one, two, other = (draw(8, Limits(), seeded(s)) for s in (1, 1, 2))
    assert torch.equal(one.places, two.places)
    assert not torch.equal(one.places, other.places)
    images = smooth(8, 64)
    assert torch.equal(move_image(images, one), move_image(images, two))


def test_nothing_touches_the_global_generator() -> None:
    before = torch.random.get_rng_state()
    move_image(smooth(4, 32), draw(4, Limits(gamma=(0.8, 1.2)), seeded()))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_drawings_keep_the_paper_s_limits_and_use_them() -> None:
    places = draw(4000, Limits(), seeded()).places
    scale = places[:, :, :2].det().sqrt()
    angle = torch.atan2(places[:, 1, 0], places[:, 0, 0]) * 180 / math.pi
    shift = places[:, :, 2].abs() / 2  # coordinates span 2
    assert 0.98 <= float(scale.min()) < 0.981 < 1.019 < float(scale.max()) <= 1.02 + 1e-5
    assert 14.9 < float(angle.abs().max()) <= 15 + 1e-3
    assert 0.0199 < float(shift.max()) <= 0.02 + 1e-6


def test_image_and_labels_move_together_at_any_resolution() -> None:
    labels = torch.zeros(6, 128, 128, dtype=torch.uint8)
    labels[:, 30:70, 40:90] = 1
    drawing = draw(6, Limits(), seeded(4))
    image = labels[:, None].float() * 2 - 1
    moved = move_image(image, drawing)[:, 0] > 0
    same = move_labels(labels, drawing) == 1
    coarse = move_labels(labels[:, ::4, ::4].contiguous(), drawing) == 1
    assert float((moved ^ same).float().mean()) < 0.005
    grid = torch.arange(128.0) + 0.5
    for fine, rough in zip(same.float(), coarse.float(), strict=True):
        for axis in (0, 1):
            centre = (fine.sum(dim=1 - axis) * grid).sum() / fine.sum()
            rougher = (rough.sum(dim=1 - axis) * (grid[:32] * 4 - 1.5)).sum() / rough.sum()
            assert float((centre - rougher).abs()) < 1.5
    assert not torch.equal(same, labels == 1)


def test_a_quarter_turn_and_a_shift_are_exact() -> None:
    image = torch.rand(1, 1, 8, 8) * 2 - 1
    turned = move_image(image, placed([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]))
    assert torch.allclose(turned[0, 0], torch.rot90(image[0, 0], -1), atol=1e-5) or torch.allclose(
        turned[0, 0], torch.rot90(image[0, 0], 1), atol=1e-5
    )
    shifted = move_image(image, placed([[1.0, 0.0, 0.25], [0.0, 1.0, 0.0]]))
    assert torch.allclose(shifted[0, 0, :, :7], image[0, 0, :, 1:], atol=1e-5)
    assert torch.allclose(shifted[0, 0, :, 7], torch.tensor(-1.0), atol=1e-5)


def test_there_and_back_again() -> None:
    drawing = draw(4, Limits(translation=0.01), seeded(7))
    square = torch.cat((drawing.places, torch.tensor([[[0.0, 0.0, 1.0]]]).expand(4, -1, -1)), dim=1)
    back = Drawing(torch.linalg.inv(square)[:, :2], drawing.gamma, drawing.contrast)
    images = smooth(4, 128)
    again = move_image(move_image(images, drawing), back)
    assert float((again - images)[:, :, 32:96, 32:96].abs().max()) < 0.02


def test_values_types_and_range_are_kept() -> None:
    limits = Limits(gamma=(0.7, 1.4), contrast=(0.7, 1.3))
    images = (torch.rand(5, 1, 32, 32) * 2 - 1).to(torch.bfloat16)
    moved = move_image(images, draw(5, limits, seeded()))
    assert moved.dtype == torch.bfloat16
    assert moved.shape == images.shape
    assert -1 <= float(moved.min()) <= float(moved.max()) <= 1
    labels = torch.randint(0, 7, (5, 32, 32), dtype=torch.uint8)
    after = move_labels(labels, draw(5, limits, seeded()))
    assert after.dtype == torch.uint8
    assert set(after.unique().tolist()) <= set(range(7))


def test_gamma_leaves_the_places_alone() -> None:
    drawing = draw(1, Limits((1.0, 1.0), 0.0, 0.0, gamma=(2.0, 2.0)), seeded())
    images = torch.tensor([-1.0, 0.0, 1.0]).reshape(1, 1, 1, 3)
    assert move_image(images, drawing).flatten().tolist() == [-1.0, -0.5, 1.0]


@pytest.mark.parametrize(
    "wrong",
    [{"scale": (1.1, 0.9)}, {"gamma": (0.0, 1.0)}, {"rotation": -1.0}, {"translation": 1.0}],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(RecordError):
        Limits(**wrong)
