"""Jobs: nothing lost and nothing twice, whatever happens to the worker."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError
from tests.web import fake
from tests.web.conftest import House, Person, film

from konio.web import jobs
from konio.web.assessing import Outcome, Report
from konio.web.jobs import FAILED, Lease, Queue
from konio.web.storage import DiskFullError, Storage
from konio.web.tables import Case, Job, Result, now_ms
from konio.web.worker import Worker, close, nothing


def results(house: House) -> int:
    with house.room.database.read() as session:
        return int(session.scalar(select(func.count()).select_from(Result)) or 0)


def outcome_of(lease: Lease, house: House) -> Outcome:
    return fake.examine(lease.sha256, house.room.storage, lambda step, progress: None)


@pytest.fixture
def reader(house: House) -> Person:
    return house.person("reader")


def test_a_job_from_beginning_to_end(house: House, reader: Person) -> None:
    case = reader.upload(film(1)).json["cases"][0]["id"]
    assert reader("GET", f"/api/cases/{case}").json["status"] == "queued"
    assert house.work() == 1
    shown = reader("GET", f"/api/cases/{case}").json
    assert (shown["status"], shown["job"]["state"], shown["job"]["progress"]) == (
        "done",
        "done",
        1.0,
    )
    assert shown["patient_id"].startswith("P") and shown["spacing_mm"] == [0.2, 0.2]
    assert results(house) == 1


def test_the_urgent_one_comes_first(house: House, reader: Person) -> None:
    for seed in (1, 2, 3):
        reader.upload(film(seed), f"{seed}.png")
    numbers = [job.id for job in house.jobs()]
    reader("PATCH", f"/api/jobs/{numbers[2]}", json={"priority": 9})
    taken = [house.room.queue.take("me") for _ in range(4)]
    assert [lease and lease.job_id for lease in taken] == [numbers[2], numbers[0], numbers[1], None]


def test_a_lease_that_ran_out_goes_to_the_next(house: House, reader: Person) -> None:
    reader.upload(film(1))
    queue = Queue(house.room.database, 0.5)
    slow = queue.take("slow")
    assert slow is not None and queue.take("quick") is None
    time.sleep(0.6)
    quick = queue.take("quick")
    assert quick is not None and quick.job_id == slow.job_id and quick.token == slow.token + 1
    assert not queue.renew(slow)
    assert not close(queue, slow, outcome_of(slow, house))  # the fence
    assert results(house) == 0
    assert close(queue, quick, outcome_of(quick, house))
    assert not close(queue, quick, outcome_of(quick, house))  # nor twice
    assert results(house) == 1


def test_a_worker_keeps_its_lease_while_it_works(
    house: House, reader: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.upload(film(1))
    monkeypatch.setattr(fake, "SECONDS", 1.5)
    queue = Queue(house.room.database, 0.6)
    worker = Worker(queue, house.room.storage, fake.examine)
    thread = threading.Thread(target=worker.run, kwargs={"until_idle": True})
    thread.start()
    time.sleep(1.1)
    assert queue.take("thief") is None
    thread.join()
    assert house.jobs()[0].state == "done" and house.jobs()[0].attempts == 1


def test_three_deaths_are_poison_and_a_retry_is_a_new_job(house: House, reader: Person) -> None:
    reader.upload(film(1), "bad.png")
    reader.upload(film(2), "good.png")
    seen = []
    for _ in range(4):
        lease = house.room.queue.take("mortal")
        assert lease is not None
        seen.append(lease.name)
        house.room.queue.release("mortal")
    assert set(seen) == {"bad.png", "good.png"}  # a dead one waits behind the others
    for _ in range(3):
        house.room.queue.take("mortal")
        house.room.queue.release("mortal")
    poisoned = [job for job in house.jobs() if job.state == "failed"]
    assert poisoned and poisoned[0].deaths == jobs.POISON_DEATHS
    assert poisoned[0].reason["code"] == "poison"
    again = reader("POST", f"/api/jobs/{poisoned[0].id}/retry")
    assert again.status_code == 200 and again.json["job"]["deaths"] == 0
    assert reader("POST", f"/api/jobs/{poisoned[0].id}/retry").status_code == 409


def test_a_film_that_breaks_the_code_fails_and_the_next_goes_on(
    house: House, reader: Person, caplog: pytest.LogCaptureFixture
) -> None:
    reader.upload(film(1) + b"break me")
    reader.upload(film(2))
    with caplog.at_level("INFO", "konio.web"):
        house.work()
    states = {job.state: job for job in house.jobs()}
    assert states["failed"].reason == dict(FAILED) and states["done"]
    assert "ZeroDivisionError" in caplog.text and "patient" not in caplog.text


def test_cancelling(house: House, reader: Person) -> None:
    reader.upload(film(1))
    number = house.jobs()[0].id
    assert reader("POST", f"/api/jobs/{number}/cancel").json["job"]["state"] == "cancelled"
    assert house.room.queue.take("me") is None
    assert reader("POST", f"/api/jobs/{number}/cancel").json["error"]["code"] == "job-ended"
    fresh = reader("POST", f"/api/jobs/{number}/retry").json["job"]["id"]
    lease = house.room.queue.take("me")
    assert lease is not None and lease.job_id == fresh
    reader("POST", f"/api/jobs/{fresh}/cancel")
    assert not house.room.queue.renew(lease)
    assert not close(house.room.queue, lease, outcome_of(lease, house))
    assert house.jobs()[-1].state == "cancelled" and results(house) == 0


def test_one_job_at_a_time_for_a_film(house: House, reader: Person) -> None:
    case = house.case(reader)
    assert reader("POST", f"/api/cases/{case}/job", json={"priority": 7}).status_code == 201
    second = reader("POST", f"/api/cases/{case}/job", json={})
    assert second.json["error"]["code"] == "job-open"
    house.work()
    assert results(house) == 2  # one of each job
    assert reader("GET", f"/api/cases/{case}").json["status"] == "done"


def test_the_result_waits_for_a_database_that_is_away(
    house: House, reader: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.upload(film(1))
    whole, gone = Queue.finish, [3]

    def finish(self: Queue, *given: Any) -> bool:
        if gone[0]:
            gone[0] -= 1
            raise OperationalError("select", {}, Exception("gone"))
        return whole(self, *given)

    monkeypatch.setattr(Queue, "finish", finish)
    monkeypatch.setattr("konio.web.worker._PATIENCE_SECONDS", 0.01)
    assert house.work() == 1
    assert gone == [0] and results(house) == 1 and house.jobs()[0].attempts == 1


def test_a_film_waits_while_the_disk_is_full(
    house: House, reader: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    full = [3]

    def examine(sha256: str, storage: Storage, report: Report) -> Outcome:
        report("reading", 0.1)
        if full[0]:
            full[0] -= 1
            raise DiskFullError("no room for the pictures")
        return fake.examine(sha256, storage, report)

    reader.upload(film(1))
    monkeypatch.setattr("konio.web.worker._PATIENCE_SECONDS", 0.01)
    with caplog.at_level("INFO", "konio.web"):
        Worker(house.room.queue, house.room.storage, examine).run(until_idle=True)
    assert caplog.text.count("disk.full") == 3
    assert [(job.state, job.attempts, job.deaths) for job in house.jobs()] == [("done", 1, 0)]


def test_a_result_and_the_end_of_its_job_are_one_transaction(house: House, reader: Person) -> None:
    reader.upload(film(1))
    lease = house.room.queue.take("me")
    assert lease is not None

    def breaks(session: Any, case: Case) -> None:
        nothing(session, case)
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        house.room.queue.finish(lease, breaks)
    assert house.jobs()[0].state == "running"


def test_progress_comes_as_events(
    house: House, reader: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from konio.web.views import jobs as view

    monkeypatch.setattr(view, "STREAM_SECONDS", 1.0)
    monkeypatch.setattr(view, "_POLL_SECONDS", 0.05)
    other = house.person("other")
    reader.upload(film(1))
    stream = reader("GET", "/api/events")
    assert stream.mimetype == "text/event-stream"
    lines = stream.response
    said = []
    for block in lines:
        text = block.decode()
        if text.startswith("event: jobs"):
            said += json.loads(text.split("data: ")[1])["jobs"]
            if len(said) == 1:
                house.work()
        if said and said[-1]["state"] == "done":
            break
    stream.close()
    assert said[0]["state"] == "queued"
    theirs = b"".join(other("GET", "/api/events").response)
    assert b'"jobs": []' in theirs and b"film.png" not in theirs


def test_a_stream_ends_when_the_session_does(
    house: House, reader: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from konio.web.views import jobs as view

    monkeypatch.setattr(view, "_POLL_SECONDS", 0.01)
    stream = iter(reader("GET", "/api/events").response)
    next(stream)
    next(stream)
    house.signed_in(reader.account)("DELETE", "/api/sessions/1")
    with house.room.database.write() as session:
        session.execute(update(Job).values(changed=now_ms()))
        from konio.web import accounts

        accounts.end_sessions(session, reader.account.id)
    assert any(b"signed-out" in block for block in stream)


def test_only_so_many_streams(open_house: Any) -> None:
    house = open_house(streams=1)
    reader = house.person("reader")
    first = reader("GET", "/api/events")
    next(iter(first.response))
    busy = reader("GET", "/api/events")
    assert (busy.status_code, busy.json["error"]["code"]) == (503, "busy")
    assert busy.headers["Retry-After"]
    first.close()
    again = reader("GET", "/api/events")
    assert again.status_code == 200
    again.close()


@pytest.mark.slow
def test_killed_workers_lose_nothing_and_repeat_nothing(house: House, reader: Person) -> None:
    """``kill -9`` of a random worker, again and again; the large run is ``benchmarks/web_kill.py``."""
    count, kills = 40, 8
    for seed in range(count):
        reader.upload(film(seed, 128), f"{seed}.png")
    program = Path(__file__).with_name("kill_me.py")
    rng = random.Random(7)

    def launch() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, str(program), str(house.room.settings.data), "1.0", "0.05"],
            cwd=Path(__file__).parents[2],
        )

    workers = [launch(), launch()]
    try:
        for _ in range(kills):
            time.sleep(rng.uniform(0.3, 0.8))
            place = rng.randrange(2)
            os.kill(workers[place].pid, signal.SIGKILL)
            workers[place].wait()
            workers[place] = launch()
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and any(job.state in jobs.OPEN for job in house.jobs()):
            time.sleep(0.3)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    with house.room.database.read() as session:
        made = session.execute(select(Result.job_id, func.count()).group_by(Result.job_id)).all()
    assert {job.state for job in house.jobs()} == {"done"}
    assert len(made) == count and all(number == 1 for _, number in made)
