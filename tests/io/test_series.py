"""A CT series from its slices: order, Hounsfield units, geometry, and everything that can be wrong with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import CTImageStorage

from konio.errors import RefusedError
from konio.io import Decoder, find_series, open_ct

SERIES = "1.2.826.0.1.3680043.8.498.1"


def pixels(number: int) -> np.ndarray:
    return (np.arange(128 * 160).reshape(128, 160) % 97 + 10 * number).astype(np.uint16)


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as shared:
        yield shared


@pytest.fixture
def write(tmp_path, dicom):
    """Writes one slice; every element can be changed."""

    def make(number: int, name: str = "", syntax: str = "1.2.840.10008.1.2.1", **changes) -> Path:
        elements = {
            "SOPClassUID": CTImageStorage,
            "Modality": "CT",
            "SeriesInstanceUID": SERIES,
            "SOPInstanceUID": f"{SERIES}.{number}",
            "InstanceNumber": str(number),
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "ImagePositionPatient": [-50.0, -40.0, -100.0 + 2 * number],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "PixelSpacing": [0.8, 0.7],
            "SliceThickness": "2",
            "RescaleSlope": "1",
            "RescaleIntercept": "-1024",
            "ViewPosition": None,
            **changes,
        }
        words = elements.pop("words", pixels(number))
        path = tmp_path / (
            name or f"{(number * 7) % 11:02d}-{number}.dcm"
        )  # names do not follow places
        path.write_bytes(dicom(words, syntax, bits=12, **elements))
        return path

    return make


def refused(folder: Path, decoder: Decoder, **options) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        open_ct(folder, decoder=decoder, **options)
    return caught.value


def test_slices_are_sorted_by_place_and_hold_hounsfield_units(tmp_path, write, decoder):
    for number in range(5):
        write(number)
    volume = open_ct(tmp_path, decoder=decoder)
    assert volume.grid.shape == (5, 128, 160)
    assert volume.grid.spacing_mm == pytest.approx((0.7, 0.8, 2.0))
    assert volume.grid.to_world([3, 1, 2]).tolist() == pytest.approx([-48.6, -39.2, -94.0])
    assert volume.notes == ()
    part = volume.box(slice(1, 3), slice(5, 9), slice(7, 20))
    expected = [pixels(n)[5:9, 7:20].astype(int) - 1024 for n in (1, 2)]
    assert np.array_equal(part, expected)


def test_descending_and_turned_series_keep_their_places(tmp_path, write, decoder):
    for number in range(4):
        write(
            number,
            ImagePositionPatient=[50.0, 40.0, -2.0 * number],
            ImageOrientationPatient=[-1, 0, 0, 0, -1, 0],
        )
    volume = open_ct(tmp_path, decoder=decoder)
    assert volume.grid.to_world([0, 0, 1]).tolist() == pytest.approx([49.3, 40.0, -6.0])
    assert np.array_equal(volume.image().pixels[0], pixels(3).astype(int) - 1024)


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"]
)
def test_compressed_slices_hold_the_same_units(tmp_path, write, decoder, syntax):
    for number in range(2):
        write(number, syntax=syntax)
    assert np.array_equal(
        open_ct(tmp_path, decoder=decoder).image().pixels[1], pixels(1).astype(int) - 1024
    )


def test_padding_is_air(tmp_path, write, decoder):
    for number in range(2):
        write(number, PixelPaddingValue=3)
    first = open_ct(tmp_path, decoder=decoder).image().pixels[0]
    assert (first[pixels(0) == 3] == -1024).all()
    assert (first[pixels(0) == 4] == -1020).all()


def test_a_slice_stands_for_its_series(tmp_path, write, decoder):
    for number in range(3):
        path = write(number)
        write(number + 5, f"other-{number}.dcm", SeriesInstanceUID=SERIES + ".9")
    assert open_ct(path, decoder=decoder).grid.shape[0] == 3
    assert refused(tmp_path, decoder).code == "several-series"
    assert open_ct(tmp_path, "498.1.9", decoder).series_uid == SERIES + ".9"
    assert refused(tmp_path, decoder, series_uid="77").code == "not-ct"
    assert set(find_series(tmp_path, decoder)) == {SERIES, SERIES + ".9"}


def test_a_missing_slice_refuses_only_what_needs_it(tmp_path, write, decoder):
    for number in (0, 1, 2, 4, 5):
        write(number)
    volume = open_ct(tmp_path, decoder=decoder)
    assert volume.grid.shape[0] == 6
    assert "1 missing slices" in volume.notes
    assert volume.box(slice(0, 3), slice(None), slice(None)).shape[0] == 3
    assert np.array_equal(
        volume.box(slice(4, 5), slice(None), slice(None))[0], pixels(4).astype(int) - 1024
    )
    with pytest.raises(RefusedError) as caught:
        volume.image()
    assert caught.value.code == "missing-slices"


def test_doubles_are_left_out_if_they_are_the_same(tmp_path, write, decoder):
    for number in range(3):
        write(number)
    write(1, "copy.dcm")
    write(2, "sent-again.dcm", SOPInstanceUID=SERIES + ".99")
    volume = open_ct(tmp_path, decoder=decoder)
    assert volume.grid.shape[0] == 3
    assert "2 duplicate slices left out" in volume.notes
    write(2, "another.dcm", SOPInstanceUID=SERIES + ".100", words=pixels(8))
    assert refused(tmp_path, decoder).code == "duplicate-slices"


def test_a_tilted_gantry_is_named_and_its_places_are_right(tmp_path, write, decoder):
    lean = np.radians(15)
    column = [0.0, float(np.cos(lean)), float(-np.sin(lean))]
    for number in range(4):
        write(
            number,
            ImagePositionPatient=[0.0, 0.0, 2.0 * number],
            ImageOrientationPatient=[1, 0, 0, *column],
        )
    volume = open_ct(tmp_path, decoder=decoder)
    assert "gantry tilt 15.0 degrees" in volume.notes
    expected = np.array([0, 0, 4.0]) + 10 * 0.8 * np.array(column)
    assert volume.grid.to_world([2, 10, 0]).tolist() == pytest.approx(expected.tolist())


def test_thick_slices_gaps_and_localizers_are_named(tmp_path, write, decoder):
    for number in range(3):
        write(number, ImagePositionPatient=[0, 0, 5.0 * number], SliceThickness="3")
    write(
        9,
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
        ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
    )
    notes = open_ct(tmp_path, decoder=decoder).notes
    assert notes == ("1 localizers left out", "slice thickness 5 mm", "gaps between the slices")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "mixed-orientation"),
        ({"ImagePositionPatient": [-50.0, -40.0, -93.0]}, "uneven-slices"),
        ({"ImagePositionPatient": [-40.0, -40.0, -94.0]}, "uneven-slices"),
        ({"ImagePositionPatient": None}, "bad-header"),
        ({"PixelSpacing": [0.9, 0.9]}, "bad-header"),
    ],
)
def test_a_series_without_even_places_is_refused(tmp_path, write, decoder, changes, code):
    for number in range(3):
        write(number)
    write(3, **changes)
    assert refused(tmp_path, decoder).code == code


def test_what_is_no_ct_is_refused(tmp_path, write, decoder):
    assert refused(tmp_path / "no", decoder).code == "missing"
    write(0, Modality="MR")
    (tmp_path / "notes.txt").write_text("nothing")
    assert refused(tmp_path, decoder).code == "not-ct"
    write(1)
    assert refused(tmp_path, decoder).code == "uneven-slices"


def test_a_slice_that_is_damaged_is_refused_when_it_is_read(tmp_path, write, decoder):
    paths = [write(number) for number in range(3)]
    paths[1].write_bytes(paths[1].read_bytes()[:-500])
    volume = open_ct(tmp_path, decoder=decoder)
    assert volume.box(slice(0, 1), slice(None), slice(None)).shape == (1, 128, 160)
    with pytest.raises(RefusedError) as caught:
        volume.image()
    assert caught.value.code == "truncated"


@pytest.mark.data
def test_a_real_series(real, tmp_path, decoder):
    folder = real / "ct-series" / "dicom"
    if not folder.is_dir():
        pytest.skip("no real CT series")
    volume = open_ct(folder, decoder=decoder)
    assert volume.grid.shape == (30, 512, 512)
    assert volume.notes == ("slice thickness 8 mm",)
    whole = volume.image().pixels
    assert -1024 <= whole.min() < -1000
    inside = whole[15, 200:312, 100:412]
    assert -900 < np.median(inside[inside < -500]) < -700  # lung
    for name in ("1-04.dcm", "1-11.dcm"):
        shutil.copy(folder / name, tmp_path / f"b{name}")
    for file in folder.iterdir():
        if file.name not in ("1-12.dcm",):
            shutil.copy(file, tmp_path / file.name)
    spoilt = open_ct(tmp_path, decoder=decoder)
    assert spoilt.notes[:2] == ("2 duplicate slices left out", "1 missing slices")


@pytest.mark.data
def test_one_real_slice_in_many_syntaxes(real, decoder):
    names = ("REF__CT1_UNC", "J2KR__CT1_J2KR", "RLE__CT1_RLE", "JPLL__CT1_JPLL", "JLSL__CT1_JLSL")
    found = [
        decoder.ask(str(real / "dicom" / f"wg04__{name}.dcm"), "slice").pixels for name in names
    ]
    assert all(np.array_equal(found[0], other) for other in found[1:])
