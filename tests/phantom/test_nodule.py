"""Made-up nodules look as their grades say, and their readings behave like readings."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from konio.errors import UsageError
from konio.phantom import NoduleTruth, draw_truth, nodule
from konio.phantom.nodule_truth import GRADED, read_by

SPACING = (1.25, 0.7, 0.7)
TENS = NoduleTruth(10.0)


def make(truth: NoduleTruth = TENS, seed: int = 0, field: float = 36.0):
    return nodule(np.random.default_rng(seed), truth, spacing_mm=SPACING, field_mm=field)


def test_the_same_seed_gives_the_same_scan():
    first, second = (nodule(np.random.default_rng(9), field_mm=32) for _ in range(2))
    assert np.array_equal(first.pixels, second.pixels)
    assert first.ratings == second.ratings
    assert not np.array_equal(
        first.pixels[:5], nodule(np.random.default_rng(8), field_mm=32).pixels[:5]
    )


@pytest.mark.parametrize(
    "change", [{}, {"lobulation": 5.0}, {"sphericity": 1.0}, {"spiculation": 5.0}]
)
def test_the_mask_has_the_volume_of_the_diameter(change):
    made = make(dataclasses.replace(TENS, **change))
    volume = made.mask.sum() * np.prod(SPACING)
    assert (6 * volume / np.pi) ** (1 / 3) == pytest.approx(10, rel=0.06)
    assert made.pixels.dtype == np.int16
    assert made.pixels.min() >= -1024 and made.pixels.max() <= 1500


def test_solid_is_denser_than_ground_glass_and_calcium_than_both():
    means = [
        float(made.pixels[made.mask].mean())
        for made in (
            make(dataclasses.replace(TENS, texture=1.0)),
            make(),
            make(dataclasses.replace(TENS, calcification=3)),
        )
    ]
    assert means[0] < -500 < -200 < means[1] < 100 < 300 < means[2]


def test_a_sharp_margin_is_steeper_than_a_poor_one():
    def edge(margin: float) -> float:
        made = make(dataclasses.replace(TENS, margin=margin))
        z, y, x = (round(c) for c in made.centre_voxel)
        around = made.pixels[z, y - 6 : y + 7, x - 12 : x + 13].astype(float)
        return float(np.abs(np.diff(around, axis=1)).max(axis=1).mean())

    assert edge(5.0) > 1.5 * edge(1.0)


def test_lobes_and_strands_and_flat_shapes_are_drawn():
    def beyond(made) -> int:
        """Soft tissue outside the nodule's own mask but near it."""
        near = np.linalg.norm(
            (np.argwhere(made.pixels > -400) - np.array(made.centre_voxel)) * SPACING, axis=1
        )
        return int((near < 9).sum() - made.mask.sum())

    assert beyond(make(dataclasses.replace(TENS, spiculation=5.0))) > beyond(make()) + 30

    def long(made) -> float:
        points = (np.argwhere(made.mask) - np.array(made.centre_voxel)) * SPACING
        spread = np.sqrt(np.linalg.eigvalsh(np.cov(points.T)))
        return float(spread[0] / spread[-1])

    assert (
        long(make(dataclasses.replace(TENS, sphericity=1.0)))
        < 0.6
        < 0.8
        < long(make(dataclasses.replace(TENS, sphericity=5.0)))
    )


def test_subtlety_is_what_the_picture_shows():
    small, plain, faint = (
        make(dataclasses.replace(TENS, **change)).truth.subtlety
        for change in ({"diameter_mm": 4.0}, {}, {"texture": 1.0})
    )
    assert small < plain
    assert faint < plain
    assert faint >= 1


def test_at_the_pleura_there_is_a_wall():
    wall = make(dataclasses.replace(TENS, pleural=True))
    assert (wall.pixels > -100).mean() > 3 * (make().pixels > -100).mean()


def test_readers_scatter_around_the_truth():
    rng = np.random.default_rng(1)
    truth = NoduleTruth(10.0, malignancy=3.0, calcification=6, subtlety=3.0)
    readings = [read_by(rng, truth, 4) for _ in range(400)]
    malignancy = np.array([reading["malignancy"] for reading in readings])
    assert malignancy.mean() == pytest.approx(3, abs=0.1)
    assert malignancy.std(axis=1, ddof=1).mean() == pytest.approx(0.8, abs=0.12)
    codes = np.array([reading["calcification"] for reading in readings])
    assert (codes == 6).mean() > 0.95
    assert {len(read_by(rng, truth)["margin"]) for _ in range(30)} == {3, 4}


def test_malignancy_follows_size_and_calcium_by_rule():
    drawn = [draw_truth(np.random.default_rng(seed)) for seed in range(600)]
    size = np.log([truth.diameter_mm for truth in drawn])
    malignancy = np.array([truth.malignancy for truth in drawn])
    assert np.corrcoef(size, malignancy)[0, 1] > 0.6
    calcified = np.array([truth.calcification != 6 for truth in drawn])
    rest = malignancy - np.polyval(np.polyfit(size, malignancy, 1), size)
    assert rest[calcified].mean() < rest[~calcified].mean() - 0.8
    assert 0.06 < calcified.mean() < 0.18
    assert min(truth.diameter_mm for truth in drawn) >= 3.2
    assert max(truth.diameter_mm for truth in drawn) <= 32.3


def test_a_balanced_cohort_shows_every_look_and_hides_none():
    drawn = [draw_truth(np.random.default_rng(seed), balanced=True) for seed in range(800)]
    for name in GRADED:
        grades = np.array([getattr(truth, name) for truth in drawn])
        assert min((grades < 2.5).mean(), (grades > 3.5).mean()) > 0.15, name
    assert np.mean([truth.calcification != 6 for truth in drawn]) == pytest.approx(1 / 3, abs=0.1)
    # Drawn evenly all at once, an eighth of the outlines is neither blurred nor covered by strands or ground glass.
    clear = [t.margin > 3 and t.texture > 3 and t.spiculation < 3 for t in drawn]
    assert np.mean(clear) > 0.28
    # Lobes that a voxel can hold: of nodules as they occur, two in three are smaller than 8 mm.
    assert np.mean([truth.diameter_mm > 8 for truth in drawn if truth.lobulation > 3.25]) > 0.5


@pytest.mark.parametrize("balanced", [False, True])
def test_lobes_and_strands_go_with_size_in_every_cohort(balanced):
    drawn = [draw_truth(np.random.default_rng(seed), balanced=balanced) for seed in range(800)]
    size = np.log([truth.diameter_mm for truth in drawn])
    for name in ("lobulation", "spiculation"):
        assert np.corrcoef(size, [getattr(truth, name) for truth in drawn])[0, 1] > 0.1, name


@pytest.mark.parametrize(
    "change", [{"diameter_mm": 0.1}, {"margin": 6.0}, {"calcification": 0}, {"malignancy": 0.5}]
)
def test_what_cannot_be_is_refused(change):
    with pytest.raises(UsageError, match=r"cannot be made|codes"):
        dataclasses.replace(TENS, **change)
