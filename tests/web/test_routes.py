"""Who may call what: every address and method of the application, for everybody, against one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update
from tests.web.conftest import PASSWORD, House, OpenHouse, Person, film, findings

from konio.web.gate import check_path
from konio.web.problems import ProblemError
from konio.web.routes import BY_NAME, ROUTES, Route
from konio.web.tables import SignedIn, now_ms

ACTORS = ("anonymous", "owner", "other", "disabled", "administrator", "expired", "no-token")

#: What each actor meets, by what the route declares. ``in`` is anything but a refusal at the door.
EXPECTED: dict[tuple[str, bool], dict[str, str]] = {
    ("anyone", False): dict.fromkeys(ACTORS, "in"),
    ("account", False): {
        "anonymous": "401", "owner": "in", "other": "in", "disabled": "401",
        "administrator": "in", "expired": "401", "no-token": "403",
    },
    ("account", True): {
        "anonymous": "401", "owner": "in", "other": "404", "disabled": "401",
        "administrator": "in", "expired": "401", "no-token": "403",
    },
    ("reader", False): {
        "anonymous": "401", "owner": "in", "other": "in", "disabled": "401",
        "administrator": "403", "expired": "401", "no-token": "403",
    },
    ("reader", True): {
        "anonymous": "401", "owner": "in", "other": "404", "disabled": "401",
        "administrator": "403", "expired": "401", "no-token": "403",
    },
    ("administrator", False): {
        "anonymous": "401", "owner": "403", "other": "403", "disabled": "401",
        "administrator": "in", "expired": "401", "no-token": "403",
    },
    ("administrator", True): {
        "anonymous": "401", "owner": "403", "other": "403", "disabled": "401",
        "administrator": "in", "expired": "401", "no-token": "403",
    },
}  # fmt: skip

#: A body that is right for each route that takes one.
BODIES: dict[str, Any] = {
    "session.begin": {"name": "owner", "password": PASSWORD},
    "session.change_password": {"current": PASSWORD, "new": "another long password"},
    "session.totp_on": {"code": "123456"},
    "session.totp_off": {"code": "123456"},
    "accounts.add": {"name": "new", "role": "reader"},
    "accounts.change": {"display": "Somebody"},
    "cases.upload": film(77),
    "cases.change": {"priority": 3},
    "cases.assign": {"readers": []},
    "readings.sign": findings(),
    "readings.stage": findings(),
    "readings.keep_draft": {"a": 1},
    "jobs.begin": {},
    "jobs.urgency": {"priority": 2},
}


def test_every_rule_of_the_application_is_declared(house: House) -> None:
    declared = {(route.name, route.method, route.path) for route in ROUTES}
    found = set()
    for rule in house.app.url_map.iter_rules():
        for method in rule.methods - {"HEAD"}:
            if rule.endpoint == "front.page":
                assert method == "GET"  # the page itself, open to anyone
                continue
            found.add((rule.endpoint, method, rule.rule))
    assert found == declared


def test_every_body_of_the_table_is_tried() -> None:
    assert {route.name for route in ROUTES if route.body is not None} == set(BODIES)


@pytest.fixture
def street(
    open_house: OpenHouse, many_tries: None
) -> Callable[[str], tuple[House, Person, dict[str, Any]]]:
    """A house with everybody in it, and the path arguments of the owner's things."""
    house = open_house()
    owner = house.with_password("owner")
    case = house.case(owner)
    job = house.jobs()[0].id
    people = {
        "anonymous": house.stranger,
        "owner": lambda: house.signed_in(owner.account),
        "other": lambda: house.person("other"),
        "administrator": lambda: house.person("root", "administrator"),
        "no-token": lambda: _without_token(house.signed_in(owner.account)),
        "expired": lambda: _expired(house, house.signed_in(owner.account)),
        "disabled": lambda: house.person("gone", disabled=True),
    }

    def enter(actor: str) -> tuple[House, Person, dict[str, Any]]:
        spare = house.signed_in(owner.account)  # first, since signing in sweeps what has expired
        with house.room.database.read() as session:
            number = session.query(SignedIn).filter_by(csrf=spare.csrf).one().id
        things = {"case": case, "job": job, "session": number, "task": "stage"}
        return house, people[actor](), things

    return enter


def _without_token(person: Person) -> Person:
    person.csrf = ""
    return person


def _expired(house: House, person: Person) -> Person:
    with house.room.database.write() as session:
        session.execute(
            update(SignedIn).where(SignedIn.csrf == person.csrf).values(expires=now_ms() - 1)
        )
    return person


def _path(house: House, route: Route, things: dict[str, Any]) -> str:
    path = route.path.replace("<case>", things["case"]).replace("<task>", things["task"])
    if route.name.startswith("accounts."):
        spare = house.person("spare")
        return path.replace("<int:number>", str(spare.account.id))
    number = things["job"] if route.name.startswith("jobs.") else things["session"]
    return path.replace("<int:number>", str(number))


def _call(person: Person, route: Route, path: str) -> Any:
    body = BODIES.get(route.name)
    if isinstance(body, bytes):
        return person(route.method, path, data=body, content_type="application/octet-stream")
    return person(route.method, path, json=body) if body is not None else person(route.method, path)


def _met(answer: Any) -> str:
    if answer.status_code in (401, 403, 404):
        return str(answer.status_code)
    return "in"


@pytest.mark.parametrize("actor", ACTORS)
def test_everybody_meets_what_the_table_says(actor: str, street: Any) -> None:
    wrong = []
    for route in ROUTES:
        expected = EXPECTED[route.access, route.owned][actor]
        if actor == "no-token" and (not route.changes or expected == "in"):
            expected = EXPECTED[route.access, route.owned]["owner"]
        if actor == "no-token" and route.changes and route.access == "administrator":
            expected = "403"
        house, person, things = street(actor)
        if route.name == "session.revoke" and actor == "administrator":
            expected = "404"  # even an administrator ends only sessions of their own here
        answer = _call(person, route, _path(house, route, things))
        met = _met(answer)
        assert answer.status_code < 500, (route.name, actor, answer.json)
        if met != expected:
            wrong.append((route.name, expected, answer.status_code, answer.get_json(silent=True)))
        answer.close()
    assert not wrong


_OWNED = [route for route in ROUTES if route.owned and route.access != "administrator"]


@pytest.mark.parametrize("route", _OWNED, ids=lambda route: route.name)
def test_what_is_somebody_elses_looks_like_what_does_not_exist(route: Route, house: House) -> None:
    owner, other = house.person("owner"), house.person("other")
    case = house.case(owner)
    things = {"case": case, "task": "stage", "job": house.jobs()[0].id, "session": 1}
    theirs = _call(other, route, _path(house, route, things))
    nothing = {"case": "A" * 22, "task": "stage", "job": 10**6, "session": 10**6}
    missing = _call(other, route, _path(house, route, nothing))
    assert (theirs.status_code, theirs.json) == (404, missing.json)


@pytest.mark.parametrize(
    "path",
    ["/api/jobs/99999999999999999999999999/cancel", "/api/sessions/18446744073709551616",
     "/api/cases/%00/job", "/api/cases/%F0%9F%98%80/job", "/api/cases/..%5C..%5C/job"],
)  # fmt: skip
def test_names_and_numbers_that_cannot_be_lead_nowhere(path: str, house: House) -> None:
    method = "DELETE" if "sessions" in path else "POST"
    given = {"json": {}} if path.endswith("/job") else {}
    answer = house.person("reader")(method, path, **given)
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    "given",
    [{"number": 2**53 + 1}, {"case": "\x00"}, {"case": "a" * 65}, {"case": "a/b"}, {"case": "é"}],
)
def test_what_cannot_be_is_known_before_a_database_is_asked(given: dict[str, Any]) -> None:
    check_path({"number": 2**53, "case": "a" * 64})
    with pytest.raises(ProblemError) as refused:
        check_path(given)
    assert refused.value.code == "not-found"


def test_an_unknown_method_is_refused_in_the_one_shape(house: House) -> None:
    answer = house.person("reader")("DELETE", "/api/cases")
    assert answer.status_code == 405
    assert answer.json["error"]["code"] == "method-not-allowed"
    assert "GET" in answer.headers["Allow"]
    assert house.stranger()("OPTIONS", "/api/cases").status_code == 405


def test_a_one_time_password_opens_nothing_but_its_change(house: House) -> None:
    person = house.person("new", must_change=True)
    for route in ROUTES:
        if route.method == "GET" and route.access == "account" and not route.owned:
            code = person("GET", route.path).status_code
            assert (code == 403) != route.before_password, route.name


def test_names_are_looked_up_in_one_table() -> None:
    assert len(BY_NAME) == len(ROUTES)
