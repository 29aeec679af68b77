"""``konio assess``: lines, JSON lines and pages; refusals, pipes, disks; nothing lost of the other inputs."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.io.slices import ct_slice
from tests.io.test_real_files import READ

from konio.errors import OutputError
from konio.report import files as files_module
from konio.report import folder as folder_module

pytestmark = pytest.mark.usefixtures("drawn_lungs")


def test_json_lines_go_to_standard_output_and_counts_to_standard_error(
    konio, tiny, made_up_films, tmp_path
) -> None:
    (tmp_path / "empty.dcm").touch()
    result = konio(
        "assess", made_up_films[0], tmp_path / "empty.dcm", made_up_films[1],
        "--model", tiny, "--format", "json",
    )  # fmt: skip
    assert result.status == 1
    assert [line["status"] for line in result.lines] == ["assessed", "refused", "assessed"]
    assert result.err.splitlines()[-1] == "2 assessed, 1 failed"
    assert f"{tmp_path / 'empty.dcm'}: refused [empty]: the file holds no bytes" in result.err


def test_a_ct_scan_is_one_case_that_asks_for_a_place(konio, tiny, made_up_films, tmp_path) -> None:
    from konio.io import Grid, write_mhd

    shape = (4, 8, 8)
    write_mhd(tmp_path / "scan.mhd", np.zeros(shape, np.int16), Grid(shape, (0.0,) * 3, (1.0,) * 3))
    (tmp_path / "film.dcm").symlink_to(made_up_films[0])
    result = konio("assess", tmp_path, "--model", tiny, "--format", "json")
    assert result.status == 1
    assert [line["status"] for line in result.lines] == ["assessed", "refused"]
    assert result.lines[1]["refusal"]["code"] == "scan-without-place"
    assert "refused [scan-without-place]: this is a CT scan" in result.err
    assert "--at X,Y,Z" in result.err


def test_every_file_of_a_mixed_folder_is_accounted_for(
    konio, tiny, made_up_films, tmp_path
) -> None:
    alone = {
        "film.dcm": made_up_films[0].read_bytes(),
        "empty.dcm": b"",
        "slice-1.dcm": ct_slice(1, "1.2.3.1"),
        "slice-2.dcm": ct_slice(2, "1.2.3.2"),
    }
    for name, data in alone.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "notes.txt").write_text("a note")
    (tmp_path / "ct").mkdir()
    for number in range(4):
        (tmp_path / "ct" / f"{number}.dcm").write_bytes(ct_slice(number))
    result = konio("assess", tmp_path, "--model", tiny, "--format", "json")
    said = {Path(line["input"]["path"]).name: line for line in result.lines}
    assert set(said) == {*alone, "ct"}
    assert said["film.dcm"]["status"] == "assessed"
    assert said["slice-1.dcm"]["refusal"]["code"] == "not-radiograph"
    scan = said["ct"]["refusal"]
    assert (scan["code"], "4 files of 1 series" in scan["reason"]) == ("scan-without-place", True)
    assert "1 file in folders is no image" in result.err
    assert result.err.splitlines()[-1] == "1 assessed, 4 failed"


@pytest.mark.data
def test_every_sample_file_is_accounted_for(konio, tiny, real) -> None:
    folder = real / "dicom"
    if not folder.is_dir():
        pytest.skip("no sample DICOM files")
    result = konio("assess", folder, "--model", tiny, "--format", "json")
    said = {Path(line["input"]["path"]).name: line for line in result.lines}
    assert set(said) == {path.name for path in folder.iterdir()} - {"manifest.csv"}
    for name, line in said.items():
        assert line["status"] == "assessed" or line["refusal"]["code"], name
    assert {name for name, line in said.items() if line["status"] == "assessed"} <= set(READ)
    done = sum(line["status"] == "assessed" for line in said.values())
    assert f"{done} assessed, {len(said) - done} failed" in result.err


def test_without_options_answers_are_lines_to_read(konio, tiny, made_up_films) -> None:
    result = konio("assess", made_up_films[0], "--model", tiny)
    assert result.status == 0
    line, counts = result.out.splitlines()
    assert line.startswith(f"{made_up_films[0]}: ")
    assert "%" in line
    assert counts == "1 assessed, 0 failed"
    assert result.err == ""


def test_chinese(konio, tiny, made_up_films, tmp_path) -> None:
    result = konio(
        "assess", made_up_films[0], tmp_path / "missing.dcm", "--model", tiny,
        "--out", tmp_path / "out", "--lang", "zh",
    )  # fmt: skip
    assert "已评估 1，失败 1" in result.out.splitlines()[-1]
    assert "拒绝 [missing]: 文件不存在" in result.err
    (tmp_path / "notes.txt").write_text("a note")
    (tmp_path / "words.png").write_bytes(b"words")
    folder = konio("assess", tmp_path, "--model", tiny, "--lang", "zh")
    assert "文件夹中有 " in folder.err and "已略过" in folder.err
    (line,) = (line for line in folder.err.splitlines() if "words.png" in line)
    assert line.endswith("（依据文件开头的字节），请提供图像文件")
    assert 'data-lang="zh"' in (tmp_path / "out" / "index.html").read_text("utf-8")


def test_what_is_left_out_is_counted_in_the_right_number() -> None:
    from konio.cli.assess import _left_out
    from konio.io import Inputs

    assert list(_left_out(Inputs((), 1, 1), "en")) == [
        "1 file in folders is no image and was passed over",
        "1 file was named twice and read once",
    ]
    assert list(_left_out(Inputs((), 2, 3), "en")) == [
        "2 files in folders are no images and were passed over",
        "3 files were named twice and read once",
    ]
    assert list(_left_out(Inputs(()), "zh")) == []


def test_pages_without_a_folder_are_asked_where_to_go(konio, tiny, made_up_films) -> None:
    result = konio("assess", made_up_films[0], "--model", tiny, "--format", "json,page")
    assert result.status == 2
    assert "page is written as files; say where with --out DIR" in result.err


def test_a_folder_gets_pages_and_a_list(konio, tiny, made_up_films, tmp_path) -> None:
    result = konio(
        "assess", made_up_films[0].parent, "--model", tiny, "--out", tmp_path, "--format", "json,page,dicom",
    )  # fmt: skip
    assert result.status == 0
    names = {entry.name for entry in tmp_path.iterdir()}
    for film in made_up_films:
        assert names >= {
            f"{film.stem}{ending}"
            for ending in (".html", ".json", "-heatmap.png", "-sr.dcm", "-overlay.dcm")
        }
    assert names >= {"index.html", "assessments.jsonl"}
    assert not [name for name in names if name.startswith(".")]


def test_json_alone_with_a_folder_is_both_piped_and_kept(
    konio, tiny, made_up_films, tmp_path
) -> None:
    result = konio(
        "assess", made_up_films[0], "--model", tiny, "--out", tmp_path, "--format", "json"
    )
    (line,) = result.lines
    assert line["files"] == {"json": str(tmp_path / f"{made_up_films[0].stem}.json")}


def test_ten_thousand_mixed_files(konio, tiny, made_up_films, tmp_path) -> None:
    folder = tmp_path / "mixed"
    for number in range(10_000):
        place = folder / f"{number // 1000}"
        place.mkdir(parents=True, exist_ok=True)
        name, content = (
            (f"{number}.txt", b"a note"),
            (f"{number}.csv", b"a,b\n1,2\n"),
            (f"{number}", os.urandom(64)),
            (f"{number}.html", b"<html>"),
        )[number % 4]
        (place / name).write_bytes(content)
    (folder / "3" / "empty.dcm").touch()
    (folder / "5" / "film.dcm").write_bytes(made_up_films[0].read_bytes())
    (folder / "7" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    start = time.process_time()
    result = konio("assess", folder, "--model", tiny, "--format", "json")
    assert time.process_time() - start < 20
    found = {Path(line["input"]["path"]).name: line["status"] for line in result.lines}
    assert found == {"empty.dcm": "refused", "film.dcm": "assessed", "broken.png": "refused"}
    assert result.err.splitlines()[-1] == "1 assessed, 2 failed"
    assert "10000 files in folders are no images and were passed over" in result.err


def test_an_empty_folder_is_a_failure(konio, tiny, tmp_path) -> None:
    result = konio("assess", tmp_path, "--model", tiny)
    assert result.status == 1
    assert "0 assessed, 0 failed" in result.out


def test_a_folder_that_cannot_be_written_ends_with_1_before_any_work(
    konio, tiny, made_up_films, monkeypatch, tmp_path
) -> None:
    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(files_module.tempfile, "mkstemp", refuse)
    result = konio("assess", made_up_films[0], "--model", tiny, "--out", tmp_path / "out")
    assert result.status == 1
    assert "read-only" in result.err
    assert result.out == ""


def test_a_disk_that_fills_up_loses_nothing_of_the_others(
    konio, tiny, made_up_films, monkeypatch, tmp_path
) -> None:
    write = files_module.write_bytes

    def full(path: Path, content: bytes) -> Path:
        if path.name.startswith(made_up_films[1].stem):
            raise OutputError(f"{path} could not be written: the disk is full; free some space")
        return write(path, content)

    monkeypatch.setattr(files_module, "write_bytes", full)
    monkeypatch.setattr(folder_module, "write_bytes", full)
    result = konio(
        "assess", *made_up_films, "--model", tiny, "--out", tmp_path, "--format", "json,page"
    )
    assert result.status == 1
    assert result.out.splitlines()[-1] == "2 assessed, 1 failed"
    assert "disk is full" in result.err
    assert (tmp_path / f"{made_up_films[2].stem}.html").exists()
    assert (tmp_path / "index.html").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output_is_one_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "konio.cli", "--version"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_early_is_no_error_to_complain_about(tiny, made_up_films) -> None:
    script = (
        "import dataclasses, sys, konio.modality as m\n"
        "from konio.errors import RefusedError\n"
        "def no(image, locator): raise RefusedError('no-lungs')\n"
        "m.RADIOGRAPH = dataclasses.replace(m.RADIOGRAPH, load_locator=lambda n, d: None, locate=no)\n"
        "from konio.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    words = ["assess", *map(str, made_up_films * 3), "--model", str(tiny), "--format", "json"]
    with subprocess.Popen(
        [sys.executable, "-c", script, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read().decode()
        assert process.wait(120) != 0
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--engine", "slurm"], "use one of local, ray"),
        (["--address", "auto"], "give --engine ray with it"),
        (["--workers", "2", "--at=1,2,3"], "leave --engine, --workers and --address out"),
    ],
)
def test_places_to_work_that_do_not_fit_are_told(konio, tmp_path, words, said) -> None:
    result = konio("assess", tmp_path, *words)
    assert result.status == 2
    assert said in result.err
