"""The application as a whole: work list, pictures, front end, logs, a database that is away, any request at all."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from tests.web import fake
from tests.web.conftest import House, OpenHouse, film, findings

from konio.assess.explained import outside_the_lungs
from konio.io.notes import FILM_NOTES
from konio.lungs.quality import REMARKS
from konio.records import NOTICE, Image, Source
from konio.web.app import POLICY
from konio.web.database import Database
from konio.web.front import add_front
from konio.web.openapi import document
from konio.web.routes import ROUTES
from konio.web.shapes import SortKey


def test_the_work_list_searches_filters_sorts_and_pages(house: House) -> None:
    reader = house.person("reader")
    for seed in range(5):
        reader.upload(film(seed), f"film {seed}.png")
    house.work()
    first = reader("GET", "/api/cases").json["cases"][0]["id"]
    reader("PATCH", f"/api/cases/{first}", json={"patient_name": "王小明", "patient_id": "A_1%"})

    def found(**query: Any) -> list[str]:
        answer = reader("GET", "/api/cases", query_string=query)
        assert answer.status_code == 200, answer.json
        return [case["name"] for case in answer.json["cases"]]

    assert found() == [f"film {n}.png" for n in (4, 3, 2, 1, 0)]
    assert found(sort="name", order="asc", size=2, page=2) == ["film 2.png", "film 3.png"]
    assert found(q="小明") == found(q="a_1%") == found(patient="A_1%") == ["film 4.png"]
    assert found(q="%") == ["film 4.png"] and found(q="FILM 2") == ["film 2.png"]
    assert found(q="nobody") == [] and found(status="queued") == []
    assert len(found(status="done")) == len(found(reading="unread")) == 5
    assert found(**{"from": "2000-01-01", "to": "2100-01-01"}) and not found(to="2000-01-01")
    reader("POST", f"/api/cases/{first}/readings", json=findings("2/2"))
    assert found(reading="signed") == found(my_stage="II") == ["film 4.png"]
    for key in SortKey.__args__:
        for order in ("asc", "desc"):
            assert len(found(sort=key, order=order)) == 5
    answer = reader("GET", "/api/cases", query_string={"size": 2}).json
    assert (answer["total"], answer["total_is_floor"]) == (5, False)
    for bad in ({"sort": "password_hash"}, {"page": 0}, {"size": 201}, {"x": 1}, {"from": "1-1-1"}):
        assert reader("GET", "/api/cases", query_string=bad).status_code == 422


def test_what_was_noted_is_said_in_both_languages(house: House) -> None:
    reader = house.person("reader")
    case = house.case(reader)
    shown = reader("GET", f"/api/cases/{case}").json
    assert shown["film_notes"] == ["synthetic"]
    assert shown["film_notes_zh"] == [FILM_NOTES["synthetic"]]
    assert shown["quality"]["remarks"] == [REMARKS[2].en]
    assert shown["quality"]["remarks_zh"] == [REMARKS[2].zh]
    reader("POST", f"/api/cases/{case}/readings", json=findings())
    machine = reader("GET", f"/api/cases/{case}/machine").json
    assert machine["film_notes_zh"] == shown["film_notes_zh"]


def test_an_answer_that_was_moved_from_outside_the_lungs_is_marked(house: House) -> None:
    reader = house.person("reader")
    case = house.case(reader)
    reader("POST", f"/api/cases/{case}/readings", json=findings())
    machine = reader("GET", f"/api/cases/{case}/machine").json
    # The share of an answer that is made from the lungs alone says nothing, and is not shown.
    assert machine["in_lungs"] == {"stage": 0.72, "differential": 0.31}
    assert machine["assessment"]["explanation"]["in_lungs"]["aggregation"] == 0.97
    assert machine["outside_lungs"] == ["differential"]
    assert machine["outside_lungs"] == list(outside_the_lungs(machine["assessment"]["explanation"]))


def test_an_answer_of_an_older_model_has_no_shares(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = {k: v for k, v in fake.assessment("ab" * 32).items() if k != "explanation"}
    monkeypatch.setattr(fake, "assessment", lambda sha256: older)
    reader = house.person("reader")
    case = house.case(reader)
    reader("POST", f"/api/cases/{case}/readings", json=findings())
    machine = reader("GET", f"/api/cases/{case}/machine").json
    assert (machine["in_lungs"], machine["outside_lungs"]) == ({}, [])


def test_earlier_films_of_the_same_person(house: House) -> None:
    reader, other = house.person("reader"), house.person("other")
    one, two, three = house.case(reader, 1), house.case(reader, 2), house.case(other, 3)
    for person, case in ((reader, one), (reader, two), (other, three)):
        person("PATCH", f"/api/cases/{case}", json={"patient_id": "same"})
    assert [item["id"] for item in reader("GET", f"/api/cases/{one}").json["earlier"]] == [two]
    assert other("GET", f"/api/cases/{three}").json["earlier"] == []


def test_pictures_are_the_films_own_values(house: House, chest: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("konio.io.read", lambda path: chest)
    reader = house.person("reader")
    case = house.case(reader)
    words = reader("GET", f"/api/cases/{case}/film.u16")
    assert words.headers["Content-Encoding"] == "gzip" and words.headers["X-Film-Step"] == "1"
    shape = (int(words.headers["X-Film-Rows"]), int(words.headers["X-Film-Columns"]))
    assert shape == chest.shape
    values = np.frombuffer(gzip.decompress(words.data), "<u2").reshape(shape) / 65535
    assert np.abs(values - chest.pixels).max() <= 0.5 / 65535 + 1e-7
    from io import BytesIO

    from PIL import Image as Picture

    eight = np.asarray(Picture.open(BytesIO(reader("GET", f"/api/cases/{case}/film.png").data)))
    assert np.abs(eight / 255 - chest.pixels).max() <= 0.5 / 255 + 1e-7
    small = reader("GET", f"/api/cases/{case}/film.png", query_string={"size": "preview"})
    assert small.mimetype == "image/png"


def test_a_pane_gets_as_many_words_as_it_has_pixels(house: House, monkeypatch: Any) -> None:
    rng = np.random.default_rng(4)
    source = Source("x", "ab" * 32, "memory", 1301, 1100)
    large = Image(rng.random((1301, 1100), np.float32), None, "radiograph", source)
    monkeypatch.setattr("konio.io.read", lambda path: large)
    reader = house.person("reader")
    case = house.case(reader)

    def words(**pane: int) -> Any:
        answer = reader("GET", f"/api/cases/{case}/film.u16", query_string=pane)
        assert (answer.headers["X-Film-Rows"], answer.headers["X-Film-Columns"]) == ("1301", "1100")
        step = int(answer.headers["X-Film-Step"])
        shape = (-(-1301 // step), -(-1100 // step))
        return step, np.frombuffer(gzip.decompress(answer.data), "<u2").reshape(shape).astype(int)

    whole = words()[1]
    step, half = words(width=500, height=600)
    assert step == 2 and (half[:650, :550] == _means(whole[:1300])).all()
    assert (half[650] == _means(whole[[1300, 1300]])[0]).all()
    assert [
        words(width=w, height=h)[0] for w, h in ((300, 9999), (9999, 300), (600, 700), (1, 1))
    ] == [2, 4, 1, 4]
    bad = reader("GET", f"/api/cases/{case}/film.u16", query_string={"width": -1})
    assert bad.status_code == 422


def _means(words: Any) -> Any:
    """Rounded means of two by two."""
    rows, columns = words.shape
    return (words.reshape(rows // 2, 2, columns // 2, 2).sum(axis=(1, 3)) + 2) // 4


def test_nothing_about_a_case_is_cached(house: House, chest: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("konio.io.read", lambda path: chest)
    reader = house.person("reader")
    case = house.case(reader)
    reader("POST", f"/api/cases/{case}/readings", json=findings())
    for path in (
        "",
        "/film.png",
        "/film.u16",
        "/original",
        "/machine",
        "/heat/stage.png",
        "/report",
    ):
        answer = reader("GET", f"/api/cases/{case}{path}")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store"), path
    pictures = house.room.settings.data / "pictures"
    assert not [path for path in pictures.rglob("*") if path.stat().st_mode & 0o077]


def test_a_film_that_cannot_be_read_says_so(house: House) -> None:
    reader = house.person("reader")
    case = reader.upload(b"\x89PNG\r\n\x1a\n broken").json["cases"][0]["id"]
    answer = reader("GET", f"/api/cases/{case}/film.png")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "film-unreadable")
    assert reader("GET", f"/api/cases/{case}/outlines").json["error"]["code"] == "not-assessed"


def test_a_heat_map_is_a_transparent_picture(house: House) -> None:
    reader = house.person("reader")
    case = house.case(reader)
    reader("POST", f"/api/cases/{case}/readings", json=findings())
    machine = reader("GET", f"/api/cases/{case}/machine").json
    assert machine["assessment"]["input"]["path"] == ""
    for heat in machine["heats"]:
        picture = reader("GET", heat["url"])
        assert picture.mimetype == "image/png"
    assert reader("GET", f"/api/cases/{case}/heat/nothing.png").status_code == 404


def test_every_json_answer_carries_the_notice(house: House) -> None:
    root = house.person("root", "administrator")
    for route in ROUTES:
        if route.method == "GET" and route.gives == "application/json" and "<" not in route.path:
            assert root("GET", route.path).json["notice"] == NOTICE, route.path
    assert house.stranger()("GET", "/api/cases").json["notice"] == NOTICE
    assert house.stranger()("GET", "/api/cases").headers["X-Konio-Notice"] == NOTICE


def test_a_database_that_is_away_is_said_and_health_stays(house: House, monkeypatch: Any) -> None:
    reader = house.person("reader")

    def gone(*given: Any) -> None:
        raise OperationalError("SELECT secret", {}, Exception("no database"))

    monkeypatch.setattr(Database, "read", gone)
    monkeypatch.setattr(Database, "answers", lambda self: False)
    answer = reader("GET", "/api/cases")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "database-gone")
    assert answer.headers["Retry-After"] and b"SELECT" not in answer.data
    assert reader("GET", "/healthz").status_code == 200
    assert reader("GET", "/readyz").status_code == 503
    monkeypatch.undo()
    assert reader("GET", "/api/cases").status_code == 200


def test_an_unexpected_error_shows_nothing_of_itself(
    house: House, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    reader = house.person("reader")

    def broken(*given: Any) -> None:
        raise ZeroDivisionError("patient Wang Xiaoming")

    monkeypatch.setattr("konio.web.cases.work_list", broken)
    with caplog.at_level("INFO", "konio.web"):
        answer = reader("GET", "/api/cases")
    assert (answer.status_code, answer.json["error"]["code"]) == (500, "failed")
    assert b"Wang" not in answer.data and "Wang" not in caplog.text
    assert "ZeroDivisionError" in caplog.text and answer.headers["X-Request-Id"] in caplog.text


def test_the_log_holds_no_names(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "konio.web"):
        reader = house.person("secretreader")
        case = reader.upload(film(1), "WANG XIAOMING.png").json["cases"][0]["id"]
        reader("PATCH", f"/api/cases/{case}", json={"patient_name": "WANG XIAOMING"})
        reader("GET", "/api/cases", query_string={"q": "WANG XIAOMING"})
        reader("GET", "/api/WANG XIAOMING")
        house.work()
    lines = [record.getMessage() for record in caplog.records if record.name == "konio.web"]
    assert len(lines) >= 4 and all(json.loads(line)["event"] for line in lines)
    text = "\n".join(lines)
    assert "WANG" not in text and "secretreader" not in text and case not in text


def test_the_page_is_served_with_its_own_ways(tmp_path: Path, house: House) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>the page")
    (tmp_path / "assets" / "a.js").write_text("x" * 10)
    (tmp_path / "assets" / "a.js.gz").write_bytes(gzip.compress(b"x" * 10))
    app = Flask("front", static_folder=None)
    add_front(app, tmp_path)
    client = app.test_client()
    for path in ("/", "/cases/abc", "/anything/else"):
        answer = client.get(path, buffered=True)
        assert (
            answer.data == b"<!doctype html>the page"
            and answer.headers["Cache-Control"] == "no-cache"
        )
    script = client.get("/assets/a.js", headers={"Accept-Encoding": "gzip"}, buffered=True)
    assert (
        script.headers["Content-Encoding"] == "gzip"
        and "immutable" in script.headers["Cache-Control"]
    )
    assert script.mimetype == "text/javascript"
    for path in (
        "/assets/none.js",
        "/api/none",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/index.html.bak",
    ):
        assert house.stranger()("GET", path).status_code == 404
    (tmp_path.parent / "secret").write_text("secret")
    for path in ("/../secret", "/%2e%2e/secret", "/assets/../../secret"):
        assert client.get(path, buffered=True).data == b"<!doctype html>the page"
    assert "unsafe-eval" not in POLICY and "script-src 'self';" in POLICY


def test_without_a_built_page_there_is_a_helpful_one(tmp_path: Path) -> None:
    app = Flask("front", static_folder=None)
    add_front(app, tmp_path / "nothing")
    page = app.test_client().get("/").get_data(as_text=True)
    assert "make serve" in page and "研究软件" in page


def test_the_description_describes_everything(house: House) -> None:
    served = house.person("reader")("GET", "/api/openapi.json").json
    described = {
        (method.upper(), path) for path, methods in served["paths"].items() for method in methods
    }
    assert len(described) == len(ROUTES)
    assert served["paths"]["/api/cases/{case}/readings"]["post"]["requestBody"]


#: Streams end by themselves only after a while; signing out ends the session the test uses.
_LEFT_OUT = {"jobs.events", "session.end", "session.revoke", "session.change_password"}


@cache
def _requests() -> list[tuple[Any, Any]]:
    """Every operation of the description, with the strategy of its requests."""
    found = [item.ok() for item in schemathesis.openapi.from_dict(document()).get_all_operations()]
    return [
        (operation, operation.as_strategy())
        for operation in found
        if operation.definition.raw["operationId"] not in _LEFT_OUT
    ]


@pytest.mark.slow
@pytest.mark.parametrize("role", ["reader", "administrator"])
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_request_gets_an_answer_that_was_described(
    shared_house: House, role: str, data: st.DataObject
) -> None:
    """Whatever fits the description, or nearly: no 5xx, and the shape that was promised."""
    operation, requests = data.draw(st.sampled_from(_requests()), label="operation")
    case = data.draw(requests, label="request")
    person = shared_house.person(role, role, totp_active=False, disabled=False, deleted=False)
    person.client.set_cookie("unrelated", "x")
    answer = _send(person, case)
    assert answer.status_code < 500, (operation.label, answer.get_data(as_text=True))
    described = operation.definition.raw["responses"].get(str(answer.status_code))
    assert described is not None, (operation.label, answer.status_code)
    if answer.status_code >= 400:
        assert set(answer.json) == {"error", "notice"}
    elif answer.mimetype == "application/json":
        schema = described["content"]["application/json"]["schema"]
        assert set(schema["required"]) <= set(answer.json)


def _send(person: Any, case: Any) -> Any:
    kwargs = case.as_transport_kwargs(base_url="http://localhost")
    path = kwargs["url"].removeprefix("http://localhost")
    query = {
        name: value for name, value in (kwargs.get("params") or {}).items() if value is not None
    }
    given: dict[str, Any] = {"query_string": query}
    if kwargs.get("json") is not None:
        given["json"] = kwargs["json"]
    elif kwargs.get("data") is not None:
        data = kwargs["data"]
        given["data"] = data if isinstance(data, bytes | str) else str(data)
        given["content_type"] = case.media_type or "application/octet-stream"
    return person(kwargs["method"], path, **given)


@pytest.fixture
def shared_house(open_house: OpenHouse) -> House:
    house = open_house()
    house.case(house.person("reader", "reader"))
    house.person("spare", "administrator")
    return house
