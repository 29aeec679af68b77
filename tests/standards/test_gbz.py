"""GBZ 70-2015 over its whole domain: total, monotone, every clause reached, every gap named."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konio.errors import RecordError
from konio.standards.gbz import (
    GAPS,
    Findings,
    LargeOpacity,
    Plaque,
    major,
    stage,
)
from konio.standards.rules import CLAUSES, decide
from konio.tasks import PROFUSIONS, STAGE, ZONES

#: The middle category of each major level stands for it.
LEVELS = ("0/0", "1/1", "2/2", "3/3")
VECTORS = tuple(itertools.product(LEVELS, repeat=len(ZONES)))
RANK = {name: rank for rank, name in enumerate(STAGE.classes)}

SMALL_LARGE = (LargeOpacity(15, 12),)
STAGE_III_LARGE = (LargeOpacity(20, 10.5),)
PLAIN = Plaque()
AT_HEART = Plaque(heart_border_or_diaphragm=True)
LONG = Plaque(length_fraction_of_wall=0.51)
SHAGGY = Plaque(shaggy_heart=True)
ASBESTOS = tuple({"asbestos": True, "plaque": p} for p in (PLAIN, AT_HEART, LONG, SHAGGY))


def film(*profusions: str, **facts: object) -> Findings:
    filled = (*profusions, *["0/0"] * (len(ZONES) - len(profusions)))
    return Findings(dict(zip(ZONES, filled, strict=True)), **facts)  # type: ignore[arg-type]


def rank(findings: Findings) -> int:
    return RANK[decide(findings)[0]]


def test_there_are_4096_vectors_and_each_has_one_stage_and_both_sentences():
    assert len(VECTORS) == 4096
    for vector in VECTORS:
        result = stage(film(*vector))
        assert result.stage in STAGE.classes
        assert result.clause in result.en
        assert result.clause in result.zh
        assert STAGE.answer(result.stage).en in result.en
        assert STAGE.answer(result.stage).zh in result.zh
        assert (result.gap is not None) == result.by_interpretation


def test_literal_text_is_silent_on_883_vectors():
    # One zone: 6 x 3. Level 2 in 2-4 zones: 15 x 3 + 20 x 7 + 15 x 15. Level 3 in 2-3: 15 x 5 + 20 x 19.
    silent = [v for v in VECTORS if decide(film(*v))[2] is not None]
    assert len(silent) == 18 + (45 + 140 + 225) + (75 + 380)


@pytest.mark.parametrize(
    "facts",
    [{}, {"aggregation": True}, {"large": SMALL_LARGE}, {"large": STAGE_III_LARGE}, *ASBESTOS],
    ids=str,
)
def test_one_level_more_in_any_zone_never_lowers_the_stage(facts):
    ranks = {vector: rank(film(*vector, **facts)) for vector in VECTORS}
    for vector, low in ranks.items():
        for zone, level in enumerate(vector):
            if level != LEVELS[-1]:
                more = LEVELS[LEVELS.index(level) + 1]
                assert low <= ranks[(*vector[:zone], more, *vector[zone + 1 :])]


def test_adding_aggregation_large_opacity_or_plaque_never_lowers_the_stage():
    additions = [
        {"aggregation": True},
        {"large": SMALL_LARGE},
        {"large": STAGE_III_LARGE},
        *ASBESTOS,
    ]
    for vector in VECTORS:
        low = rank(film(*vector))
        assert all(rank(film(*vector, **facts)) >= low for facts in additions)
        plain, heart, long, shaggy = (rank(film(*vector, **facts)) for facts in ASBESTOS)
        assert plain <= heart <= shaggy
        assert plain <= long


def test_order_of_zones_plays_no_part():
    for vector in itertools.combinations_with_replacement(LEVELS, len(ZONES)):
        assert decide(film(*vector))[:2] == decide(film(*reversed(vector)))[:2]


CLAUSE_TABLE = [
    # chapter 5, each lettered item at its very edge
    ("5.1a", "I", film("1/0", "1/0")),
    ("5.1a", "I", film(*["1/2"] * 6)),
    ("5.1b", "I", film("1/0", asbestos=True, plaque=PLAIN)),
    ("5.1c", "I", film("0/1", "0/1", asbestos=True, plaque=PLAIN)),
    ("5.2a", "II", film("2/1", "1/0", "1/0", "1/0", "1/0")),
    ("5.2b", "II", film("3/2", "1/0", "1/0", "1/0")),
    ("5.2b", "II", film(*["3/3"] * 6)),
    ("5.2c", "II", film(*["1/0"] * 5, asbestos=True, plaque=AT_HEART)),
    ("5.2d", "II", film("2/1", "1/0", "1/0", "1/0", asbestos=True, plaque=AT_HEART)),
    ("5.3a", "III", film(large=STAGE_III_LARGE)),
    ("5.3b", "III", film("3/2", *["1/0"] * 4, aggregation=True)),
    ("5.3c", "III", film("3/2", *["1/0"] * 4, large=SMALL_LARGE)),
    ("5.3d", "III", film("3/2", *["1/0"] * 4, asbestos=True, plaque=LONG)),
    ("5.3d", "III", film("3/2", *["1/0"] * 4, asbestos=True, plaque=SHAGGY)),
    ("A.3", "0", film()),
    ("A.3", "0", film(*["0/1"] * 6)),
    ("A.3", "0", film("0/1", asbestos=True, plaque=PLAIN)),
]


@pytest.mark.parametrize(("clause", "expected", "findings"), CLAUSE_TABLE)
def test_clause_is_reached_literally(clause, expected, findings):
    result = stage(findings)
    assert (result.clause, result.stage, result.by_interpretation) == (clause, expected, False)


def test_the_table_reaches_every_clause():
    assert {clause for clause, _, _ in CLAUSE_TABLE} == {c.name for c in CLAUSES} | {"A.3"}


NEAR_MISSES = [
    # the same edges from the other side
    ("I", film(*["1/0"] * 6, aggregation=True)),
    ("I", film(*["1/0"] * 5, plaque=AT_HEART)),  # plaque without asbestos exposure
    ("I", film(*["1/0"] * 5, asbestos=True, plaque=PLAIN)),
    ("I", film(*["1/0"] * 4, asbestos=True, plaque=AT_HEART)),
    ("I", film("2/1", "1/0", "1/0", asbestos=True, plaque=AT_HEART)),
    ("II", film("3/2", "1/0", "1/0", "1/0", aggregation=True)),
    ("II", film("3/2", "1/0", "1/0", "1/0", large=SMALL_LARGE)),
    ("II", film(*["2/3"] * 6, aggregation=True, large=SMALL_LARGE)),
    (
        "II",
        film("3/2", *["1/0"] * 4, asbestos=True, plaque=Plaque(length_fraction_of_wall=0.5)),
    ),
    ("0", film("0/1", "0/1", plaque=PLAIN)),
    ("0", film(large=(LargeOpacity(20, 10),))),  # short must be greater than 10
    ("0", film(large=(LargeOpacity(19.9, 19.9),))),  # long must not be less than 20
]


@pytest.mark.parametrize(("expected", "findings"), NEAR_MISSES)
def test_one_step_short_of_a_clause(expected, findings):
    assert stage(findings).stage == expected


GAP_TABLE = [
    ("level-2-in-few-zones", "I", film("2/2", "1/0")),
    ("level-2-in-few-zones", "I", film(*["2/2"] * 4)),
    ("level-3-in-few-zones", "I", film("3/+", "1/0")),
    ("level-3-in-few-zones", "I", film(*["3/+"] * 3)),
    ("dense-zone-with-plaque", "I", film("3/3", asbestos=True, plaque=PLAIN)),
    ("one-zone", "0", film("1/0")),
    ("one-zone", "0", film("3/+", asbestos=True)),
    ("large-opacity-alone", "0", film(large=SMALL_LARGE)),
    ("aggregation-alone", "0", film("0/1", aggregation=True)),
]


@pytest.mark.parametrize(("gap", "expected", "findings"), GAP_TABLE)
def test_gap_is_closed_and_said(gap, expected, findings):
    result = stage(findings)
    assert (result.gap, result.stage, result.by_interpretation) == (gap, expected, True)
    words = next(g for g in GAPS if g.name == gap)
    assert words.en in result.en
    assert words.zh in result.zh


def test_the_table_reaches_every_gap():
    assert {gap for gap, _, _ in GAP_TABLE} == {gap.name for gap in GAPS}


plaques = st.none() | st.builds(
    Plaque,
    length_fraction_of_wall=st.floats(0, 2),
    heart_border_or_diaphragm=st.booleans(),
    shaggy_heart=st.booleans(),
)
sizes = st.tuples(st.floats(10.001, 200), st.floats(0.01, 1)).map(
    lambda pair: LargeOpacity(pair[0], pair[0] * pair[1])
)
films = st.builds(
    Findings,
    zones=st.fixed_dictionaries({zone: st.sampled_from(PROFUSIONS) for zone in ZONES}),
    aggregation=st.booleans(),
    large=st.lists(sizes, max_size=2).map(tuple),
    asbestos=st.booleans(),
    plaque=plaques,
)


@given(films)
def test_overall_and_distribution_are_those_of_appendix_b(findings):
    result = stage(findings)
    levels = [major(p) for p in findings.zones.values()]
    assert result.overall == max(levels)
    assert result.distribution == sum(level > 0 for level in levels)


@given(films, st.sampled_from(ZONES))
def test_one_minor_category_more_never_lowers_the_stage(findings, zone):
    position = PROFUSIONS.index(findings.zones[zone])
    more = PROFUSIONS[min(position + 1, len(PROFUSIONS) - 1)]
    denser = dataclasses.replace(findings, zones={**findings.zones, zone: more})
    if findings.zones[zone] == "0/1" and findings.asbestos and findings.plaque:
        # 5.1c counts zones at exactly 0/1; the step to 1/0 meets 5.1b instead.
        assert decide(denser)[0] != "0"
    assert rank(denser) >= rank(findings)


@given(films, sizes)
def test_more_of_anything_never_lowers_the_stage(findings, opacity):
    low = rank(findings)
    assert rank(dataclasses.replace(findings, aggregation=True)) >= low
    assert rank(dataclasses.replace(findings, large=(*findings.large, opacity))) >= low
    assert rank(dataclasses.replace(findings, asbestos=True)) >= low


@given(films)
def test_only_the_major_level_counts_without_asbestos(findings):
    exposed_to_silica = dataclasses.replace(findings, asbestos=False)
    middled = {zone: LEVELS[major(p)] for zone, p in findings.zones.items()}
    same = dataclasses.replace(exposed_to_silica, zones=middled)
    assert decide(exposed_to_silica) == decide(same)


@given(films)
def test_changes_one_step_away_are_true_and_complete(findings):
    result = stage(findings)
    told = {
        (change.zone, change.after): change
        for change in result.one_change_away
        if change.kind == "zone"
    }
    for zone, profusion in findings.zones.items():
        for step in (-1, 1):
            position = PROFUSIONS.index(profusion) + step
            if not 0 <= position < len(PROFUSIONS):
                continue
            after = PROFUSIONS[position]
            reached = decide(dataclasses.replace(findings, zones={**findings.zones, zone: after}))[
                0
            ]
            if reached == result.stage:
                assert (zone, after) not in told
            else:
                assert told[zone, after].stage == reached
    toggled = decide(dataclasses.replace(findings, aggregation=not findings.aggregation))[0]
    assert any(c.kind == "aggregation" for c in result.one_change_away) == (toggled != result.stage)
    for change in result.one_change_away:
        assert change.stage != result.stage
        assert change.clause in change.en
        assert change.clause in change.zh


def test_change_list_of_one_film_by_hand():
    result = stage(film("2/1", "1/1", "1/1", "1/1", "1/0"))
    assert [(c.kind, c.zone, c.after, c.stage, c.clause) for c in result.one_change_away] == [
        ("zone", "ru", "1/2", "I", "5.1a"),
        ("zone", "lm", "0/1", "I", "5.1a"),
        ("large_opacity", None, "at least 20 mm by over 10 mm", "III", "5.3a"),
    ]


def test_asbestos_and_plaques_are_among_the_changes():
    exposed = dataclasses.replace(film("0/1", "0/1"), asbestos=True)
    changes = {change.kind: change for change in stage(exposed).one_change_away}
    assert (changes["plaque"].after, changes["plaque"].stage, changes["plaque"].clause) == (
        "present", "I", "5.1c",
    )  # fmt: skip
    assert "pleural plaques present instead of absent" in changes["plaque"].en
    assert "若胸膜斑由“无”变为“有”" in changes["plaque"].zh
    ill = dataclasses.replace(exposed, plaque=Plaque())
    changes = {change.kind: change for change in stage(ill).one_change_away}
    assert changes["asbestos"].stage == changes["plaque"].stage == "0"
    assert not {"asbestos", "plaque"} & {c.kind for c in stage(film("1/1")).one_change_away}


@given(films)
def test_every_change_of_asbestos_and_plaques_is_told(findings):
    result = stage(findings)
    told = {change.kind for change in result.one_change_away}
    toggled = decide(dataclasses.replace(findings, asbestos=not findings.asbestos))[0]
    assert ("asbestos" in told) == (toggled != result.stage)
    others = (None, PLAIN, AT_HEART, LONG, SHAGGY)
    reached = {decide(dataclasses.replace(findings, plaque=plaque))[0] for plaque in others}
    assert ("plaque" in told) == bool(reached - {result.stage})


def test_a_small_large_opacity_is_enough_beside_profusion_three():
    changes = stage(film(*["3/3"] * 6)).one_change_away
    assert [(c.kind, c.after, c.clause) for c in changes] == [
        ("aggregation", "present", "5.3b"),
        ("large_opacity", "over 10 mm", "5.3c"),
    ]


@pytest.mark.parametrize(
    "build",
    [
        lambda: Findings({"ru": "1/1"}),
        lambda: Findings({**dict.fromkeys(ZONES, "0/0"), "xx": "0/0"}),
        lambda: film("4/4"),
        lambda: film("1"),
        lambda: LargeOpacity(10, 5),
        lambda: LargeOpacity(float("nan"), 5),
        lambda: LargeOpacity(20, 21),
        lambda: LargeOpacity(20, 0),
        lambda: Plaque(length_fraction_of_wall=-0.1),
        lambda: Plaque(length_fraction_of_wall=2.1),
    ],
)
def test_a_value_outside_the_rules_is_refused_with_a_remedy(build):
    with pytest.raises(RecordError, match=";"):
        build()


def test_findings_cannot_be_changed_afterwards():
    zones = dict.fromkeys(ZONES, "0/0")
    findings = Findings(zones)
    zones["ru"] = "3/3"
    assert findings.zones["ru"] == "0/0"
    with pytest.raises(TypeError):
        findings.zones["ru"] = "3/3"  # type: ignore[index]


def test_major_levels_of_the_twelve_categories():
    assert [major(p) for p in PROFUSIONS] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_sentences_give_millimetres_only_where_they_were_measured():
    for size in ((20, 10.5), (15, 12)):
        measured = stage(film(large=(LargeOpacity(*size),)))
        assumed = stage(film(large=(LargeOpacity(*size, measured=False),)))
        assert (measured.stage, measured.clause) == (assumed.stage, assumed.clause)
        assert f"{size[0]} x {size[1]} mm" in measured.en
        assert f"{size[0]}×{size[1]} mm" in measured.zh
        assert " mm" not in assumed.en + assumed.zh
        assert "not measured" in assumed.en
        assert "未测量" in assumed.zh
