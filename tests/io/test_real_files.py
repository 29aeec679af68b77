"""Every sample file either reads or is refused with the right code, quickly and within its memory."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from konio.errors import RefusedError
from konio.io import Decoder

pytestmark = pytest.mark.data

READ = {
    "chest_dx__1.2.276.0.7230010.3.1.4.8323329.6904.1517875201.850819.dcm": (
        (1024, 1024),
        (0.168, 0.168),
    ),
    "chest_dx__1.3.6.1.4.1.11129.5.5.110503645592756492463169821050252582267888.dcm": (
        (1024, 1024),
        None,
    ),
    "wg04__J2KI__RG1_J2KI.dcm": ((1955, 1841), None),
}
CODES = {
    "chest_dx__Fake_MONOHR1.dcm": "inverted",
    "fo_dicom__chrJapMulti.dcm": "no-pixels",
    "fo_dicom__CR-ModalitySequenceLUT.dcm": "inverted",  # a dental panorama, and white where air is
    "fo_dicom__GH179A.dcm": "no-pixels",
    "manifest.csv": "not-an-image",
    "orthanc__2026-05-26-oob-monochrome-65535.dcm": "too-large",
    "orthanc__DummyCTInvalidRows.dcm": "no-pixels",
    "orthanc__Issue168.dcm": "no-pixels",
    "orthanc__Issue22-NoPixelData.dcm": "no-pixels",
    "orthanc__TransferSyntaxes__1.2.840.10008.1.2.1.dcm": "too-small",
}  # everything else is CT, MR, US, NM, a limb, a test pattern or no modality at all


@pytest.fixture(scope="module")
def outcomes(real):
    folder = real / "dicom"
    if not folder.is_dir():
        pytest.skip("no sample DICOM files")
    found = {}
    with Decoder() as decoder:
        child = None
        for path in sorted(folder.iterdir()):
            begun = time.monotonic()
            try:
                found[path.name] = decoder.read(path)
            except RefusedError as refused:
                found[path.name] = refused
            child = psutil.Process(decoder._process.pid)
            assert time.monotonic() - begun < 5, path.name
            assert child.memory_info().rss < 500 * 2**20, path.name
    return found


def test_every_file_has_the_outcome_it_deserves(outcomes):
    for name, outcome in outcomes.items():
        if name in READ:
            shape, spacing = READ[name]
            assert outcome.shape == shape, name
            assert outcome.spacing_mm == (None if spacing is None else pytest.approx(spacing)), name
        else:
            assert isinstance(outcome, RefusedError), name
            assert outcome.code == CODES.get(name, "not-radiograph"), name


def test_the_manifest_is_covered(outcomes, real):
    with (real / "dicom" / "manifest.csv").open() as file:
        assert {row["file"] for row in csv.DictReader(file)} <= set(outcomes)


def test_a_header_that_lies_about_polarity_is_found(outcomes):
    assert "inverted" in str(outcomes["chest_dx__Fake_MONOHR1.dcm"])


def pixels_of(path: Path, monkeypatch):
    """Stored words with the admission switched off, so that pictures of other things exercise the codecs."""
    from konio.io import dicom

    monkeypatch.setattr(dicom.header, "admit", lambda dataset: ())
    return dicom.read_dicom(path.read_bytes())


@pytest.mark.parametrize(
    "name", ["J2KR__CT1_J2KR", "RLE__CT1_RLE", "JPLL__CT1_JPLL", "JLSL__CT1_JLSL", "JLSN__CT1_JLSN", "J2KI__CT1_J2KI"]
)  # fmt: skip
def test_one_slice_in_many_syntaxes_is_one_slice(real, monkeypatch, name):
    reference = pixels_of(real / "dicom" / "wg04__REF__CT1_UNC.dcm", monkeypatch)
    other = pixels_of(real / "dicom" / f"wg04__{name}.dcm", monkeypatch)
    expected, found = (film.depth.values()[film.words] for film in (reference, other))
    difference = np.abs(expected - found)
    lossless = name.split("__")[0] in ("J2KR", "RLE", "JPLL", "JLSL")
    assert difference.max() == 0 if lossless else difference.mean() < 40


def test_twelve_bit_jpeg_agrees_with_the_same_film_in_jpeg_2000(real, monkeypatch):
    first, second = (
        pixels_of(real / "dicom" / f"wg04__{name}.dcm", monkeypatch)
        for name in ("JPLY__RG3_JPLY", "J2KI__RG3_J2KI")
    )
    values = [film.depth.values()[film.words].astype(float) for film in (first, second)]
    assert np.abs(values[0] - values[1]).mean() < 5
