"""A made-up cohort: same bytes whatever the order, resumable, complete columns."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from konio.cohort import read_cohort
from konio.cohort.made_up import PAPER_MIX, write_phantom_cohort
from konio.errors import OutputError, UsageError
from konio.phantom import radiograph

CASES, SEED, SIZE = 6, 7, 128


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made")
    write_phantom_cohort(root, CASES, SEED, SIZE)
    return root


def content(root: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()
    }


def test_it_reads_back_with_all_columns(made: Path) -> None:
    cohort = read_cohort(made / "cohort.csv")
    assert len(cohort) == CASES == len(cohort.patients)
    for case in cohort:
        assert {"zones", "sex", "age", "device", "opacity_type", "observed_stage", "clause"} <= set(
            case.covariates
        )
        dust = case.labels["differential"] == "dust"
        assert bool(case.covariates["dust"]) == bool(case.covariates["exposure_years"]) == dust
        lungs, lesions = (np.asarray(Pictures.open(p)) for p in (case.lungs, case.lesions))
        zones = np.asarray(Pictures.open(case.covariates["zones"]))
        assert lungs.shape == zones.shape == lesions.shape == (SIZE, SIZE)
        assert set(np.unique(lungs)) == {0, 255}
        np.testing.assert_array_equal(zones > 0, lungs > 0)


def test_a_film_is_what_its_seed_and_number_say(made: Path) -> None:
    pydicom = pytest.importorskip("pydicom")
    cohort = read_cohort(made / "cohort.csv")
    film = radiograph(np.random.default_rng([SEED, 2]), "dust-0", SIZE)
    np.testing.assert_array_equal(pydicom.dcmread(cohort.cases[2].path).pixel_array, film.pixels)
    assert dict(cohort.cases[2].labels) == dict(film.labels)


def test_interrupted_and_grown_it_is_the_same(made: Path, tmp_path: Path) -> None:
    write_phantom_cohort(tmp_path, 2, SEED, SIZE)
    kept = (tmp_path / "films" / "000000.dcm").stat().st_mtime_ns
    (tmp_path / "records" / "000001.json").unlink()
    (tmp_path / "films" / "000001.dcm").write_bytes(b"half")
    seen: list[tuple[int, int]] = []
    write_phantom_cohort(
        tmp_path, CASES, SEED, SIZE, progress=lambda done, all_: seen.append((done, all_))
    )
    assert content(tmp_path) == content(made)
    assert (tmp_path / "films" / "000000.dcm").stat().st_mtime_ns == kept
    assert seen == [(k, CASES) for k in range(1, CASES + 1)]


@pytest.mark.slow
def test_workers_change_nothing(made: Path, tmp_path: Path) -> None:
    write_phantom_cohort(tmp_path, CASES, SEED, SIZE, workers=2)
    assert content(tmp_path) == content(made)


def test_the_paper_mix_holds_at_every_dozen() -> None:
    from konio.cohort.made_up import _plan

    plan = _plan(1, 128, PAPER_MIX, "independent", 1, 1)
    for dozen in (1, 5):
        counts = Counter(plan.wishes(12 * dozen))
        assert counts["healthy"] == counts["tuberculosis"] == 4 * dozen
        assert all(counts[f"dust-{s}"] == dozen for s in ("0", "I", "II", "III"))
    assert plan.wishes(7) == plan.wishes(30)[:7]


def test_another_plan_is_not_mixed_in(made: Path) -> None:
    with pytest.raises(OutputError, match="another plan"):
        write_phantom_cohort(made, CASES, SEED + 1, SIZE)


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        write_phantom_cohort(tmp_path / "file", 1, SEED, SIZE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cases": 0},
        {"workers": 0},
        {"seed": -1},
        {"size": 5},
        {"mix": {"flu": 1.0}},
        {"mix": {}},
        {"preset": "other"},
    ],
)
def test_wrong_arguments_are_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    arguments: dict[str, object] = {"cases": 1, "seed": 1, "size": SIZE, **wrong}
    with pytest.raises(UsageError):
        write_phantom_cohort(tmp_path, **arguments)
