import numpy as np
import pytest
from tests.lungs.films import SEGMENTER, ellipse, image, toy

from konio.lungs import find_lungs, measure_quality
from konio.lungs.quality import REMARKS, remarks_zh


def quality(film):
    film = image(film)
    return measure_quality(film, find_lungs(film, SEGMENTER))


def test_a_plain_film_is_measured_as_it_was_drawn():
    found = quality(toy())
    assert found.margin == pytest.approx(0.15 / 0.6, abs=0.02)
    assert found.rotation == pytest.approx(0, abs=0.01)
    assert found.inspiration == pytest.approx(0.6 / 0.66, abs=0.05)
    assert found.mediastinum_contrast == pytest.approx(0.7, abs=0.01)
    assert found.clipped == 0


def test_cutting_the_film_takes_its_margin():
    film = toy()
    assert quality(film[40:]).margin < quality(film).margin
    cut = quality(film[46:])
    assert cut.margin < 0.01


def test_a_turned_chest_moves_the_gap():
    shape = (300, 300)
    turned = (
        ~(ellipse(shape, 0.45, 0.33, 0.3, 0.16) | ellipse(shape, 0.45, 0.73, 0.3, 0.1)) * 0.7 + 0.1
    )
    assert quality(turned).rotation > 0.03
    assert quality(turned[:, ::-1]).rotation == pytest.approx(-quality(turned).rotation, abs=0.01)


def test_blur_lowers_sharpness_and_clipping_is_counted():
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    film = (toy() + gaussian_filter(rng.normal(0, 0.1, (300, 300)), 1)).clip(0.01, 0.99)
    assert quality(gaussian_filter(film, 3)).sharpness < 0.6 * quality(film).sharpness
    assert quality(film).clipped == 0
    assert quality(np.where(film < 0.1, 0, film)).clipped > 0.1
    assert quality(film).lung_contrast > quality(toy()).lung_contrast


def test_facts_are_plain_numbers_and_sentences():
    import json

    facts = quality(toy()).facts()
    assert json.loads(json.dumps(facts)) == facts
    assert {"margin", "rotation", "inspiration", "sharpness", "remarks"} <= set(facts)
    codes = [remark.code for remark in quality(toy()[46:]).remarks()]
    assert len(codes) == len(set(codes))


def test_remarks_are_said_in_chinese_in_their_order():
    remarks = quality(toy()[46:]).facts()["remarks"]
    assert remarks
    assert remarks_zh([*remarks, "of another version"]) == [
        *(remark.zh for remark in REMARKS if remark.en in remarks),
        "of another version",
    ]
