from __future__ import annotations

import itertools

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from konio.errors import RefusedError
from konio.io.canonical import Depth, Grayscale, Lut, Rescale, Window, canonical
from konio.io.dicom import read_dicom

BITS = (8, 10, 12, 14, 16)
MODALITIES = ("none", "rescale", "falling", "lut")
VOIS = ("none", "linear", "exact", "sigmoid", "lut")
SYNTAXES = {
    "1.2.840.10008.1.2": "implicit", "1.2.840.10008.1.2.1": "explicit", "1.2.840.10008.1.2.2": "big-endian",
    "1.2.840.10008.1.2.1.99": "deflated", "1.2.840.10008.1.2.5": "rle", "1.2.840.10008.1.2.4.57": "jpeg-lossless-4",
    "1.2.840.10008.1.2.4.70": "jpeg-lossless-1", "1.2.840.10008.1.2.4.80": "jpeg-ls",
    "1.2.840.10008.1.2.4.90": "jpeg-2000", "1.2.840.10008.1.2.4.201": "htj2k",
}  # fmt: skip


def lut_item(entries, first, bits, signed):
    item = Dataset()
    item.set_original_encoding(False, True)
    item.add_new("LUTDescriptor", "SS" if signed else "US", [len(entries) % 65536, first, bits])
    words = np.asarray(entries).astype("<u2")
    if len(words) < 5000:  # both forms that files have
        item.add_new("LUTData", "US", words.tolist())
    else:
        item.add_new("LUTData", "OW", words.tobytes())
    return item


def film_of(target, dicom, inverse, modality, voi, signed, bits, syntax="1.2.840.10008.1.2.1"):
    """A file whose canonical picture is `target`, made by running the chain backwards."""
    shown = 1 - target if inverse else target
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    header = {"PhotometricInterpretation": "MONOCHROME1" if inverse else "MONOCHROME2"}
    header["PresentationLUTShape"] = "INVERSE" if inverse else "IDENTITY"
    slope, intercept = {"rescale": (2.0, -100.0), "falling": (-1.0, 300.0)}.get(
        modality, (1.0, 0.0)
    )
    if modality in ("rescale", "falling"):
        header |= {"RescaleSlope": slope, "RescaleIntercept": intercept, "RescaleType": "US"}
    if modality == "lut":
        entries = np.arange(high - low, -1, -1)
        header["ModalityLUTSequence"] = [lut_item(entries, low, max(bits, 8), signed)]
        slope, intercept = -1.0, float(high)
    bottom, top = sorted((slope * low + intercept, slope * high + intercept))
    middle, width = (bottom + top) / 2, top - bottom
    inner = shown
    if voi == "linear":
        header |= {"WindowCenter": [middle + 0.5, 0], "WindowWidth": [width + 1, 1]}
    elif voi == "exact":
        header |= {"WindowCenter": middle, "WindowWidth": width, "VOILUTFunction": "LINEAR_EXACT"}
    elif voi == "sigmoid":
        header |= {"WindowCenter": middle, "WindowWidth": width / 2, "VOILUTFunction": "SIGMOID"}
        inner = 0.5 - np.log(1 / shown - 1) / 8
    elif voi == "lut":
        first = int(np.ceil(bottom))
        entries = np.rint(65535 * np.sqrt(np.linspace(0, 1, min(int(width) + 1, 65535))))
        header["VOILUTSequence"] = [lut_item(entries, first, 16, first < 0)]
        inner = shown**2 * (len(entries) - 1) / width
    values = np.rint((bottom + inner * width - intercept) / slope).clip(low, high)
    dtype = np.dtype(f"{'i' if signed else 'u'}{1 if bits == 8 else 2}")
    return dicom(values.astype(dtype), syntax, bits, **header)


def read_canonical(data):
    stored = read_dicom(data)
    return canonical(stored.words, stored.depth, stored.grayscale)


def possible(modality, voi, signed, bits):
    """Header forms that DICOM can hold: LUT inputs beyond 16 bits have no descriptor."""
    if voi != "lut":
        return True
    return not (bits == 16 and (modality == "rescale" or signed or modality == "falling"))


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("voi", VOIS)
@pytest.mark.parametrize("modality", MODALITIES)
def test_every_header_form_gives_the_same_picture(chest, dicom, modality, voi, bits):
    target = 0.12 + 0.8 * chest(
        128, 128
    )  # 0.16..0.88: where a sigmoid and a root are not too steep
    for inverse, signed in itertools.product((False, True), repeat=2):
        if not possible(modality, voi, signed, bits):
            continue
        pixels = read_canonical(film_of(target, dicom, inverse, modality, voi, signed, bits))
        assert pixels.dtype == np.float32
        np.testing.assert_allclose(pixels, target, atol=3.5 / (1 << bits) + 2e-5)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("syntax", SYNTAXES, ids=SYNTAXES.values())
def test_every_syntax_gives_the_same_picture(chest, dicom, syntax, bits):
    target = chest(128, 130)
    for inverse, signed in itertools.product((False, True), repeat=2):
        data = film_of(target, dicom, inverse, "rescale", "linear", signed, bits, syntax)
        np.testing.assert_allclose(read_canonical(data), target, atol=1.5 / (1 << bits) + 2e-5)


WINDOWS = [
    (c, w, f)
    for f in ("LINEAR", "LINEAR_EXACT", "SIGMOID")
    for c, w in [(0, 100), (40.5, 400), (-600, 1500), (10, 20)]
]


@pytest.mark.parametrize(("centre", "width", "function"), WINDOWS)
def test_windows_agree_with_pydicom(centre, width, function):
    header = Dataset()
    header.PhotometricInterpretation, header.PixelRepresentation, header.BitsStored = (
        "MONOCHROME2",
        1,
        12,
    )
    header.WindowCenter, header.WindowWidth, header.VOILUTFunction = centre, width, function
    values = np.arange(-2048, 2048).astype(np.float64)
    theirs = (
        apply_voi_lut(values, header) + 2048
    ) / 4095  # pydicom's output spans the stored range
    np.testing.assert_allclose(Window(centre, width, function)(values), theirs, atol=1e-9)


def test_window_of_width_one_is_a_step():
    assert Window(10, 1)(np.array([9.0, 9.5, 9.6, 10.0])).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("width", "function"),
    [(0, "LINEAR"), (0.5, "LINEAR"), (0, "SIGMOID"), (-1, "LINEAR_EXACT"), (np.nan, "LINEAR")],
)
def test_windows_that_cannot_be_are_refused(width, function):
    with pytest.raises(RefusedError, match="contradicts itself"):
        Window(0, width, function)


@pytest.mark.parametrize("first", [0, 100, 30000])
def test_tables_agree_with_pydicom_and_clamp_outside(first):
    entries = np.random.default_rng(1).integers(0, 65536, 500)
    header = Dataset()
    header.set_original_encoding(False, True)
    header.ModalityLUTSequence = [lut_item(entries, first, 16, False)]
    values = np.arange(0, 40000, 7)
    ours = Lut(entries.astype(float), first, 16)(values)
    assert np.array_equal(ours, apply_modality_lut(values, header))


def test_the_first_of_several_windows_counts(chest, dicom):
    words = (chest(128, 128) * 4095).astype(np.uint16)
    both = dicom(words, bits=12, WindowCenter=[2000, 100], WindowWidth=[3000, 50])
    one = dicom(words, bits=12, WindowCenter=2000, WindowWidth=3000)
    assert np.array_equal(read_canonical(both), read_canonical(one))


def test_a_table_comes_before_a_window(chest, dicom):
    words = (chest(128, 128) * 4095).astype(np.uint16)
    item = lut_item(np.arange(4096) // 2, 0, 12, False)
    data = dicom(words, bits=12, VOILUTSequence=[item], WindowCenter=100, WindowWidth=2)
    assert np.array_equal(
        read_canonical(data),
        canonical(words, Depth(16, 12, 11), Grayscale(voi=Lut(np.arange(4096.0) // 2, 0, 12))),
    )


def test_a_table_that_declares_too_many_bits_is_not_dark():
    assert Lut(np.arange(256.0), 0, 16).full_scale == 255
    assert Lut(np.arange(4096.0), 0, 16).full_scale == 4095
    assert Lut(np.arange(0, 65536, 16.0), 0, 16).full_scale == 65535


def test_without_voi_the_full_scale_counts_unless_little_of_it_is_used():
    depth = Depth(16, 16, 15)
    ramp = np.linspace(0, 65535, 10_000).astype(np.uint16).reshape(100, 100)
    np.testing.assert_allclose(canonical(ramp, depth, Grayscale()), ramp / 65535, atol=1e-6)
    dark = (ramp >> 4) + 500  # a 12-bit film in 16-bit words
    assert canonical(dark, depth, Grayscale()).min() == 0
    assert canonical(dark, depth, Grayscale()).max() == 1
    assert canonical(dark, depth, Grayscale(voi=Window(32768, 65536))).max() < 0.1


def test_foreign_bits_of_uncompressed_words_are_cleared_and_codec_overshoot_is_clipped():
    words = np.array([[0x7001, 0x0FFF], [0x1000, 0x0000]], np.uint16)
    assert Depth(16, 12, 11).values()[words].tolist() == [[1, 4095], [0, 0]]
    assert Depth(16, 12, 11, masked=False).values()[words].tolist() == [[4095, 4095], [4095, 0]]


def test_signed_words_of_codecs_may_or_may_not_be_extended():
    values = Depth(16, 12, 11, signed=True, masked=False).values()
    assert values[[0x0FFF, 0xFFFF, 0x0800, 0xF800, 0x07FF]].tolist() == [-1, -1, -2048, -2048, 2047]


def test_values_in_the_upper_bits_of_a_word():
    assert Depth(16, 12, 15).values()[[0xFFF0, 0x0010, 0x001F]].tolist() == [4095, 1, 1]


@pytest.mark.parametrize(
    ("allocated", "stored", "high"),
    [(12, 12, 11), (32, 16, 15), (16, 17, 16), (16, 0, 0), (16, 12, 10), (8, 8, 8)],
)
def test_depths_that_cannot_be_are_refused(allocated, stored, high):
    with pytest.raises(RefusedError, match="contradicts itself"):
        Depth(allocated, stored, high)


@pytest.mark.parametrize("slope", [0.0, np.nan, np.inf])
def test_slopes_that_cannot_be_are_refused(slope):
    with pytest.raises(RefusedError, match="contradicts itself"):
        Rescale(slope)
