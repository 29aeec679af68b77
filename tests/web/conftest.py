"""A reading room of one's own: SQLite in a folder, made-up films, an examiner that needs no network."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image as Picture
from sqlalchemy import event, select
from tests.web.fake import examine

from konio.tasks import ZONES
from konio.web import accounts, passwords, throttle
from konio.web.app import create_app, open_room
from konio.web.asker import Room
from konio.web.sessions import COOKIE
from konio.web.settings import Settings, load_settings
from konio.web.tables import Account, Job
from konio.web.worker import Worker

PASSWORD = "correct horse battery"  # noqa: S105


def film(seed: int, side: int = 160) -> bytes:
    """A PNG of a drawn chest that no other seed gives."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side] / side
    pixels = np.full((side, side), 190.0)
    for centre in (0.31, 0.69):
        pixels[((rows - 0.5) / 0.36) ** 2 + ((columns - centre) / 0.15) ** 2 < 1] = 70
    noisy = np.clip(pixels + rng.normal(0, 5, (side, side)), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Picture.fromarray(noisy).save(buffer, "PNG")
    return buffer.getvalue()


def findings(level: str = "1/1", **more: Any) -> dict[str, Any]:
    """A filled-in form with the same profusion everywhere."""
    return {"zones": dict.fromkeys(ZONES, level), **more}


@dataclass
class Person:
    """Somebody at a browser."""

    client: FlaskClient
    account: Account | None = None
    csrf: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, method: str, path: str, **given: Any) -> Any:
        headers = {"X-CSRF-Token": self.csrf, **self.headers, **given.pop("headers", {})}
        whole = not path.endswith("/events")  # a stream is looked at while it runs
        return self.client.open(path, method=method, headers=headers, buffered=whole, **given)

    def upload(self, content: bytes, name: str = "film.png") -> Any:
        return self(
            "POST",
            "/api/uploads",
            query_string={"name": name},
            data=content,
            content_type="application/octet-stream",
        )


@dataclass
class House:
    """A room, its application and its people."""

    room: Room
    app: Any

    def person(self, name: str, role: str = "reader", **changes: Any) -> Person:
        """An account that has chosen its password, signed in without hashing."""
        with self.room.database.write() as session:
            account = accounts.find(session, name)
            if account is None:
                account = Account(name=name, display=name.title(), role=role, password_hash="")
                session.add(account)
                session.flush()
            for key, value in changes.items():
                setattr(account, key, value)
        return self.signed_in(account)

    def signed_in(self, account: Account) -> Person:
        with self.room.database.write() as session:
            row, cookie = self.room.sessions.begin(session, account, "127.0.0.1")
        client = self.app.test_client()
        client.set_cookie(COOKIE, cookie)
        return Person(client, account, row.csrf)

    def stranger(self) -> Person:
        return Person(self.app.test_client())

    def with_password(self, name: str, password: str = PASSWORD, role: str = "reader") -> Person:
        person = self.person(name, role)
        with self.room.database.write() as session:
            account = session.get_one(Account, person.account.id)
            account.password_hash = passwords.hashed(password)
        return person

    def work(self) -> int:
        """Does every job that waits."""
        return Worker(self.room.queue, self.room.storage, examine).run(until_idle=True)

    def case(self, reader: Person, seed: int = 1) -> str:
        """An uploaded and assessed film."""
        answer = reader.upload(film(seed), f"film {seed}.png")
        assert answer.status_code == 201, answer.json
        self.work()
        return str(answer.json["cases"][0]["id"])

    def jobs(self) -> list[Job]:
        with self.room.database.read() as session:
            return list(session.scalars(select(Job).order_by(Job.id)))


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with little memory; the real cost is checked where it matters."""
    from argon2 import PasswordHasher

    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(1, 64, 1))
    passwords._nobody.cache_clear()


@pytest.fixture(scope="session")
def fresh_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with empty tables, made once by the real migration."""
    folder = tmp_path_factory.mktemp("fresh") / "data"
    room = open_room(load_settings(environment={}, data=folder))
    with room.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    room.database.close()
    return folder


@pytest.fixture
def settings(tmp_path: Path, fresh_data: Path) -> Settings:
    shutil.copytree(fresh_data, tmp_path / "data")
    return load_settings(environment={}, data=tmp_path / "data", lease_seconds=5.0)


OpenHouse = Callable[..., House]


def _hurry(room: Room) -> None:
    """No waiting for the disk; that a commit survives is SQLite's own affair."""
    room.database.engine.dispose()
    event.listen(
        room.database.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF")
    )


@pytest.fixture
def open_house(settings: Settings) -> Iterator[OpenHouse]:
    """Opens a house with changed settings."""
    opened: list[House] = []

    def make(**changes: Any) -> House:
        room = open_room(settings.model_copy(update=changes))
        if room.database.is_sqlite:
            _hurry(room)
        app = create_app(room.settings, room)
        opened.append(House(room, app))
        return opened[-1]

    yield make
    for house in opened:
        house.room.database.close()


@pytest.fixture
def house(open_house: OpenHouse) -> House:
    return open_house()


@pytest.fixture
def many_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of something else than the throttle."""
    for name in ("DEVICE", "ADDRESS", "ACCOUNT_AT_ADDRESS", "ACCOUNT"):
        monkeypatch.setattr(throttle, name, throttle.Budget(1e6, 1))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
