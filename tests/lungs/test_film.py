import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konio.lungs.film import Letterbox, shrink, to_square, window

shapes = st.tuples(st.integers(1, 400), st.integers(1, 400))


@settings(max_examples=60, deadline=None)
@given(shapes)
def test_a_film_comes_back_out_of_its_square(shape):
    box = Letterbox.of(shape, 32)
    film = np.random.default_rng(0).random((box.rows, box.columns), np.float32)
    square = box.place(film)
    assert square.shape == (32, 32)
    assert np.array_equal(box.cut(square), film)
    assert max(box.rows, box.columns) == 32
    assert square.sum() == pytest.approx(film.sum(), rel=1e-5)


def test_the_square_lies_around_the_middle():
    box = Letterbox.of((100, 50), 32)
    assert (box.top, box.left, box.rows, box.columns) == (0, 8, 32, 16)


@pytest.mark.parametrize("shape", [(3, 64), (64, 64), (700, 500), (1999, 2500)])
def test_shrinking_keeps_a_ramp(shape):
    ramp = np.linspace(0, 1, shape[1], dtype=np.float32)[None].repeat(shape[0], 0)
    small = shrink(ramp, 32, 32)
    wanted = (np.arange(32) + 0.5) / 32
    assert np.abs(small - wanted)[:, 4:-4].max() < 0.01


def test_thinning_first_gives_nearly_the_full_average():
    import torch

    rows, columns = np.mgrid[:1500, :1500].astype(np.float32) / 1500
    film = 0.5 + 0.3 * np.sin(9 * rows) * np.cos(7 * columns)
    full = torch.nn.functional.interpolate(
        torch.from_numpy(film)[None, None], size=(64, 64), mode="bilinear", antialias=True
    )[0, 0].numpy()
    assert np.abs(shrink(film, 64, 64) - full).max() < 0.02


def test_the_window_forgets_exposure():
    film = np.random.default_rng(1).random((40, 40), np.float32)
    np.testing.assert_allclose(window(film), window(0.2 + 0.5 * film), atol=1e-5)
    assert window(film).min() == 0
    assert window(film).max() == 1


def test_a_blank_film_is_black():
    square, _ = to_square(np.full((30, 20), 0.7, np.float32), 32)
    assert square.max() == 0
