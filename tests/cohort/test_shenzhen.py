"""Both layouts of the Shenzhen set give the same cohort."""

import os
from pathlib import Path

import pytest

from konio.cohort.shenzhen import is_shenzhen, read_shenzhen
from konio.errors import CohortError

DATA = Path(os.environ.get("KONIO_DATA", Path(__file__).parents[3] / "shared" / "data"))
SET = DATA / "nlm-tb"
ROWS = [("CHNCXR_0001_0", "Male", "45"), ("CHNCXR_0340_1", "Female", "8")]


def table(folder, rows):
    (folder / "shenzhen").mkdir()
    lines = ["file,tuberculosis,sex,age,findings"]
    for name, sex, age in rows:
        (folder / "shenzhen" / f"{name}.jpg").write_bytes(b"film")
        lines.append(f"shenzhen/{name}.jpg,{name[-1]},{sex},{age},normal")
    (folder / "shenzhen.csv").write_text("\n".join(lines) + "\n")


def download(folder, rows):
    for name in ("CXR_png", "ClinicalReadings"):
        (folder / name).mkdir()
    for name, sex, age in rows:
        (folder / "CXR_png" / f"{name}.png").write_bytes(b"film")
        (folder / "ClinicalReadings" / f"{name}.txt").write_text(f"{sex.lower()} {age}yrs\nnormal")


@pytest.mark.parametrize("layout", [table, download])
def test_labels_and_covariates(tmp_path, layout):
    layout(tmp_path, ROWS)
    assert is_shenzhen(tmp_path)
    cohort = read_shenzhen(tmp_path)
    assert cohort.counts("differential") == {"healthy": 1, "tuberculosis": 1, "dust": 0}
    assert set(cohort.counts("stage").values()) == {0}
    assert [case.patient_id for case in cohort] == [name for name, _, _ in ROWS]
    assert cohort.cases[1].covariates == {"sex": "female", "age": "8", "site": "Shenzhen"}


def test_wrong_folders_and_rows_are_refused(tmp_path):
    assert not is_shenzhen(tmp_path)
    with pytest.raises(CohortError, match="neither"):
        read_shenzhen(tmp_path)
    (tmp_path / "shenzhen.csv").write_text("file,tuberculosis\na.jpg,maybe\n")
    with pytest.raises(CohortError, match=r"row 2.*'maybe'"):
        read_shenzhen(tmp_path)
    (tmp_path / "shenzhen.csv").write_text("file,tuberculosis\na.jpg,1\n")
    with pytest.raises(CohortError, match="1 of 1 films"):
        read_shenzhen(tmp_path)


def test_a_strange_film_in_the_download_is_refused(tmp_path):
    (tmp_path / "CXR_png").mkdir()
    (tmp_path / "CXR_png" / "other.png").touch()
    with pytest.raises(CohortError, match="CHNCXR_0001_0"):
        read_shenzhen(tmp_path)


@pytest.mark.data
@pytest.mark.skipif(not SET.is_dir(), reason=f"no real films at {SET} (set KONIO_DATA)")
def test_the_real_set():
    cohort = read_shenzhen(SET)
    assert cohort.counts("differential") == {"healthy": 326, "tuberculosis": 336, "dust": 0}
    assert len(cohort.patients) == 662
