"""``kill -9`` of a random worker over many jobs, and of the web process during uploads.

``python benchmarks/web_kill.py [JOBS WORKER_KILLS WEB_KILLS]``; 1000, 200 and 50 by default.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parent))
from _machine import machine
from _web import Client, Server, data_folder, member, opened, wait_for
from konio.web.jobs import OPEN
from konio.web.tables import Case, Film, Job, Result

ROOT = Path(__file__).parents[1]
WORKER = ROOT / "tests" / "web" / "kill_me.py"


def workers(jobs: int, kills: int) -> None:
    """Two workers that look 0.15 s at a film; the leases last two seconds."""
    rng = random.Random(11)
    with data_folder() as data:
        room = opened(data)
        cookie, _ = member(room, "reader")
        with room.database.read() as session:
            account = room.sessions.find(session, cookie)[1]
        _queue_films(room, account, jobs)

        def launch() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [sys.executable, str(WORKER), str(data), "2.0", "0.15"], cwd=ROOT
            )

        running = [launch(), launch()]
        began, killed = time.monotonic(), 0
        while killed < kills:
            place = rng.randrange(2)
            pid = running[place].pid
            if not wait_for(lambda pid=pid: _busy(room, pid), 20, 0.01):
                break  # the queue is empty
            time.sleep(rng.uniform(0.0, 0.15))  # somewhere in the middle of a film
            os.kill(running[place].pid, signal.SIGKILL)
            running[place].wait()
            running[place] = launch()
            killed += 1
        left = lambda: _count(room, Job.state.in_(OPEN))  # noqa: E731
        wait_for(lambda: left() == 0, 1200)
        for worker in running:
            worker.kill()
            worker.wait()
        _report_workers(room, jobs, killed, time.monotonic() - began)
        room.database.close()


def _queue_films(room: object, account: object, jobs: int) -> None:
    from konio.web import uploads
    from konio.web.asker import Asker
    from konio.web.tables import SignedIn

    asker = Asker(account, SignedIn())
    for number in range(jobs):
        content = b"\x89PNG\r\n\x1a\n" + number.to_bytes(8, "big")
        uploads.take(room, asker, f"{number}.png", iter([content]))


def _busy(room: object, pid: int) -> bool:
    """Whether a worker holds a job; its name carries its process number."""
    return _count(room, Job.state == "running", Job.owner.like(f"%:{pid}:%")) > 0


def _count(room: object, *conditions: object) -> int:
    with room.database.read() as session:
        return int(session.scalar(select(func.count()).select_from(Job).where(*conditions)))


def _report_workers(room: object, jobs: int, killed: int, seconds: float) -> None:
    with room.database.read() as session:
        states = dict(session.execute(select(Job.state, func.count()).group_by(Job.state)).all())
        made = session.execute(select(Result.job_id, func.count()).group_by(Result.job_id)).all()
        hit = session.scalar(select(func.count()).where(Job.deaths > 0))
    twice = sum(number > 1 for _, number in made)
    poison = states.get("failed", 0)
    print(
        f"workers: {killed} killed over {jobs} jobs in {seconds:.0f} s; {hit} jobs lost their worker at least once"
    )
    print(
        f"  results {len(made)}, lost {jobs - len(made) - poison}, twice {twice}, poison {poison}, states {states}"
    )


def web(kills: int) -> None:
    """One client sends films; what was acknowledged must be there with its hash."""
    rng = random.Random(5)
    with data_folder() as data:
        room = opened(data)
        who = member(room, "reader")
        server = Server(data)
        acknowledged: dict[str, int] = {}
        ended = threading.Event()
        place = [server.port]

        def send(number: int) -> None:
            count = number << 32
            while not ended.is_set():
                count += 1
                content = b"\x89PNG\r\n\x1a\n" + count.to_bytes(8, "big") + bytes(300_000)
                try:
                    status, said = Client(place[0], *who)(
                        "POST", "/api/uploads?name=x.png", content, "application/octet-stream"
                    )
                except (OSError, ValueError, http.client.HTTPException):
                    time.sleep(0.05)
                    continue
                if status == 201 and json.loads(said)["cases"]:
                    acknowledged[hashlib.sha256(content).hexdigest()] = len(content)

        senders = [threading.Thread(target=send, args=(number,)) for number in range(3)]
        for sender in senders:
            sender.start()
        for _ in range(kills):
            time.sleep(rng.uniform(0.3, 1.2))
            server.kill()
            server = Server(data)
            place[0] = server.port
        time.sleep(1)
        ended.set()
        for sender in senders:
            sender.join()
        server.stop()
        _report_web(room, kills, acknowledged)
        room.database.close()


def _report_web(room: object, kills: int, acknowledged: dict[str, int]) -> None:
    missing = 0
    with room.database.read() as session:
        known = set(session.scalars(select(Film.sha256).join(Case, Case.film_id == Film.id)))
        verdict = room.audit.verify(session)
    for sha256 in acknowledged:
        path = room.storage.film(sha256)
        whole = path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
        missing += not (whole and sha256 in known)
    print(
        f"web process: killed {kills} times during uploads, {len(acknowledged)} acknowledged, {missing} missing or altered"
    )
    print(f"  audit log intact: {verdict.intact}, {verdict.events} lines")


def main(jobs: int = 1000, worker_kills: int = 200, web_kills: int = 50) -> None:
    print(machine("flask", "sqlalchemy", "waitress"))
    workers(jobs, worker_kills)
    web(web_kills)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
