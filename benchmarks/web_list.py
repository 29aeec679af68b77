"""The work list over 100,000 cases: every filter and sort: ``python benchmarks/web_list.py [CASES]``."""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parent))
from _machine import machine
from _web import Client, Server, data_folder, member, opened, percentiles
from konio.web.shapes import SortKey
from konio.web.tables import Account

REPEATS = 3


#: Made-up cases by SQLite itself; a reader has all of them and has read a third.
_FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {cases})
INSERT INTO films (id, sha256, bytes, format, stored) SELECT i, printf('%064x', i), 1, 'dicom', 1 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {cases})
INSERT INTO cases (id, public, film_id, name, patient_id, patient_name, study_date, received, status, priority,
  facts, result_id, machine_stage, machine_clause, machine_differential, machine_profusion)
SELECT i, printf('case%018d', i), i, lower(hex(randomblob(4))) || '.dcm', 'P' || abs(random() % ({cases} / 3)),
  char(65 + abs(random() % 26)) || lower(hex(randomblob(3))),
  printf('20%02d-%02d-%02d', 10 + abs(random() % 16), 1 + abs(random() % 12), 1 + abs(random() % 28)),
  1700000000000 + abs(random() % 100000000000),
  CASE abs(random() % 20) WHEN 0 THEN 'queued' WHEN 1 THEN 'failed' WHEN 2 THEN 'refused' ELSE 'done' END,
  abs(random() % 10), '{{}}', i, CASE abs(random() % 4) WHEN 0 THEN '0' WHEN 1 THEN 'I' WHEN 2 THEN 'II' ELSE 'III' END,
  '5.1a', 'dust', '1/1' FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {cases})
INSERT INTO case_readers (account_id, case_id, assigned, active, versions, signed, stage)
SELECT {reader}, i, 0, 1, 0, CASE WHEN i % 3 = 0 THEN abs(random() % 1000000000000) END,
  CASE WHEN i % 3 = 0 THEN CASE abs(random() % 4) WHEN 0 THEN '0' WHEN 1 THEN 'I' WHEN 2 THEN 'II' ELSE 'III' END END
FROM n;
"""


def fill(data: Path, room: object, cases: int) -> None:
    """Fills the tables and lets SQLite look at them."""
    with room.database.read() as session:
        reader = session.query(Account).filter_by(name="reader").one().id
    with sqlite3.connect(data / "konio.db") as connection:
        connection.executescript(_FILL.format(cases=cases, reader=reader))
        connection.execute(
            "UPDATE cases SET search = lower(name || char(10) || patient_id || char(10) || patient_name)"
        )
        connection.execute("ANALYZE")
    connection.close()


def queries() -> list[dict[str, object]]:
    """Every sort in both orders, on the first and a late page; every filter; searches."""
    found: list[dict[str, object]] = []
    for key in SortKey.__args__:
        for order in ("asc", "desc"):
            found += [{"sort": key, "order": order}, {"sort": key, "order": order, "page": 500}]
    for status in ("done", "queued", "failed", "refused"):
        found += [{"status": status}, {"status": status, "sort": "patient_name"}]
    for reading in ("unread", "signed"):
        found += [{"reading": reading}, {"reading": reading, "sort": "study_date", "order": "asc"}]
    for stage in ("0", "III"):
        found += [
            {"my_stage": stage},
            {"machine_stage": stage},
            {"machine_stage": stage, "sort": "my_signed"},
        ]
    found += [
        {"q": "abc"},
        {"q": "zzzz"},
        {"q": "P12"},
        {"q": "a", "sort": "patient_name"},
        {"patient": "P77"},
    ]
    found += [
        {"from": "2024-01-01", "to": "2024-02-01"},
        {"status": "queued", "reading": "unread", "q": "e"},
    ]
    return found


def inside(room: object, name: str, who: tuple[str, str]) -> None:
    """Processor time of one request without waitress: what it costs, whatever else the machine does."""
    from konio.web.app import create_app
    from konio.web.sessions import COOKIE

    client = create_app(room.settings, room).test_client()
    client.set_cookie(COOKIE, who[0])
    spent = []
    for query in queries():
        for _ in range(3):
            began = time.thread_time()
            answer = client.get("/api/cases?" + urlencode(query), buffered=True)
            spent.append(time.thread_time() - began)
            assert answer.status_code == 200, answer.json
    print(f"{name}, processor time of a request: {percentiles(spent)}", flush=True)


def main(cases: int = 100_000) -> None:
    print(machine("flask", "sqlalchemy", "waitress"))
    with data_folder() as data:
        room = opened(data)
        reader, root = member(room, "reader"), member(room, "root", "administrator")
        fill(data, room, cases)
        for name, who in (("reader", reader), ("administrator", root)):
            inside(room, name, who)
        server = Server(data)
        for name, who in (("reader", reader), ("administrator", root)):
            client = Client(server.port, *who)
            everything: list[float] = []
            worst: list[tuple[float, dict[str, object]]] = []
            for query in queries():
                path = "/api/cases?" + urlencode(query)
                took = []
                for _ in range(REPEATS):
                    began = time.perf_counter()
                    status, said = client.json("GET", path)
                    took.append(time.perf_counter() - began)
                    assert status == 200, said
                everything += took
                worst.append((max(took), query))
            worst.sort(key=lambda pair: -pair[0])
            print(
                f"{name}, {cases} cases, {len(worst)} queries x {REPEATS}: {percentiles(everything)}"
            )
            for seconds, query in worst[:5]:
                print(f"  slowest {1000 * seconds:.0f} ms: {query}")
        server.stop()
        room.database.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
