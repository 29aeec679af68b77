"""Database servers of this machine, started for a test in a folder of their own and ended after it."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine

from konio.web.database import Database


def _found(*names: str) -> str | None:
    """A program by its names, also where Debian keeps servers."""
    folders = [
        *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"))),
        "/usr/sbin",
        "/usr/libexec",
    ]
    path = os.pathsep.join([os.environ.get("PATH", ""), *folders])
    return next((place for name in names if (place := shutil.which(name, path=path))), None)


MARIADB = _found("mariadbd", "mysqld")
#: Debian's ``mariadb-server-core`` has the server and these, and needs no running service.
_SYSTEM_TABLES = next(
    (folder for folder in map(Path, ("/usr/share/mysql", "/usr/share/mariadb"))
     if (folder / "mysql_system_tables.sql").exists()), None,
)  # fmt: skip
if _SYSTEM_TABLES is None:
    MARIADB = None
POSTGRES = _found("postgres")
POSTGRES_INIT = _found("initdb")


@contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    """A MariaDB server; yields the address of an empty database."""
    command, base, socket = mariadb_installed(folder)
    with started(command, base.format("mysql"), socket):
        make_empty(base)
        yield base.format("konio")


def make_empty(base: str) -> None:
    """An empty database of the name konio."""
    engine = create_engine(base.format("mysql"))
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE konio")
    engine.dispose()


def mariadb_installed(folder: Path) -> tuple[list[str], str, Path]:
    """A MariaDB that is not started: how to start it, its address with a gap for the database's name, its socket."""
    assert MARIADB and _SYSTEM_TABLES
    user = _user(folder)
    data, socket = folder / "data", folder / "s.sock"
    data.mkdir()
    _give(data, user)
    tables = (_SYSTEM_TABLES / "mysql_system_tables.sql").read_text("utf-8")
    subprocess.run(
        [MARIADB, "--no-defaults", f"--datadir={data}", "--bootstrap", f"--user={user}", f"--lc-messages-dir={_SYSTEM_TABLES}"],
        input=f"CREATE DATABASE mysql;\nUSE mysql;\n{tables}",
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    command = [
        MARIADB, "--no-defaults", f"--datadir={data}", f"--socket={socket}", "--skip-networking", "--skip-grant-tables",
        f"--pid-file={folder / 'pid'}", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=2",
        "--character-set-server=utf8mb4", f"--user={user}",
    ]  # fmt: skip
    return (
        command,
        f"mysql+pymysql://root@localhost/{{}}?unix_socket={socket}&charset=utf8mb4",
        socket,
    )


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL server; yields the address of an empty database."""
    data, user = folder / "data", _user(folder)
    assert POSTGRES and POSTGRES_INIT
    subprocess.run(
        [*_as(user), POSTGRES_INIT, "-D", str(data), "-U", "konio", "-A", "trust", "-E", "UTF8", "-N"],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    command = [
        *_as(user), POSTGRES, "-D", str(data), "-k", str(folder), "-c", "listen_addresses=",
        "-c", "fsync=off", "-c", "shared_buffers=32MB",
    ]  # fmt: skip
    url = f"postgresql+pg8000://konio@/postgres?unix_sock={folder}/.s.PGSQL.5432"
    with started(command, url, folder / ".s.PGSQL.5432"):
        yield url


def _user(folder: Path) -> str:
    """Database servers refuse to run as root; as root, they run as nobody in a folder of theirs."""
    folder.mkdir()
    if os.getuid() != 0:
        return getpass.getuser()
    folder.parent.chmod(0o711)  # the temporary folder above, so that they find the way
    _give(folder, "nobody")
    return "nobody"


def _give(folder: Path, user: str) -> None:
    if os.getuid() == 0:
        shutil.chown(folder, user)


def _as(user: str) -> list[str]:
    return ["setpriv", f"--reuid={user}", "--clear-groups", "--"] if os.getuid() == 0 else []


@contextmanager
def started(command: list[str], url: str, socket: Path) -> Iterator[None]:
    """Runs a database server until the end of the block."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            database = Database(url)
            deadline = time.monotonic() + 90
            while not (socket.exists() and database.answers()):
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} did not start")
                time.sleep(0.2)
            database.close()
            yield
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
