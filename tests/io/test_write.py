"""A written film: complete by the Standard's module tables, says that it is synthetic, reads back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest

from konio.errors import OutputError, RecordError
from konio.io.write import IMPLANTED, SYNTHETIC, FilmFacts, encode_radiograph, write_radiograph

FACTS = FilmFacts("film-1", "PHANTOM-1", "F", 44, "alpha", "Recipe test, seed 1.")


@pytest.fixture
def stored() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4096, (40, 60)).astype(np.uint16)


def test_the_bytes_depend_on_the_arguments_alone(tmp_path: Path, stored: np.ndarray) -> None:
    first = write_radiograph(tmp_path / "a.dcm", stored, (0.84, 0.84), FACTS)
    second = write_radiograph(tmp_path / "b.dcm", stored, (0.84, 0.84), FACTS)
    assert first.read_bytes() == second.read_bytes()
    other = encode_radiograph(stored, (0.84, 0.84), FilmFacts("film-2", "PHANTOM-1"))
    one, two = pydicom.dcmread(first), pydicom.dcmread(pydicom.filebase.DicomBytesIO(other))
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.dcm", "b.dcm"]


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_written_and_read_again(tmp_path: Path, stored: np.ndarray, photometric: str) -> None:
    facts = FilmFacts("film", "PHANTOM-1", photometric=photometric)
    file = write_radiograph(tmp_path / "film.dcm", stored, (0.84, 0.42), facts)
    dataset = pydicom.dcmread(file)
    pixels = dataset.pixel_array
    if photometric == "MONOCHROME1":
        pixels = 4095 - pixels
    np.testing.assert_array_equal(pixels, stored)
    assert [float(v) for v in dataset.ImagerPixelSpacing] == [0.84, 0.42]
    assert dataset.ViewPosition == "PA" and list(dataset.PatientOrientation) == ["L", "F"]
    assert (dataset.BitsStored, dataset.PhotometricInterpretation) == (12, photometric)


def test_it_says_plainly_that_it_is_synthetic(tmp_path: Path, stored: np.ndarray) -> None:
    dataset = pydicom.dcmread(write_radiograph(tmp_path / "f.dcm", stored, (1.0, 1.0), FACTS))
    assert SYNTHETIC in dataset.ImageComments and "seed 1" in dataset.ImageComments
    assert dataset.DerivationDescription == SYNTHETIC
    assert dataset.PatientIdentityRemoved == "YES"
    assert str(dataset.PatientName) == "KONIO^PHANTOM"
    assert dataset.ImageType[0] == "DERIVED"


def test_a_real_film_with_made_up_opacities_says_so(tmp_path: Path, stored: np.ndarray) -> None:
    facts = FilmFacts("film", "IMPLANTED", implanted=True)
    dataset = pydicom.dcmread(write_radiograph(tmp_path / "f.dcm", stored, (1.0, 1.0), facts))
    assert dataset.DerivationDescription == dataset.PatientComments == IMPLANTED
    assert "never was a patient" not in dataset.DeidentificationMethod
    assert "SYNTHETIC" in dataset.ImageComments


def _tables() -> tuple[list[dict[str, str]], dict[str, list[dict[str, object]]]]:
    """Modules of the IOD and their attributes (PS3.3 A.26 and C), as highdicom carries them."""
    highdicom = pytest.importorskip("highdicom")
    place = Path(highdicom.__file__).parent / "_standard"
    if not place.is_dir():
        pytest.skip("this highdicom carries no module tables")
    read = [
        json.loads((place / f"{name}.json").read_text())
        for name in ("iod_module_map", "module_attribute_map")
    ]
    return read[0]["digital-x-ray-image"], read[1]


def test_every_attribute_of_type_1_and_2_is_there(tmp_path: Path, stored: np.ndarray) -> None:
    dataset = pydicom.dcmread(write_radiograph(tmp_path / "f.dcm", stored, (1.0, 1.0), FACTS))
    modules, attributes = _tables()
    used = [m["key"] for m in modules if m["usage"] == "M"] + ["dx-positioning", "voi-lut"]
    checked = 0
    for module in used:
        for attribute in attributes[module]:
            if attribute["path"] or attribute["type"] not in ("1", "2"):
                continue
            keyword = str(attribute["keyword"])
            assert keyword in dataset, f"{module}: {keyword} (type {attribute['type']})"
            if attribute["type"] == "1":
                assert dataset[keyword].value not in (None, ""), f"{module}: {keyword} is empty"
            checked += 1
    assert checked > 45


def test_codes_in_sequences_are_complete(tmp_path: Path, stored: np.ndarray) -> None:
    dataset = pydicom.dcmread(write_radiograph(tmp_path / "f.dcm", stored, (1.0, 1.0), FACTS))
    for name in ("AnatomicRegionSequence", "ViewCodeSequence", "PatientOrientationCodeSequence"):
        (item,) = dataset[name].value
        assert item.CodeValue and item.CodingSchemeDesignator == "SCT" and item.CodeMeaning


def test_values_are_valid_for_their_representation(tmp_path: Path, stored: np.ndarray) -> None:
    before = pydicom.config.settings.reading_validation_mode
    pydicom.config.settings.reading_validation_mode = pydicom.config.RAISE
    try:
        dataset = pydicom.dcmread(write_radiograph(tmp_path / "f.dcm", stored, (1.0, 1.0), FACTS))
        assert len(list(dataset.iterall())) > 80
    finally:
        pydicom.config.settings.reading_validation_mode = before


def test_wrong_pixels_and_places_are_refused(tmp_path: Path, stored: np.ndarray) -> None:
    with pytest.raises(RecordError, match="uint16"):
        write_radiograph(tmp_path / "f.dcm", stored.astype(np.int32), (1.0, 1.0), FACTS)
    with pytest.raises(RecordError, match="bits"):
        write_radiograph(tmp_path / "f.dcm", stored, (1.0, 1.0), FACTS, bits=10)
    with pytest.raises(RecordError, match="spacing"):
        write_radiograph(tmp_path / "f.dcm", stored, (0.0, 1.0), FACTS)
    with pytest.raises(RecordError, match="MONOCHROME"):
        FilmFacts("k", "p", photometric="RGB")
    with pytest.raises(OutputError, match="cannot be written"):
        write_radiograph(tmp_path / "absent" / "f.dcm", stored, (1.0, 1.0), FACTS)
