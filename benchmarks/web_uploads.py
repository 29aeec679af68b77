"""64 clients upload films of 8 MB at once through waitress, while health is asked: ``python benchmarks/web_uploads.py [CLIENTS]``."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from _machine import machine
from _web import Client, Server, data_folder, member, opened, percentiles

MEGABYTES = 8


def main(clients: int = 64) -> None:
    print(machine("flask", "sqlalchemy", "waitress"))
    with data_folder() as data:
        room = opened(data)
        people = [member(room, f"reader{number}") for number in range(clients)]
        server = Server(data)
        rng = np.random.default_rng(1)
        body = b"\x89PNG\r\n\x1a\n" + rng.bytes(MEGABYTES * 10**6)
        took: list[float] = []
        errors: list[object] = []
        health: list[float] = []
        ended = threading.Event()
        barrier = threading.Barrier(clients + 1)

        def upload(number: int) -> None:
            client = Client(server.port, *people[number])
            content = body + number.to_bytes(4, "big")
            barrier.wait()
            began = time.perf_counter()
            try:
                status, said = client(
                    "POST", f"/api/uploads?name={number}.png", content, "application/octet-stream"
                )
                took.append(time.perf_counter() - began)
                if status != 201 or not json.loads(said)["cases"]:
                    errors.append((status, said[:200]))
            except OSError as error:
                errors.append(error)

        def ask() -> None:
            client = Client(server.port)
            while not ended.is_set():
                began = time.perf_counter()
                status, _ = client("GET", "/healthz")
                health.append(time.perf_counter() - began)
                assert status == 200
                time.sleep(0.02)

        threads = [threading.Thread(target=upload, args=(n,)) for n in range(clients)]
        for thread in threads:
            thread.start()
        watcher = threading.Thread(target=ask)
        watcher.start()
        before = server.processor()
        barrier.wait()
        began = time.perf_counter()
        for thread in threads:
            thread.join()
        whole = time.perf_counter() - began
        ended.set()
        watcher.join()
        peak, spent = server.peak_mib(), server.processor() - before
        server.stop()
        stored = len(list(room.storage.films()))
        room.database.close()
    print(
        f"{clients} clients, {MEGABYTES} MB each: {len(errors)} errors, {stored} films stored, {whole:.1f} s"
    )
    print(f"acknowledgement: {percentiles(took)}")
    print(f"health during it ({len(health)} asked): {percentiles(health)}")
    print(f"web process: most memory {peak:.0f} MiB, {spent:.1f} s of processor for all of it")
    if errors:
        print(errors[:3])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
