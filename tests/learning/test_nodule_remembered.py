"""A nodule that a model has learned from is known again: by its pixels, by its scan, by a public patient, by its outline."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.nodules.luna_made_up import grid, uid, voxels, write_database, write_luna16

from konio.io.write_volume import write_mhd
from konio.learning import train
from konio.learning.nodule_remembered import learned_rows, marks_of, remembered_nodules
from konio.learning.nodule_sources import Source, open_source
from konio.learning.recipe import parse_recipe
from konio.learning.remembered import learned_before, learned_films, mark, unpacked
from konio.networks import read_bundle
from konio.nodules import Readings
from konio.nodules.made_up import outlined_patient, write_phantom_nodules
from konio.nodules.shapes import RealShape

from .made_up_nodules import write_slices
from .test_nodules import recipe

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning"
)


def renamed(source: Source, patient: str) -> Readings:
    """The same nodules, all of one other patient."""
    return Readings(tuple(dataclasses.replace(n, patient_id=patient) for n in source.readings))


def patient_mark(patient: str) -> bytes:
    return mark(f"patient {patient}".encode())


def test_a_slice_is_known_again_whatever_it_and_its_patient_are_called(tmp_path: Path) -> None:
    first = open_source(write_slices(tmp_path / "first", 8))
    record = remembered_nodules(first, first.readings.subset(range(6)))
    again = open_source(write_slices(tmp_path / "again", 24, patient="other-{}"))
    assert learned_rows(record, again, again.readings) == [0, 1, 2, 3, 4, 5]
    # A part of a table has rows of its own; what a nodule is does not change with them.
    assert learned_rows(record, again, again.readings.subset([20, 5, 9])) == [1]
    others = open_source(write_slices(tmp_path / "others", 8, seed=2))
    assert learned_rows(record, others, others.readings) == []


def test_a_cube_is_known_again(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (3, 9, 9, 9)).astype(np.uint8)
    names = np.array(["0_nod1_ann0", "1_nod1_ann0", "1_nod2_ann0"])
    sources = []
    for folder, rows in (("one", [0]), ("all", [2, 0, 1])):
        (tmp_path / folder).mkdir()
        np.savez_compressed(tmp_path / folder / "cubes.npz", image=image[rows], mask=image[rows], name=names[rows])  # fmt: skip
        with (tmp_path / folder / "attributes.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([("malignancy", "name"), *((3, name) for name in names[rows])])
        sources.append(open_source(tmp_path / folder))
    one, every = sources
    record = remembered_nodules(one, one.readings)
    assert len(unpacked(record)) == 1  # "0" is no patient of the public collection
    assert learned_rows(record, every, every.readings) == [1]


def test_only_patients_of_the_public_collection_are_remembered(tmp_path: Path) -> None:
    public = open_source(write_slices(tmp_path / "public", 8, patient="LIDC-IDRI-{:04d}"))
    record = remembered_nodules(public, public.readings.subset([2, 3]))
    assert unpacked(record) >= {patient_mark("LIDC-IDRI-0001")}
    # Other pixels of the same patient: the other collection's, for instance.
    other = open_source(write_slices(tmp_path / "other", 8, seed=2, patient="LIDC-IDRI-{:04d}"))
    assert learned_rows(record, other, other.readings) == [2, 3]
    for name in ("17", "P-1", "LIDC-IDRI-00017", "xLIDC-IDRI-0001", "LIDC-IDRI-1", ""):
        marks = next(marks_of(public, renamed(public, name)))
        assert len(marks) == 1 and patient_mark(name) not in marks


def test_a_scan_is_known_again_under_another_header_and_compression(tmp_path: Path) -> None:
    luna = write_luna16(tmp_path / "LUNA16", scans=4, unpacked=4)
    write_database(luna, scans=4)
    held = open_source(luna)
    nameless = renamed(held, "17")
    record = remembered_nodules(held, nameless.subset([0]))
    assert len(unpacked(record)) == 1
    # Both nodules of the scan are found, since the scan stands for its patient.
    assert learned_rows(record, held, nameless) == [0, 1]
    moved = write_mhd(tmp_path / "moved.mhd", voxels(0), grid(1), compressed=True)
    other = write_mhd(tmp_path / "other.mhd", voxels(9), grid(0))
    elsewhere = [dataclasses.replace(nameless[0], path=str(path)) for path in (other, moved)]
    assert learned_rows(record, held, Readings(tuple(elsewhere))) == [1]


def test_a_scan_is_opened_once_and_one_that_went_away_leaves_its_patient(tmp_path: Path) -> None:
    luna = write_luna16(tmp_path / "LUNA16", scans=2, unpacked=2)
    write_database(luna, scans=2)
    held = open_source(luna)
    assert held.witness is not None
    asked = []

    def counted(nodule):
        asked.append(nodule.path)
        return held.witness(nodule)

    told = dataclasses.replace(held, witness=counted)
    assert [len(own) for own in marks_of(told, held.readings)] == [2, 2, 2, 2]
    assert len(asked) == len(set(asked)) == 2
    for file in luna.glob(f"subset*/{uid(0)}.*"):
        file.unlink()
    gone = list(marks_of(held, held.readings))
    assert gone[0] == {patient_mark(held.readings[0].patient_id)} and len(gone[2]) == 2
    nowhere = [dataclasses.replace(held.readings[0], path="", patient_id="17")]
    assert list(marks_of(held, nowhere)) == [set()]


def outline(patient: str) -> RealShape:
    mask = np.zeros((5, 9, 9), np.bool_)
    mask[1:4, 2:7, 2:7] = True
    return RealShape(f"{patient}/1", patient, mask, (2.0, 0.7, 0.7), {"malignancy": 5})


def test_whose_outlines_made_up_nodules_have_is_remembered(tmp_path: Path) -> None:
    for name, patient in (("shaped", "LIDC-IDRI-0003"), ("ward", "P-1"), ("plain", "")):
        shapes = (outline(patient),) if patient else ()
        write_phantom_nodules(tmp_path / name, 2, 5, field_mm=24, shapes=shapes)
        held = open_source(tmp_path / name)
        assert [outlined_patient(nodule) for nodule in held.readings] == [patient, patient]
        public = {patient_mark(patient)} if patient.startswith("LIDC") else set()
        marks = list(marks_of(held, held.readings))
        assert all(own >= public and len(own) == 1 + len(public) for own in marks)
        record = remembered_nodules(held, held.readings)
        slices = tmp_path / f"slices-{name}"
        real = open_source(write_slices(slices, 8, patient="LIDC-IDRI-{:04d}"))
        assert learned_rows(record, real, real.readings) == ([6, 7] if public else [])
    # A table elsewhere that names the same scans tells it as well.
    shaped = open_source(tmp_path / "shaped").readings
    shaped.write(tmp_path / "table.csv")
    table = open_source(tmp_path / "table.csv").readings
    assert [outlined_patient(nodule) for nodule in table] == ["LIDC-IDRI-0003"] * 2
    (tmp_path / "shaped" / "records" / "000000.json").write_text("[")
    assert outlined_patient(table[0]) == ""


def test_without_a_record_nothing_is_read(tmp_path: Path) -> None:
    held = open_source(write_slices(tmp_path / "slices", 4))

    def never(nodule):
        raise AssertionError

    assert learned_rows("", dataclasses.replace(held, witness=never), held.readings) == []
    assert learned_rows("no base64!", dataclasses.replace(held, witness=never), held.readings) == []


def test_a_bundle_remembers_what_it_and_its_first_weights_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = open_source(write_slices(tmp_path / "slices", patient="LIDC-IDRI-{:04d}"))

    def taught(source: str, **nodule: str) -> Path:
        table = recipe(single=True, encoder="cnn-mini", grid=8, patch=4, **nodule).model_dump()
        once = {"phases": [{"epochs": 1, "batch": 8}], "validation": {"fraction": 0.25}}
        return train(tmp_path / source, parse_recipe(table | once), tmp_path / f"{source}-run")

    made = taught("slices")
    cohort = read_bundle(made).facts.cohort
    record = learned_films(cohort)
    assert cohort["held_out"] > 0 and len(unpacked(record)) == 24 + 12
    assert learned_rows(record, held, held.readings) == list(range(24))
    assert record not in (made / "MODEL_CARD.md").read_text("utf-8")
    # A run and its state are known by the bundle they ended in, published weights by nothing.
    for place in (made, made.parent, made.parent / "state.safetensors"):
        assert place.exists() and learned_before(str(place)) == record
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "config.json").write_text("{}")
    monkeypatch.chdir(made.parent)  # a name on the hub means nothing that lies here
    for place in (tmp_path / "published", "google/vit", "vit", ""):
        assert learned_before(str(place)) == ""
    write_slices(tmp_path / "more", seed=2)
    later = learned_films(read_bundle(taught("more", pretrained=str(made))).facts.cohort)
    assert unpacked(later) > unpacked(record) and len(unpacked(later)) == 24 + 12 + 24
