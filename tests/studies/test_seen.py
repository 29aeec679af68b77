"""A model that has learned from films of a study is found out: by the table, by the files, by the pixels."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread

from konio.cohort import Cohort
from konio.cohort.made_up import write_phantom_cohort
from konio.errors import UsageError
from konio.learning.films import FilmFiles, FilmPlan
from konio.learning.remembered import (
    MOST,
    in_common,
    learned_films,
    of_files,
    of_pixels,
    remembered,
)
from konio.learning.store import Store, open_store
from konio.networks.card import FILMS, model_card
from konio.prepare import Preparation
from konio.studies.seen import look, onlooker

from .tiny_study import Here

MakeBundle = Callable[..., Path]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return write_phantom_cohort(tmp_path_factory.mktemp("films"), 4, 3, 256)


def prepared(cohort: Cohort, folder: Path) -> Store:
    plan = FilmPlan(Preparation(size=64), (32, 64))
    return open_store([FilmFiles.of(case) for case in cohort], folder, plan)


@pytest.fixture(scope="module")
def learned(films: Cohort, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The record of a model that learned from the first two films."""
    two = films.subset([0, 1])
    return remembered(two, prepared(two, tmp_path_factory.mktemp("two")))


def taught(bundle: Path, record: str) -> str:
    facts = json.loads((bundle / "bundle.json").read_text("utf-8"))
    facts["cohort"][FILMS] = record
    (bundle / "bundle.json").write_text(json.dumps(facts), "utf-8")
    return str(bundle)


def paths(cohort: Cohort) -> list[str]:
    return [case.path for case in cohort]


def test_films_that_a_model_learned_from_are_known_under_another_table(
    films: Cohort, learned: str, make_bundle: MakeBundle
) -> None:
    model = taught(make_bundle(), learned)
    for rows, seen in (([0, 1, 2, 3], "2 of the 4"), ([1], "1 of the 1")):
        part = films.subset(rows)
        with pytest.raises(UsageError, match=f"learned from {seen} films"):
            onlooker(model, part.fingerprint, paths(part))
    others = films.subset([2, 3])
    assert onlooker(model, others.fingerprint, paths(others)) is not None


def test_the_same_film_under_another_header_is_known_by_its_pixels(
    films: Cohort, learned: str, make_bundle: MakeBundle, tmp_path: Path
) -> None:
    model = taught(make_bundle(), learned)
    cases = []
    for row in (1, 2):
        case = films.cases[row]
        again = dcmread(case.path)
        again.PatientID = f"ANONYMOUS-{row}"
        again.save_as(tmp_path / f"{row}.dcm")
        cases.append(dataclasses.replace(case, path=str(tmp_path / f"{row}.dcm")))
    copies = Cohort(tuple(cases), tmp_path)
    store = prepared(copies, tmp_path / "prepared")
    found = onlooker(model, copies.fingerprint, paths(copies))
    assert found is not None  # other files, so that nothing is found yet
    with pytest.raises(UsageError, match="learned from 1 of the 2 films"):
        look(tmp_path, store, found, Here(), lambda done, films: None)
    assert not (tmp_path / "seen.npy").exists()


def test_bundles_of_before_open_and_nothing_is_read_for_them(
    films: Cohort, make_bundle: MakeBundle
) -> None:
    def never() -> list[bytes]:
        raise AssertionError

    assert in_common("", never) == 0
    assert learned_films({"fingerprint": "x"}) == ""
    found = onlooker(str(make_bundle()), films.fingerprint, ["nowhere.dcm"])
    assert found is not None and found.learned == ""


def test_what_first_weights_learned_from_is_remembered_too(
    films: Cohort, learned: str, make_bundle: MakeBundle, tmp_path: Path
) -> None:
    first = taught(make_bundle(), learned)
    later = films.subset([2])
    both = remembered(later, prepared(later, tmp_path), first)
    assert in_common(both, lambda: of_files(paths(films))) == 3
    assert in_common(both, lambda: of_files([films.cases[3].path])) == 0


def test_a_film_that_went_away_is_remembered_by_its_pixels(films: Cohort, tmp_path: Path) -> None:
    own = films.subset([0])
    store = prepared(own, tmp_path)
    gone = Cohort((dataclasses.replace(own.cases[0], path=str(tmp_path / "gone.dcm")),), tmp_path)
    record = remembered(gone, store)
    assert in_common(record, lambda: of_pixels(store, 64)) == 1
    assert in_common(record, lambda: of_files(paths(own))) == 0


def test_a_record_is_short_and_says_nothing_to_people(films: Cohort, learned: str) -> None:
    # Two films, each as a file and at two sizes, eight bytes each.
    assert len(learned) == 4 * 2 * 3 * 8 / 3
    facts = {
        "name": "n",
        "kind": "k",
        "intended_use": "u",
        "licence": "l",
        "konio_version": "0",
        "cut_point": None,
        "tasks": {},
        "cohort": {"films": 2, FILMS: learned},
        "metrics": {},
        "preprocessing": {},
        "temperatures": {},
        "architecture": {},
        "recipe": {},
    }
    card = model_card(facts, "0" * 64, 1)
    assert "films" in card and learned not in card and FILMS not in card
    assert 8 * MOST * 4 / 3 < 2**22  # a quarter of what bundle.json may be


def test_a_damaged_record_finds_nothing() -> None:
    assert in_common("no base64!", lambda: [b"12345678"]) == 0
