"""`konio worker --engine ray`: films examined by processes of a cluster, held by leases here; whoever dies, nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from tests.web import fake
from tests.web.conftest import House, Person, film, findings

from konio.engine import Failure
from konio.web import cluster
from konio.web.cluster import EngineWorker
from konio.web.jobs import FAILED, FILM_GONE, POISON_DEATHS, Queue
from konio.web.tables import Job, Result
from konio.web.worker import Worker


class Here:
    """An engine of this process.

    Args:
        workers: films at a time.
        before: called with the film's SHA-256; what it gives in place of ``None`` is the engine's answer.
    """

    def __init__(self, workers: int = 2, before: Callable[[str], Any] | None = None) -> None:
        self.workers, self.before = workers, before or (lambda sha256: None)
        self.most = self.now = 0
        self.order: list[str] = []
        self._lock = threading.Lock()

    def run(self, function: str, items: list[dict[str, Any]]) -> Iterator[tuple[int, Any]]:
        assert function == "konio.web.cluster:examine"
        for position, item in enumerate(items):
            with self._lock:
                self.now += 1
                self.most = max(self.most, self.now)
                self.order.append(item["sha256"])
            said = self.before(item["sha256"]) or cluster.examine(item)
            with self._lock:
                self.now -= 1
            yield position, said if isinstance(said, Failure) else json.loads(json.dumps(said))


@pytest.fixture(autouse=True)
def fake_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_examiner", lambda model: fake.examine)


@pytest.fixture
def reader(house: House) -> Person:
    return house.person("reader")


def worker(house: House, engine: Any) -> EngineWorker:
    return EngineWorker(house.room.queue, house.room.storage, engine, "fake")


def results(house: House) -> int:
    with house.room.database.read() as session:
        return int(session.scalar(select(func.count(Result.id))) or 0)


def test_an_engine_does_the_same_work(house: House, reader: Person) -> None:
    for seed in range(5):
        reader.upload(film(seed))
    assert worker(house, Here()).run(until_idle=True) == 5
    assert {job.state for job in house.jobs()} == {"done"} and results(house) == 5


def test_no_more_films_are_taken_than_there_is_room_for(house: House, reader: Person) -> None:
    """An urgent film waits for one film at most, and a death of the worker is no death of films that wait."""
    running: list[int] = []

    def looked_at(sha256: str) -> None:
        time.sleep(0.1)
        running.append(sum(job.state == "running" for job in house.jobs()))
        if len(running) == 2:
            reader("PATCH", f"/api/jobs/{house.jobs()[-1].id}", json={"priority": 9})

    engine = Here(2, looked_at)
    for seed in range(7):
        reader.upload(film(seed), f"{seed}.png")
    last = house.jobs()[-1].case_id
    worker(house, engine).run(until_idle=True)
    assert engine.most == 2 and max(running) <= 2
    with house.room.database.read() as session:
        done = session.scalars(select(Job.case_id).order_by(Job.finished, Job.id)).all()
    assert done.index(last) < 6  # it overtook films that had come before it


def test_machines_that_join_are_used(house: House, reader: Person) -> None:
    engine = Here(1, lambda sha256: time.sleep(0.2))
    for seed in range(6):
        reader.upload(film(seed))
    growing = threading.Timer(0.5, lambda: setattr(engine, "workers", 3))
    growing.start()
    assert worker(house, engine).run(until_idle=True) == 6
    growing.join()
    assert engine.most == 3


def test_a_film_whose_process_died_goes_back_at_once(house: House, reader: Person) -> None:
    deaths = iter([Failure("died", died=True)])
    reader.upload(film(1))
    assert worker(house, Here(1, lambda sha256: next(deaths, None))).run(until_idle=True) == 1
    (job,) = house.jobs()
    assert (job.state, job.deaths, job.attempts, job.token) == ("done", 1, 2, 2)
    assert results(house) == 1


def test_a_film_that_kills_every_process_is_poison(house: House, reader: Person) -> None:
    reader.upload(film(1))
    engine = Here(1, lambda sha256: Failure("died", died=True))
    assert worker(house, engine).run(until_idle=True) == 0
    (job,) = house.jobs()
    assert (job.state, job.deaths) == ("failed", POISON_DEATHS) and job.reason["code"] == "poison"


def test_a_film_that_breaks_the_code_elsewhere_fails_and_the_log_says_where(
    house: House, reader: Person, caplog: pytest.LogCaptureFixture
) -> None:
    reader.upload(film(1) + b"break me")
    reader.upload(film(2))
    with caplog.at_level("INFO", "konio.web"):
        worker(house, Here()).run(until_idle=True)
    states = {job.state: job for job in house.jobs()}
    assert states["failed"].reason == dict(FAILED) and states["done"]
    assert "ZeroDivisionError in examine" in caplog.text and "patient" not in caplog.text


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_machine_without_the_data_folder_is_no_fault_of_the_film(
    where: str, house: House, reader: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from konio.web.assessing import ModelExaminer

    examiner = ModelExaminer(assessor=None)  # type: ignore[arg-type]
    monkeypatch.setattr(cluster, "_examiner", lambda model: examiner)
    case = reader.upload(film(1)).json["cases"][0]["id"]
    (path,) = house.room.storage.films()
    path.rename(path.with_suffix(".away"))
    local = Worker(house.room.queue, house.room.storage, examiner)
    (local if where == "here" else worker(house, Here())).run(until_idle=True)
    shown = reader("GET", f"/api/cases/{case}").json
    assert (shown["status"], shown["refusal"]) == ("failed", None)
    assert shown["job"]["reason"] == dict(FILM_GONE)
    path.with_suffix(".away").rename(path)
    reader("POST", f"/api/jobs/{shown['job']['id']}/retry")
    monkeypatch.setattr(cluster, "_examiner", lambda model: fake.examine)
    assert worker(house, Here()).run(until_idle=True) == 1


def test_a_result_that_was_cancelled_meanwhile_does_not_count(house: House, reader: Person) -> None:
    reader.upload(film(1))
    number = house.jobs()[0].id

    def cancelled(sha256: str) -> None:
        assert reader("POST", f"/api/jobs/{number}/cancel").status_code == 200

    assert worker(house, Here(1, cancelled)).run(until_idle=True) == 0
    assert house.jobs()[0].state == "cancelled" and results(house) == 0


def test_the_engines_result_waits_for_a_database_that_is_away(
    house: House, reader: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, gone = Queue.finish, [3]

    def finish(self: Queue, *given: Any) -> bool:
        if gone[0]:
            gone[0] -= 1
            raise OperationalError("select", {}, Exception("gone"))
        return whole(self, *given)

    reader.upload(film(1))
    monkeypatch.setattr(Queue, "finish", finish)
    monkeypatch.setattr("konio.web.worker._PATIENCE_SECONDS", 0.01)
    assert worker(house, Here()).run(until_idle=True) == 1
    assert results(house) == 1 and house.jobs()[0].attempts == 1


#: A Ray cluster that lasts as long as its standard input is open.
RAY = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
_BOOT = "import sys; from konio.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def ray() -> Iterator[tuple[str, int]]:
    """A Ray cluster of this machine: its address and the process that started it."""
    # The names of Ray's sockets must be short, so that its files lie outside pytest's folder.
    with tempfile.TemporaryDirectory(prefix="ray") as short:
        environment = os.environ | {
            "RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": short, "OMP_NUM_THREADS": "1",
            "RAY_worker_niceness": "0",  # its processes would stand behind everything else on a busy machine
        }  # fmt: skip
        with subprocess.Popen(
            [sys.executable, "-c", RAY], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        ) as started:  # fmt: skip
            assert started.stdin is not None and started.stdout is not None
            try:
                yield started.stdout.readline().strip(), started.pid
            finally:
                started.stdin.close()
                started.wait(60)


@contextmanager
def ray_worker(house: House, address: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`konio worker --engine ray` as anybody starts it, with a lease that ends soon."""
    data = str(house.room.settings.data)
    command = [sys.executable, "-c", _BOOT, "worker", "--engine", "ray", "--address", address]
    environment = {**os.environ, "KONIO_WEB_LEASE_SECONDS": "4", "RAY_USAGE_STATS_ENABLED": "0"}
    with (
        log.open("ab") as file,
        subprocess.Popen([*command, "--data", data], env=environment, stderr=file) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def _below(root: int) -> Iterator[int]:
    """Processes that a process has started, and theirs."""
    parents: dict[int, int] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(place.parent.name)] = int(place.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    for pid in parents:
        above = pid
        while above := parents.get(above, 0):
            if above == root:
                yield pid
                break


def busy_ray_process(root: int) -> int | None:
    """The process of the cluster that has a film in hand; Ray names it after the function."""
    for pid in _below(root):
        try:
            name = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if name.startswith(b"ray::order"):
            return pid
    return None


def until(condition: Callable[[], Any], seconds: float = 420) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
    return found


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_ray_cluster_assesses_what_is_uploaded_and_any_death_loses_nothing(
    house: House, reader: Person, ray: tuple[str, int], made_up_films: list[Path], tmp_path: Path
) -> None:
    address, root = ray
    log = tmp_path / "worker.log"

    def upload(path: Path) -> str:
        answer = reader.upload(path.read_bytes(), path.name)
        assert answer.status_code == 201
        return str(answer.json["cases"][0]["id"])

    def newest() -> Job:
        return house.jobs()[-1]

    with ray_worker(house, address, log) as process:
        first = upload(made_up_films[0])
        pid = until(lambda: newest().state == "running" and busy_ray_process(root))
        os.kill(pid, signal.SIGKILL)  # the process of the cluster that has the film
        until(lambda: newest().state not in ("queued", "running"))
        assert (newest().state, newest().deaths, newest().attempts, newest().token) == (
            "done", 1, 2, 2,
        ), log.read_text()  # fmt: skip
        second = upload(made_up_films[1])
        until(lambda: newest().state == "running" and busy_ray_process(root))
        process.kill()  # the worker that holds the lease
        process.wait()
    assert newest().state == "running"
    with ray_worker(house, address, log):
        third = upload(made_up_films[2])
        until(lambda: all(job.state not in ("queued", "running") for job in house.jobs()))
    jobs = house.jobs()
    assert [(job.state, job.deaths, job.token) for job in jobs] == [
        ("done", 1, 2), ("done", 1, 2), ("done", 0, 1),
    ], log.read_text()  # fmt: skip
    with house.room.database.read() as session:
        of_jobs = session.scalars(select(Result.job_id).order_by(Result.job_id)).all()
    assert of_jobs == [job.id for job in jobs]  # one result of each, no more
    for case in (first, second, third):
        assert reader("POST", f"/api/cases/{case}/readings", json=findings()).status_code == 201
        machine = reader("GET", f"/api/cases/{case}/machine").json
        assert machine["assessment"]["model"]["name"] == "konio-radiograph"
        assert reader("GET", machine["heats"][0]["url"]).status_code == 200
    lines = [json.loads(line)["event"] for line in log.read_text().splitlines() if line[:1] == "{"]
    assert lines.count("job.died") == 1 and lines.count("job.closed") == 3
