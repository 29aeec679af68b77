from __future__ import annotations

import struct

import imagecodecs
import numpy as np
import pytest
from pydicom.encaps import encapsulate

from konio.errors import RefusedError
from konio.io.codecs import CODECS, UNCOMPRESSED, Frame, decode
from konio.io.dicom import read_dicom

LOSSLESS_EXTENDED = ("57", "70", "80", "90", "201", "202", "5")


def words_of(bits, shape=(130, 144)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    wave = 0.5 + 0.4 * np.sin(x / 9) * np.cos(y / 11)
    return np.rint(wave * ((1 << bits) - 1)).astype(np.uint8 if bits == 8 else np.uint16)


def frame_of(words):
    return Frame(*words.shape[:2], 1 if words.ndim == 2 else 3, words.dtype.itemsize * 8)


def test_every_codec_of_the_table_is_tested(encoders):
    assert set(encoders) == set(CODECS)
    assert not set(CODECS) & set(UNCOMPRESSED)


def depths_of(syntax):
    """Baseline JPEG has 8 bits, extended JPEG 12; the others take any."""
    return {"50": (8,), "51": (12,)}.get(syntax.rsplit(".", 1)[1], (8, 12, 16))


@pytest.mark.parametrize(
    ("syntax", "bits"), [(syntax, bits) for syntax in sorted(CODECS) for bits in depths_of(syntax)]
)
def test_what_is_encoded_is_decoded(encoders, syntax, bits):
    tail = syntax.rsplit(".", 1)[1]
    words = words_of(bits)
    pixels = decode(syntax, encoders[syntax](words, bits), frame_of(words))
    assert pixels.dtype == words.dtype
    worst = np.abs(pixels.astype(int) - words).max() / ((1 << bits) - 1)
    assert worst == 0 if tail in LOSSLESS_EXTENDED else worst < 0.02


@pytest.mark.parametrize("syntax", sorted(CODECS))
def test_a_picture_of_another_size_is_refused(encoders, syntax):
    words = words_of(12 if syntax.endswith(".51") else 8)
    data = encoders[syntax](words, 12 if words.dtype == np.uint16 else 8)
    with pytest.raises(RefusedError) as refused:
        decode(syntax, data, Frame(words.shape[0] + 2, words.shape[1], 1, words.dtype.itemsize * 8))
    assert refused.value.code in ("bad-header", "decode-failed")


@pytest.mark.parametrize("syntax", sorted(CODECS))
def test_noise_is_refused(syntax):
    noise = np.random.default_rng(3).bytes(3000)
    with pytest.raises(RefusedError) as refused:
        decode(syntax, noise, Frame(64, 64, 1, 16))
    assert refused.value.code == "decode-failed"


def test_no_bytes_are_truncated_and_unknown_syntaxes_are_named():
    with pytest.raises(RefusedError) as refused:
        decode("1.2.840.10008.1.2.5", b"", Frame(64, 64, 1, 16))
    assert refused.value.code == "truncated"
    with pytest.raises(RefusedError, match=r"1\.2\.840\.10008\.1\.2\.4\.100"):
        decode("1.2.840.10008.1.2.4.100", b"x", Frame(64, 64, 1, 16))
    with pytest.raises(RefusedError) as refused:
        decode("ZHANG SAN", b"x", Frame(64, 64, 1, 16))
    assert "ZHANG" not in str(refused.value)


def test_eight_bit_codec_in_sixteen_bit_words(dicom, chest):
    words = (chest() * 255).astype(np.uint8)
    item = encapsulate([imagecodecs.jpeg8_encode(words, lossless=True)])
    data = dicom(words.astype(np.uint16), "1.2.840.10008.1.2.4.70", 8, PixelData=item)
    assert np.array_equal(read_dicom(data).words, words)


@pytest.mark.parametrize("table", [False, True])
def test_fragments_are_joined(dicom, chest, table):
    words = (chest() * 4095).astype(np.uint16)
    code = imagecodecs.jpegls_encode(words)
    parts = [code[:1000], code[1000:1002], code[1002:]]
    parts[-1] += b"\0" * (len(parts[-1]) % 2)
    offsets = struct.pack("<I", 0) if table else b""
    items = b"".join(
        struct.pack("<HHI", 0xFFFE, 0xE000, len(part)) + part for part in [offsets, *parts]
    )
    data = dicom(
        words,
        "1.2.840.10008.1.2.4.80",
        12,
        PixelData=items + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0),
    )
    assert np.array_equal(read_dicom(data).words, words)


def test_grey_stored_as_colour_is_read_and_colour_is_refused(dicom, chest):
    grey = (chest() * 255).astype(np.uint8)
    triple = np.repeat(grey[..., None], 3, axis=-1)
    header = {"PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    assert np.array_equal(read_dicom(dicom(triple, **header)).words, grey)
    planes = {
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 1,
        "PixelData": triple.transpose(2, 0, 1).tobytes(),
    }
    assert np.array_equal(read_dicom(dicom(triple, **planes)).words, grey)
    luminance = triple.copy()
    luminance[..., 1:] = 128
    full = {"PhotometricInterpretation": "YBR_FULL", "PlanarConfiguration": 0}
    assert np.array_equal(read_dicom(dicom(luminance, **full)).words, grey)
    for tinted, form in (
        (triple // np.array([1, 2, 3], np.uint8), header),
        (luminance // np.array([1, 2, 1], np.uint8), full),
    ):
        with pytest.raises(RefusedError, match="coloured"):
            read_dicom(dicom(tinted.astype(np.uint8), **form))


def test_big_endian_bytes_stored_as_words(dicom, chest):
    words = (chest() * 255).astype(np.uint8)
    swapped = words.reshape(-1, 2)[:, ::-1].tobytes()
    data = dicom(words, "1.2.840.10008.1.2.2", PixelData=swapped)
    assert np.array_equal(read_dicom(data).words, words)
