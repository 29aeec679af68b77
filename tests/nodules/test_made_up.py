"""A cohort of made-up nodules on disk: every file agrees with every other."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from konio.errors import OutputError, UsageError
from konio.io import open_mhd
from konio.nodules import cube, read_annotations, read_grids, readings
from konio.nodules.made_up import _shape_of, write_phantom_nodules
from konio.nodules.shapes import RealShape


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("nodules")
    write_phantom_nodules(root, 4, 11, field_mm=32)
    return root


def test_tables_and_scans_agree(made):
    table = readings(made / "readings.csv")
    with (made / "cohort.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    annotations = read_annotations(made / "annotations.csv")
    grids = read_grids(made / "scans")
    assert len(table) == len(rows) == len(annotations) == 4
    for nodule, row, annotation in zip(table, rows, annotations, strict=True):
        assert Path(nodule.path) == made / row["path"]
        assert row["patient_id"] == nodule.patient_id
        assert tuple(float(row[f"{axis}_mm"]) for axis in "xyz") == pytest.approx(nodule.at_mm)
        assert annotation.at_mm == pytest.approx(nodule.at_mm)
        assert float(row["malignancy"]) == pytest.approx(
            np.mean(nodule.ratings["malignancy"]), abs=1e-3
        )
        assert int(row["num_readers"]) == nodule.readers
        assert grids[annotation.series_uid].contains(annotation.at_mm)


def test_the_cohort_reads_and_a_scan_may_hold_several_places(made):
    from konio.cohort import read_cohort
    from konio.errors import CohortError

    assert len(read_cohort(made / "cohort.csv")) == 4
    header, first, *rest = (made / "cohort.csv").read_text().splitlines()
    cells = first.split(",")
    cells[2] = str(float(cells[2]) + 9)
    (made / "two.csv").write_text("\n".join([header, first, ",".join(cells), *rest]))
    assert len(read_cohort(made / "two.csv")) == 5
    (made / "twice.csv").write_text("\n".join([header, first, first]))
    with pytest.raises(CohortError, match="already stands in row 2"):
        read_cohort(made / "twice.csv")
    for name in ("two", "twice"):
        (made / f"{name}.csv").unlink()


def test_the_world_point_is_the_nodule(made):
    for nodule in readings(made / "readings.csv"):
        volume = open_mhd(Path(nodule.path))
        mask = open_mhd(made / "masks" / Path(nodule.path).name)
        assert volume.notes == ("SYNTHETIC",)
        assert mask.grid == volume.grid
        inside = np.argwhere(mask.image().pixels > 0)
        centre = volume.grid.to_world(inside).mean(axis=0)
        assert np.linalg.norm(centre - nodule.at_mm) < 0.35 * nodule.diameter_mm + 0.7
        here = cube(volume, nodule.at_mm, nodule.diameter_mm / 2, 4).mean()
        there = np.median(cube(volume, nodule.at_mm, 30, 8))
        assert here > there + 50


def test_going_on_and_starting_again_give_the_same_bytes(made, tmp_path):
    write_phantom_nodules(tmp_path, 2, 11, field_mm=32)
    seen = []
    write_phantom_nodules(
        tmp_path, 4, 11, field_mm=32, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(3, 4), (4, 4)]
    for file in sorted(made.rglob("*")):
        if file.is_file():
            assert (tmp_path / file.relative_to(made)).read_bytes() == file.read_bytes(), file.name


def test_another_plan_and_wrong_numbers_are_refused(made, tmp_path):
    with pytest.raises(OutputError, match="another plan"):
        write_phantom_nodules(made, 4, 12, field_mm=32)
    with pytest.raises(UsageError, match="at least 1"):
        write_phantom_nodules(tmp_path, 0, 1)


def outline(patient: str) -> RealShape:
    mask = np.zeros((5, 9, 9), np.bool_)
    mask[1:4, 2:7, 2:7] = True
    return RealShape(f"{patient}/1", patient, mask, (2.0, 0.7, 0.7), {"malignancy": 5, "margin": 4})


def test_a_share_of_the_scans_has_real_outlines_and_the_rest_made_up_ones(tmp_path):
    shapes = (outline("A"), outline("B"))
    drawn = [_shape_of(3, number, shapes, 0.5) for number in range(400)]
    assert 160 < sum(shape is not None for shape in drawn) < 240
    assert {shape.patient_id for shape in drawn if shape is not None} == {"A", "B"}
    # A smaller share takes outlines away and changes no other.
    whole = [_shape_of(3, number, shapes, 1.0) for number in range(400)]
    assert all(part in (None, shape) for part, shape in zip(drawn, whole, strict=True))
    assert _shape_of(3, 0, (), 0.5) is None
    for share in (0.0, 1.5):
        with pytest.raises(UsageError, match="share"):
            write_phantom_nodules(tmp_path, 1, 1, shapes=shapes, share=share)


def test_another_share_is_another_plan(tmp_path):
    shapes = (outline("A"),)
    write_phantom_nodules(tmp_path, 1, 1, field_mm=24, shapes=shapes, share=0.5)
    with pytest.raises(OutputError, match="another plan"):
        write_phantom_nodules(tmp_path, 1, 1, field_mm=24, shapes=shapes)
