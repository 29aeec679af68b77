"""The same room on every database: SQLite, MariaDB, PostgreSQL; those that are installed."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text
from tests.web import fake, servers
from tests.web.conftest import House, film, findings

from konio.web import throttle
from konio.web.app import create_app, open_room
from konio.web.database import GONE, Database, migrate, revision
from konio.web.settings import Settings
from konio.web.tables import Base

#: Name to how it is started; a server that is not on this machine is not on the list.
STARTERS: dict[str, Any] = {"sqlite": None}
if servers.MARIADB:
    STARTERS["mariadb"] = servers.mariadb
if servers.POSTGRES and servers.POSTGRES_INIT:
    STARTERS["postgresql"] = servers.postgres


@pytest.fixture(scope="module", params=list(STARTERS))
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database."""
    with tempfile.TemporaryDirectory(prefix="konio-db-") as folder:
        if STARTERS[request.param] is None:
            yield f"sqlite:///{folder}/konio.db"
        else:
            with STARTERS[request.param](Path(folder) / "server") as address:
                yield address


@pytest.fixture
def somewhere(url: str, settings: Settings) -> Iterator[House]:
    room = open_room(settings.model_copy(update={"database": url}))
    yield House(room, create_app(room.settings, room))
    room.database.close()


@pytest.mark.slow
def test_the_migration_makes_the_tables_that_the_code_knows(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    database = Database(url)
    migrate(database)
    migrate(database)  # again does nothing
    assert revision(database) == "0002"
    assert set(inspect(database.engine).get_table_names()) == {
        *Base.metadata.tables,
        "alembic_version",
    }
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []
    database.close()


@pytest.mark.slow
def test_a_day_in_the_room(somewhere: House) -> None:
    """Upload, job, reading, machine, list, agreement, audit."""
    house = somewhere
    reader, root = house.person("王.reader"), house.person("root", "administrator")
    other = house.person("other")
    cases = [
        reader.upload(film(seed), f"胸片 {seed}.png").json["cases"][0]["id"] for seed in range(3)
    ]
    assert reader.upload(film(0)).json["cases"][0]["duplicate"] is True
    assert house.work() == 3
    assert other("GET", f"/api/cases/{cases[0]}").status_code == 404
    assert other("GET", f"/api/cases/{cases[0].swapcase()}").status_code == 404
    root(
        "PUT",
        f"/api/cases/{cases[0]}/readers",
        json={"readers": [reader.account.id, other.account.id]},
    )
    for person in (reader, other):
        assert (
            person(
                "POST", f"/api/cases/{cases[0]}/readings", json=findings("1/1", comment="看见😀")
            ).status_code
            == 201
        )
    assert reader("GET", f"/api/cases/{cases[0]}/machine").status_code == 200
    for sort in ("name", "my_stage", "my_signed", "priority"):
        found = reader("GET", "/api/cases", query_string={"sort": sort, "q": "胸片"}).json
        assert found["total"] == 3, sort
    assert root("GET", "/api/agreement").json["adjudication"]["agreed"] == 1
    assert (
        reader("GET", f"/api/cases/{cases[0]}/readings").json["mine"][0]["findings"]["comment"]
        == "看见😀"
    )
    checked = root("GET", "/api/audit/verify").json
    assert checked["intact"] and checked["events"] >= 8


@pytest.mark.slow
def test_many_workers_share_one_queue(somewhere: House) -> None:
    from konio.web.worker import Worker

    house = somewhere
    reader = house.person("busy")
    for seed in range(100, 124):
        reader.upload(film(seed, 128), f"{seed}.png")
    counts: list[int] = []

    def work() -> None:
        counts.append(
            Worker(house.room.queue, house.room.storage, fake.examine).run(until_idle=True)
        )

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.work()
    assert sum(counts) <= 24
    with house.room.database.read() as session:
        twice = session.execute(
            text("SELECT job_id FROM results GROUP BY job_id HAVING COUNT(*) > 1")
        ).all()
    assert not twice and {job.state for job in house.jobs()} == {"done"}


@pytest.mark.slow
def test_guesses_are_counted_across_processes(somewhere: House) -> None:
    """Eight at a time on one bucket: never more than it holds."""
    keys = somewhere.room.throttle.keys("somebody", "10.9.9.9", "")

    def take(number: int) -> bool:
        try:
            return somewhere.room.throttle.take(keys)
        except GONE:
            return False  # a deadlock that the database resolved against us: the answer is 503

    with ThreadPoolExecutor(8) as pool:
        taken = sum(pool.map(take, range(40)))
    assert 1 <= taken <= throttle.ACCOUNT_AT_ADDRESS.size


@pytest.mark.slow
def test_guesses_that_were_let_through_together_are_counted_again(
    somewhere: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them see tries left before any takes one, and again at the same moment if the row lets them."""
    many = 2 * int(throttle.DEVICE.size)
    tries = somewhere.room.throttle
    keys = tries.keys("somebody", "10.9.9.9", tries.device_token("somebody"))
    assert tries.take(keys)  # the bucket is there
    whole, seen = throttle._left, threading.local()
    before, within = threading.Barrier(many, timeout=60), threading.Barrier(many, timeout=2)

    def left(*given: Any) -> float:
        found = whole(*given)
        with suppress(threading.BrokenBarrierError):  # waiting for the row breaks it
            (within if hasattr(seen, "before") else before).wait()
        seen.before = True
        return found

    monkeypatch.setattr(throttle, "_left", left)
    with ThreadPoolExecutor(many) as pool:
        taken = sum(pool.map(lambda number: tries.take(keys), range(many)))
    assert taken == throttle.DEVICE.size - 1
