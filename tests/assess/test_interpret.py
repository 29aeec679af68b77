"""Laws of what may be said: probabilities, withholding, the stage by the standard."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konio.assess.interpret import (
    MAY_BE,
    calibrated,
    interpret,
    stage_by_rule,
    why_not,
    zone_table,
)
from konio.errors import BundleError
from konio.records import TaskAnswer
from konio.tasks import DIFFERENTIAL, PROFUSIONS, RADIOGRAPH_TASKS, STAGE, ZONES


def logits(**wanted: str) -> dict[str, list[float]]:
    """Clear logits: 8 for the class wanted, 0 for the rest; the first class where nothing is wanted."""
    return {
        task.name: [8.0 * (name == wanted.get(task.name, task.classes[0])) for name in task.classes]
        for task in RADIOGRAPH_TASKS
    }


def zones(*levels: str) -> dict[str, str]:
    return {f"zone_{zone}": level for zone, level in zip(ZONES, levels, strict=True)}


def said(**wanted: str):
    return interpret(RADIOGRAPH_TASKS, logits(**wanted), {}, RADIOGRAPH_TASKS)


@given(
    st.lists(st.floats(-1e4, 1e4), min_size=4, max_size=4),
    st.floats(0.05, 20),
)
def test_probabilities_sum_to_one_whatever_the_logits(
    numbers: list[float], temperature: float
) -> None:
    answer = calibrated(STAGE, numbers, temperature)
    assert abs(sum(answer.probabilities.values()) - 1) <= 1e-6
    assert 0 <= answer.expected <= 3


def test_temperature_keeps_the_prediction_and_softens_the_probability() -> None:
    sharp, soft = (calibrated(STAGE, [0, 1, 3, 2], t) for t in (1.0, 4.0))
    assert sharp.prediction == soft.prediction == "II"
    assert soft.probabilities["II"] < sharp.probabilities["II"]
    assert sharp.probabilities["II"] == pytest.approx(
        math.exp(3) / sum(math.exp(x) for x in (0, 1, 3, 2))
    )


def test_only_ordered_questions_have_a_mean_grade() -> None:
    assert calibrated(DIFFERENTIAL, [0, 0, 0], 1).expected is None
    assert calibrated(STAGE, [0, 0, 0, 0], 1).expected == pytest.approx(1.5)


def test_a_zone_is_answered_by_the_middle_of_its_distribution() -> None:
    shares = [0.0, 0.4, 0.0, 0.3, 0.3] + 7 * [1e-9]
    answer = calibrated(RADIOGRAPH_TASKS["zone_ll"], [math.log(p + 1e-9) for p in shares], 1)
    assert max(answer.probabilities, key=answer.probabilities.__getitem__) == "0/0"
    assert answer.prediction == "1/0"


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_model_that_answers_nonsense_is_refused(bad: float) -> None:
    with pytest.raises(BundleError, match="no numbers"):
        calibrated(STAGE, [0, bad, 0, 0], 1)


def test_a_healthy_film_gets_no_stage_and_the_reason() -> None:
    answers = said(differential="healthy", stage="III")
    assert answers.tasks["stage"] is None
    assert answers.tasks["large_opacity"] is None
    assert answers.rule is None
    assert "dust-exposed" in answers.withheld["stage"][0]
    assert "接尘" in answers.withheld["stage"][1]
    assert answers.withheld["stage_by_rule"] == answers.withheld["stage"]
    assert answers.zones is not None  # what is seen in the zones is said all the same


@pytest.mark.parametrize(("share", "answered"), [(MAY_BE + 0.01, True), (MAY_BE - 0.01, False)])
def test_a_stage_is_given_from_the_named_probability_of_dust(share: float, answered: bool) -> None:
    numbers = logits()
    rest = (1 - share) / 2
    numbers["differential"] = [math.log(rest), math.log(rest), math.log(share)]
    answers = interpret(RADIOGRAPH_TASKS, numbers, {}, RADIOGRAPH_TASKS)
    assert (answers.tasks["stage"] is not None) is answered
    assert (answers.rule is not None) is answered


@pytest.mark.parametrize(
    ("levels", "more", "stage", "clause"),
    [
        (("0/0",) * 6, {}, "0", "A.3"),
        (("1/0", "1/1", "0/0", "0/0", "0/0", "0/0"), {}, "I", "5.1a"),
        (("2/2",) * 5 + ("0/1",), {}, "II", "5.2a"),
        (("3/3",) * 6, {"aggregation": "present"}, "III", "5.3b"),
        (("0/0",) * 6, {"large_opacity": "present"}, "III", "5.3a"),
    ],
)
def test_the_stage_follows_from_the_zones_by_the_standard(levels, more, stage, clause) -> None:
    rule = said(differential="dust", **zones(*levels), **more).rule
    assert (rule["stage"], rule["clause"]) == (stage, clause)
    assert rule["sentence"] and rule["sentence_zh"]
    assert rule["assumed"] == []


def test_every_question_has_an_answer_or_a_reason() -> None:
    for differential in DIFFERENTIAL.classes:
        answers = said(differential=differential)
        for task in RADIOGRAPH_TASKS:
            assert (answers.tasks[task.name] is None) == (task.name in answers.withheld)


def test_questions_a_model_lacks_are_named_with_the_reason() -> None:
    two = RADIOGRAPH_TASKS.subset("differential", "stage")
    answers = interpret(two, logits(differential="dust"), {}, RADIOGRAPH_TASKS)
    assert set(answers.tasks) == {"differential", "stage"}
    assert answers.zones is None
    assert answers.rule is None
    assert "zone_ru" in answers.withheld
    assert "six zones" in answers.withheld["stage_by_rule"][0]


def test_a_model_of_zones_alone_gives_the_stage_and_says_what_it_takes_for_granted() -> None:
    only = RADIOGRAPH_TASKS.subset(*(f"zone_{zone}" for zone in ZONES))
    answers = interpret(only, logits(**zones(*("2/2",) * 6)), {}, RADIOGRAPH_TASKS)
    assert answers.rule["stage"] == "II"
    assert len(answers.rule["assumed"]) == 2


def test_the_zone_table_says_what_the_zones_say() -> None:
    level = dict.fromkeys(PROFUSIONS, 0.0) | {"1/1": 0.75, "1/2": 0.25}
    table = zone_table({f"zone_{zone}": TaskAnswer(level, 4.25) for zone in ZONES})
    assert table["ll"] == {
        "profusion": "1/1",
        "expected": 4.25,
        "confidence": 0.75,
        "doubtful": False,
    }
    assert stage_by_rule(None, {}, {})[0] is None


@pytest.mark.parametrize(
    ("odds", "doubtful"), [((9.0, 0.0, 0.0), False), ((0.0, 9.0, 0.0), True), ((0.0, 0.0, 9.0), False)]
)  # fmt: skip
def test_grades_of_a_film_of_tuberculosis_are_to_be_doubted(odds, doubtful) -> None:
    answers = {
        "differential": TaskAnswer(dict(zip(("healthy", "tuberculosis", "dust"), odds_of(odds), strict=True))),
        **{f"zone_{zone}": TaskAnswer({"0/0": 0.4, "2/1": 0.6}, 3.0) for zone in ZONES},
    }  # fmt: skip
    table = zone_table(answers)
    assert table is not None
    assert {row["doubtful"] for row in table.values()} == {doubtful}


def odds_of(logits):
    total = sum(math.exp(value) for value in logits)
    return [math.exp(value) / total for value in logits]


@pytest.mark.parametrize(
    ("share", "en", "zh"),
    [(0.0001, "less than 1 %", "概率不到 1 %"), (0.052, "a probability of 5.2 %", "概率为 5.2 %")],
)
def test_a_stage_that_is_not_asked_never_had_no_chance(share: float, en: str, zh: str) -> None:
    answers = {
        "differential": TaskAnswer({"healthy": 1 - share, "tuberculosis": 0.0, "dust": share}, None)
    }
    reason = why_not(STAGE, answers, RADIOGRAPH_TASKS)
    assert reason is not None
    assert en in reason[0]
    assert zh in reason[1]
