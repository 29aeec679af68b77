"""The work list over 100,000 cases: every filter and sort: ``python benchmarks/web_list.py [CASES]``."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import insert

sys.path.insert(0, str(Path(__file__).parent))
from _web import Client, Server, data_folder, machine, member, opened, percentiles
from konio.web.shapes import SortKey
from konio.web.tables import Account, Case, CaseReader, Film

REPEATS = 5


def fill(room: object, cases: int) -> None:
    """Made-up cases; a reader has all of them and has read a third."""
    rng = random.Random(3)
    letters = "abcdefghijklmnopqrstuvwxyz"
    with room.database.write() as session:
        reader = session.query(Account).filter_by(name="reader").one().id
        for start in range(0, cases, 5000):
            films, rows, parts = [], [], []
            for number in range(start + 1, min(start + 5000, cases) + 1):
                stage = rng.choice(["0", "I", "II", "III"])
                signed = rng.randrange(10**12) if rng.random() < 0.33 else None
                films.append(
                    {
                        "id": number,
                        "sha256": f"{number:064x}",
                        "bytes": 1,
                        "format": "dicom",
                        "stored": 1,
                    }
                )
                rows.append({
                    "id": number, "public": f"case{number:018d}", "film_id": number,
                    "name": "".join(rng.choices(letters, k=8)) + ".dcm",
                    "patient_id": f"P{rng.randrange(cases // 3)}",
                    "patient_name": "".join(rng.choices(letters, k=6)).title(),
                    "study_date": f"20{rng.randrange(10, 26)}-0{rng.randrange(1, 10)}-1{rng.randrange(10)}",
                    "received": 1_700_000_000_000 + rng.randrange(10**11),
                    "status": rng.choices(["done", "queued", "failed", "refused"], [90, 5, 3, 2])[0],
                    "priority": rng.randrange(10), "facts": {}, "result_id": number,
                    "machine_stage": stage, "machine_clause": "5.1a", "machine_differential": "dust",
                    "machine_profusion": "1/1",
                })  # fmt: skip
                parts.append({
                    "account_id": reader, "case_id": number, "assigned": False, "active": True,
                    "versions": int(signed is not None), "signed": signed,
                    "stage": rng.choice(["0", "I", "II", "III"]) if signed else None,
                })  # fmt: skip
            for table, values in ((Film, films), (Case, rows), (CaseReader, parts)):
                session.execute(insert(table), values)
    with room.database.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE" if room.database.is_sqlite else "SELECT 1")


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
    print(machine())
    with data_folder() as data:
        room = opened(data)
        reader, root = member(room, "reader"), member(room, "root", "administrator")
        fill(room, cases)
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
