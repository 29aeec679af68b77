"""10,000 guesses at one password, over a real socket, and 5,000 made-up requests: ``python benchmarks/web_guesses.py``."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from _machine import machine
from _web import Client, Server, data_folder, member, opened, percentiles
from konio.web import passwords
from konio.web.openapi import document
from konio.web.tables import Account, AuditEvent

PASSWORD = "the owner's own password"  # noqa: S105
_LEFT_OUT = {"jobs.events", "session.end", "session.revoke", "session.change_password"}


def guesses(count: int) -> None:
    """The attacker shares the owner's address; the owner's browser has signed in before."""
    with data_folder() as data:
        room = opened(data)
        member(room, "owner")
        with room.database.write() as session:
            session.query(Account).filter_by(name="owner").one().password_hash = passwords.hashed(
                PASSWORD
            )
        server = Server(data)
        owner = Client(server.port)
        owner.connection.request(
            "POST", "/api/session", _body("owner", PASSWORD), {"Content-Type": "application/json"}
        )
        answer = owner.connection.getresponse()
        assert answer.status == 200, answer.read()
        cookies = [v.split(";")[0] for k, v in answer.getheaders() if k == "Set-Cookie"]
        answer.read()
        device = next(cookie for cookie in cookies if cookie.startswith("konio_device"))
        attacker, took = Client(server.port), []
        before = server.processor()
        began = time.perf_counter()
        for number in range(count):
            start = time.perf_counter()
            status, _ = attacker("POST", "/api/session", _body("owner", f"guess {number}"))
            took.append(time.perf_counter() - start)
            assert status == 401
        whole, spent = time.perf_counter() - began, server.processor() - before
        owner = Client(server.port)  # the first connection has idled away
        owner.headers = {"Cookie": device}
        status, _ = owner("POST", "/api/session", _body("owner", PASSWORD))
        with room.database.read() as session:
            hashed = session.query(AuditEvent).filter_by(action="session.refused").count()
        server.stop()
        room.database.close()
    print(
        f"{count} guesses in {whole:.0f} s ({spent:.1f} s of processor): {hashed} hashed; owner: {status}"
    )
    print(f"  answer: {percentiles(took)}")


def _body(name: str, password: str) -> bytes:
    import json

    return json.dumps({"name": name, "password": password}).encode()


def anything(count: int) -> None:
    """Requests that fit the description, or nearly, over a real socket, from both roles."""
    from urllib.parse import urlencode

    schema = schemathesis.openapi.from_dict(document())
    operations = [
        found.ok()
        for found in schema.get_all_operations()
        if found.ok().definition.raw["operationId"] not in _LEFT_OUT
    ]
    statuses: dict[int, int] = {}
    worse: list[str] = []
    rng = random.Random(1)
    with data_folder() as data:
        room = opened(data)
        member(room, "spare", "administrator")
        server = Server(data)

        @given(data=st.data())
        @settings(max_examples=count, deadline=None, database=None, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        def ask(data: st.DataObject) -> None:
            operation = data.draw(st.sampled_from(operations))
            case = data.draw(operation.as_strategy())
            role = rng.choice(["reader", "administrator"])
            given = case.as_transport_kwargs(base_url="http://127.0.0.1")
            query = {k: v for k, v in (given.get("params") or {}).items() if v is not None}
            path = given["url"].removeprefix("http://127.0.0.1") + (
                "?" + urlencode(query, doseq=True) if query else ""
            )
            body = given.get("json", given.get("data"))
            raw = None if body is None else _raw(given)
            with room.database.write() as session:
                account = session.query(Account).filter_by(name=role).first()
                if account is not None:
                    account.disabled = account.deleted = account.must_change = False
                    account.role = role
            client = Client(server.port, *member(room, role, role))
            try:
                status, said = client(
                    given["method"], path, raw, case.media_type or "application/json"
                )
            except (UnicodeEncodeError, ValueError):
                return  # the client itself cannot send this
            statuses[status] = statuses.get(status, 0) + 1
            if status >= 500:
                worse.append(f"{operation.label} {status} {said[:200]!r}")

        ask()
        server.stop()
        room.database.close()
    print(
        f"{sum(statuses.values())} made-up requests: {len(worse)} answers of 500 and above; by status {dict(sorted(statuses.items()))}"
    )
    for line in worse[:5]:
        print("  " + line)


def _raw(given: dict[str, object]) -> bytes:
    import json

    if given.get("json") is not None:
        return json.dumps(given["json"]).encode("utf-8", "surrogatepass")
    data = given["data"]
    return data if isinstance(data, bytes) else str(data).encode("utf-8", "replace")


def main(guessed: int = 10_000, made_up: int = 5_000) -> None:
    print(machine("flask", "sqlalchemy", "waitress"))
    guesses(guessed)
    anything(made_up)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
