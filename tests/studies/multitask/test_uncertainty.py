"""How sure: repeats of a fold count once, films of one patient together, and digits show on which side of 0 a bound lies."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from konio import metrics
from konio.significance import Interval, roc_band
from konio.studies.cells import telling_places
from konio.studies.multitask.report_areas import areas_table, fold_areas
from konio.studies.multitask.report_baselines import baselines_table
from konio.studies.multitask.report_classes import classes_table
from konio.studies.multitask.report_effect import Line, effect_lines, effect_table
from konio.studies.multitask.report_figures import fold_curves, roc_figure
from konio.studies.multitask.report_runs import METHODS
from konio.studies.multitask.report_scores import by_fold
from konio.studies.multitask.report_verdicts import ensemble_sentences, verdicts
from konio.studies.tables import say

from .reading import FOLDS, SEEDS, lines_of


def repeated(evidence, times=3):
    """Every network of the cross-validation as many times, as if trained anew with the same outcome."""
    runs = {t: tuple(r for run in own for r in [run] * (times if run.role == "cv" else 1)) for t, own in evidence.runs.items()}  # fmt: skip
    return dataclasses.replace(evidence, runs=runs)


def in_pairs(evidence):
    """The same study with two films of every patient."""
    seen: dict[tuple[str, str], int] = {}
    rows = []
    for row in evidence.cases:
        kind = row.part, "/".join(row.labels.values())
        seen[kind] = seen.get(kind, -1) + 1
        rows.append(dataclasses.replace(row, patient_id=f"{kind}-{seen[kind] // 2}"))
    return dataclasses.replace(evidence, cases=tuple(rows))


def test_repeats_of_a_fold_make_no_band_and_no_area_narrower(evidence):
    again = repeated(evidence)
    for k in range(3):
        once, more = (e.best("differential", "multi") for e in (evidence, again))
        assert len(more) == 3 * len(once)
        assert len(fold_curves(more, k)) == FOLDS
        bands = [roc_band(fold_curves(own, k)) for own in (once, more)]
        assert bands[0].high - bands[0].low == pytest.approx(bands[1].high - bands[1].low)
        assert fold_areas(more, k) == pytest.approx(fold_areas(once, k))
    tables = [lines_of(areas_table(e)) for e in (evidence, again)]
    till = [next(r for r in rows if "Hand–Till" in r["class"]) for rows in tables]
    for side in ("", " low", " high"):
        head = f"This study: mean of folds (95 %, Nadeau–Bengio){side}"
        assert float(till[0][head]) == pytest.approx(float(till[1][head]))


def test_a_curve_of_a_fold_is_the_mean_of_its_repeats(real):
    runs = [run for run in real.best("differential", "real") if run.fold == 0]
    assert len(runs) == 2
    ((grid, tpr),) = fold_curves(runs, 1)
    both = [metrics.roc_curve(run.truth == 1, run.probabilities()[:, 1])[:2] for run in runs]
    assert tpr == pytest.approx(np.mean([np.interp(grid, *own) for own in both], axis=0))
    values = [metrics.roc_auc(run.truth == 1, run.probabilities()[:, 1]) for run in runs]
    assert by_fold(runs, lambda run: float(run.seed or 0)) != []
    assert fold_areas(runs, 1) == pytest.approx([np.mean(values)])


def test_the_caption_says_what_the_band_is(evidence, real):
    figure = roc_figure(evidence, "differential")
    assert figure is not None
    said = say(figure.caption)
    factor = np.sqrt((1 / FOLDS + 1 / (FOLDS - 1)) * FOLDS)
    assert f"over the {FOLDS} folds" in said and "not corrected" in said and f"{factor:.2f} times as wide" in said  # fmt: skip
    assert "2 curves of a fold are averaged first" in say(roc_figure(real, "differential").caption)  # type: ignore[union-attr]


def test_welch_has_an_interval_and_numbers_of_its_own(evidence):
    lines = {"stage": effect_lines(evidence, "stage"), "differential": ()}
    rows = {r["evidence"]: r for r in lines_of(effect_table(evidence, lines))}
    head = "This study: difference, points (95 % CI)"
    welch, paired = (rows[f"{SEEDS} seeds, {test}"] for test in ("Welch", "paired t"))
    assert float(welch[head]) == pytest.approx(float(paired[head]))
    assert float(welch[f"{head} low"]) < float(welch[head]) < float(welch[f"{head} high"])
    gap = next(line for line in lines["stage"] if line.note == "training").difference
    assert float(paired[head]) == pytest.approx(100 * gap.estimate)  # type: ignore[union-attr]
    assert paired["Paper A: P (published)"] == "< 0.001"
    apart = next(line.apart for line in lines["stage"] if line.note == "mcnemar")
    test = rows["test set: McNemar"]
    assert (int(test[f"{head} only first right"]), int(test[f"{head} only second right"])) == apart
    assert not any("high (published)" in head for head in test)


@pytest.mark.parametrize(
    ("high", "shown"), [(0.0002, "+0.02"), (0.004, "+0.4"), (-0.0004, "−0.04"), (0.0, "0.0")]
)  # fmt: skip
def test_no_bound_reads_0_without_being_0(evidence, high, shown):
    line = Line(METHODS["multi"], "crossed", Interval(-0.0072, -0.0158, high), None, 40)
    (paragraph,) = verdicts(evidence, {"differential": [line], "stage": []})
    assert f"to {shown})" in say(paragraph.text)
    assert telling_places([Interval(0, 1e-9, 1)]) == 3


def test_an_average_of_networks_that_says_otherwise_is_explained(evidence):
    name = effect_lines(evidence, "differential")
    averaged = next(line for line in name if line.note == "patients")
    harm = dataclasses.replace(averaged, difference=Interval(-0.019, -0.033, -0.008))
    open_ = Line(METHODS["multi"], "crossed", Interval(-0.007, -0.016, 0.0002), None, 40)
    (said,) = ensemble_sentences(evidence, {"differential": [harm, open_], "stage": []})
    assert "average of all networks" in say(said.text) and "−1.90" in say(said.text)
    agreeing = dataclasses.replace(harm, difference=Interval(-0.001, -0.01, 0.01))
    assert ensemble_sentences(evidence, {"differential": [agreeing, open_], "stage": []}) == ()


def test_patients_with_several_films_are_counted_once_and_said_so(evidence):
    pairs = in_pairs(evidence)
    assert pairs.several_films and not evidence.several_films
    for make in (classes_table, areas_table, baselines_table):
        assert "clustered" not in make(evidence).letters
        assert "clustered" in make(pairs).letters
    lines = effect_lines(pairs, "stage")
    assert [line.note for line in lines if line.apart is not None] == ["clustered", "clustered"]


def test_specificity_is_that_of_scikit_learn(evidence):
    from sklearn import metrics as sk

    from konio.studies.multitask.report_pooled import pool

    rows = lines_of(classes_table(evidence))
    pooled = pool(evidence.of("differential", "multi", "final"))
    assert pooled is not None
    right = [sk.recall_score(pooled.truth != k, pooled.predicted != k) for k in range(3)]
    head = "multi-task: specificity, % (95 % CI)"
    assert [float(row[head]) for row in rows[:3]] == pytest.approx([100 * r for r in right])
    macro = rows[3]
    assert macro["class"] == "macro mean"
    assert float(macro[head]) == pytest.approx(100 * np.mean(right))
    theirs = stats.binomtest(int((pooled.predicted[pooled.truth != 0] != 0).sum()), int((pooled.truth != 0).sum()))  # fmt: skip
    assert float(rows[0][f"{head} low"]) == pytest.approx(100 * theirs.proportion_ci(method="wilson").low)  # fmt: skip


def test_rows_that_are_not_alike_are_labelled(evidence, real):
    table = baselines_table(evidence)
    assert {"ensemble", "inner"} <= set(table.letters)
    assert f"mean probabilities of {SEEDS} networks" in say(table.footnotes["ensemble"])
    marks = {say(row[0].text): row[0].marks for row in table.rows if not hasattr(row, "text")}  # type: ignore[index]
    assert marks["multi-task"] == marks["single-task"] == ("ensemble",)
    assert marks["majority class"] == marks["zone texture, linear model"] == ("inner",)
    alone = baselines_table(real)
    assert not any("test set" in say(column.group) for column in alone.columns)
    assert "2 networks of a fold" in say(alone.footnotes["ensemble"])
