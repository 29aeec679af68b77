"""The published numbers: complete, read in one place, and flagged exactly where their own arithmetic fails."""

from __future__ import annotations

import itertools
import re

import pytest
from scipy import stats

from konio.errors import UsageError
from konio.studies.reported import PAPERS, Published, read

A = read("multitask")
B = read("hierarchy")
C = read("nodules")
CLASSES = {"table-4": ("healthy", "tuberculosis", "dust"), "table-5": ("0", "I", "II", "III")}
MODELS = ("single", "multi")


def value(path: str) -> float:
    found = A[path].value
    assert found is not None
    return found


@pytest.mark.parametrize("name", PAPERS)
def test_every_flaw_is_used_and_says_the_same_in_two_languages(name):
    paper = read(name)
    used = {flaw for fact in paper.facts.values() for flaw in fact.flaws}
    assert used == set(paper.flaws)
    for words in paper.flaws.values():
        assert words.en.endswith(".")
        assert re.search(r"[\u4e00-\u9fff]", words.zh)
    assert paper.paper["letter"] in "ABC"
    assert paper.source.endswith(".")


@pytest.mark.parametrize("name", PAPERS)
def test_every_fact_says_something(name):
    for path, fact in read(name).facts.items():
        assert fact.value is not None or fact.printed or fact.low is not None, path
        if fact.low is not None and fact.high is not None and fact.value is not None:
            assert fact.low <= fact.value <= fact.high, path


# Dossier section 4.1, P11: accuracy / precision / sensitivity / F1.
@pytest.mark.parametrize(
    ("path", "printed"),
    [
        ("table-2.differential.0:25", (89.23, 89.58, 89.25, 89.19)),
        ("table-2.differential.0:50", (87.41, 89.19, 88.50, 88.60)),
        ("table-2.differential.0:75", (89.88, 90.25, 89.89, 89.85)),
        ("table-2.differential.0:90", (89.59, 89.87, 89.54, 89.44)),
        ("table-2.stage.0:25", (78.02, 78.22, 78.13, 78.03)),
        ("table-2.stage.0:50", (77.84, 78.00, 77.63, 77.72)),
        ("table-2.stage.0:75", (78.44, 79.34, 79.16, 78.76)),
        ("table-2.stage.0:90", (77.94, 78.48, 77.91, 77.84)),
        ("table-3.differential.0:25", (93.38, 93.53, 93.40, 93.33)),
        ("table-3.differential.0:50", (93.63, 93.73, 93.63, 93.60)),
        ("table-3.differential.0:75", (94.14, 94.21, 94.18, 94.09)),
        ("table-3.differential.0:90", (93.61, 93.80, 93.61, 93.57)),
        ("table-3.stage.0:25", (87.64, 88.76, 88.17, 88.18)),
        ("table-3.stage.0:50", (89.06, 90.07, 89.43, 89.53)),
        ("table-3.stage.0:75", (89.25, 90.33, 89.72, 89.83)),
        ("table-3.stage.0:90", (86.76, 87.94, 87.22, 87.47)),
    ],
)
def test_tables_2_and_3_hold_what_the_dossier_lists(path, printed):
    assert tuple(fact.value for fact in A.below(path).values()) == printed
    assert tuple(A.below(path)) == ("accuracy", "precision", "sensitivity", "f1")


def test_an_interval_off_its_middle_is_flagged_and_no_other():
    off = {
        path
        for path, fact in A.facts.items()
        if path[0] in ("table-2", "table-3") and abs((fact.low + fact.high) / 2 - fact.value) > 0.02  # type: ignore[operator]
    }
    flagged = {path for path, fact in A.facts.items() if "ci-misprint" in fact.flaws}
    assert off == flagged
    assert len(flagged) == 2


def test_intervals_too_narrow_for_ten_folds_are_flagged():
    for path, fact in A.facts.items():
        if path[0] not in ("table-2", "table-3") or path[3] != "accuracy":
            continue
        films = 324 if path[1] == "differential" else 108
        share = fact.value / 100  # type: ignore[operator]
        chance = stats.t.ppf(0.975, 9) * 100 * (share * (1 - share) / films / 10) ** 0.5
        too_narrow = (fact.high - fact.low) / 2 < 0.8 * chance  # type: ignore[operator]
        assert too_narrow == bool({"ci-width", "ci-misprint"} & set(fact.flaws)), path


@pytest.mark.parametrize("table", CLASSES)
@pytest.mark.parametrize("metric", ["precision", "sensitivity", "f1"])
@pytest.mark.parametrize("model", MODELS)
def test_means_are_those_of_the_classes_except_where_flagged(table, metric, model):
    facts = [A[f"{table}.{metric}.{name}.{model}"] for name in CLASSES[table]]
    mean = sum(fact.value for fact in facts) / len(facts)  # type: ignore[misc]
    printed = value(f"{table}.{metric}.mean.{model}")
    wrong = abs(mean - printed) > 0.0101
    assert wrong == any("dust-precision" in fact.flaws for fact in facts)
    implied = [fact.implied or fact.value for fact in facts]
    assert sum(implied) / len(facts) == pytest.approx(printed, abs=0.025)  # type: ignore[arg-type]


def test_the_implied_precision_follows_from_f1_and_sensitivity():
    f1, sensitivity = value("table-4.f1.dust.multi"), value("table-4.sensitivity.dust.multi")
    fact = A["table-4.precision.dust.multi"]
    assert fact.implied == pytest.approx(f1 * sensitivity / (2 * sensitivity - f1), abs=0.01)
    assert (fact.value, fact.sd) == (93.34, 1.04)
    healthy = A["table-4.precision.healthy.multi"]
    assert (healthy.value, healthy.sd) == (fact.value, fact.sd)


def test_printed_p_values_agree_with_their_t_except_where_flagged():
    for path, fact in A.facts.items():
        if path[0] not in CLASSES or path[-1] != "t":
            continue
        p = A[".".join((*path[:-1], "p"))]
        by_t = 2 * stats.t.sf(abs(fact.value), 39)  # type: ignore[arg-type]
        agrees = by_t < 0.001 if p.value is None else abs(by_t - p.value) < 0.0006
        assert agrees == ("stage-iii-f1" not in fact.flaws), path
    fact = A["table-5.f1.III.t"]
    assert 2 * stats.t.sf(fact.implied, 39) == pytest.approx(0.7215, abs=1e-4)  # type: ignore[arg-type]


def test_everything_is_better_except_where_flagged():
    for table, names in CLASSES.items():
        for metric, name in itertools.product(("precision", "sensitivity", "f1"), names):
            gain = value(f"{table}.{metric}.{name}.multi") - value(
                f"{table}.{metric}.{name}.single"
            )
            assert (gain < 0) == ("worse-stage-iii" in A[f"{table}.{metric}.{name}.multi"].flaws)


def test_a_balanced_test_set_makes_accuracy_the_mean_sensitivity():
    for table, model in itertools.product(CLASSES, MODELS):
        assert value(f"{table}.accuracy.mean.{model}") == pytest.approx(
            value(f"{table}.sensitivity.mean.{model}"), abs=0.005
        )


def test_unbalanced_folds_are_flagged():
    for table, task, rate in itertools.product(
        ("table-2", "table-3"), ("differential", "stage"), ("0:25", "0:50", "0:75", "0:90")
    ):
        row = A.below(f"{table}.{task}.{rate}")
        apart = abs(row["accuracy"].value - row["sensitivity"].value) > 0.2  # type: ignore[operator]
        assert apart == ("not-balanced" in row["accuracy"].flaws)


def test_table_1_adds_up():
    for group, dusts in (("pneumoconiosis", 900), ("no-pneumoconiosis", 300)):
        kinds = [value(f"table-1.{kind}.{group}") for kind in ("coal", "silica", "other")]
        assert sum(kinds) == value(f"table-1.all.{group}") == dusts


def test_bound_of_paper_b():
    level_2 = B["table-2-5.level-2"].value
    with_cost = B["table-2-5.level-2-cost"].value
    for name, best in (("two_level", level_2), ("two_level_cut", level_2), ("two_level_cost", with_cost), ("two_level_cut_cost", with_cost)):  # fmt: skip
        fact = B[f"table-2-4.{name}"]
        assert fact.value > (1 + 3 * best) / 4  # type: ignore[operator]
        assert "bound" in fact.flaws
    assert "0.863" in B.flaws["bound"].en
    assert (1 + 3 * level_2) / 4 == pytest.approx(0.863, abs=5e-4)  # type: ignore[operator]


def test_tables_of_paper_b_agree_with_one_another():
    curve, plain = B.below("table-2-6.with_cost"), B.below("table-2-6.without_cost")
    assert list(curve) == list(plain) == [f"{k / 20:.2f}" for k in range(1, 20)]
    assert max(curve, key=lambda k: curve[k].value) == "0.40"  # type: ignore[arg-type,return-value]
    assert curve["0.40"].value == B["table-2-4.two_level_cut_cost"].value == 0.9162
    assert curve["0.50"].value == B["table-2-4.two_level_cost"].value == 0.9050
    assert plain["0.40"].value == B["table-2-4.two_level_cut"].value == 0.9121
    assert plain["0.50"].value == B["table-2-4.two_level"].value == 0.9016
    assert sum(f.value for f in B.below("table-2-1").values()) == B["design.films"].value  # type: ignore[misc]
    for table, column in itertools.product(("table-2-2", "table-2-3"), ("four", "level-1", "level-2")):  # fmt: skip
        parts = [B[f"{table}.{part}.{column}"].value for part in ("train", "test", "all")]
        assert parts[0] + parts[1] == parts[2]  # type: ignore[operator]


def test_prevalences_that_paper_c_implies():
    for table in ("table-1", "table-2"):
        for name in ("subtlety", "lobulation", "spiculation", "calcification", "malignancy"):
            a, se, sp = (f.value for f in C.below(f"{table}.{name}").values())
            implied = (a - sp) / (se - sp)  # type: ignore[operator]
            flaws = C[f"{table}.{name}.accuracy"].flaws
            assert ("prevalence" in flaws) == (table == "table-1")
            if table == "table-1":
                assert implied == pytest.approx(0.39, abs=0.02)
            assert ("spiculation" in flaws) == (implied > 0.8)


def test_cells_and_footnotes():
    cell = A.cell("table-3.stage.0:75.accuracy")
    assert cell.text == ("89.25 (88.90 to 89.60)", "89.25（88.90～89.60）")
    assert cell.numbers == {"": 89.25, "low": 88.9, "high": 89.6}
    assert set(cell.marks) <= set(A.footnotes)
    assert A.cell("table-4.accuracy.mean.multi").text == "94.13 ± 0.80"
    assert A.cell("table-5.sensitivity.II.multi").text == "76.585 ± 9.67"
    assert A.cell("table-4.f1.dust.p").text == "< 0.001"
    assert A.cell("table-9.nothing").text == "–"


def test_what_is_not_there_is_refused():
    with pytest.raises(UsageError, match="no published number"):
        A["table-4.accuracy.mean.nobody"]
    with pytest.raises(UsageError, match="known papers"):
        read("nobody")
    assert A.get("table-4") is None
    assert isinstance(A.get("design.cases"), Published)
