"""``konio phantom``: cohorts and implants from the command line."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image as Picture

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
    assert "1 scans made" in result.out
    (nodule,) = readings(tmp_path / "readings.csv")
    assert nodule.readers in (3, 4)


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
