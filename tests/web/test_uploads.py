"""Uploads: kept to the bit, duplicates known, hostile ones refused in the reader's own words, nothing half written."""

from __future__ import annotations

import errno
import io
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from tests.web.conftest import House, OpenHouse, film, sha256

from konio.errors import REFUSALS
from konio.web import storage as storage_module
from konio.web import uploads
from konio.web.database import Database, is_full
from konio.web.settings import Settings
from konio.web.storage import DiskFullError, Storage, TooLargeError
from konio.web.tables import Case, Film


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return buffer.getvalue()


def test_a_film_is_kept_to_the_bit(house: House) -> None:
    reader, content = house.person("reader"), film(1)
    answer = reader.upload(content, "尘肺 1.png")
    assert answer.status_code == 201
    assert answer.json["upload"] == {
        "name": "尘肺 1.png",
        "bytes": len(content),
        "sha256": sha256(content),
    }
    assert house.room.storage.film(sha256(content)).read_bytes() == content
    case = answer.json["cases"][0]["id"]
    given_back = reader("GET", f"/api/cases/{case}/original")
    assert given_back.data == content
    assert given_back.headers["Content-Disposition"].startswith("attachment")
    assert not list((house.room.storage.root / "incoming").iterdir())


def test_the_same_bytes_are_one_case(house: House) -> None:
    reader, other = house.person("reader"), house.person("other")
    first = reader.upload(film(1), "a.png").json["cases"][0]
    again = reader.upload(film(1), "b.png").json["cases"][0]
    theirs = other.upload(film(1), "c.png").json["cases"][0]
    assert (first["duplicate"], again["duplicate"], theirs["duplicate"]) == (False, True, True)
    assert first["id"] == again["id"] == theirs["id"]
    assert len(house.jobs()) == 1
    assert other("GET", f"/api/cases/{first['id']}").status_code == 200


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty"), (b"Index,Finding\n1,2", "not-an-image"), (b"%PDF-1.7 ...", "not-an-image"),
     (b"<svg onload=alert(1)>", "not-an-image"), (b"PK\x03\x04 broken", "truncated")],
)  # fmt: skip
def test_what_is_no_film_is_refused_in_the_readers_words(
    content: bytes, code: str, house: House
) -> None:
    answer = house.person("reader").upload(content, "x.dcm").json
    assert answer["cases"] == []
    refused = answer["refused"][0]
    assert refused["code"] == code and code in REFUSALS
    assert refused["reason"].split("(")[0] == REFUSALS[code].en.format(detail="").split("(")[0]
    assert refused["reason_zh"]
    assert not list(house.room.storage.films())


def test_what_the_reader_refuses_later_becomes_the_cases_sentence(house: House) -> None:
    reader = house.person("reader")
    case = reader.upload(film(3) + b"refuse me").json["cases"][0]["id"]
    house.work()
    shown = reader("GET", f"/api/cases/{case}").json
    assert (shown["status"], shown["refusal"]["code"]) == ("refused", "too-small")
    assert shown["job"]["reason"]["message_zh"] == "过小"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("../../etc/passwd", "passwd"), ("..\\..\\boot.ini", "boot.ini"), ("", "film"), ("..", "film"),
     ("/", "film"), ("a\r\nSet-Cookie: x.png", "aSet-Cookie: x.png"), ("x" * 999, "x" * 160),
     ("<script>alert(1)<.png", "<script>alert(1)<.png"), ("\u202egnp.exe", "gnp.exe")],
)  # fmt: skip
def test_names_are_labels_and_never_paths(name: str, shown: str, house: House) -> None:
    reader = house.person("reader")
    before = {
        path for path in house.room.settings.data.parent.rglob("*") if "data" not in path.parts
    }
    answer = reader.upload(film(2), name)
    assert answer.json["cases"][0]["name"] == shown
    after = {
        path for path in house.room.settings.data.parent.rglob("*") if "data" not in path.parts
    }
    assert before == after


@given(st.text(max_size=300))
def test_any_name_becomes_a_short_label_without_a_way_out(name: str) -> None:
    label = uploads.label(name)
    assert 0 < len(label) <= 160
    assert "/" not in label and "\\" not in label and label not in (".", "..")
    assert label.isprintable()


def test_a_zip_gives_its_films_and_its_refusals(house: House) -> None:
    content = packed(
        {"a/1.png": film(1), "../../2.png": film(2), "3.txt": b"text", "4.zip": packed({"5.png": film(5)}),
         "dir/": b""}
    )  # fmt: skip
    answer = house.person("reader").upload(content, "films.zip").json
    assert [case["name"] for case in answer["cases"]] == ["1.png", "2.png"]
    assert {item["name"]: item["code"] for item in answer["refused"]} == {
        "3.txt": "not-an-image", "4.zip": "not-an-image",
    }  # fmt: skip
    assert "a ZIP inside a ZIP" in answer["refused"][1]["reason"]
    assert house.room.storage.film(sha256(film(2))).read_bytes() == film(2)


def test_a_zip_bomb_is_refused_before_it_grows(
    open_house: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "ZIP_FREE_BYTES", 1 << 20)
    house = open_house()
    bomb = packed({f"{n}.dcm": bytes(3 << 20) for n in range(4)})
    assert len(bomb) < 30_000
    answer = house.person("reader").upload(bomb, "bomb.zip").json
    assert [item["code"] for item in answer["refused"]] == ["too-large"]
    assert not list(house.room.storage.films())


def test_a_zip_with_too_many_members_is_refused(open_house: OpenHouse) -> None:
    house = open_house(zip_films=3)
    answer = house.person("reader").upload(packed({f"{n}": b"x" for n in range(4)})).json
    assert answer["refused"][0]["code"] == "too-large" and answer["cases"] == []


def test_a_zip_that_lies_about_sizes_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray(packed({"a.png": film(1)}, zipfile.ZIP_STORED))
    directory = content.rfind(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    reader = house.person("reader")
    answer = reader.upload(bytes(content)).json
    assert answer["cases"] == [] and answer["refused"]
    # Nor is the library trusted to stop where the directory says.
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *given: io.BytesIO(film(1)))
    answer = reader.upload(bytes(content)).json
    assert answer["cases"] == [] and answer["refused"][0]["code"] == "bad-header"
    assert not list(house.room.storage.films())


def test_overlapping_members_and_passwords_are_refused(house: House) -> None:
    content = bytearray(packed({"a.png": film(1), "b.png": film(2)}))
    second = content.rfind(b"PK\x01\x02")
    content[second + 42 : second + 46] = (4).to_bytes(4, "little")
    answer = house.person("reader").upload(bytes(content)).json
    assert answer["cases"] == [] and answer["refused"][0]["code"] == "bad-header"
    locked = bytearray(packed({"a.png": film(1)}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = locked.rfind(mark)
        locked[at + place] |= 1
    answer = house.person("reader").upload(bytes(locked)).json
    assert answer["refused"][0]["code"] == "unreadable"


@given(cut=st.integers(0, 400), at=st.integers(0, 100_000), value=st.integers(0, 255))
@settings(max_examples=60)
def test_a_damaged_zip_is_an_answer_and_no_crash(cut: int, at: int, value: int) -> None:
    content = bytearray(packed({"a.png": film(1, 64), "b.txt": b"no"}))
    content[at % len(content)] = value
    whole = bytes(content[: len(content) - cut])
    with tempfile.TemporaryDirectory() as folder:
        store = Storage(Path(folder))
        store.prepare()
        room: Any = SimpleNamespace(storage=store, settings=Settings())
        with store.receive(iter([whole]), 1 << 20) as incoming:
            found = [(name, said) for name, said in uploads._unpack(room, incoming)]
        assert all(isinstance(name, str) and said is not None for name, said in found)
        assert not list((store.root / "incoming").iterdir())


def test_too_much_is_refused_and_nothing_stays(open_house: OpenHouse) -> None:
    house = open_house(upload_bytes=1 << 20)
    reader = house.person("reader")

    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(1 << 16)

    with pytest.raises(TooLargeError), house.room.storage.receive(endless(), 1 << 20):
        raise AssertionError("never taken")
    answer = reader.upload(bytes((1 << 20) + 1))
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too-large")
    assert not list((house.room.storage.root / "incoming").iterdir())


def test_a_full_disk_is_said_and_nothing_stays(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = house.person("reader")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage_module.os, "fsync", full)
    answer = reader.upload(film(1))
    assert (answer.status_code, answer.json["error"]["code"]) == (507, "disk-full")
    monkeypatch.undo()
    assert not list((house.room.storage.root / "incoming").iterdir())
    assert not list(house.room.storage.films())
    assert reader.upload(film(1)).json["cases"][0]["duplicate"] is False


def test_a_real_full_file_system(tmp_path: Path) -> None:
    """The kernel's own answer: a file may not grow beyond the limit of the process."""
    import resource
    import signal
    import subprocess
    import sys

    store = Storage(tmp_path)
    store.prepare()
    program = (
        "import sys; from pathlib import Path; from konio.web.storage import *\n"
        "try:\n"
        "    with Storage(Path(sys.argv[1])).receive(iter([bytes(1 << 20)] * 9), 1 << 30): pass\n"
        "except DiskFullError as error: print(error)\n"
    )

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        preexec_fn=limit,
        capture_output=True,
        text=True,
    )
    assert "disk is full" in done.stdout, done.stderr
    assert not list((tmp_path / "incoming").iterdir())


def test_films_leave_a_reserve_for_what_is_signed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = house.person("reader")
    case = house.case(reader)
    free = [storage_module.RESERVE_BYTES + len(film(2)) - 1]
    monkeypatch.setattr(Storage, "free_bytes", lambda self: free[0])
    for content in (film(2), packed({"2.png": film(2)}, zipfile.ZIP_STORED)):
        answer = reader.upload(content)
        assert (answer.status_code, answer.json["error"]["code"]) == (507, "disk-full")
    assert reader("GET", "/readyz").status_code == 200
    free[0] = storage_module.RESERVE_BYTES - 1
    assert reader("GET", "/readyz").json["disk"] is False
    assert reader("POST", f"/api/cases/{case}/readings", json=_form()).status_code == 201
    assert not list((house.room.storage.root / "incoming").iterdir())
    free[0] = storage_module.RESERVE_BYTES + (1 << 20)
    assert reader.upload(film(2)).status_code == 201


def test_a_disk_that_is_full_for_the_database_is_said_and_goes_on_afterwards(house: House) -> None:
    reader = house.person("reader")
    with house.room.database.engine.connect() as connection:
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    house.room.database.engine.dispose()

    def limit(raw: Any, record: object) -> None:
        raw.execute(f"PRAGMA max_page_count={pages}")

    event.listen(house.room.database.engine, "connect", limit)
    seen = [reader("POST", "/api/stage", json=_form()).status_code]
    for seed in range(200):
        answer = reader.upload(film(seed, 32))
        seen.append(answer.status_code)
        if answer.status_code != 201:
            break
    assert (answer.status_code, answer.json["error"]["code"]) == (507, "disk-full"), seen
    event.remove(house.room.database.engine, "connect", limit)
    house.room.database.engine.dispose()
    assert reader.upload(film(seed, 32)).status_code == 201
    with house.room.database.read() as session:
        assert house.room.audit.verify(session).intact


@pytest.mark.parametrize(
    ("cause", "full"),
    [(Exception("database or disk is full"), True), (Exception("database is locked"), False),
     (Exception(1021, "Disk full"), True), (Exception(1114, "The table 'x' is full"), True),
     (Exception(2006, "gone"), False), (Exception({"C": "53100", "M": "no space"}), True),
     (Exception({"C": "57P01", "M": "53100"}), False), (Exception(), False)],
)  # fmt: skip
def test_each_database_says_in_its_own_way_that_its_disk_is_full(
    cause: Exception, full: bool
) -> None:
    assert is_full(OperationalError("INSERT", {}, cause)) is full
    assert not is_full(cause)


def test_pictures_for_which_there_is_no_room_are_a_full_disk(
    house: House, chest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = house.person("reader")
    case = reader.upload(film(1)).json["cases"][0]["id"]
    monkeypatch.setattr("konio.io.read", lambda path: chest)
    whole = Path.replace

    def full(path: Path, target: Any) -> Any:
        if target.suffix == ".png":
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(path, target)

    monkeypatch.setattr(Path, "replace", full)
    answer = reader("GET", f"/api/cases/{case}/film.png")
    assert (answer.status_code, answer.json["error"]["code"]) == (507, "disk-full")
    monkeypatch.setattr(Path, "replace", whole)
    assert reader("GET", f"/api/cases/{case}/film.png").status_code == 200


def test_bytes_are_flushed_before_they_are_acknowledged(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[tuple[str, int]] = []
    real, replace = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        order.append(("fsync", os.fstat(handle).st_ino))
        real(handle)

    def rename(path: Path, target: Path) -> Path:
        order.append(("rename", path.stat().st_ino))
        return replace(path, target)

    monkeypatch.setattr(storage_module.os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", rename)
    house.person("reader").upload(film(9))
    place = house.room.storage.film(sha256(film(9)))
    own, folder, films = (at.stat().st_ino for at in (place, place.parent, place.parents[1]))
    assert order == [("fsync", own), ("rename", own), ("fsync", folder), ("fsync", films)]


def test_the_database_flushes_what_it_commits(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'konio.db'}")
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    database.close()


def test_a_place_is_named_by_hash_only(tmp_path: Path) -> None:
    for name in ("../x", "A" * 64, "a" * 63, "", "a" * 64 + "/.."):
        with pytest.raises(ValueError, match="hexadecimal"):
            Storage(tmp_path).film(name)


def test_what_interrupted_uploads_left_is_swept(house: House) -> None:
    folder = house.room.storage.root / "incoming"
    (folder / "new.part").write_bytes(b"x")
    (folder / "old.part").write_bytes(b"x")
    os.utime(folder / "old.part", (0, 0))
    assert house.room.storage.sweep() == 1
    assert [path.name for path in folder.iterdir()] == ["new.part"]


def test_two_at_one_moment_are_still_one_case(house: House) -> None:
    from concurrent.futures import ThreadPoolExecutor

    people = [house.person(f"reader{number}") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda person: person.upload(film(1)), people))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["cases"][0]["id"] for answer in answers}) == 1
    with house.room.database.read() as session:
        assert (
            len(session.scalars(select(Film)).all())
            == len(session.scalars(select(Case)).all())
            == 1
        )


def test_a_script_in_a_name_stays_text(house: House) -> None:
    reader = house.person("reader")
    case = reader.upload(film(1), "<img src=x onerror=alert(1)>.png").json["cases"][0]["id"]
    house.work()
    reader("PATCH", f"/api/cases/{case}", json={"patient_name": "<script>alert(1)</script>"})
    reader("POST", f"/api/cases/{case}/readings", json=_form())
    page = reader("GET", f"/api/cases/{case}/report")
    assert b"<script" not in page.data and b"<img src=x" not in page.data
    assert b"&lt;script&gt;" in page.data
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


def _form() -> dict[str, Any]:
    from tests.web.conftest import findings

    return findings(comment="<script>alert(2)</script>")


def test_disk_full_is_told_apart_from_other_errors(tmp_path: Path) -> None:
    assert isinstance(storage_module._full(OSError(errno.ENOSPC, "")), DiskFullError)
    other = OSError(errno.EACCES, "denied")
    assert storage_module._full(other) is other
