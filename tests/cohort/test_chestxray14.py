"""ChestX-ray14 in its original layout: thirty real films, and made-up folders for what can go wrong."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from konio.cohort import FINDINGS, read_chestxray14
from konio.errors import CohortError

DATA = Path(os.environ.get("KONIO_DATA", Path(__file__).parents[3] / "shared" / "data"))
SAMPLE = DATA / "nih-sample"
HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n"
)


def row(name: str, findings: str, patient: int, view: str = "PA") -> str:
    return f"{name},{findings},0,{patient},058Y,M,{view},2682,2749,0.143,0.143,\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The layout of the full download, with its trailing comma and split image folders."""
    for number, names in ((1, ("a.png", "b.png")), (2, ("c.png",))):
        folder = tmp_path / f"images_{number:03d}" / "images"
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_bytes(b"png")
    (tmp_path / "Data_Entry_2017.csv").write_text(
        HEADER
        + row("a.png", "Cardiomegaly|Emphysema", 1)
        + row("b.png", "No Finding", 1, "AP")
        + row("c.png", "Hernia", 2)
    )
    (tmp_path / "train_val_list.txt").write_text("a.png\nb.png\n")
    (tmp_path / "test_list.txt").write_text("c.png\n")
    return tmp_path


def test_original_layout(root):
    films = read_chestxray14(root)
    assert len(films) == 3
    assert films.paths[2].endswith("images_002/images/c.png")
    assert films.patient_ids == ("1", "1", "2")
    assert films.views == ("PA", "AP", "PA")
    assert films.official == ("train", "train", "test")
    named = [[FINDINGS[i] for i in np.flatnonzero(line)] for line in films.labels]
    assert named == [["Cardiomegaly", "Emphysema"], [], ["Hernia"]]
    assert not films.labels.flags.writeable


def test_select_keeps_everything_together(root):
    films = read_chestxray14(root)
    test = films.select(np.array([side == "test" for side in films.official]))
    assert (len(test), test.patient_ids, test.labels.shape) == (1, ("2",), (1, 14))


def test_partial_download(root):
    (root / "images_002" / "images" / "c.png").unlink()
    with pytest.raises(CohortError, match=r"1 of 3 images are missing: c\.png;"):
        read_chestxray14(root)
    assert len(read_chestxray14(root, partial=True)) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: (root / "Data_Entry_2017.csv").unlink(), "holds neither"),
        (lambda root: (root / "test_list.txt").write_text("a.png\n"), "both official lists"),
        (
            lambda root: (root / "Data_Entry_2017.csv").write_text(HEADER + row("a.png", "Cold", 1)),
            "row 2, column 'Finding Labels': 'Cold'",
        ),
        (
            lambda root: (root / "Data_Entry_2017.csv").write_text("Image Index\na.png\n"),
            "column 'Finding Labels' is missing",
        ),
        (
            lambda root: (root / "Data_Entry_2017.csv").write_text(
                HEADER + row("a.png", "Mass", 1) + row("c.png", "Mass", 1)
            ),
            "patients 1 stand in both official lists",
        ),
    ],
)  # fmt: skip
def test_what_can_go_wrong_is_named(root, change, said):
    change(root)
    with pytest.raises(CohortError, match=said):
        read_chestxray14(root)


@pytest.mark.data
@pytest.mark.skipif(not SAMPLE.is_dir(), reason=f"no real films at {SAMPLE} (set KONIO_DATA)")
def test_thirty_real_films():
    films = read_chestxray14(SAMPLE)
    assert len(films) == 30
    assert films.labels.shape == (30, 14)
    assert set(films.views) <= {"PA", "AP"}
    text = (SAMPLE / "Data_Entry_2017.csv").read_text()
    assert [text.count(name) for name in FINDINGS] == films.labels.sum(axis=0).tolist()
    assert films.official == (None,) * 30
