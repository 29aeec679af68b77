"""Waitress in front: lanes, bodies from strangers, one shape of errors, real sockets."""

from __future__ import annotations

import errno
import http.client
import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.web.conftest import House, OpenHouse, Person, film, findings, sha256

from konio.web import server, storage
from konio.web.server import make_server, port_of
from konio.web.sessions import COOKIE
from konio.web.storage import Storage


class Running:
    """A house behind a real server."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.server = make_server(house.app, house.room)
        self.port = port_of(self.server)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.close()
        self.server.task_dispatcher.shutdown()

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def raw(self, head: bytes, wait: float = 5.0) -> bytes:
        """What comes back for bytes on the wire."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as wire:
            wire.sendall(head)
            said = b""
            try:
                while part := wire.recv(65536):
                    said += part
                    if b"\r\n\r\n" in said and b'"notice"' in said:
                        break
            except TimeoutError:
                pass
            return said


def cookie(person: Person) -> dict[str, str]:
    return {
        "Cookie": f"{COOKIE}={person.client.get_cookie(COOKIE).value}",
        "X-CSRF-Token": person.csrf,
        "Content-Type": "application/octet-stream",
    }


@pytest.fixture
def running(open_house: OpenHouse) -> Iterator[Running]:
    found = Running(open_house(port=0, upload_bytes=8 << 20))
    yield found
    found.stop()


def test_health_and_headers(running: Running) -> None:
    status, headers, body = running.ask("GET", "/healthz")
    assert status == 200 and json.loads(body)["status"] == "ok"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert "unsafe-eval" not in headers["Content-Security-Policy"]
    assert headers["Server"] == "konio" and headers["X-Request-Id"]
    assert headers["Cache-Control"] == "no-store"


def test_an_upload_through_a_real_socket(running: Running) -> None:
    reader = running.house.person("reader")
    content = film(1, 600)
    status, _, body = running.ask("POST", "/api/uploads?name=a.png", content, cookie(reader))
    assert status == 201 and json.loads(body)["upload"]["sha256"] == sha256(content)


def test_a_large_body_of_a_stranger_is_refused_before_it_is_taken(running: Running) -> None:
    head = "POST /api/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: "
    for size in (4 << 20, 4 << 30):  # a reader might send the smaller one
        said = running.raw(f"{head}{size}\r\n\r\n".encode())
        assert said.startswith(b"HTTP/1.1 413")
        assert b'"code": "too-large"' in said and b"application/json" in said


def test_a_large_body_to_another_address_is_refused(running: Running) -> None:
    reader = running.house.person("reader")
    lines = "".join(f"{name}: {value}\r\n" for name, value in cookie(reader).items())
    head = (
        f"POST /api/stage HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}Content-Length: {1 << 20}\r\n\r\n"
    )
    assert running.raw(head.encode()).startswith(b"HTTP/1.1 413")


def test_a_signed_cookie_lets_a_large_body_in_up_to_the_limit(running: Running) -> None:
    reader = running.house.person("reader")
    lines = "".join(f"{name}: {value}\r\n" for name, value in cookie(reader).items())
    head = f"POST /api/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}Content-Length: "
    assert running.raw(f"{head}{4 << 30}\r\n\r\n".encode()).startswith(b"HTTP/1.1 413")
    status, _, _ = running.ask(
        "POST", "/api/uploads", film(2, 900) + bytes(2 << 20), cookie(reader)
    )
    assert status == 201


def test_an_upload_for_which_there_is_no_room_is_refused_before_it_is_taken(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = running.house.person("reader")
    store = running.house.room.storage
    monkeypatch.setattr(Storage, "free_bytes", lambda self: storage.RESERVE_BYTES + (6 << 20))
    lines = "".join(f"{name}: {value}\r\n" for name, value in cookie(reader).items())
    head = f"POST /api/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}Content-Length: {4 << 20}"
    said = running.raw(f"{head}\r\n\r\n".encode())
    assert said.startswith(b"HTTP/1.1 507") and b'"code": "disk-full"' in said
    assert b"message_zh" in said
    assert running.ask("POST", "/api/uploads", film(2), cookie(reader))[0] == 201
    monkeypatch.setattr(Storage, "free_bytes", lambda self: storage.RESERVE_BYTES - 1)
    assert running.ask("POST", "/api/uploads", film(3), cookie(reader))[0] == 507
    assert not list(store.incoming.iterdir())
    # What readers write is small and has the reserve to itself.
    json_too = {**cookie(reader), "Content-Type": "application/json"}
    case = json.loads(running.ask("GET", "/api/cases", None, json_too)[2])["cases"][0]["id"]
    body = json.dumps(findings())
    assert running.ask("POST", f"/api/cases/{case}/readings", body, json_too)[0] == 201


def test_a_disk_that_fills_while_a_body_comes_in_is_said(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def __init__(self, *given: Any) -> None: ...

        def __len__(self) -> int:
            return 0

        def append(self, data: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None: ...

    reader = running.house.person("reader")
    monkeypatch.setattr(server, "_Spool", Full)
    content = bytes(1 << 17)  # small enough that all of it lies in the socket when the answer comes
    status, headers, said = running.ask("POST", "/api/uploads", content, cookie(reader))
    assert (status, json.loads(said)["error"]["code"]) == (507, "disk-full")
    assert headers["Content-Type"] == "application/json"
    monkeypatch.undo()
    assert running.ask("POST", "/api/uploads", film(1), cookie(reader))[0] == 201


def test_large_bodies_wait_in_the_data_folder_and_leave_nothing(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    where: list[Any] = []
    whole = tempfile.TemporaryFile

    def noted(*given: Any, **named: Any) -> Any:
        where.append(named.get("dir"))
        return whole(*given, **named)

    monkeypatch.setattr(tempfile, "TemporaryFile", noted)
    reader = running.house.person("reader")
    content = film(4, 300) + bytes(3 << 20)
    status, _, said = running.ask("POST", "/api/uploads", content, cookie(reader))
    assert status == 201 and json.loads(said)["upload"]["sha256"] == sha256(content)
    incoming = running.house.room.storage.incoming
    assert where and set(where) == {incoming} and not list(incoming.iterdir())


def test_chunked_bodies_of_strangers_are_refused(running: Running) -> None:
    head = b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert running.raw(head).startswith(b"HTTP/1.1 413")


def test_nonsense_gets_the_one_shape(running: Running) -> None:
    said = running.raw(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400") and b'"code": "bad-request"' in said


def test_health_does_not_wait_behind_uploads(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    from konio.web import uploads

    open_door = threading.Event()
    whole = uploads.take
    monkeypatch.setattr(uploads, "take", lambda *given: (open_door.wait(20), whole(*given))[1])
    reader = running.house.person("reader")
    threads = [
        threading.Thread(target=running.ask, args=("POST", "/api/uploads", film(n), cookie(reader)))
        for n in range(running.house.room.settings.upload_threads + 12)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    try:
        assert running.ask("GET", "/healthz")[0] == 200
        assert running.ask("GET", "/readyz")[0] == 200
    finally:
        open_door.set()
        for thread in threads:
            thread.join()


def test_one_address_cannot_be_listened_on_twice(running: Running, open_house: OpenHouse) -> None:
    from konio.errors import SettingsError

    again = open_house(port=running.port)
    with pytest.raises(SettingsError, match="another port"):
        make_server(again.app, again.room)
