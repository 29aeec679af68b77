"""Agreement: the rule of 42 CFR 37.53 as a table, kappa against hand calculation, a machine without a vote."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.web.conftest import House, film, findings
from tests.web.test_readings import sign

from konio.standards import major, minor
from konio.tasks import PROFUSIONS, STAGE
from konio.web.adjudication import Vote, adjudicate, agree
from konio.web.agreement import measured


def vote(profusion: str, reader: int = 1, large: bool = False, stage: str = "0") -> Vote:
    return Vote(reader, profusion, large, stage)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("0/-", "0/1", True), ("0/1", "1/0", False), ("1/0", "0/1", False), ("0/0", "1/0", False),
     ("1/0", "1/2", True), ("1/2", "2/1", True), ("1/1", "2/1", False), ("2/3", "3/2", True),
     ("2/2", "3/2", False), ("3/2", "3/+", True), ("0/1", "1/1", False)],
)  # fmt: skip
def test_the_rule_by_hand(one: str, other: str, same: bool) -> None:
    assert agree(vote(one), vote(other)) is same


def test_the_rule_over_all_pairs() -> None:
    for one, other in product(PROFUSIONS, PROFUSIONS):
        near = major(one) == major(other) or abs(minor(one) - minor(other)) == 1
        assert agree(vote(one), vote(other)) == (near and {one, other} != {"0/1", "1/0"})


def test_large_opacities_come_first() -> None:
    assert agree(vote("0/0", large=True), vote("3/3", large=True))
    assert not agree(vote("1/1", large=True), vote("1/1"))


def test_states() -> None:
    assert adjudicate([]).state == "needs-first"
    assert adjudicate([vote("1/1")]).state == "needs-second"
    agreed = adjudicate([vote("1/1", 1), vote("1/2", 2)])
    assert (agreed.state, agreed.profusion, agreed.readers) == ("agreed", "1/2", (1, 2))
    assert adjudicate([vote("0/1", 1), vote("1/0", 2)]).state == "needs-third"
    settled = adjudicate([vote("0/1", 1), vote("2/2", 2), vote("1/0", 3)])
    assert (settled.state, settled.profusion) == ("settled", "1/0")


@given(st.lists(st.sampled_from(PROFUSIONS), min_size=3, max_size=3))
def test_the_median_does_not_depend_on_who_came_third(levels: list[str]) -> None:
    found = {
        adjudicate([vote(level, number) for number, level in enumerate(order)]).profusion
        for order in permutations(levels)
        if adjudicate([vote(level) for level in order]).state == "settled"
    }
    assert found <= {sorted(levels, key=minor)[1]}


def test_a_fourth_does_not_count() -> None:
    three = [vote("0/1", 1), vote("2/2", 2), vote("1/0", 3)]
    assert adjudicate([*three, vote("3/3", 4)]) == adjudicate(three)


def test_kappa_by_hand() -> None:
    # 0/I table [[2, 1], [1, 2]]: po 2/3, pe 1/2, kappa 1/3; with two classes the weights do not matter.
    pairs = [("0", "0")] * 2 + [("I", "I")] * 2 + [("0", "I"), ("I", "0")]
    found = measured([(str(i), a, b) for i, (a, b) in enumerate(pairs)], STAGE.classes)
    assert found is not None
    assert found["kappa"] == pytest.approx(1 / 3)
    assert found["confusion"][0][:2] == [2, 1] and found["confusion"][1][:2] == [1, 2]
    assert found["low"] <= found["kappa"] <= found["high"]
    assert found["exact"] == pytest.approx(2 / 3)


def test_where_kappa_is_not_defined_it_is_missing() -> None:
    found = measured([("a", "I", "I"), ("b", "I", "I")], STAGE.classes)
    assert found is not None and found["kappa"] is None and found["exact"] == 1.0
    assert measured([], STAGE.classes) is None


def _read_by(house: House, people: list[Any], levels: list[str], seed: int) -> str:
    root = house.person("root", "administrator")
    case = people[0].upload(film(seed)).json["cases"][0]["id"]
    house.work()
    numbers = [person.account.id for person in people]
    root("PUT", f"/api/cases/{case}/readers", json={"readers": numbers})
    for person, level in zip(people, levels, strict=True):
        assert sign(person, case, level).status_code == 201
    return case


def test_the_page_of_agreement(house: House) -> None:
    root = house.person("root", "administrator")
    a, b, c, stranger = (house.person(name) for name in ("a", "b", "c", "stranger"))
    _read_by(house, [a, b], ["1/1", "1/2"], 1)
    _read_by(house, [a, b, c], ["0/0", "2/2", "1/1"], 2)
    _read_by(house, [a, b], ["0/0", "0/0"], 3)
    _read_by(house, [a, c], ["3/3", "0/0"], 4)
    whole = root("GET", "/api/agreement").json
    assert whole["adjudication"] == {"agreed": 2, "third": 1, "settled": 1, "open": 0}
    assert {(p["a"]["display"], p["b"]["display"]): p["stage"]["cases"] for p in whole["pairs"]} == {
        ("A", "B"): 3, ("A", "C"): 2, ("B", "C"): 1,
    }  # fmt: skip
    assert whole["machine"]["stage"]["cases"] == 3
    mine = c("GET", "/api/agreement").json
    assert {r["display"] for r in mine["readers"]} == {"C"}
    assert all("C" in (p["a"]["display"], p["b"]["display"]) for p in mine["pairs"])
    assert stranger("GET", "/api/agreement").json["pairs"] == []
    one = root(
        "GET", "/api/agreement", query_string={"reader": a.account.id, "other": b.account.id}
    )
    assert len(one.json["pairs"]) == 1
    assert root("GET", "/api/agreement", query_string={"from": "2100-01-01"}).json["pairs"] == []
    assert root("GET", "/api/agreement", query_string={"from": "2100-02-31"}).status_code == 422


def test_the_machine_has_no_vote_not_even_through_second_thoughts(house: House) -> None:
    a, b = house.person("a"), house.person("b")
    case = _read_by(house, [a, b], ["0/0", "2/2"], 5)
    before = a("GET", f"/api/cases/{case}/readings").json["consensus"]
    assert before["state"] == "needs-third"
    a("GET", f"/api/cases/{case}/machine")
    again = a(
        "POST",
        f"/api/cases/{case}/readings",
        json=findings("2/2", amends=1, reason="the machine says so"),
    )
    assert again.json["before_machine"] is False
    after = a("GET", f"/api/cases/{case}/readings").json["consensus"]
    assert after == before
