"""What the reading room's benchmarks share: the machine in words, a server in a process of its own, clients."""

from __future__ import annotations

import atexit
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from konio.web.app import open_room
from konio.web.asker import Room
from konio.web.settings import load_settings
from konio.web.tables import Account

_BOOT = "from konio.cli import main; main()"


def percentiles(seconds: list[float]) -> str:
    """Median, 95th and 99th percentile and maximum in milliseconds."""
    found = np.percentile(np.array(seconds) * 1000, [50, 95, 99, 100])
    return "p50 {:.0f} ms, p95 {:.0f} ms, p99 {:.0f} ms, max {:.0f} ms".format(*found)


class Client:
    """A browser that keeps its connection.

    Args:
        port: of the server.
        cookie: of its session.
        csrf: token of its session.
    """

    def __init__(self, port: int, cookie: str = "", csrf: str = "") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self.headers = {"Cookie": f"konio_session={cookie}", "X-CSRF-Token": csrf}

    def __call__(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/json"
    ) -> tuple[int, bytes]:
        headers = self.headers if body is None else {**self.headers, "Content-Type": kind}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def json(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """JSON in and out."""
        raw = None if body is None else json.dumps(body).encode()
        status, said = self(method, path, raw)
        return status, json.loads(said) if said else None


def member(room: Room, name: str, role: str = "reader") -> tuple[str, str]:
    """Cookie and token of an account that is signed in, made without hashing."""
    with room.database.write() as session:
        account = session.query(Account).filter_by(name=name).first()
        if account is None:
            account = Account(name=name, display=name, role=role, password_hash="")
            session.add(account)
            session.flush()
        row, cookie = room.sessions.begin(session, account, "127.0.0.1")
        return cookie, row.csrf


@contextmanager
def data_folder() -> Iterator[Path]:
    """An empty data folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="konio-web-") as folder:
        yield Path(folder) / "data"


def opened(data: Path, **given: Any) -> Room:
    """The installation in a data folder."""
    return open_room(load_settings(environment={}, data=data, **given))


class Server:
    """``konio serve`` in a process of its own, without workers.

    Args:
        data: its data folder.
        port: to listen on; 0 for any.
        environment: more settings.
    """

    def __init__(self, data: Path, port: int = 0, **environment: str) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("KONIO_WEB_")}
        words = ["serve", "--data", str(data), "--port", str(port), "--workers", "0"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, *words],
            env={**clean, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        atexit.register(self.process.kill)
        self.port = self._port()

    def _port(self) -> int:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("konio is at"):
                return int(line.split(":")[2].split()[0])
        raise RuntimeError("the server did not start")

    def peak_mib(self) -> float:
        """Most memory the process has had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return (
            next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
            / 1024
        )

    def processor(self) -> float:
        """Seconds of processor the process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ends it in order."""
        self.process.terminate()
        self.process.wait(60)


def wait_for(condition: Any, seconds: float, pause: float = 0.2) -> bool:
    """Whether something became true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(pause)
    return False
