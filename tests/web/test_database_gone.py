"""The database goes away for a minute under a real server and a real worker: a clear answer, nothing lost, and back to work."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.web import servers
from tests.web.conftest import film, findings

from konio.web.app import open_room
from konio.web.asker import Room
from konio.web.problems import ProblemError
from konio.web.sessions import COOKIE
from konio.web.settings import load_settings
from konio.web.tables import Account, Job, Result

ROOT = Path(__file__).parents[2]
#: Long enough that a worker still has a film in hand when the database goes.
SECONDS_A_FILM = 8.0
#: The room is back at work so soon after its database is.
BACK_SECONDS = 45.0


@dataclass(frozen=True)
class Outage:
    """A database that can be taken away.

    Args:
        url: its address.
        away: a block in which it is gone.
        reads: whether what is there can still be looked at meanwhile.
        seconds: how long it stays away.
    """

    url: str
    away: Callable[[], AbstractContextManager[None]]
    reads: bool
    seconds: float


@contextmanager
def _mariadb(folder: Path) -> Iterator[Outage]:
    """The server is ended and started again."""
    command, base, socket = servers.mariadb_installed(folder / "server")
    running = ExitStack()

    @contextmanager
    def away() -> Iterator[None]:
        running.close()
        yield
        running.enter_context(servers.started(command, base.format("mysql"), socket))

    with running:
        running.enter_context(servers.started(command, base.format("mysql"), socket))
        servers.make_empty(base)
        yield Outage(base.format("konio"), away, reads=False, seconds=60)


@contextmanager
def _sqlite(folder: Path) -> Iterator[Outage]:
    """Another program holds the file for longer than anybody waits for it; what is there can be read."""
    path = folder / "konio.db"

    @contextmanager
    def away() -> Iterator[None]:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")
        other.close()

    yield Outage(f"sqlite:///{path}", away, reads=True, seconds=45)


OUTAGES = {"sqlite": _sqlite} | ({"mariadb": _mariadb} if servers.MARIADB else {})


@dataclass
class Browser:
    """Somebody at the real server."""

    port: int
    cookie: str
    csrf: str
    answers: list[tuple[str, int, float]] = field(default_factory=list)

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, str], Any]:
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        headers = {
            "Cookie": f"{COOKIE}={self.cookie}",
            "X-CSRF-Token": self.csrf,
            "Content-Type": kind,
        }
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=100)
        try:
            connection.request(method, path, raw, headers)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        self.answers.append((f"{method} {path}", answer.status, time.monotonic() - began))
        is_json = (answer.getheader("Content-Type") or "").startswith("application/json")
        return answer.status, dict(answer.getheaders()), json.loads(said) if is_json else said


@pytest.fixture(params=list(OUTAGES))
def outage(request: pytest.FixtureRequest) -> Iterator[Outage]:
    with tempfile.TemporaryDirectory(prefix="konio-gone-") as name, ExitStack() as stack:
        yield stack.enter_context(OUTAGES[request.param](Path(name)))


@pytest.fixture
def serving(outage: Outage, tmp_path: Path) -> Iterator[tuple[Room, int, subprocess.Popen[str]]]:
    """`konio serve` without workers, and one worker of its own; the room as the test looks into it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KONIO_WEB_")}
    environment = {**clean, "KONIO_WEB_DATABASE": outage.url, "OMP_NUM_THREADS": "1"}
    boot = "import sys; from konio.cli import main; sys.exit(main(sys.argv[1:]))"
    data = tmp_path / "data"
    words = ["serve", "--data", str(data), "--port", "0", "--workers", "0"]
    with (tmp_path / "log").open("w") as log, ExitStack() as stack:
        server = stack.enter_context(
            _process([sys.executable, "-u", "-c", boot, *words], stdout=subprocess.PIPE, stderr=log, env=environment)
        )  # fmt: skip
        port = _port(server)
        program = str(Path(__file__).with_name("kill_me.py"))
        worker = stack.enter_context(
            _process([sys.executable, program, str(data), "120", str(SECONDS_A_FILM), outage.url], stderr=log)
        )  # fmt: skip
        room = open_room(load_settings(environment={}, data=data, database=outage.url))
        stack.callback(room.database.close)
        yield room, port, worker
        assert server.poll() is None, "the server has ended"


@contextmanager
def _process(command: list[str], **given: Any) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, text=True, cwd=ROOT, **given) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _port(server: subprocess.Popen[str]) -> int:
    assert server.stdout is not None
    for line in server.stdout:
        if found := re.search(r"konio is at http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise AssertionError("konio serve ended")


def _reader(room: Room, port: int) -> Browser:
    with room.database.write() as session:
        account = Account(name="reader", display="Reader", role="reader", password_hash="")
        session.add(account)
        session.flush()
        row, cookie = room.sessions.begin(session, account, "127.0.0.1")
        return Browser(port, cookie, row.csrf)


def _until(condition: Callable[[], bool], seconds: float) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(0.3)
    return time.monotonic() - began


def _is_clear(answer: tuple[int, dict[str, str], Any]) -> None:
    """503 in the one shape, in both languages, with nothing of the database in it."""
    status, headers, said = answer
    assert status == 503, said
    assert said["error"] == ProblemError("database-gone").to_json()["error"]
    assert set(said) == {"error", "notice"}
    assert headers["Retry-After"] == "5"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_minute_without_the_database(
    outage: Outage, serving: tuple[Room, int, subprocess.Popen[str]]
) -> None:
    room, port, worker = serving
    reader = _reader(room, port)
    films = {f"{seed}.png": film(seed, 128) for seed in range(3)}
    cases = {}
    for name, content in films.items():
        status, _, said = reader("POST", f"/api/uploads?name={name}", content)
        assert status == 201
        cases[name] = said["cases"][0]["id"]
    read, drafted = cases["0.png"], cases["1.png"]
    assert reader("POST", f"/api/cases/{read}/readings", findings("1/1"))[0] == 201
    assert reader("PUT", f"/api/cases/{drafted}/draft", {"comment": "before"})[0] == 204

    def jobs(state: str) -> int:
        with room.database.read() as session:
            return int(session.scalar(select(func.count()).where(Job.state == state)) or 0)

    _until(lambda: jobs("running") == 1, 60)
    healthy: list[tuple[int, float]] = []
    with outage.away():
        ended = threading.Event()
        watch = threading.Thread(target=_watch_health, args=(port, ended, healthy))
        watch.start()
        try:
            refused = _while_away(reader, drafted, outage)
        finally:
            ended.set()
            watch.join()
        assert worker.poll() is None, "the worker has ended"
    back = _until(lambda: reader("GET", "/api/cases")[0] == 200, BACK_SECONDS)

    assert refused >= 1
    assert {status for status, _ in healthy} == {200}
    assert max(took for _, took in healthy) < 2
    assert back < BACK_SECONDS
    _nothing_is_lost(reader, room, films, cases)
    late = films["2.png"] + b"\0"
    assert reader("POST", "/api/uploads?name=late.png", late)[0] == 201
    _until(lambda: jobs("done") == 4, 120)
    with room.database.read() as session:
        assert set(session.scalars(select(Job.deaths))) == {0}
        assert set(session.scalars(select(Job.attempts))) == {1}  # nothing was done twice
        assert session.scalar(select(func.count(Result.id))) == 4
        verdict = room.audit.verify(session)
    assert verdict.intact, verdict.problem


def _while_away(reader: Browser, drafted: str, outage: Outage) -> int:
    """Asks and sends until the time is over; how many changes were refused."""
    refused, deadline = 0, time.monotonic() + outage.seconds
    while time.monotonic() < deadline:
        _is_clear(reader("POST", "/api/uploads?name=away.png", film(77, 128)))
        refused += 1
        if time.monotonic() < deadline and not outage.reads:
            _is_clear(reader("GET", "/api/cases"))
            _is_clear(reader("PUT", f"/api/cases/{drafted}/draft", {"comment": "meanwhile"}))
            ready = reader("GET", "/readyz")
            assert (ready[0], ready[2]["database"]) == (503, False)
        time.sleep(1)
    slowest = max(took for _, _, took in reader.answers)
    assert slowest < (45 if outage.reads else 15), slowest
    return refused


def _watch_health(port: int, ended: threading.Event, healthy: list[tuple[int, float]]) -> None:
    browser = Browser(port, "", "")
    while not ended.wait(1):
        browser("GET", "/healthz")
        _, status, took = browser.answers[-1]
        healthy.append((status, took))


def _nothing_is_lost(
    reader: Browser, room: Room, films: dict[str, bytes], cases: dict[str, str]
) -> None:
    listed = {case["name"]: case["id"] for case in reader("GET", "/api/cases")[2]["cases"]}
    assert listed == cases  # all that was acknowledged, and nothing that was refused
    for name, content in films.items():
        stored = reader("GET", f"/api/cases/{cases[name]}/original")[2]
        assert hashlib.sha256(stored).digest() == hashlib.sha256(content).digest()
    mine = reader("GET", f"/api/cases/{cases['0.png']}/readings")[2]["mine"]
    assert [reading["version"] for reading in mine] == [1]
    draft = reader("GET", f"/api/cases/{cases['1.png']}/draft")[2]["draft"]
    assert draft == {"comment": "before"}
