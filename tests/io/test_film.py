from __future__ import annotations

import errno
import io
import os
import tracemalloc
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from konio.errors import REFUSALS, RefusedError
from konio.io import film, sizes
from konio.io.dicom import read_dicom
from konio.io.magic import sniff


def opened(path):
    return film.open_film(str(path), lambda size: memoryview(bytearray(size)))


def code_of(path):
    with pytest.raises(RefusedError) as refused:
        opened(path)
    return refused.value.code


def saved(picture, form, **options):
    target = io.BytesIO()
    picture.save(target, form, **options)
    return target.getvalue()


def rasters(chest):
    grey = np.rint(chest() * 255).astype(np.uint8)
    picture = Pillow.fromarray(grey)
    wide = np.rint(chest() * 65535).astype(np.uint16)
    return {
        "png-8": (saved(picture, "PNG"), 1 / 500),
        "png-16": (imagecodecs.png_encode(wide), 1e-4),
        "png-palette": (saved(picture.convert("P"), "PNG"), 1 / 500),
        "png-rgb": (saved(picture.convert("RGB"), "PNG"), 1 / 500),
        "png-rgba": (saved(picture.convert("RGBA"), "PNG"), 1 / 500),
        "png-grey-alpha": (saved(picture.convert("LA"), "PNG"), 1 / 500),
        "jpeg-grey": (saved(picture, "JPEG", quality=98), 0.02),
        "jpeg-rgb": (saved(picture.convert("RGB"), "JPEG", quality=98), 0.02),
        "jpeg-progressive": (saved(picture, "JPEG", quality=98, progressive=True), 0.02),
    }


FORMS = (
    "png-8", "png-16", "png-palette", "png-rgb", "png-rgba", "png-grey-alpha", "jpeg-grey", "jpeg-rgb",
    "jpeg-progressive",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_pictures_of_every_form_are_the_same_film(chest, tmp_path, form):
    data, tolerance = rasters(chest)[form]
    path = tmp_path / "film"
    path.write_bytes(data)
    found = opened(path)
    np.testing.assert_allclose(found.pixels, chest(), atol=tolerance + 1e-6)
    assert found.stored.format == form.partition("-")[0]
    assert found.stored.spacing_mm is None


@pytest.mark.parametrize("name", ["film.png", "film.txt", "film", "影像.jpg", "a\nb.dcm"])
def test_the_name_says_nothing_about_the_format(film_file, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(film_file.read_bytes())
    assert opened(path).stored.format == "dicom"


def test_a_name_that_is_no_text(film_file, tmp_path):
    from konio.io import read

    path = os.fsencode(tmp_path) + b"/\xff\xfe.dcm"
    Path(os.fsdecode(path)).write_bytes(film_file.read_bytes())
    assert read(os.fsdecode(path)).kind == "radiograph"


def test_dicom_without_preamble(dicom, chest, tmp_path):
    data = dicom((chest() * 4095).astype(np.uint16), bits=12)
    path = tmp_path / "film.dcm"
    path.write_bytes(data[132:])
    assert opened(path).stored.format == "dicom"


def test_a_jpeg_is_turned_as_its_exif_says(chest, tmp_path):
    upright = Pillow.fromarray((chest() * 255).astype(np.uint8))
    exif = Pillow.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    path = tmp_path / "film.jpg"
    path.write_bytes(saved(upright.rotate(90, expand=True), "JPEG", quality=98, exif=exif))
    found = opened(path)
    np.testing.assert_allclose(found.pixels, chest(), atol=0.03)
    assert "turned as its EXIF says" in found.stored.notes


def test_colour_photographs_and_masks_are_no_radiographs(chest, tmp_path):
    grey = (chest() * 255).astype(np.uint8)
    red = np.stack([grey, grey // 2, grey // 4], axis=-1)
    zones = np.zeros_like(grey)
    zones[40:150, 20:140] = 3
    for form, picture in (
        ("PNG", Pillow.fromarray(red)),
        ("JPEG", Pillow.fromarray(red)),
        ("PNG", Pillow.fromarray(grey > 90)),
        ("PNG", Pillow.fromarray(grey // 64 * 64)),
    ):
        path = tmp_path / "film"
        path.write_bytes(saved(picture, form))
        assert code_of(path) == "not-radiograph"
    path.write_bytes(saved(Pillow.fromarray(zones), "PNG"))
    assert code_of(path) in ("blank", "not-radiograph")


def test_several_pictures_in_one_file(chest, tmp_path):
    pictures = [Pillow.fromarray((chest(seed=i) * 255).astype(np.uint8)) for i in range(2)]
    path = tmp_path / "film.png"
    path.write_bytes(saved(pictures[0], "PNG", save_all=True, append_images=pictures[1:]))
    assert code_of(path) == "several-frames"


def test_what_is_no_file_or_no_image(tmp_path, film_file):
    (tmp_path / "empty.dcm").touch()
    (tmp_path / "text.dcm").write_text("Image Index,Finding Labels\n" * 30)
    (tmp_path / "short.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "link.dcm").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    expected = {
        "none.dcm": "missing", "empty.dcm": "empty", "text.dcm": "not-an-image", "short.png": "decode-failed",
        "link.dcm": "missing", "loop": "unreadable", "pipe": "unreadable", ".": "unreadable", "a\0b": "unreadable",
    }  # fmt: skip
    assert {name: code_of(tmp_path / name) for name in expected} == expected


def test_a_file_that_may_not_be_opened(monkeypatch, film_file):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied", str(film_file))

    monkeypatch.setattr(film.os, "open", refuse)
    with pytest.raises(RefusedError, match="Permission denied") as refused:
        opened(film_file)
    assert refused.value.code == "unreadable"
    assert str(film_file) not in str(refused.value)


def test_files_above_the_limit_are_not_looked_at(monkeypatch, film_file):
    monkeypatch.setattr(film, "MAX_FILE_BYTES", 1000)
    assert code_of(film_file) == "too-large"


def test_large_pictures_are_refused_by_their_header(tmp_path):
    side = int(sizes.MAX_PIXELS**0.5) + 1
    start = saved(Pillow.new("L", (8, 8)), "PNG")
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path = tmp_path / "film.png"
    path.write_bytes(
        start[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + start[33:]
    )
    assert code_of(path) == "too-large"


@pytest.mark.parametrize(
    "syntax",
    [
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.4.70",
        "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.1.2.5",
    ],
)
def test_cut_dicom_files_are_refused_wherever_they_are_cut(dicom, chest, tmp_path, syntax):
    data = dicom((chest() * 4095).astype(np.uint16), syntax, 12)
    path = tmp_path / "film.dcm"
    for part in np.linspace(0.002, 0.995, 40):
        path.write_bytes(data[: int(part * len(data))])
        assert code_of(path) in {
            "truncated",
            "bad-header",
            "no-pixels",
            "not-an-image",
            "not-radiograph",
            "decode-failed",
        }
    path.write_bytes(data[: len(data) * 9 // 10])
    assert code_of(path) in ("truncated", "bad-header")


@pytest.mark.parametrize("form", ["png-8", "png-16", "jpeg-grey"])
def test_cut_pictures_are_refused_wherever_they_are_cut(chest, tmp_path, form):
    data, _ = rasters(chest)[form]
    path = tmp_path / "film"
    for part in np.linspace(0.002, 0.97, 30):
        path.write_bytes(data[: int(part * len(data))])
        assert code_of(path) in {"truncated", "decode-failed", "not-an-image"}
    path.write_bytes(data[: len(data) // 2])
    assert code_of(path) == "truncated"


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    places=st.lists(st.integers(0, 1400), min_size=1, max_size=8),
    values=st.binary(min_size=8, max_size=8),
)
def test_a_damaged_header_is_read_or_refused_and_nothing_else(film_file, tmp_path, places, values):
    data = bytearray(film_file.read_bytes())
    for place, value in zip(places, values, strict=False):
        data[place] = value
    path = tmp_path / "film.dcm"
    path.write_bytes(data)
    try:
        pixels = opened(path).pixels
    except RefusedError as refused:
        assert refused.code in REFUSALS
    else:
        assert 0 <= pixels.min() <= pixels.max() <= 1


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"", None),
        (b"\x08\x00", None),
        (bytes(132), None),
        (bytes(128) + b"DICM", "dicom"),
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"GIF89a" + bytes(140), None),
        (b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100", "dicom"),
        (b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100", "dicom"),
    ],
)
def test_formats_are_told_by_their_first_bytes(head, expected):
    assert sniff(head) == expected


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_a_negative_png_or_jpeg_is_refused_without_a_word_of_headers(tmp_path, chest, form):
    path = tmp_path / f"film.{form}"
    Pillow.fromarray(((1 - chest()) * 255).astype(np.uint8)).save(path, form)
    assert code_of(path) == "negative"


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"]
)
def test_a_file_that_ends_inside_its_header_is_cut_and_not_without_pixels(
    tmp_path, dicom, chest, syntax
):
    whole = dicom((chest() * 4095).astype(np.uint16), syntax, 12, PatientComments="x" * 3000)
    path = tmp_path / "film.dcm"
    path.write_bytes(whole[: whole.index(b"xxx") + 1500])
    assert code_of(path) == "truncated"
    path.write_bytes(dicom((chest() * 4095).astype(np.uint16), syntax, 12, PixelData=None))
    assert code_of(path) == "no-pixels"


def test_a_deflated_film_costs_little_more_than_its_pixels(dicom):
    noise = np.random.default_rng(0).integers(0, 4096, (1000, 1000)).astype(np.uint16)
    whole = dicom(noise, "1.2.840.10008.1.2.1.99", 12)
    tracemalloc.start()
    try:
        stored = read_dicom(whole)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.array_equal(stored.words, noise)
    assert peak < 1.5 * noise.nbytes


@pytest.mark.parametrize("left", [0.9, 0.5])
def test_a_deflated_film_that_is_cut_says_so(tmp_path, dicom, chest, left):
    whole = dicom((chest() * 4095).astype(np.uint16), "1.2.840.10008.1.2.1.99", 12)
    path = tmp_path / "film.dcm"
    path.write_bytes(whole[: int(left * len(whole))])
    assert code_of(path) == "truncated"
