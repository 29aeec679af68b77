from __future__ import annotations

import numpy as np
import pytest

from konio.errors import RefusedError
from konio.io.polarity import INVERTED_LIKENESS, LEAST_LIKENESS, check_content, chest_likeness


def code_of(pixels):
    with pytest.raises(RefusedError) as refused:
        check_content(np.asarray(pixels, np.float32))
    return refused.value.code


def test_a_chest_looks_like_one_and_its_negative_like_the_opposite(chest):
    film = chest()
    assert chest_likeness(film) > 0.5
    assert chest_likeness(1 - film) == pytest.approx(-chest_likeness(film), abs=5e-3)
    check_content(film.astype(np.float32))
    assert code_of(1 - film) == "inverted"


@pytest.mark.parametrize("gamma", [0.3, 3.0])
def test_gamma_and_window_do_not_matter(chest, gamma):
    film = chest()
    assert chest_likeness(film**gamma) == pytest.approx(chest_likeness(film), abs=0.02)
    assert chest_likeness(0.2 + 0.1 * film) == pytest.approx(chest_likeness(film), abs=0.02)


@pytest.mark.parametrize("shade", [0.0, 1.0])
def test_padding_does_not_matter(chest, shade):
    padded = np.pad(chest(256, 256), ((10, 150), (30, 90)), constant_values=shade)
    assert chest_likeness(padded) > 0.4


@pytest.mark.parametrize("scale", [2, 5])
def test_resolution_does_not_matter(chest, scale):
    film = chest()
    large = np.kron(film, np.ones((scale, scale)))
    assert chest_likeness(large) == pytest.approx(chest_likeness(film), abs=0.03)


def test_pictures_of_other_things_are_refused(chest):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:256, :256] / 256
    assert code_of(np.full((256, 256), 0.5)) == "blank"
    assert code_of(0.5 + 0.001 * chest()) == "blank"
    assert code_of((chest() > 0.4).astype(float)) == "not-radiograph"
    assert code_of(rng.uniform(size=(256, 256))) == "not-radiograph"
    assert code_of(np.sin(40 * x) * np.sin(40 * y) / 2 + 0.5) == "not-radiograph"


def test_a_negative_without_a_header_is_not_told_to_mend_one(chest):
    with pytest.raises(RefusedError) as refused:
        check_content((1 - chest()).astype(np.float32), headed=False)
    assert refused.value.code == "negative"
    assert "header" not in refused.value.reason and "文件头" not in refused.value.reason_zh


def test_a_chest_on_its_side_is_told_from_a_negative(chest):
    for quarters in (1, 3):
        assert code_of(np.rot90(chest(192, 192), quarters)) == "upside-down"
    assert code_of(1 - chest(192, 192)) == "inverted"


@pytest.mark.data
def test_no_real_film_is_refused_and_every_negative_is(real):
    from konio.io import read_many

    paths = (
        sorted(real.glob("nlm-tb/shenzhen/*.jpg"))[::4]
        + sorted(real.glob("nlm-tb/montgomery/*"))[::2]
    )
    paths += sorted(real.glob("nih-sample/images/*.png"))
    if not paths:
        pytest.skip("no real films")
    values = []
    for path, film in read_many(paths):
        assert not isinstance(film, RefusedError), (path, film)
        pixels = film.pixels[:: film.shape[0] // 256, :: film.shape[1] // 256]
        values.append((chest_likeness(pixels), chest_likeness(1 - pixels)))
    upright, negative = np.array(values).T
    assert upright.min() > LEAST_LIKENESS
    assert negative.max() < INVERTED_LIKENESS
