from __future__ import annotations

import os
import time

import pytest
from tests.io.slices import ct_slice

from konio.io import Decoder, discover

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\2\0\0\0\2\0\x08\0\0\0\0"
MASK = PNG[:24] + b"\x01" + PNG[25:]
DICOM = bytes(128) + b"DICM"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b").mkdir()
    for name, data in {
        "z.png": PNG, "a.txt": b"text", "film": DICOM, "empty.dcm": b"", "words.jpg": b"words", "mask.png": MASK,
        "DICOMDIR": DICOM, "b/inner.dcm": DICOM, "b/table.csv": b"a,b",
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(data)
    return tmp_path


def names(inputs, folder):
    return [os.path.relpath(path, folder) for path in inputs.paths]


def test_a_directory_gives_its_films_by_name_and_counts_the_rest(folder):
    found = discover([folder])
    assert names(found, folder) == ["empty.dcm", "film", "words.jpg", "z.png", "b/inner.dcm"]
    assert (found.skipped, found.duplicates) == (4, 0)


def test_what_is_named_is_always_an_input(folder):
    paths = [folder / "a.txt", folder / "mask.png", folder / "none", folder / "DICOMDIR"]
    assert discover(paths).paths == tuple(map(str, paths))


def test_a_path_is_given_back_as_it_was_written(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert discover(["./film", "b"]).paths == ("./film", "b/inner.dcm")


def test_a_file_is_an_input_once(folder):
    (folder / "again.dcm").symlink_to(folder / "film")
    os.link(folder / "film", folder / "b" / "hard.dcm")
    found = discover([folder / "film", folder, folder, folder / "b"])
    assert names(found, folder) == ["film", "empty.dcm", "words.jpg", "z.png", "b/inner.dcm"]
    assert found.duplicates == 3


def test_links_in_a_circle_end(folder):
    (folder / "b" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "b" / "self").symlink_to(folder / "b" / "self")
    found = discover([folder])
    assert names(found, folder) == [
        "empty.dcm",
        "film",
        "words.jpg",
        "z.png",
        "b/inner.dcm",
        "b/self",
    ]


def test_what_cannot_be_opened_is_not_lost(folder, monkeypatch):
    (folder / "broken.dcm").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe")
    assert "broken.dcm" in names(discover([folder]), folder)
    assert "pipe" not in names(discover([folder]), folder)

    def refuse(*_, **__):
        raise PermissionError

    from konio.io import inputs

    monkeypatch.setattr(inputs.Path, "open", refuse)
    assert "a.txt" in names(discover([folder]), folder)
    monkeypatch.setattr(inputs.Path, "iterdir", refuse)
    assert discover([folder]).paths == (str(folder),)


def ct_head(uid: bytes = b"1.2.840.10008.5.1.4.1.1.2\0") -> bytes:
    """The start of a DICOM file that says what it holds."""
    length = len(uid).to_bytes(2, "little")
    first = b"\x02\x00\x00\x00UL\x04\x00\x64\0\0\0" + b"\x02\x00\x01\x00OB\0\0\x02\0\0\0\0\x01"
    return DICOM + first + b"\x02\x00\x02\x00UI" + length + uid + b"\x02\x00\x03\x00UI"


def test_a_scan_is_one_input_however_many_slices_it_has(folder):
    (folder / "ct").mkdir()
    for number in range(5):
        (folder / "ct" / f"{number}.dcm").write_bytes(ct_slice(number))
    (folder / "ct" / "scout.png").write_bytes(PNG)
    (folder / "scan.mhd").write_bytes(b"ObjectType = Image")
    (folder / "scan.raw").write_bytes(b"\0\0")
    found = discover([folder])
    films = ["empty.dcm", "film", "words.jpg", "z.png", "b/inner.dcm", "ct/scout.png"]
    assert sorted(names(found, folder)) == sorted(["ct", "scan.mhd", *films])
    assert [os.path.relpath(path, folder) for path in found.scans] == ["scan.mhd", "ct"]
    assert (found.skipped, found.duplicates, found.slices) == (5, 0, 5)
    again = discover([folder / "ct", folder])
    assert again.paths.count(str(folder / "ct")) == 1 and again.duplicates == 0
    # A slice that is named is that file, as everything that is named.
    assert discover([folder / "ct" / "1.dcm"]).paths == (str(folder / "ct" / "1.dcm"),)


def test_slices_that_make_no_scan_hide_nothing_of_their_folder(tmp_path):
    stray = {f"stray-{n}.dcm": ct_slice(n, f"1.2.3.{n}") for n in range(4)}
    copies = {f"copy-{n}.dcm": ct_slice(n, "1.2.4", place=1) for n in range(4)}
    pair = {f"pair-{n}.dcm": ct_slice(n, "1.2.5") for n in range(2)}
    broken = {"broken.dcm": ct_head()}
    films = {"film.png": PNG, "film.dcm": DICOM}
    alone = {**stray, **copies, **pair, **broken, **films}
    for name, data in alone.items():
        (tmp_path / name).write_bytes(data)
    found = discover([tmp_path])
    assert names(found, tmp_path) == sorted(alone)
    assert (found.scans, found.slices, found.skipped) == ((), 0, 0)
    for number in range(3):
        (tmp_path / f"series-{number}.dcm").write_bytes(ct_slice(number))
    found = discover([tmp_path])
    assert sorted(names(found, tmp_path)) == sorted([".", *alone])
    assert (found.scans, found.slices) == ((str(tmp_path),), 3)


def test_the_folder_one_stands_in_has_a_name(tmp_path, monkeypatch):
    for number in range(3):
        (tmp_path / f"{number}.dcm").write_bytes(ct_slice(number))
    monkeypatch.chdir(tmp_path)
    # A decoder of its own: the shared one may have been started in another folder.
    with Decoder() as own:
        monkeypatch.setattr("konio.io.decoder._default", own)
        assert discover(["."]).paths == (".",)


@pytest.mark.parametrize(
    ("head", "ct"),
    [
        (ct_head(), True),
        (ct_head(b"1.2.840.10008.5.1.4.1.1.2.1\0"), True),
        (ct_head(b"1.2.840.10008.5.1.4.1.1.1.1\0"), False),
        (ct_head()[: len(DICOM) + 30], False),
        (ct_head()[128:], False),
        (b"", False),
    ],
)
def test_ct_is_told_by_the_meta_information(head, ct):
    from konio.io.magic import is_ct_slice

    assert is_ct_slice(head) is ct


def test_ten_thousand_mixed_files(tmp_path):
    for i in range(10_000):
        (tmp_path / f"{i:05d}").write_bytes((DICOM, PNG, b"text", b"")[i % 4])
    begun = time.monotonic()
    found = discover([tmp_path])
    assert time.monotonic() - begun < 10
    assert (len(found.paths), found.skipped) == (5000, 5000)
    assert list(found.paths) == sorted(found.paths)
