"""One database behind one pair of functions: `Database.read` and `Database.write`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, exc, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from konio.errors import SettingsError

#: What SQLAlchemy raises when the database is not there or too busy; the request is answered 503, the worker waits.
GONE: Final = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)

#: How MariaDB and PostgreSQL say that their disk is full; SQLite says it in words.
_FULL: Final = (1021, 1114, "53100")

_BUSY_MS: Final = 30_000
_LOCK_SECONDS: Final = 20


def is_full(error: BaseException) -> bool:
    """Whether a database did not take something for want of room."""
    cause = error.orig if isinstance(error, exc.DBAPIError) else None
    if cause is None or not cause.args:
        return False
    said = cause.args[0]
    code = said.get("C") if isinstance(said, dict) else getattr(cause, "sqlstate", None) or said
    return code in _FULL or "database or disk is full" in str(said)


class Database:
    """A pool of connections.

    Args:
        url: SQLAlchemy URL; SQLite, MySQL/MariaDB or PostgreSQL.
        connections: most connections of this process.

    Raises:
        SettingsError: on an address that cannot be understood or a driver that is not installed.
    """

    def __init__(self, url: str, connections: int = 24) -> None:
        self.url = url
        try:
            self.engine = _engine(url, connections)
        except (exc.ArgumentError, ModuleNotFoundError) as error:
            raise SettingsError(
                f"the database address cannot be used ({error}); give a SQLAlchemy URL whose driver is installed"
            ) from error
        self._writer = self.engine.execution_options(konio_write=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of our own."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only looks."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is committed at the end, or rolled back if an error leaves it."""
        with Session(self._writer, expire_on_commit=False) as session:
            yield session
            session.commit()

    def answers(self) -> bool:
        """Whether the database is there now."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except (exc.DBAPIError, exc.TimeoutError):
            return False
        return True

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _engine(url: str, connections: int) -> Engine:
    kind = make_url(url).get_backend_name()
    options: dict[str, Any] = {
        "pool_size": connections,
        "max_overflow": connections,
        "pool_timeout": 20,
    }
    if kind == "sqlite":
        options["connect_args"] = {"timeout": _BUSY_MS / 1000, "check_same_thread": False}
    else:
        options |= {
            "pool_pre_ping": True,
            "pool_recycle": 1800,
            "isolation_level": "READ COMMITTED",
        }
        if make_url(url).get_driver_name() in ("pymysql", "mysqldb", "psycopg", "psycopg2"):
            options["connect_args"] = {"connect_timeout": 5}
    engine = create_engine(url, **options)
    if kind == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    elif kind in ("mysql", "mariadb"):
        event.listen(engine, "connect", _prepare_mysql)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    """WAL lets readers go on while one writes; FULL makes a commit survive a power cut."""
    connection.isolation_level = (
        None  # transactions begin where we say, not where the driver guesses
    )
    for pragma in (
        f"busy_timeout={_BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-16384",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its place in the queue at once; upgrading later would fail instead of waiting."""
    writes = connection.get_execution_options().get("konio_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_mysql(connection: Any, record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION innodb_lock_wait_timeout={_LOCK_SECONDS}")


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite address, or ``None``."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


def migrate(database: Database) -> None:
    """Brings the tables to the present shape; does nothing where they have it.

    Several processes may call it at the same time on one SQLite file or server; one works, the others wait.

    Raises:
        SettingsError: if the tables come from a newer konio.
    """
    import os

    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    file = sqlite_file(database.url)
    if file is not None and not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with database._writer.connect() as connection:
        config.attributes["connection"] = connection
        try:
            with connection.begin():
                command.upgrade(config, "head")
        except CommandError as error:
            raise SettingsError(
                f"the database was made by another konio ({error}); install that version or a newer one"
            ) from error


def refresh_statistics(database: Database) -> None:
    """Lets SQLite look at how its tables are filled where that changed much; costs next to nothing."""
    if database.is_sqlite:
        with database._writer.connect() as connection, connection.begin():
            connection.exec_driver_sql("PRAGMA optimize=0x10002")


def revision(database: Database) -> str | None:
    """Which migration the database stands at."""
    from alembic.migration import MigrationContext

    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
