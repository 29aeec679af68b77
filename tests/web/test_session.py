"""Signing in: uniform failures, throttle before hashing, revocation, one-time codes, CSRF."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type
from tests.web.conftest import PASSWORD, House, OpenHouse, Person

from konio.web import passwords, throttle, totp
from konio.web.gate import UNATTENDED_HEADER
from konio.web.sessions import COOKIE, DEVICE_COOKIE
from konio.web.tables import Account, AuditEvent, SignedIn, now_ms
from konio.web.views.session import _code_counts


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that is really hashed."""
    seen: list[str] = []
    whole = passwords.fits

    def fits(password: str, stored: str) -> bool:
        seen.append(password)
        return whole(password, stored)

    monkeypatch.setattr(passwords, "fits", fits)
    return seen


def sign_in(person: Person, name: str, password: str, code: str = "", **given: Any) -> Any:
    body = {"name": name, "password": password, "code": code}
    return person("POST", "/api/session", json=body, **given)


def test_signing_in_and_out(house: House) -> None:
    house.with_password("wang")
    person = house.stranger()
    answer = sign_in(person, " WANG ", PASSWORD)
    assert answer.status_code == 200
    assert answer.json["account"]["name"] == "wang"
    cookies = answer.headers.getlist("Set-Cookie")
    assert {line.partition("=")[0] for line in cookies} == {COOKIE, DEVICE_COOKIE}
    for line in cookies:
        assert "HttpOnly" in line and "SameSite=Strict" in line and "Secure" not in line
    person.csrf = answer.json["csrf"]
    kept = person.client.get_cookie(COOKIE).value
    assert person("GET", "/api/session").status_code == 200
    assert person("DELETE", "/api/session").status_code == 204
    assert person("GET", "/api/session").status_code == 401
    person.client.set_cookie(COOKIE, kept)  # a copy of the cookie is worth nothing either
    assert person("GET", "/api/session").status_code == 401


def test_behind_tls_the_cookie_is_secure(open_house: OpenHouse) -> None:
    house = open_house(proxy="10.0.0.1", host="10.0.0.2", hosts=("films.example",))
    house.with_password("wang")
    answer = sign_in(house.stranger(), "wang", PASSWORD)
    assert all("Secure" in line for line in answer.headers.getlist("Set-Cookie"))
    assert answer.headers["Strict-Transport-Security"]


def test_every_failure_is_the_same(house: House, many_tries: None) -> None:
    house.with_password("wang")
    house.with_password("gone")
    house.person("gone", disabled=True)
    coded = house.with_password("coded")
    house.person("coded", totp_active=True, totp_generation=1)
    assert coded.account is not None
    failures = [
        sign_in(house.stranger(), "wang", "wrong wrong wrong"),
        sign_in(house.stranger(), "nobody", "wrong wrong wrong"),
        sign_in(house.stranger(), "gone", PASSWORD),
        sign_in(house.stranger(), "coded", PASSWORD, "000000"),
        sign_in(house.stranger(), "coded", PASSWORD),
        sign_in(house.stranger(), "", ""),
    ]
    said = {(answer.status_code, answer.data) for answer in failures}
    assert said == {(401, failures[0].data)}
    assert not any(answer.headers.getlist("Set-Cookie") for answer in failures)


def test_a_name_that_does_not_exist_is_hashed_for_too(house: House, counted: list[str]) -> None:
    sign_in(house.stranger(), "nobody", "wrong wrong wrong")
    assert counted == ["wrong wrong wrong"]
    assert passwords.fits("anything at all", "") is False


def test_of_a_flood_few_are_hashed_and_the_owner_gets_in(house: House, counted: list[str]) -> None:
    house.with_password("wang")
    owner = house.stranger()
    assert sign_in(owner, "wang", PASSWORD).status_code == 200  # the browser is known from now on
    counted.clear()
    attacker = house.stranger()
    answers = [sign_in(attacker, "wang", f"guess number {number}") for number in range(300)]
    assert len(counted) <= 10
    assert {(answer.status_code, answer.data) for answer in answers} == {(401, answers[0].data)}
    assert sign_in(owner, "wang", PASSWORD).status_code == 200
    elsewhere = {"REMOTE_ADDR": "10.1.2.3"}
    fresh = house.stranger()
    assert sign_in(fresh, "wang", PASSWORD, environ_overrides=elsewhere).status_code == 200


def test_a_flood_over_many_names_is_bounded_too(house: House, counted: list[str]) -> None:
    attacker = house.stranger()
    for number in range(100):
        sign_in(attacker, f"name{number}", "guess guess guess")
    assert len(counted) <= 10


def test_a_flood_from_many_addresses_is_bounded_for_one_account(
    house: House, counted: list[str]
) -> None:
    house.with_password("wang")
    for number in range(200):
        where = {"REMOTE_ADDR": f"10.0.{number}.1"}
        sign_in(house.stranger(), "wang", "guess guess guess", environ_overrides=where)
    assert len(counted) <= throttle.ACCOUNT.size


def test_tries_come_back_with_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = house.room.throttle.keys("wang", "10.0.0.1", "")
    taken = 0
    while house.room.throttle.take(keys):
        taken += 1
    assert taken == throttle.ACCOUNT_AT_ADDRESS.size
    later = now_ms() + int(1000 * throttle.ACCOUNT_AT_ADDRESS.refill_seconds) + 5
    monkeypatch.setattr(throttle, "now_ms", lambda: later)
    assert house.room.throttle.take(keys)
    assert not house.room.throttle.take(keys)


def test_a_forged_device_cookie_is_a_strangers(house: House) -> None:
    known = house.room.throttle.device_token("wang")
    assert len(house.room.throttle.keys("wang", "a", known)) == 1
    assert len(house.room.throttle.keys("li", "a", known)) == 3
    assert len(house.room.throttle.keys("wang", "a", "x" * 64)) == 3


def test_the_hash_is_argon2id_with_the_cost_it_should_have() -> None:
    import importlib

    fresh = importlib.util.find_spec("konio.web.passwords")
    module = importlib.util.module_from_spec(fresh)
    fresh.loader.exec_module(module)
    hasher: PasswordHasher = module._HASHER
    assert (hasher.type, hasher.memory_cost, hasher.time_cost) == (Type.ID, 65536, 3)


def test_only_two_passwords_are_hashed_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        now = most = 0
        lock = threading.Lock()

        def verify(self, stored: str, password: str) -> bool:
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            time.sleep(0.05)
            with self.lock:
                self.now -= 1
            return True

        def hash(self, password: str) -> str:
            return str(self.verify("", password))

    hasher = Slow()
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: passwords.fits(PASSWORD, "x"), range(8)))
        assert hasher.most == 2
        list(pool.map(lambda n: passwords.hashed(PASSWORD), range(8)))
    assert hasher.most == 2


def test_a_weak_password_is_refused(house: House) -> None:
    person = house.with_password("wang")
    for weak in ("short", "aaaaaaaaaaaaaaaa", "x" * 300):
        answer = person("PUT", "/api/password", json={"current": PASSWORD, "new": weak})
        assert (answer.status_code, answer.json["error"]["code"]) == (422, "weak-password")


def test_changing_the_password_ends_every_other_session(house: House) -> None:
    person = house.with_password("wang")
    other = house.signed_in(person.account)
    new = "a long new password"
    wrong = person("PUT", "/api/password", json={"current": "wrong wrong", "new": new})
    assert wrong.json["error"]["code"] == "wrong-password"
    same = person("PUT", "/api/password", json={"current": PASSWORD, "new": PASSWORD})
    assert same.json["error"]["code"] == "same-password"
    done = person("PUT", "/api/password", json={"current": PASSWORD, "new": new})
    assert done.status_code == 200 and done.json["must_change_password"] is False
    assert other("GET", "/api/session").status_code == 401
    assert person("GET", "/api/session").status_code == 200
    assert sign_in(house.stranger(), "wang", new).status_code == 200


def test_sessions_end_by_age_by_idling_and_by_hand(house: House) -> None:
    person = house.person("wang")
    second = house.signed_in(person.account)
    listed = person("GET", "/api/sessions").json["sessions"]
    assert len(listed) == 2 and sum(one["current"] for one in listed) == 1
    number = next(one["id"] for one in listed if not one["current"])
    assert person("DELETE", f"/api/sessions/{number}").status_code == 204
    assert second("GET", "/api/session").status_code == 401
    for change in ({"expires": now_ms() - 1}, {"last_seen": now_ms() - 61 * 60_000}):
        again = house.signed_in(person.account)
        with house.room.database.write() as session:
            row = session.query(SignedIn).filter_by(csrf=again.csrf).one()
            for name, value in change.items():
                setattr(row, name, value)
        assert again("GET", "/api/session").status_code == 401


def test_a_page_that_is_left_open_does_not_keep_its_session(house: House) -> None:
    person = house.person("wang")
    long_ago = now_ms() - 30 * 60_000

    def last_seen_after(path: str, **headers: str) -> int:
        with house.room.database.write() as session:
            session.query(SignedIn).filter_by(csrf=person.csrf).one().last_seen = long_ago
        assert person("GET", path, headers=headers).status_code == 200
        with house.room.database.read() as session:
            return session.query(SignedIn).filter_by(csrf=person.csrf).one().last_seen

    assert last_seen_after("/api/cases", **{UNATTENDED_HEADER: "1"}) == long_ago
    assert last_seen_after("/api/events") == long_ago
    assert last_seen_after("/api/cases") > long_ago


def test_a_cookie_we_did_not_sign_is_nobodys(house: House) -> None:
    person = house.person("wang")
    cookie = person.client.get_cookie(COOKIE).value
    token, _, signature = cookie.partition(".")
    for forged in (token, f"{token}.", f"{token}.{'0' * 32}", f"x{token}.{signature}", "é.é"):
        person.client.set_cookie(COOKIE, forged)
        assert person("GET", "/api/session").status_code == 401


def test_the_database_holds_no_usable_token(house: House) -> None:
    person = house.person("wang")
    token = person.client.get_cookie(COOKIE).value.partition(".")[0]
    raw = b"".join(path.read_bytes() for path in house.room.settings.data.glob("konio.db*"))
    assert token.encode() not in raw


def test_a_request_from_another_site_is_refused(house: House) -> None:
    person = house.with_password("wang")
    for site in ("cross-site", "same-site"):
        headers = {"Sec-Fetch-Site": site}
        assert person("PUT", "/api/password", json={}, headers=headers).status_code == 403
        assert sign_in(house.stranger(), "wang", PASSWORD, headers=headers).status_code == 403
    other = house.signed_in(person.account)
    crossed = person("DELETE", "/api/session", headers={"X-CSRF-Token": other.csrf})
    assert crossed.json["error"]["code"] == "csrf"


def test_a_foreign_host_name_is_refused(house: House) -> None:
    answer = house.stranger()("GET", "/healthz", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "bad-host")
    assert (
        house.stranger()("GET", "/healthz", headers={"Host": "LOCALHOST:8080"}).status_code == 200
    )


def test_one_time_codes_from_the_standard() -> None:
    secret = b"12345678901234567890"  # RFC 6238, appendix B, SHA-1
    table = {
        59: "94287082",
        1111111109: "07081804",
        1234567890: "89005924",
        20000000000: "65353130",
    }
    for seconds, code in table.items():
        assert totp.code(secret, seconds // 30, 8) == code


def test_a_code_counts_near_its_time_and_once() -> None:
    shared, now = b"12345678901234567890", 59.0
    step = int(now) // totp.STEP_SECONDS
    for away in range(-3, 4):
        found = totp.accepted(shared, totp.code(shared, step + 3 + away), now + 90, 0)
        assert found == (step + 3 + away if abs(away) <= totp.DRIFT else None)
    assert totp.accepted(shared, totp.code(shared, step), now, step - 1) == step
    assert totp.accepted(shared, totp.code(shared, step), now, step) is None


def test_one_time_codes_from_beginning_to_end(house: House, many_tries: None) -> None:
    person = house.with_password("wang")
    begun = person("POST", "/api/totp").json
    assert begun["uri"].startswith("otpauth://totp/konio:wang?secret=" + begun["secret"])
    with house.room.database.read() as session:
        account = session.get_one(Account, person.account.id)
    shared = totp.secret(house.room.key, account.id, account.totp_generation)
    step = int(time.time()) // totp.STEP_SECONDS
    code = totp.code(shared, step)
    assert sign_in(house.stranger(), "wang", PASSWORD).status_code == 200  # not active yet
    assert person("PUT", "/api/totp", json={"code": "000000"}).json["error"]["code"] == "wrong-code"
    assert person("PUT", "/api/totp", json={"code": code}).status_code == 204
    assert sign_in(house.stranger(), "wang", PASSWORD).status_code == 401
    assert sign_in(house.stranger(), "wang", PASSWORD, code).status_code == 401  # used already
    following = totp.code(shared, step + 1)
    assert sign_in(house.stranger(), "wang", PASSWORD, following).status_code == 200
    assert sign_in(house.stranger(), "wang", PASSWORD, following).status_code == 401
    assert person("POST", "/api/totp").status_code == 422  # not anew while it is on


def test_two_at_one_moment_cannot_use_one_code(house: House) -> None:
    account = house.person("wang", totp_active=True, totp_generation=1).account
    shared = totp.secret(house.room.key, account.id, 1)
    code = totp.code(shared, int(time.time()) // totp.STEP_SECONDS)
    # Both looked at the account before either of them used the code.
    assert [_code_counts(house.room, account, code) for _ in range(2)] == [True, False]


def test_secrets_of_codes_follow_from_the_key() -> None:
    given = ((b"key", 1, 1), (b"other", 1, 1), (b"key", 2, 1), (b"key", 1, 2))
    assert len({totp.secret(*each) for each in given}) == len(given)


def test_sign_ins_are_written_down_without_passwords(house: House) -> None:
    house.with_password("wang")
    sign_in(house.stranger(), "wang", "wrong wrong wrong")
    sign_in(house.stranger(), "wang", PASSWORD)
    with house.room.database.read() as session:
        events = session.query(AuditEvent).order_by(AuditEvent.seq).all()
    assert [event.action for event in events] == ["session.refused", "session.begun"]
    assert not any("wrong" in event.details or PASSWORD in event.details for event in events)
    assert DEVICE_COOKIE != COOKIE
