"""Readings: staged by the standard, signed, versioned, never overwritten; one's own before the machine's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import delete, update
from tests.web import fake
from tests.web.conftest import House, OpenHouse, findings

from konio.report.words import WORDS
from konio.standards import Findings, stage
from konio.tasks import PROFUSIONS, ZONES
from konio.web import readings, shapes
from konio.web.proof import blind_first_broken
from konio.web.tables import AuditEvent, Reading


def sign(person: Any, case: str, level: str = "1/1", **more: Any) -> Any:
    return person("POST", f"/api/cases/{case}/readings", json=findings(level, **more))


@pytest.mark.parametrize("level", PROFUSIONS)
def test_the_forms_stage_is_the_standards(level: str, house: House) -> None:
    reader = house.person("reader")
    given = findings(level, aggregation=True, large=[{"long_mm": 12, "short_mm": 11.5}])
    said = reader("POST", "/api/stage", json=given).json
    zones = dict.fromkeys(ZONES, level)
    from konio.standards import LargeOpacity

    wanted = stage(Findings(zones, aggregation=True, large=(LargeOpacity(12, 11.5),)))
    assert (said["stage"], said["clause"]) == (wanted.stage, wanted.clause)
    assert said["sentence_zh"] == wanted.zh and said["ilo_profusion"] == level


@pytest.mark.parametrize(
    "broken",
    [{}, {"zones": {}}, {"zones": dict.fromkeys(ZONES, "4/4")}, findings(large=[{"long_mm": 9, "short_mm": 3}]),
     findings(large=[{"long_mm": 12, "short_mm": 13}]), findings(symbols=["zz"]), findings(extra=1),
     findings(large=[{"long_mm": 1e999, "short_mm": 1}]), findings(quality_grade=5), findings(comment="x" * 4001),
     findings(disease="flu"), findings(aggregation="yes"), [], "text", None, findings(comment="\x00"),
     findings(comment="\ud800"), findings(stage_override={"stage": "IV", "reason": "because"})],
)  # fmt: skip
def test_a_form_that_cannot_be_is_refused_with_the_place(broken: Any, house: House) -> None:
    reader = house.person("reader")
    answer = reader("POST", "/api/stage", data=json.dumps(broken), content_type="application/json")
    assert answer.status_code in (400, 422), answer.json
    assert answer.json["error"]["message_zh"]


def test_a_backslash_in_a_comment_is_text(house: House) -> None:
    reader = house.person("reader")
    for comment in (r"C:\udo", r"\x00", r"\ud800"):
        answer = reader("POST", "/api/stage", json=findings(comment=comment))
        assert answer.status_code == 200, comment


def test_zones_of_the_form_are_the_zones_of_the_table() -> None:
    assert tuple(shapes.Zones.model_fields) == ZONES


def test_the_machine_waits_for_the_reader(house: House) -> None:
    reader = house.person("reader")
    case = house.case(reader)
    closed = ("machine", "heat/stage.png", "report")
    for path in closed:
        answer = reader("GET", f"/api/cases/{case}/{path}")
        assert (answer.status_code, answer.json["error"]["code"]) == (409, "blind"), path
    shown = reader("GET", f"/api/cases/{case}").json
    assert shown["machine"] is None and not shown["machine_open"]
    assert "5.1a" not in json.dumps(shown) and "dust" not in json.dumps(shown)
    for stage_name in ("0", "I", "II", "III"):  # a filter must not tell either
        found = reader("GET", "/api/cases", query_string={"machine_stage": stage_name}).json
        assert found["cases"] == [] and found["total"] == 0
    assert reader("GET", f"/api/cases/{case}/outlines").status_code == 200
    signed = sign(reader, case)
    assert signed.status_code == 201 and signed.json["before_machine"] is True
    for path in closed:
        assert reader("GET", f"/api/cases/{case}/{path}").status_code == 200, path
    assert reader("GET", f"/api/cases/{case}").json["machine"]["clause"] == "5.1a"


def test_the_log_proves_the_order(house: House) -> None:
    reader, root = house.person("reader"), house.person("root", "administrator")
    case = house.case(reader)
    root("GET", f"/api/cases/{case}/machine")
    sign(reader, case)
    reader("GET", f"/api/cases/{case}/machine")
    reader("GET", f"/api/cases/{case}/machine")
    with house.room.database.read() as session:
        mine = [
            event.action
            for event in session.query(AuditEvent).order_by(AuditEvent.seq)
            if event.account_id == reader.account.id
        ]
        assert blind_first_broken(session) == []
    assert mine == ["case.uploaded", "reading.signed", "machine.shown"]
    with house.room.database.write() as session:  # had the gate been open, the log would say so
        other = house.person("other")
        house.room.audit.append(session, "machine.shown", other.account.id, 1)
        house.room.audit.append(session, "reading.signed", other.account.id, 1)  # too late
    with house.room.database.read() as session:
        assert len(blind_first_broken(session)) == 1


def test_without_blind_first_the_machine_may_come_first_and_the_reading_says_so(
    open_house: OpenHouse,
) -> None:
    house = open_house(blind_first=False)
    reader = house.person("reader")
    case = house.case(reader)
    assert reader("GET", f"/api/cases/{case}/machine").status_code == 200
    assert sign(reader, case).json["before_machine"] is False


def test_versions_are_added_and_never_overwritten(house: House) -> None:
    reader = house.person("reader")
    case = house.case(reader)
    first = sign(reader, case).json
    blind = sign(reader, case, "2/2")
    assert (blind.status_code, blind.json["error"]["code"]) == (409, "version")
    bare = sign(reader, case, "2/2", amends=1)
    assert bare.json["error"]["code"] == "reason-needed"
    reader("GET", f"/api/cases/{case}/machine")
    second = sign(reader, case, "2/2", amends=1, reason="seen again").json
    assert sign(reader, case, "3/3", amends=1, reason="late").status_code == 409
    mine = reader("GET", f"/api/cases/{case}/readings").json["mine"]
    assert [item["version"] for item in mine] == [2, 1]
    assert mine[1] == {name: value for name, value in first.items() if name != "notice"}
    assert second["previous_sha256"] == first["sha256"]
    assert (first["before_machine"], second["before_machine"]) == (True, False)
    shown = reader("GET", f"/api/cases/{case}").json
    assert (shown["my_stage"], shown["versions"]) == ("II", 2)


def test_a_changed_reading_is_found(house: House) -> None:
    reader = house.person("reader")
    case = house.case(reader)
    sign(reader, case)
    with house.room.database.read() as session:
        assert readings.altered(session) == []
    for change in (
        {"stage": "III"},
        {"profusion": "3/3"},
        {"large": True},
        {"before_machine": False},
    ):
        with house.room.database.write() as session:
            reading = session.get_one(Reading, 1)
            before = {name: getattr(reading, name) for name in change}
            session.execute(update(Reading).values(**change))
        with house.room.database.read() as session:
            assert readings.altered(session) == [1], change
        with house.room.database.write() as session:
            session.execute(update(Reading).values(**before))


def test_a_reading_whose_hash_was_made_anew_or_that_is_gone_is_found(house: House) -> None:
    reader = house.person("reader")
    case = house.case(reader)
    sign(reader, case)
    with house.room.database.write() as session:
        reading = session.get_one(Reading, 1)
        reading.stage = "III"
        reading.sha256 = readings.digest(reading)
    with house.room.database.read() as session:
        assert readings.altered(session) == [1] and readings.missing(session) == []
    checked = house.person("root", "administrator")("GET", "/api/audit/verify").json
    assert not checked["intact"]
    assert checked["problem"] == "reading 1 is not as it was signed"
    with house.room.database.write() as session:
        session.execute(delete(Reading))
    with house.room.database.read() as session:
        assert readings.altered(session) == [] and len(readings.missing(session)) == 1


def test_other_readers_wait_too(house: House) -> None:
    root, a, b = house.person("root", "administrator"), house.person("a"), house.person("b")
    case = house.case(a)
    assigned = root(
        "PUT", f"/api/cases/{case}/readers", json={"readers": [a.account.id, b.account.id]}
    )
    assert len(assigned.json["readers"]) == 2
    assert b("GET", f"/api/cases/{case}").json["assigned"] is True
    sign(a, case, "1/1")
    seen = b("GET", f"/api/cases/{case}/readings").json
    assert (seen["mine"], seen["others"], seen["consensus"]) == ([], [], None)
    states = {item["id"]: item["signed"] for item in b("GET", f"/api/cases/{case}").json["readers"]}
    assert states == {a.account.id: None, b.account.id: False}
    sign(b, case, "1/2")
    seen = b("GET", f"/api/cases/{case}/readings").json
    assert len(seen["others"]) == 1 and seen["consensus"]["state"] == "agreed"
    assert seen["consensus"]["profusion"] == "1/2"


def test_assigning(house: House) -> None:
    root, a = house.person("root", "administrator"), house.person("a")
    b, gone = house.person("b"), house.person("gone", disabled=True)
    case = house.case(a)

    def assign(*people: Any) -> Any:
        numbers = [person.account.id for person in people]
        return root("PUT", f"/api/cases/{case}/readers", json={"readers": numbers})

    assert assign(root).json["error"]["code"] == "readers-only"
    assert assign(gone).status_code == 422
    assert assign(b).status_code == 200
    assert a("GET", f"/api/cases/{case}").status_code == 404
    assert b("GET", f"/api/cases/{case}").status_code == 200
    sign(b, case)
    assign(a)
    assert b("GET", f"/api/cases/{case}").status_code == 200  # who has signed keeps it
    assert a("GET", f"/api/cases/{case}").status_code == 200


def test_a_draft_is_kept_until_it_is_signed(house: House) -> None:
    reader, other = house.person("reader"), house.person("other")
    case = house.case(reader)
    path = f"/api/cases/{case}/draft"
    assert reader("GET", path).json["draft"] is None
    reader("PUT", path, json={"zones": {"ru": "1/1"}, "n": 1})
    reader("PUT", path, json={"zones": {"ru": "1/2"}})
    assert reader("GET", path).json["draft"] == {"zones": {"ru": "1/2"}}
    assert other("GET", path).status_code == 404
    assert reader("PUT", path, json={"x": "y" * 40_000}).status_code == 413
    sign(reader, case)
    assert reader("GET", path).json["draft"] is None
    reader("PUT", path, json={"a": 1})
    assert reader("DELETE", path).status_code == 204
    assert reader("GET", path).json["draft"] is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_says_what_was_signed(language: str, house: House) -> None:
    reader = house.person("reader")
    case = house.case(reader)
    sign(reader, case, "2/2", disease="矽肺", shape={"primary": "q", "secondary": "p"}, symbols=["tb"],
         quality_grade=3, pleura={"plaque": True}, comment="看见")  # fmt: skip
    page = reader("GET", f"/api/cases/{case}/report", query_string={"lang": language}).get_data(
        as_text=True
    )
    wanted = {
        "en": ["Occupational silicosis, stage II", "q/p", "active tuberculosis", "not for diagnosis", "5.2a",
               "before the machine", "A film of grade 3 cannot support a first diagnosis", "plaque"],
        "zh": ["职业性矽肺贰期", "q/p", "活动性肺结核", "不用于诊断", "5.2a", "在查看机器结果之前", "胸膜斑"],
    }[language]  # fmt: skip
    assert [
        text
        for text in [*wanted, "看见", "made-up" if language == "en" else "虚构"]
        if text not in page
    ] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_report_makes_up_no_disease_and_warns_as_the_page_does(
    language: str, house: House
) -> None:
    reader = house.person("reader")
    case = house.case(reader)
    signed = sign(reader, case, "2/2").json
    page = reader("GET", f"/api/cases/{case}/report", query_string={"lang": language})
    conclusion = signed["staging"]["phrase"][language]
    warned = {"en": "Differential (31 % inside): most of", "zh": "鉴别（肺野内 31 %）"}[language]
    assert warned in page.get_data(as_text=True)
    assert conclusion in page.get_data(as_text=True)
    for word in ("ccupational", "other pneumoconiosis", "职业性", "其他尘肺"):
        assert word not in conclusion


@pytest.mark.parametrize("language", ["en", "zh"])
def test_doubtful_grades_are_marked_in_the_answer_and_grey_in_the_report(
    language: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = house.person("reader")
    said = fake.assessment("ab" * 32)
    shown = []
    for seed, doubt in enumerate((True, False)):
        zones = {zone: {**said["zones"][zone], "doubtful": doubt} for zone in ZONES}
        monkeypatch.setattr(fake, "assessment", lambda _, zones=zones: {**said, "zones": zones})
        case = house.case(reader, seed)
        sign(reader, case)
        machine = reader("GET", f"/api/cases/{case}/machine").json
        assert machine["assessment"]["zones"] == zones
        page = reader("GET", f"/api/cases/{case}/report", query_string={"lang": language})
        shown.append(page.get_data(as_text=True))
    words = getattr(WORDS["zones-doubtful"], language)
    for mark in (words, '<table class="doubtful" aria-describedby="doubtful">'):
        assert [mark in page for page in shown] == [True, False]


def test_the_stage_may_be_set_against_the_clause(house: House) -> None:
    reader = house.person("reader")
    case = house.case(reader)
    override = {"stage": "II", "reason": "standard film 3"}
    signed = sign(reader, case, "1/1", stage_override=override).json
    assert (signed["stage"], signed["staging"]["stage"]) == ("II", "I")
