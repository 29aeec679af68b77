"""The page of the multi-task study, checked against what was put into its trials and against SciPy and scikit-learn."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from konio.errors import OutputError
from konio.records import NOTICE
from konio.studies.multitask import report_effect
from konio.studies.multitask.predictions import read_predictions
from konio.studies.multitask.report import write_report
from konio.studies.multitask.report_areas import areas_table
from konio.studies.multitask.report_baselines import baseline_verdicts, baselines_table
from konio.studies.multitask.report_calibration import calibration_table
from konio.studies.multitask.report_cases import case_stability, review_gallery, review_table
from konio.studies.multitask.report_classes import classes_table, ordinal_table
from konio.studies.multitask.report_effect import Line, believed, effect_lines, effect_table
from konio.studies.multitask.report_groups import subgroups_table
from konio.studies.multitask.report_pooled import pool
from konio.studies.multitask.report_runs import METHODS, read_evidence
from konio.studies.multitask.report_seeds import seeds_table
from konio.studies.multitask.report_tables import cohort_table, dropout_table
from konio.studies.multitask.report_verdicts import gain_sentence, verdicts
from konio.studies.page import MADE_UP
from konio.studies.reported import read
from konio.studies.tables import say, to_csv
from konio.tasks import MISSING

from .. import made_up_study
from .reading import FOLDS, SEEDS, lines_of


def accuracies(out: Path, pattern: str, task: str) -> np.ndarray:
    """Straight from the files, by scikit-learn."""
    found = []
    for folder in sorted((out / "trials").glob(pattern)):
        answers = read_predictions(folder).tasks[task]
        known = answers.truth != MISSING
        found.append(sk.accuracy_score(answers.truth[known], answers.logits[known].argmax(axis=1)))
    return np.array(found)


def test_every_published_number_of_tables_2_and_3_stands_in_its_column(evidence):
    reported = read("multitask")
    for method, place in (("single", "2"), ("multi", "3")):
        rows = lines_of(dropout_table(evidence, method))
        assert len(rows) == 2 * 2 * 4  # questions, rates that were tried, scores
        for row, task in zip(rows, ["differential"] * 8 + ["stage"] * 8, strict=True):
            rate = f"{float(row['drop-out']):.2f}".replace(".", ":")
            fact = reported[f"table-{place}.{task}.{rate}.{row['score'].lower()}"]
            assert float(row["Paper A: % (95 % CI) (published)"]) == fact.value
            assert float(row["Paper A: % (95 % CI) low (published)"]) == fact.low


def test_cross_validation_is_what_scikit_learn_and_the_printed_formula_say(evidence, out):
    values = accuracies(out, "cv-multi-d75-*", "stage")
    row = [r for r in lines_of(dropout_table(evidence, "multi")) if r["section"].startswith("Task 2") and r["score"] == "accuracy"][1]  # fmt: skip
    narrow, right = "This study: % (95 %, t over folds)", "This study: % (95 %, Nadeau–Bengio)"
    assert float(row[narrow]) == pytest.approx(100 * values.mean())
    low, high = stats.t.interval(0.95, FOLDS - 1, values.mean(), stats.sem(values))
    assert float(row[f"{narrow} low"]) == pytest.approx(100 * max(low, 0))
    assert float(row[f"{narrow} high"]) == pytest.approx(100 * min(high, 1))
    error = np.sqrt((1 / FOLDS + 1 / (FOLDS - 1)) * values.var(ddof=1))
    half = stats.t.ppf(0.975, FOLDS - 1) * error
    assert float(row[f"{right} low"]) == pytest.approx(100 * max(values.mean() - half, 0))


def test_seeds_are_tested_as_the_paper_did_and_adjusted_by_holm(evidence, out):
    new, old = (accuracies(out, f"final-{g}-s*", "differential") for g in ("multi", "single-differential"))  # fmt: skip
    rows = lines_of(seeds_table(evidence, "differential"))
    first = rows[0]
    theirs = stats.ttest_rel(new, old)
    assert float(first["This study: t"]) == pytest.approx(theirs.statistic)
    assert float(first["This study: P"]) == pytest.approx(theirs.pvalue)
    assert float(first["This study: multi-task"]) == pytest.approx(100 * new.mean())
    assert float(first["This study: multi-task sd"]) == pytest.approx(100 * new.std(ddof=1))
    raw = np.array([float(r["This study: P"]) for r in rows if r["This study: P"]])
    adjusted = np.array([float(r["This study: P, Holm"]) for r in rows if r["This study: P, Holm"]])
    order = np.argsort(raw)
    expected = np.minimum(np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1)), 1)
    assert adjusted[order] == pytest.approx(expected)


def test_flaws_are_footnotes_and_nothing_printed_is_corrected(evidence):
    table = seeds_table(evidence, "stage")
    row = next(r for r in lines_of(table) if r["section"] == "F1" and r[""] == "stage III")
    assert float(row["Paper A: t (published)"]) == 3.59
    assert float(row["Paper A: P (published)"]) == 0.722
    assert "stage-iii-f1" in table.letters
    assert {"no-sd", "three-digits", "worse-stage-iii", "training-noise"} <= set(table.letters)
    other = lines_of(seeds_table(evidence, "differential"))
    dust = next(r for r in other if r["section"] == "precision" and r[""] == "dust-exposed")
    assert float(dust["Paper A: multi-task (published)"]) == 93.34


def test_the_effect_by_every_kind_of_evidence(evidence, out):
    lines = {line.name.en: line for line in effect_lines(evidence, "stage")}
    new, old = (accuracies(out, f"cv-{g}-*", "stage") for g in ("multi-d75", "single-stage-d25"))
    corrected = lines[f"{FOLDS} folds, Nadeau–Bengio"]
    gaps = new - old
    assert corrected.difference.estimate == pytest.approx(gaps.mean())  # type: ignore[union-attr]
    t = gaps.mean() / np.sqrt((1 / FOLDS + 1 / (FOLDS - 1)) * gaps.var(ddof=1))
    assert corrected.p == pytest.approx(2 * stats.t.sf(abs(t), FOLDS - 1))
    finals = [accuracies(out, f"final-{g}-s*", "stage") for g in ("multi", "single-stage")]
    assert lines[f"{SEEDS} seeds, paired t"].p == pytest.approx(stats.ttest_rel(*finals).pvalue)
    welch = stats.ttest_ind(*finals, equal_var=False).pvalue
    assert lines[f"{SEEDS} seeds, Welch"].p == pytest.approx(welch)
    crossed = lines["patients and seeds, test set"]
    assert crossed.difference.estimate == pytest.approx(finals[0].mean() - finals[1].mean())  # type: ignore[union-attr]
    both = [pool(evidence.best("stage", m)) for m in ("multi", "single")]
    apart = [int((a.right & ~b.right).sum()) for a, b in (both, both[::-1])]  # type: ignore[union-attr]
    exact = stats.binomtest(apart[0], sum(apart)).pvalue
    assert lines["cross-validation: McNemar"].p == pytest.approx(exact)
    assert lines["cross-validation: McNemar"].apart == tuple(apart)


def test_networks_that_never_differ_give_defined_results_and_no_warning(evidence):
    one = evidence.of("stage", "single", "final")[0]
    runs = tuple(
        dataclasses.replace(run, logits=one.logits) if run.role == "final" else run
        for run in evidence.runs["stage"]
    )
    same = dataclasses.replace(evidence, runs={**evidence.runs, "stage": runs})
    lines = {line.name.en: line for line in effect_lines(same, "stage")}
    assert [lines[f"{SEEDS} seeds, {test}"].p for test in ("paired t", "Welch")] == [1, 1]
    rows = [row for row in lines_of(seeds_table(same, "stage")) if row["This study: P"]]
    assert rows
    assert {float(row["This study: P"]) for row in rows} == {1.0}
    assert {float(row["This study: t"]) for row in rows} == {0.0}


def test_the_printed_gain_stands_beside_the_papers_own_test_alone(evidence):
    lines = {task: effect_lines(evidence, task) for task in evidence.questions}
    rows = lines_of(effect_table(evidence, lines))
    printed = [r["Paper A: difference (published)"] for r in rows]
    assert [float(p) for p in printed if p] == [4.10, 8.85]
    assert all("paired t" in r["evidence"] for r, p in zip(rows, printed, strict=True) if p)


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0.01, 0.05, "It helps."), (-0.05, -0.01, "It harms."), (-0.01, 0.05, "Not settled")]
)  # fmt: skip
def test_the_effect_is_told_whatever_its_sign(evidence, low, high, said):
    line = Line(METHODS["multi"], "crossed", report_effect.Interval((low + high) / 2, low, high), None, 40)  # fmt: skip
    (paragraph,) = verdicts(evidence, {"differential": [line], "stage": []})
    assert said in say(paragraph.text)


def test_a_line_over_patients_and_training_is_believed_before_all_others(evidence):
    lines = effect_lines(evidence, "stage")
    assert believed(lines).note == "crossed"  # type: ignore[union-attr]
    without = [line for line in lines if line.note != "crossed"]
    assert believed(without).note == "corrected"  # type: ignore[union-attr]
    assert believed([]) is None


def test_mean_relative_gain_by_hand(evidence, out, real):
    (paragraph,) = gain_sentence(evidence)
    gains = []
    for task, rate in (("differential", "d75"), ("stage", "d25")):
        new = accuracies(out, "cv-multi-d75-*", task).mean()
        old = accuracies(out, f"cv-single-{task}-{rate}-*", task).mean()
        gains.append((new - old) / old)
    assert f"{100 * np.mean(gains):+.1f} %".replace("-", "−") in say(paragraph.text)
    assert gain_sentence(real) == ()


def test_areas_equal_scikit_learn(evidence):
    rows = [r for r in lines_of(areas_table(evidence)) if r["section"] == "Task 1, differential · multi-task"]  # fmt: skip
    pooled = pool(evidence.best("differential", "multi"))
    assert pooled is not None
    for k, row in enumerate(rows[:3]):
        area = sk.roc_auc_score(pooled.truth == k, pooled.probabilities[:, k])
        assert float(row["This study: folds pooled (95 %, DeLong)"]) == pytest.approx(area)
        runs = evidence.best("differential", "multi")
        folds = [sk.roc_auc_score(r.truth == k, r.probabilities()[:, k]) for r in runs]
        assert float(row["This study: mean of folds (95 %, t)"]) == pytest.approx(np.mean(folds))
        assert row["Paper A: mean of folds (published)"] == "> 0.90"
    assert rows[3]["class"] == "all classes, Hand–Till"


def test_kappa_and_rates_equal_scikit_learn(evidence):
    row = lines_of(ordinal_table(evidence))[2]
    pooled = pool(evidence.best("stage", "multi"))
    assert pooled is not None
    kappa = sk.cohen_kappa_score(pooled.truth, pooled.predicted, weights="quadratic")
    assert float(row["quadratic-weighted κ (95 %, percentile)"]) == pytest.approx(kappa)
    assert float(row["under-staged, %"]) == pytest.approx(
        100 * (pooled.predicted < pooled.truth).mean()
    )
    low, high = (float(row[f"κ (95 %, BCa) {side}"]) for side in ("low", "high"))
    assert low < kappa < high


def test_sensitivity_by_class_has_wilsons_interval(evidence):
    row = lines_of(classes_table(evidence))[0]
    pooled = pool(evidence.of("differential", "multi", "final"))
    assert pooled is not None
    own = pooled.truth == 0
    hits = int(pooled.right[own].sum())
    theirs = stats.binomtest(hits, int(own.sum())).proportion_ci(method="wilson")
    found = [
        float(row[f"multi-task: sensitivity, % (95 % CI){side}"]) for side in ("", " low", " high")
    ]
    assert found == pytest.approx([100 * hits / own.sum(), 100 * theirs.low, 100 * theirs.high])


def test_calibration_uses_the_temperature_fitted_elsewhere(evidence):
    rows = lines_of(calibration_table(evidence))
    assert [r[""] for r in rows] == ["before", "after"] * 4
    assert [float(r["temperature"]) for r in rows[:2]] == [1.0, 1.4]
    runs = evidence.of("differential", "multi", "final")
    losses = [sk.log_loss(r.truth, r.probabilities(), labels=[0, 1, 2]) for r in runs]
    assert float(rows[1]["log loss, nats"]) == pytest.approx(np.mean(losses))


def test_a_network_that_does_not_beat_texture_is_called_so(tmp_path, evidence):
    assert not any("does not beat" in say(p.text) for p in baseline_verdicts(evidence))
    weak = {**made_up_study.SKILL, "multi": 0.9, "single": 0.9, "texture": 3.0}
    made_up_study.write(tmp_path / "weak", films=120, folds=2, seeds=2, skill=weak)
    worse = read_evidence(tmp_path / "weak")
    found = baseline_verdicts(worse)
    assert len(found) == 4
    assert all(p.tone == "warn" and "does not beat" in say(p.text) for p in found)
    assert all("未优于" in say(p.text, "zh") for p in found)
    gap = next(r for r in lines_of(baselines_table(worse)) if r[""] == "multi-task")
    assert float(gap["minus zone texture, points (95 %) high"]) < 0


def test_baselines_are_always_printed(evidence):
    rows = lines_of(baselines_table(evidence))
    assert [r[""] for r in rows[:4]] == ["majority class", "zone texture, linear model", "single-task", "multi-task"]  # fmt: skip


def test_stability_counts_every_network_that_did_not_learn_from_the_film(evidence):
    cases = case_stability(evidence, "stage")
    test = {i for i, row in enumerate(evidence.cases) if row.part == "test"}
    for case in cases:
        assert case.runs == (SEEDS if case.position in test else 2)  # two drop-out rates
    assert len(cases) == 160


def test_films_for_review_come_with_their_pictures(evidence):
    cases = {task: case_stability(evidence, task) for task in evidence.questions}
    gallery = review_gallery(evidence, cases)
    assert gallery is not None
    assert all(film.picture.startswith(b"\x89PNG") for film in gallery.films)
    listed = lines_of(review_table(evidence, cases))
    assert {film.title for film in gallery.films} <= {row["film"] for row in listed}


def test_subgroups_know_no_files_and_hide_small_cells(evidence):
    table = subgroups_table(evidence, "stage")
    rows = lines_of(table)
    assert {row["section"] for row in rows} == {"sex", "age, years", "device", "dust"}
    women = next(row for row in rows if row["section"] == "sex")
    assert women["multi-task: right, % (95 % CI)"] == ""  # fewer than ten exposed women
    assert "zones/" not in to_csv(table)  # type: ignore[arg-type]


def test_our_exposed_workers_stand_beside_the_papers(evidence):
    rows = lines_of(cohort_table(evidence))
    assert float(rows[0]["Paper A: pneumoconiosis (published)"]) == 900
    assert float(rows[0]["This study: pneumoconiosis"]) == 120


def test_the_same_trials_give_the_same_numbers(evidence):
    for make in (lambda e: effect_table(e, {t: effect_lines(e, t) for t in e.questions}), ordinal_table):  # fmt: skip
        assert to_csv(make(evidence)) == to_csv(make(evidence))


def test_real_films_are_asked_what_they_have(real):
    assert real.pair == ("mixed", "real")
    assert real.questions["differential"].classes == ("healthy", "tuberculosis")
    runs = real.best("differential", "mixed")
    assert {run.logits.shape[1] for run in runs} == {2}
    rows = lines_of(areas_table(real))
    assert [r["class"] for r in rows] == ["tuberculosis", "tuberculosis"]
    pooled = pool(runs)
    assert pooled is not None
    assert len(pooled.position) == 240  # two seeds, one answer a film
    area = sk.roc_auc_score(pooled.truth, pooled.probabilities[:, 1])
    assert float(rows[0]["This study: folds pooled (95 %, DeLong)"]) == pytest.approx(area)
    assert ordinal_table(real) is None


@pytest.mark.slow
def test_the_page_of_a_finished_study(out):
    page = write_report(out).read_text("utf-8")
    for number in (*range(1, 12), "12a", "12b", 13, 14, 15, "16a", "16b"):
        for ending in ("csv", "md", "tex"):
            file = out / "tables" / f"table-{number}.{ending}"
            assert NOTICE in file.read_text("utf-8"), file.name
    for number in range(1, 8):
        assert (out / "figures" / f"figure-{number}.svg").read_text("utf-8").startswith("<?xml")
        assert (out / "figures" / f"figure-{number}.png").stat().st_size > 5000
    for said in (MADE_UP.en, MADE_UP.zh, "Tiny.", "极小。", "a" * 64, "51(7)"):
        assert said in page
    assert '<a href="cases-stability.csv">' in page
    assert (out / "cases-stability.csv").is_file()
    assert "Not finished" not in page
    assert str(out) not in page


@pytest.mark.slow
def test_a_study_that_has_just_begun_or_was_killed_has_a_page_too(out, tmp_path):
    for kept in (r"cv-multi-d75-f0[01]$|cv-majority", "nothing"):
        begun = tmp_path / str(len(kept))
        shutil.copytree(out, begun)
        shutil.rmtree(begun / "prepared")
        trials = [f for f in (begun / "trials").iterdir() if not re.search(kept, f.name)]
        for folder in trials:
            (folder / "result.json").unlink()
        study = (begun / "study.json").read_text("utf-8")
        study = study.replace('"finished": true', '"finished": false').replace('"chosen": {', '"old": {')  # fmt: skip
        (begun / "study.json").write_text(study, "utf-8")
        page = write_report(begun).read_text("utf-8")
        assert "Not finished" in page
        assert "No trial that this needs is finished yet" in page


@pytest.mark.slow
@pytest.mark.parametrize("mixed", [True, False])
def test_the_page_of_real_films(tmp_path, mixed):
    made_up_study.write_real(tmp_path / "out", films=120, folds=3, mixed=mixed)
    page = write_report(tmp_path / "out").read_text("utf-8")
    assert MADE_UP.en not in page
    assert "Tuberculosis against normal" in page
    assert (("Table 6" in page), ("does it help" in page)) == (mixed, False)


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(OutputError, match="konio study multitask"):
        write_report(tmp_path)
