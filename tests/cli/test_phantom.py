"""``konio phantom``: cohorts and implants from the command line."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image as Picture
from tests.nodules.marked import ball, database

import konio as package


def test_a_cohort_is_written_and_read(konio, tmp_path) -> None:
    result = konio(
        "phantom", "radiograph", "--cases", 2, "--seed", 3, "--size", 128,
        "--mix", "healthy=1,dust-III=1", "--workers", 1, "--out", tmp_path,
    )  # fmt: skip
    assert result.status == 0
    assert "2 films made" in result.out
    cohort = package.read_cohort(tmp_path / "cohort.csv")
    assert sorted(str(case.labels["stage"]) for case in cohort.cases) == ["III", "None"]


def test_scans_of_nodules_are_written(konio, tmp_path) -> None:
    from konio.nodules import readings

    result = konio(
        "phantom", "nodule", "--cases", 1, "--seed", 3, "--workers", 1, "--out", tmp_path
    )
    assert result.status == 0
    assert "1 scan made" in result.out
    (nodule,) = readings(tmp_path / "readings.csv")
    assert nodule.readers in (3, 4)


def test_outlines_of_patients_who_are_measured_are_left_out(konio, tmp_path) -> None:
    from konio.nodules import readings

    marks = [(ball("r1", (40, 50, -100.0), 8, grade=4),)]
    shapes = database(tmp_path / "lidc.sqlite", marks)  # all of patient P-1
    for patient in ("P-1", "P-2"):
        table = "patient_id,ward\n" + f"{patient},3\n"
        (tmp_path / f"{patient}.csv").write_text(table)
    words = ["phantom", "nodule", "--cases", 1, "--workers", 1, "--shapes", shapes]
    none = konio(*words, "--without", tmp_path / "P-1.csv", "--out", tmp_path / "none")
    assert (none.status, "no outline of other patients" in none.err) == (2, True)
    assert not (tmp_path / "none").exists()
    others = konio(*words, "--without", tmp_path / "P-2.csv", "--out", tmp_path / "others")
    assert others.status == 0
    (nodule,) = readings(tmp_path / "others" / "readings.csv")
    assert np.mean(nodule.ratings["malignancy"]) > 2.5
    record = json.loads((tmp_path / "others" / "records" / "000000.json").read_text())
    assert record["shape"].startswith("P-1/")
    (tmp_path / "strange.csv").write_text("name,malignancy_1\nP-1,3\n")
    strange = konio(*words, "--without", tmp_path / "strange.csv", "--out", tmp_path / "strange")
    assert (strange.status, "patient_id" in strange.err) == (1, True)


def test_opacities_are_implanted_into_a_film(konio, made_up_films, tmp_path) -> None:
    film = made_up_films[1]
    mask = film.parents[1] / "lungs" / f"{film.stem}.png"
    result = konio(
        "phantom", "implant", film, mask, "--wish", "dust-III", "--out", tmp_path / "made.dcm"
    )
    assert result.status == 0
    assert json.loads(result.out)["labels"]["stage"] == "III"
    before, after = package.read(film), package.read(tmp_path / "made.dcm")
    with Picture.open(mask) as picture:
        lungs = np.asarray(picture) > 0
    changed = np.abs(before.pixels - after.pixels)
    assert changed[lungs].mean() > 3 * changed[~lungs].mean()


def test_a_mask_that_is_no_picture_is_wrong_usage(konio, made_up_films, tmp_path) -> None:
    (tmp_path / "mask.png").write_text("no picture")
    result = konio(
        "phantom", "implant", made_up_films[0], tmp_path / "mask.png", "--out", tmp_path / "x.dcm"
    )
    assert result.status == 2
    assert "mask.png" in result.err
