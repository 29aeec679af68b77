"""`konio.read` reads whatever image a path holds: a film, an MHD file, a series by its folder or by one of its slices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from pydicom.uid import CTImageStorage

import konio
from konio.errors import RefusedError
from konio.io import Grid, read_many, write_mhd

SERIES = "1.2.826.0.1.3680043.8.498.7"


@pytest.fixture
def scan(tmp_path) -> tuple[Path, np.ndarray]:
    pixels = np.random.default_rng(1).integers(-1000, 400, (6, 20, 24)).astype(np.int16)
    path = tmp_path / "scan.mhd"
    write_mhd(path, pixels, Grid(pixels.shape, (-9.0, -8.0, -50.0), (0.7, 0.8, 2.0)))
    return path, pixels


@pytest.fixture
def series(tmp_path, dicom) -> Path:
    folder = tmp_path / "series"
    folder.mkdir()
    for number in range(4):
        words = np.full((128, 160), 100 * number, np.uint16)
        elements = {
            "SOPClassUID": CTImageStorage,
            "Modality": "CT",
            "SeriesInstanceUID": SERIES,
            "SOPInstanceUID": f"{SERIES}.{number}",
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "ImagePositionPatient": [-50.0, -40.0, -100.0 + 2 * number],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "PixelSpacing": [0.8, 0.7],
            "SliceThickness": "2",
            "RescaleSlope": "1",
            "RescaleIntercept": "-1024",
            "ViewPosition": None,
        }
        data = dicom(words, "1.2.840.10008.1.2.1", bits=12, **elements)
        (folder / f"{3 - number}.dcm").write_bytes(data)
    return folder


def test_a_scan_is_read_whole_in_hounsfield_units(scan):
    path, pixels = scan
    image = konio.read(path)
    assert image.kind == "ct" and np.array_equal(image.pixels, pixels)
    assert image.spacing_mm == (2.0, 0.8, 0.7)
    assert image.source.format == "mhd" and len(image.source.sha256) == 64


def test_a_series_is_read_by_its_folder_and_by_a_slice(series):
    whole = konio.read(series)
    assert whole.kind == "ct" and whole.shape == (4, 128, 160)
    assert whole.pixels[:, 0, 0].tolist() == [-1024, -924, -824, -724]
    assert np.array_equal(konio.read(series / "2.dcm").pixels, whole.pixels)
    assert konio.discover([series]).scans == (str(series),)


def test_a_film_is_read_as_before_and_a_wrong_path_says_why(made_up_films, tmp_path):
    film = konio.read(made_up_films[0])
    assert film.kind == "radiograph" and film.pixels.dtype == np.float32
    with pytest.raises(RefusedError) as refused:
        konio.read(tmp_path)
    assert refused.value.code == "not-ct"
    with pytest.raises(RefusedError) as refused:
        konio.read(tmp_path / "none.mhd")
    assert refused.value.code == "missing"
    Picture.new("RGB", (300, 300), (200, 0, 0)).save(tmp_path / "photo.png")
    with pytest.raises(RefusedError) as refused:
        konio.read(tmp_path / "photo.png")
    assert refused.value.code != "not-ct"


def test_whoever_reads_films_is_told_that_a_scan_is_none(scan, series):
    read = dict(read_many([scan[0], series]))
    assert [refusal.code for refusal in read.values()] == ["scan-without-place"] * 2
    assert all("--at X,Y,Z" in refusal.reason for refusal in read.values())


def test_public_names_are_those_that_are_promised():
    promised = {"discover", "load", "open_ct", "read", "read_cohort", "Assessment", "Image"}
    assert promised <= set(konio.__all__) == set(dir(konio))
    assert all(getattr(konio, name) is not None for name in konio.__all__)
