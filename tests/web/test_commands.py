"""The commands, in processes of their own: first start, sign-in, accounts, audit, SIGTERM."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from konio.cli.app import run

_BOOT = "from konio.cli import main; main()"


def konio(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KONIO_WEB_")}
    return subprocess.run(
        [sys.executable, "-c", _BOOT, *words],
        env={**clean, **environment},
        capture_output=True,
        text=True,
    )


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = run(list(words), debug=False)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_accounts_and_audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path / "data")]
    status, out, _ = said(capsys, "accounts", "add", "root", "--role", "administrator", *data)
    assert status == 0 and re.search(r"password of account 'root': \w{16}", out)
    said(capsys, "accounts", "add", "wang", "--display", "王敏", *data)
    status, out, _ = said(capsys, "accounts", "list", *data)
    assert out == "root\tadministrator\tnew\troot\nwang\treader\tnew\t王敏\n"
    assert said(capsys, "accounts", "add", "wang", *data)[0] == 2
    assert said(capsys, "accounts", "disable", "wang", *data)[0] == 0
    assert "disabled" in said(capsys, "accounts", "list", *data)[1]
    assert said(capsys, "accounts", "enable", "wang", *data)[0] == 0
    assert said(capsys, "accounts", "set-password", "wang", *data)[0] == 0
    assert said(capsys, "accounts", "totp-off", "wang", *data)[0] == 0
    assert said(capsys, "accounts", "delete", "wang", *data)[0] == 0
    status, _, err = said(capsys, "accounts", "delete", "nobody", *data)
    assert status == 2 and "konio accounts list" in err
    status, _, err = said(capsys, "accounts", "delete", "root", *data)
    assert status == 2 and "only administrator" in err
    status, out, _ = said(capsys, "audit", "verify", *data)
    assert status == 0 and "intact" in out
    head = re.search(r"head (\w{64})", out)
    assert head is not None
    assert said(capsys, "audit", "verify", "--head", head[1], *data)[0] == 0
    status, _, err = said(capsys, "audit", "verify", "--head", "0" * 64, *data)
    assert status == 1 and "--head" in err
    status, out, _ = said(capsys, "audit", "export", *data)
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))


def test_settings_that_are_unsafe_stop_every_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KONIO_WEB_SECRET", "changeme")
    status, _, err = said(capsys, "accounts", "list", "--data", str(tmp_path / "d"))
    assert status == 1 and "secret" in err and err.count("\n") == 1
    monkeypatch.delenv("KONIO_WEB_SECRET")
    status, _, err = said(capsys, "serve", "--host", "0.0.0.0", "--data", str(tmp_path / "d"))  # noqa: S104
    assert status == 1 and "proxy" in err
    status, _, err = said(capsys, "worker", "--engine", "moon", "--data", str(tmp_path / "d"))
    assert status == 2 and "ray" in err


@pytest.mark.parametrize("words", [["serve"], ["worker"], ["accounts", "add"], ["audit", "verify"]])
def test_help_has_an_example(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "konio " + " ".join(words) in said(capsys, *words, "--help")[1].split("Example")[-1]


@pytest.mark.slow
def test_from_the_first_start_to_the_end(tmp_path: Path) -> None:
    data = tmp_path / "data"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KONIO_WEB_")}
    command = [
        sys.executable,
        "-c",
        _BOOT,
        "serve",
        "--data",
        str(data),
        "--port",
        "0",
        "--workers",
        "0",
    ]
    with subprocess.Popen(
        command, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        password = re.search(r"'admin': (\w+)", server.stdout.readline())
        port = re.search(r":(\d+) ", server.stdout.readline())
        assert password and port

        def ask(method: str, path: str, body: Any = None) -> Any:
            connection = http.client.HTTPConnection("127.0.0.1", int(port[1]), timeout=60)
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            said = json.loads(answer.read())
            connection.close()
            return answer.status, said

        status, session = ask("POST", "/api/session", {"name": "admin", "password": password[1]})
        assert status == 200 and session["must_change_password"]
        assert ask("POST", "/api/session", {"name": "admin", "password": "x"})[0] == 401
        server.send_signal(signal.SIGTERM)
        began = time.monotonic()
        out, err = server.communicate(timeout=60)
        assert server.returncode == 0 and time.monotonic() - began < 30
    assert password[1] not in out + err
    assert all(json.loads(line)["event"] for line in err.splitlines())
    again = konio("accounts", "list", "--data", str(data))
    assert "admin\tadministrator\tnew" in again.stdout


@pytest.mark.slow
def test_a_dead_workers_film_goes_back_at_once(house: Any) -> None:
    from tests.web.conftest import film

    from konio.web.supervise import Supervisor

    reader = house.person("reader")
    reader.upload(film(1))
    sleeper = (sys.executable, "-c", "import time; time.sleep(600)")
    supervisor = Supervisor(house.room.settings, house.room.queue, sleeper)
    supervisor.start()
    try:
        first = supervisor.pids()
        owner = supervisor._owners[0]
        lease = house.room.queue.take(owner)
        assert lease is not None
        os.kill(first[0], signal.SIGKILL)
        deadline = time.monotonic() + 30
        while house.jobs()[0].state == "running" and time.monotonic() < deadline:
            time.sleep(0.1)
        assert house.jobs()[0].state == "queued" and house.jobs()[0].deaths == 1
        while not supervisor.pids() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert supervisor.pids() != first
    finally:
        supervisor.stop()
    assert supervisor.pids() == []
