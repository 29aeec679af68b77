from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import psutil
import pytest

from konio.errors import RefusedError, UsageError
from konio.io import Decoder, Limits, process, read, read_many, start
from konio.io.film import open_film


def misbehave(monkeypatch, statement):
    """Children started from here on do `statement` when they meet a PNG; other films they read."""
    boot = (
        "import os, signal, sys, time; sys.path.append({root!r})\n"
        "import numpy\n"
        "from types import MappingProxyType\n"
        "from konio.io import film\n"
        f"def bad(data):\n    {statement}\n"
        "film.READERS = MappingProxyType({{**film.READERS, 'png': bad}})\n"
        "from konio.io.child import main; main({arguments})"
    )
    monkeypatch.setattr(process, "_BOOT", boot)


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    return path


@pytest.fixture(scope="module")
def films(tmp_path_factory, chest, dicom):
    folder = tmp_path_factory.mktemp("films")
    paths = [folder / f"{i}.dcm" for i in range(6)]
    for i, path in enumerate(paths):
        path.write_bytes(dicom((chest(140 + i, seed=i) * 4095).astype(np.uint16), bits=12))
    return paths


def test_a_film_is_the_same_through_the_child(film_file):
    direct = open_film(str(film_file), lambda size: memoryview(bytearray(size)))
    image = read(film_file)
    assert np.array_equal(image.pixels, direct.pixels)
    assert image.kind == "radiograph"
    assert image.spacing_mm == (0.2, 0.2)
    assert image.source.sha256 == direct.sha256
    assert image.source.path == str(film_file)
    assert image.source.format == "dicom"
    assert (image.source.rows, image.source.columns) == image.shape
    assert image.source.sop_instance_uid == direct.stored.sop_instance_uid


def test_a_name_means_the_folder_one_stands_in_now(film_file, tmp_path, monkeypatch):
    with Decoder() as decoder:
        monkeypatch.chdir(tmp_path)
        decoder.read(str(film_file))
        monkeypatch.chdir(film_file.parent)
        assert decoder.read(film_file.name).source.path == film_file.name


def test_pixels_belong_to_the_caller(films):
    with Decoder() as decoder:
        first = decoder.read(films[0])
        before = first.pixels.copy()
        decoder.read(films[1])
        assert np.array_equal(first.pixels, before)


@pytest.mark.parametrize(
    ("statement", "code", "detail"),
    [
        ("time.sleep(60)", "decode-limit", "1 s"),
        ("numpy.ones(300_000_000)", "decode-limit", "memory"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "decode-failed", "signal 11"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "decode-failed", "signal 9"),
        ("os._exit(3)", "decode-failed", "status 3"),
        ("raise KeyError('name of a patient')", "decode-failed", "KeyError"),
    ],
)
def test_a_child_that_misbehaves_costs_one_film(
    monkeypatch, png, film_file, statement, code, detail
):
    misbehave(monkeypatch, statement)
    with Decoder(Limits(seconds=1)) as decoder:
        expected = decoder.read(film_file)
        begun = time.monotonic()
        with pytest.raises(RefusedError) as refused:
            decoder.read(png)
        assert time.monotonic() - begun < 3
        assert (refused.value.code, refused.value.detail) in [
            (code, detail),
            (code, f"the decoder ended with {detail}"),
        ]
        assert np.array_equal(decoder.read(film_file).pixels, expected.pixels)


def test_a_child_that_waits_for_a_core_gets_more_time_but_not_for_ever(monkeypatch, png):
    misbehave(monkeypatch, "time.sleep(0.9 if len(data) < 60 else 60); raise KeyError")
    endless = png.with_name("endless.png")
    endless.write_bytes(png.read_bytes() + bytes(100))
    begun = time.monotonic()
    monkeypatch.setattr(process.Process, "_waits", lambda self: {"main": time.monotonic() - begun})
    with Decoder(Limits(seconds=0.5)) as decoder:
        with pytest.raises(RefusedError, match="KeyError"):
            decoder.read(png)
        asked = time.monotonic()
        with pytest.raises(RefusedError, match="limit"):
            decoder.read(endless)
        assert time.monotonic() - asked >= process.PATIENCE * 0.5


def test_nothing_is_left_of_a_child_that_was_stopped(monkeypatch, png):
    misbehave(monkeypatch, "time.sleep(60)")
    before = {child.pid for child in psutil.Process().children()}
    with Decoder(Limits(seconds=0.2)) as decoder, pytest.raises(RefusedError):
        decoder.read(png)
    assert {child.pid for child in psutil.Process().children()} <= before


def test_what_a_library_prints_does_not_reach_the_answers(monkeypatch, png, film_file):
    misbehave(
        monkeypatch, "os.write(1, b'{{}}\\n'); os.write(2, b'x'); print('{{}}'); raise MemoryError"
    )
    with Decoder() as decoder:
        with pytest.raises(RefusedError, match="memory"):
            decoder.read(png)
        assert decoder.read(film_file).kind == "radiograph"


def test_a_deflate_bomb_is_refused_within_its_memory(tmp_path, dicom, chest):
    import zlib

    data = dicom((chest() * 4095).astype(np.uint16), "1.2.840.10008.1.2.1.99", 12)
    start_of_data = data.index(b"\x02\x00\x10\x00UI") + 8
    start_of_data += int.from_bytes(data[start_of_data - 2 : start_of_data], "little")
    while data[start_of_data : start_of_data + 2] == b"\x02\x00":
        start_of_data += 8 + int.from_bytes(data[start_of_data + 6 : start_of_data + 8], "little")
    inner = zlib.decompress(data[start_of_data:], -15)
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    bomb = (
        packer.compress(inner)
        + b"".join(packer.compress(bytes(2**24)) for _ in range(24))
        + packer.flush()
    )
    path = tmp_path / "bomb.dcm"
    path.write_bytes(data[:start_of_data] + bomb)
    with Decoder(Limits(memory_mib=200)) as decoder, pytest.raises(RefusedError) as refused:
        decoder.read(path)
    assert refused.value.code == "decode-limit"
    assert refused.value.detail == "memory"  # and not the time, which would stop it as well


def test_an_interrupted_question_is_not_answered_to_the_next(monkeypatch, films):
    with Decoder() as decoder:
        expected = decoder.read(films[1]).shape
        receive = process.Process._receive

        def interrupted(self, seconds):
            monkeypatch.setattr(process.Process, "_receive", receive)
            raise KeyboardInterrupt

        monkeypatch.setattr(process.Process, "_receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            decoder.read(films[0])
        assert decoder.read(films[1]).shape == expected


def test_a_child_that_died_between_films_is_replaced(films):
    with Decoder() as decoder:
        decoder.read(films[0])
        os.kill(decoder._process.pid, signal.SIGKILL)
        time.sleep(0.1)
        assert decoder.read(films[0]).kind == "radiograph"


def test_threads_get_their_own_films(films):
    with Decoder() as decoder:
        expected = {path: decoder.read(path).shape for path in films}
        wrong = []

        def work(offset):
            for i in range(12):
                path = films[(i + offset) % len(films)]
                if decoder.read(path).shape != expected[path]:
                    wrong.append(path)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def in_fork(work):
    """Whether `work` returns true in a forked process, within a minute."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        good = False
        try:
            good = work()
        finally:
            os._exit(0 if good else 1)
    return os.waitpid(pid, 0)[1] == 0


def test_a_forked_process_has_a_child_of_its_own(film_file):
    with Decoder() as own:
        expected = own.read(film_file).shape
        child = own._process.pid
        assert in_fork(lambda: own.read(film_file).shape == expected)
        assert own.read(film_file).shape == expected
        assert own._process.pid == child


def test_a_process_forked_while_a_film_is_read_can_read(film_file):
    from konio.io import decoder

    with decoder._default._lock:
        assert in_fork(lambda: read(film_file).kind == "radiograph")


def test_films_come_in_order_with_their_refusals(films, tmp_path):
    paths = [films[0], tmp_path / "none.dcm", films[1], films[2]]
    found = list(read_many(paths, ahead=2))
    assert [path for path, _ in found] == [str(path) for path in paths]
    assert [getattr(film, "code", "read") for _, film in found] == [
        "read",
        "missing",
        "read",
        "read",
    ]


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_only_so_many_films_are_decoded_in_advance(films, ahead):
    taken = []

    def lazily():
        for path in films * 3:
            taken.append(path)
            yield path

    alive: list[weakref.ref] = []
    for count, (_, film) in enumerate(read_many(lazily(), ahead=ahead), 1):
        assert len(taken) <= count + ahead
        alive.append(weakref.ref(film.pixels))
        del film
    assert sum(reference() is not None for reference in alive) <= 1


def test_the_next_film_is_decoded_while_the_caller_works(monkeypatch, png, film_file):
    misbehave(monkeypatch, "time.sleep(0.3); raise KeyError")
    with Decoder() as decoder:
        decoder.read(film_file)
        begun = time.monotonic()
        for _ in read_many([png] * 4, ahead=1, decoder=decoder):
            time.sleep(0.3)
        assert time.monotonic() - begun < 4 * 0.6 - 0.2


def test_leaving_early_stops_reading(films):
    stream = read_many(films * 100, ahead=2)
    next(stream)
    stream.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("konio-read")]


def test_starting_does_not_wait(film_file):
    with Decoder() as decoder:
        decoder.read(film_file)
    begun = time.monotonic()
    decoder = Decoder()
    decoder.start()
    spent = time.monotonic() - begun
    decoder.close()
    assert spent < 0.2
    start()


def test_a_closed_decoder_says_so(film_file):
    decoder = Decoder()
    decoder.close()
    with pytest.raises(UsageError, match="closed"):
        decoder.read(film_file)


def test_limits_that_cannot_be_are_refused():
    for wrong in ({"seconds": 0}, {"memory_mib": 1}):
        with pytest.raises(UsageError):
            Limits(**wrong)
    with pytest.raises(UsageError):
        next(read_many([], ahead=-1))


def modules_after(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_neither_side_imports_more_than_it_needs():
    child = modules_after("import konio.io.child, konio.io.film")
    assert {"pydicom", "imagecodecs"} <= child
    assert not {"torch", "scipy", "matplotlib", "pandas"} & child
    parent = modules_after("import konio.io; konio.io.read_many")
    assert not {"torch", "scipy", "pydicom", "imagecodecs", "PIL"} & parent
