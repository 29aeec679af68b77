"""Accounts are an administrator's affair."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from tests.web.conftest import PASSWORD, House, findings
from tests.web.test_session import sign_in

from konio.errors import UsageError
from konio.web import accounts
from konio.web.tables import SignedIn


def test_the_first_start_makes_one_administrator(house: House) -> None:
    with house.room.database.write() as session:
        password = accounts.first_administrator(session, house.room.audit)
    assert password is not None and len(password) == 16
    with house.room.database.write() as session:
        assert accounts.first_administrator(session, house.room.audit) is None
    answer = sign_in(house.stranger(), "admin", password)
    assert answer.json["must_change_password"] is True


def test_from_adding_to_deleting(house: House) -> None:
    root = house.person("root", "administrator")
    made = root(
        "POST", "/api/accounts", json={"name": "Li.Na", "display": "李娜", "role": "reader"}
    )
    assert made.status_code == 201
    number, password = made.json["account"]["id"], made.json["password"]
    assert made.json["account"]["name"] == "li.na"
    assert sign_in(house.stranger(), "li.na", password).status_code == 200
    twice = root("POST", "/api/accounts", json={"name": "LI.NA", "role": "reader"})
    assert twice.json["error"]["code"] == "name-taken"
    bad = root("POST", "/api/accounts", json={"name": "a/b", "role": "reader"})
    assert bad.json["error"]["code"] == "account-name"
    changed = root("PATCH", f"/api/accounts/{number}", json={"disabled": True})
    assert changed.json["account"]["disabled"] is True
    assert sign_in(house.stranger(), "li.na", password).status_code == 401
    root("PATCH", f"/api/accounts/{number}", json={"disabled": False, "display": "Li Na"})
    fresh = root("POST", f"/api/accounts/{number}/password").json["password"]
    assert fresh != password
    assert sign_in(house.stranger(), "li.na", password).status_code == 401
    assert sign_in(house.stranger(), "li.na", fresh).status_code == 200
    assert root("DELETE", f"/api/accounts/{number}").status_code == 204
    assert sign_in(house.stranger(), "li.na", fresh).status_code == 401
    assert root("PATCH", f"/api/accounts/{number}", json={"disabled": False}).status_code == 404
    again = root("POST", "/api/accounts", json={"name": "li.na", "role": "reader"})
    assert again.status_code == 201 and again.json["account"]["id"] != number


def test_disabling_ends_sessions_at_once(house: House) -> None:
    root, reader = house.person("root", "administrator"), house.person("reader")
    assert reader("GET", "/api/cases").status_code == 200
    for disabled in (True, False):  # nor does a session come back with its account
        root("PATCH", f"/api/accounts/{reader.account.id}", json={"disabled": disabled})
        assert reader("GET", "/api/cases").status_code == 401


def test_resetting_ends_sessions_at_once(house: House) -> None:
    root, reader = house.person("root", "administrator"), house.person("reader")
    root("POST", f"/api/accounts/{reader.account.id}/password")
    assert reader("GET", "/api/session").status_code == 401


def test_deleting_ends_sessions_at_once(house: House) -> None:
    root, reader = house.person("root", "administrator"), house.person("reader")
    assert root("DELETE", f"/api/accounts/{reader.account.id}").status_code == 204
    assert reader("GET", "/api/session").status_code == 401
    with house.room.database.read() as session:
        assert set(session.scalars(select(SignedIn.account_id))) == {root.account.id}


def test_a_change_of_role_ends_sessions(house: House) -> None:
    root, second = house.person("root", "administrator"), house.person("second", "administrator")
    root("PATCH", f"/api/accounts/{second.account.id}", json={"role": "reader"})
    assert second("GET", "/api/accounts").status_code == 401


def test_the_last_administrator_stays(house: House) -> None:
    root = house.person("root", "administrator")
    number = root.account.id
    for act in (
        lambda: root("PATCH", f"/api/accounts/{number}", json={"disabled": True}),
        lambda: root("PATCH", f"/api/accounts/{number}", json={"role": "reader"}),
        lambda: root("DELETE", f"/api/accounts/{number}"),
    ):
        assert act().json["error"]["code"] == "last-administrator"
    house.person("second", "administrator")
    assert root("DELETE", f"/api/accounts/{number}").status_code == 204


def test_readings_outlive_their_author(house: House) -> None:
    root, reader = house.person("root", "administrator"), house.person("reader")
    case = house.case(reader)
    reader("POST", f"/api/cases/{case}/readings", json=findings())
    root("DELETE", f"/api/accounts/{reader.account.id}")
    kept = root("GET", f"/api/cases/{case}/readings").json["others"]
    assert kept[0]["reader"]["display"] == "Reader"


@pytest.mark.parametrize(
    ("name", "role"), [("", "reader"), ("a" * 65, "reader"), ("a b", "reader"), ("ok", "king")]
)
def test_odd_accounts_are_refused(name: str, role: str, house: House) -> None:
    with pytest.raises(UsageError), house.room.database.write() as session:
        accounts.add(session, house.room.audit, None, name=name, display="", role=role)
    root = house.person("root", "administrator")
    assert root("POST", "/api/accounts", json={"name": name, "role": role}).status_code == 422


def test_names_that_look_alike_are_one(house: House) -> None:
    assert accounts.folded(" Wáng ") == accounts.folded("WÁNG")
    house.with_password("ｗang".casefold().replace("ｗ", "w"))
    assert sign_in(house.stranger(), "ｗang", PASSWORD).status_code == 200  # full-width letter
