"""Files appear whole or not at all; what fails says the file, the reason and the remedy."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konio.errors import OutputError
from konio.report import files


class Full(io.FileIO):
    """A file on a disk without space after ten bytes."""

    def write(self, content) -> int:
        if self.tell() >= 10:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(bytes(content)[:10])


def test_bytes_come_back(tmp_path: Path) -> None:
    path = files.write_bytes(tmp_path / "a.bin", b"123")
    assert path.read_bytes() == b"123"
    files.write_text(path, "尘\udcff")
    assert path.read_bytes() == "尘".encode() + b"\xff"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_what_stood_there_stays_if_the_disk_is_full(tmp_path: Path, monkeypatch) -> None:
    path = files.write_bytes(tmp_path / "a.bin", b"old")
    monkeypatch.setattr(
        files.os, "fdopen", lambda handle, mode: io.BufferedWriter(Full(handle, "wb"))
    )
    with pytest.raises(OutputError, match=r"a\.bin .*disk is full.*free some space"):
        files.write_bytes(path, b"new and longer than ten bytes")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_no_half_line_stays_if_the_disk_is_full(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "lines"
    files.append_line(path, "one")
    with monkeypatch.context() as patch:
        patch.setattr(files.Path, "open", lambda self, mode, buffering: Full(str(self), "ab"))
        with pytest.raises(OutputError, match="disk is full"):
            files.append_line(path, "a line of more than ten bytes")
    assert path.read_bytes() == b"one\n"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("x")
    with pytest.raises(OutputError, match="choose another folder"):
        files.make_folder(in_the_way / "below")
    with pytest.raises(OutputError, match="file"):
        files.make_folder(in_the_way)
    with pytest.raises(OutputError):
        files.write_bytes(tmp_path / "absent" / "a", b"")


def test_a_read_only_folder_is_said(tmp_path: Path, monkeypatch) -> None:
    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(files.tempfile, "mkstemp", refuse)
    with pytest.raises(OutputError, match=r"read-only.*--out"):
        files.write_bytes(tmp_path / "a", b"")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/films/a.dcm", "a"),
        ("a.b.dcm", "a.b"),
        ("1.2.840.113619", "1.2.840.113619"),
        ("张三.png", "张三"),
        ("../..", "film"),
        ("film\n<script>.dcm", "film-script"),
        ("/films/", "films"),
    ],
)
def test_plain_names(path: str, name: str) -> None:
    assert files.plain_name(path) == name


@given(st.text(st.characters(exclude_characters="\x00")))
def test_a_plain_name_is_always_one_safe_part_of_a_path(path: str) -> None:
    name = files.plain_name(path)
    assert name
    assert not set(name) & set("/\\\n\r\t \"'<>&")
    assert not name.startswith((".", "-"))
    assert len(name) <= 80
