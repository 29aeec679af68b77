import numpy as np
import pytest

from konio.errors import CohortError, OutputError, RefusedError
from konio.learning import store as store_module
from konio.learning.films import FilmFiles, FilmPlan, PreparedFilm
from konio.learning.store import open_store, store_key
from konio.prepare import Preparation

PLAN = FilmPlan(Preparation(size=64), (32, 64))
FILES = [FilmFiles(f"{i}.dcm") for i in range(5)]


class Fake:
    """Prepares a film as its number; refuses film 3; breaks down at a film if told so."""

    def __init__(self, breaks_at=None):
        self.breaks_at = breaks_at
        self.done = []

    def __call__(self, files, plan):
        number = int(files.path[0])
        if number == self.breaks_at:
            raise KeyboardInterrupt
        self.done.append(number)
        if number == 3:
            raise RefusedError("no-lungs", "none")
        images = {side: np.full((side, side), number + side, np.uint8) for side in plan.sides}
        zones = np.full((plan.points, plan.points), number, np.uint8)
        lesions = np.full((3, plan.points, plan.points), 10 + number, np.uint8)
        return PreparedFilm(images, zones, lesions if number % 2 == 0 else None)


def test_films_are_kept_as_they_were_prepared(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "prepare_film", Fake())
    told = []
    store = open_store(FILES, tmp_path, PLAN, progress=lambda *now: told.append(now[:2]))
    assert store.ready.tolist() == [True, True, True, False, True]
    assert store.has_lesions.tolist() == [True, False, True, False, True]
    assert store.images[32].shape == (5, 32, 32)
    assert [int(store.images[64][i, 0, 0]) for i in (0, 1, 4)] == [64, 65, 68]
    assert int(store.zones[2, 0, 0]) == 2
    assert int(store.lesions[4, 2, 0, 0]) == 14
    assert "3.dcm" in store.refusals[3]
    assert told == [(i, 5) for i in range(1, 6)]


def test_a_stopped_preparation_goes_on_where_it_stood(tmp_path, monkeypatch):
    first = Fake(breaks_at=2)
    monkeypatch.setattr(store_module, "prepare_film", first)
    with pytest.raises(KeyboardInterrupt):
        open_store(FILES, tmp_path, PLAN)
    second = Fake()
    monkeypatch.setattr(store_module, "prepare_film", second)
    store = open_store(FILES, tmp_path, PLAN)
    assert (first.done, second.done) == ([0, 1], [2, 3, 4])
    assert store.ready.sum() == 4
    third = Fake()
    monkeypatch.setattr(store_module, "prepare_film", third)
    open_store(FILES, tmp_path, PLAN)
    assert third.done == []


def test_no_usable_film_at_all_is_an_error_that_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "prepare_film", Fake())
    with pytest.raises(CohortError, match=r"none of the 1 films.*3\.dcm"):
        open_store([FILES[3]], tmp_path, PLAN)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be kept"):
        open_store(FILES, tmp_path / "file", PLAN)


def test_the_key_changes_with_everything_that_changes_a_film():
    keys = {
        store_key("a", PLAN),
        store_key("b", PLAN),
        store_key("a", FilmPlan(Preparation(size=64), (64,))),
        store_key("a", FilmPlan(Preparation(size=64, crop="film"), (32, 64))),
        store_key("a", FilmPlan(Preparation(size=64), (32, 64), "other")),
    }
    assert len(keys) == 5
    assert store_key("a", PLAN) == store_key("a", FilmPlan(Preparation(size=64), (32, 64)))
