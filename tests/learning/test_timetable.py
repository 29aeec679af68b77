import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konio.learning.recipe import parse_recipe
from konio.learning.timetable import Plateau, lay_out


def table(films=23, schedule="one-cycle", seed=1, phases=None):
    phases = phases or [
        {"size": 64, "epochs": 2, "batch": 4},
        {"size": 128, "epochs": 1.4, "batch": 8, "lr": 0.5},
    ]
    document = {"name": "t", "seed": seed, "schedule": {"kind": schedule}, "phases": phases}
    return lay_out(parse_recipe(document), films)


@given(st.integers(1, 60), st.integers(1, 9), st.floats(0.05, 4))
def test_legs_follow_one_another_without_gaps(films, batch, epochs):
    laid = table(films, phases=[{"size": 64, "epochs": epochs, "batch": batch}] * 2)
    assert [leg.first for leg in laid.legs] == [0, *(leg.end for leg in laid.legs[:-1])]
    assert all(leg.steps >= 1 for leg in laid.legs)
    assert laid.steps == laid.legs[-1].end
    assert [leg.number for leg in laid.legs] == list(range(len(laid.legs)))


def test_an_epoch_sees_every_film_at_most_once_and_leaves_out_less_than_a_batch():
    laid = table()
    leg = laid.legs[0]
    seen = np.concatenate([laid.films_of(step) for step in range(leg.first, leg.end)])
    assert len(set(seen.tolist())) == len(seen) == 20
    assert set(seen.tolist()) <= set(range(23))


def test_order_is_a_function_of_seed_and_step_and_differs_between_epochs():
    assert np.array_equal(table().films_of(6), table().films_of(6))
    assert not np.array_equal(table().films_of(0), table().films_of(table().legs[1].first))
    assert not np.array_equal(table().films_of(0), table(seed=2).films_of(0))


def test_fewer_films_than_a_batch_make_one_batch():
    laid = table(films=3, phases=[{"size": 64, "batch": 16}])
    assert sorted(laid.films_of(0).tolist()) == [0, 1, 2]


def test_one_cycle_rises_then_falls_within_its_bounds():
    laid = table(films=400)
    rates = np.array([laid.rate(step) / laid.leg_at(step).phase.lr for step in range(laid.steps)])
    top = int(rates.argmax())
    assert rates.min() > 0
    assert rates.max() <= 1
    assert rates.max() > 0.99
    assert top == pytest.approx(0.15 * laid.steps, abs=1)
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()
    assert rates[-1] < 0.02


def test_constant_rate_keeps_to_the_phases_factor():
    laid = table(schedule="constant")
    assert {laid.rate(step) for step in range(laid.steps)} == {1.0, 0.5}


def test_time_left_is_counted_in_pixels():
    laid = table(films=16, phases=[{"size": 64, "batch": 4}, {"size": 128, "batch": 4}])
    there_and_back = 3
    assert laid.pixels_left(0) == there_and_back * (4 * 4 * 64**2 + 4 * 4 * 128**2)
    assert laid.pixels_left(6) == there_and_back * 2 * 4 * 128**2
    assert laid.pixels_left(laid.steps) == 0
    heads = table(films=16, phases=[{"size": 64, "batch": 4, "heads": True}])
    assert heads.pixels_left(0) == 4 * 4 * 64**2


def test_plateau_waits_then_falls_and_starts_to_wait_anew():
    plateau = Plateau(factor=0.5, patience=2)
    losses = [1.0, 0.9, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.8]
    assert [plateau.look(x) for x in losses] == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]
