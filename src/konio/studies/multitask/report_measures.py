"""Tables 7 to 10: what the paper leaves out. Intervals by class, stages as an order, areas, calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from konio import metrics
from konio.report.words import Words
from konio.significance import (
    Bootstrap,
    delong_interval,
    patient_bootstrap,
    wilson,
)
from konio.studies.cells import count, empty, interval, number, spread, text
from konio.studies.multitask.report_effect import DRAWS, SEED
from konio.studies.multitask.report_runs import (
    METHODS,
    Evidence,
    Pooled,
    Positions,
    Question,
    Run,
    pool,
    sources,
)
from konio.studies.multitask.report_scores import over_folds
from konio.studies.multitask.report_tables import NOTES, OURS, PAPER
from konio.studies.page import Paragraph
from konio.studies.reported import read
from konio.studies.tables import Cell, Column, Heading, Row, Table, say


def pair_of(evidence: Evidence) -> tuple[str, ...]:
    """The networks compared on this page."""
    return tuple(method for method in evidence.pair if method is not None)


def classes_table(evidence: Evidence) -> Table:
    """Table 7: sensitivity of every class with Wilson's interval; small classes leave wide ones."""
    rows: list[Row] = []
    for task, question in evidence.questions.items():
        for place, pooled in sources(evidence, task, pair_of(evidence)):
            rows.append(Heading(_both(question.title, place)))
            for k, words in enumerate(question.words):
                shares = [_recall(pooled.get(method), k) for method in pair_of(evidence)]
                support = max(int((p.truth == k).sum()) for p in pooled.values())
                rows.append((text(words), count(support), *shares))
    return Table(
        Words(
            "Table 7. Sensitivity by class, with Wilson's interval", "表7 各类别灵敏度及Wilson区间"
        ),
        (
            Column(Words("class", "类别")),
            Column(Words("films", "胸片")),
            *(Column(Words("% (95 % CI)", "%（95%CI）"), METHODS[m]) for m in pair_of(evidence)),
        ),
        tuple(rows),
        note=Words(
            "One answer a film: the mean probabilities over seeds (test set), or those of the fold that held the film out. With 30 films "
            "of a stage, ±15 points remain whatever the method.",
            "每例一个回答：测试集取各种子平均概率，交叉验证取留出该例的一折。每期30例时，任何方法均约有±15个百分点的不确定度。",
        ),
        name="table-7",
    )


def _both(first: Words, second: Words) -> Words:
    return Words(f"{first.en} · {second.en}", f"{first.zh} · {second.zh}")


def _recall(pooled: Pooled | None, place: int) -> Cell:
    if pooled is None or not (pooled.truth == place).any():
        return empty()
    own = pooled.truth == place
    return interval(wilson(int(pooled.right[own].sum()), int(own.sum())), 1, percent=True)


def ordinal_table(evidence: Evidence) -> Table | None:
    """Table 8: stages as an order. Kappa, distance, under- and over-staging; ``None`` without an ordered question."""
    rows: list[Row] = []
    for task, question in evidence.questions.items():
        if not question.task.ordered:
            continue
        for place, pooled in sources(evidence, task, pair_of(evidence)):
            rows.append(Heading(place))
            rows += [_ordinal_row(evidence, m, p, question) for m, p in pooled.items()]
    if not rows:
        return None
    return Table(
        Words("Table 8. Stages as an order", "表8 分期的有序评价"),
        (
            Column(""),
            Column(Words("films", "胸片")),
            Column(Words("quadratic-weighted κ (95 %, percentile)", "二次加权κ（95%，百分位）")),
            Column(Words("κ (95 %, BCa)", "κ（95%，BCa）")),
            Column(Words("mean distance, stages", "平均偏差（期）")),
            Column(Words("under-staged, %", "偏低，%")),
            Column(Words("over-staged, %", "偏高，%")),
            Column(Words("two stages or more, %", "偏差≥2期，%")),
        ),
        tuple(rows),
        note=Words(
            f"Intervals: {DRAWS} draws of patients, each class keeping its number.",
            f"区间：按患者重抽样{DRAWS}次，各类别例数不变。",
        ),
        name="table-8",
    )


def _ordinal_row(evidence: Evidence, method: str, pooled: Pooled, question: Question) -> Row:
    matrix = metrics.confusion(pooled.truth, pooled.predicted, len(question.kept))
    drawn = _kappa(evidence, pooled, question)
    rates = (
        metrics.under_rate(matrix),
        metrics.over_rate(matrix),
        metrics.off_by_two_rate(matrix),
    )
    return (
        text(METHODS[method]),
        count(len(pooled.truth)),
        interval(drawn.percentile, 2) if drawn else empty(),
        interval(drawn.bca, 2) if drawn and drawn.bca else empty(),
        number(metrics.ordinal_mae(matrix), 2),
        *(number(rate, 1, percent=True) for rate in rates),
    )


def _kappa(evidence: Evidence, pooled: Pooled, question: Question) -> Bootstrap | None:
    truth, predicted, classes = pooled.truth, pooled.predicted, len(question.kept)

    def kappa(films: Positions) -> float:
        drawn = metrics.confusion(truth[films], predicted[films], classes)
        return metrics.quadratic_weighted_kappa(drawn)

    patients = evidence.patients(pooled.position)
    if len(set(patients)) < 2 or not np.isfinite(kappa(np.arange(len(truth)))):
        return None
    return patient_bootstrap(
        kappa,
        patients,
        np.random.default_rng(SEED),
        draws=DRAWS,
        strata=[str(k) for k in truth],
    )


def areas_table(evidence: Evidence) -> Table:
    """Table 9: areas under ROC curves, mean of folds as in the paper's figures, DeLong for pooled answers."""
    reported, rows = read("multitask"), list[Row]()
    papers = evidence.pair == ("multi", "single")
    for task, question in evidence.questions.items():
        figure = {"differential": "figure-2", "stage": "figure-3"}[task]
        for method in pair_of(evidence):
            runs = evidence.best(task, method)
            pooled = pool(runs), pool(evidence.of(task, method, "final"))
            if not any(pooled):
                continue
            rows.append(Heading(_both(question.title, METHODS[method])))
            for k in _ranked(question):
                printed = [reported.cell(f"{figure}.{question.classes[k]}") if method == "multi" else empty()] if papers else []  # fmt: skip
                folds = over_folds(_fold_areas(runs, k), evidence.study["design"]["folds"])
                shown = (*(interval(own, 3) for own in folds), *(_delong(p, k) for p in pooled))
                rows.append((text(question.words[k]), *printed, *shown))
            if len(question.kept) > 2:
                rows.append(_hand_till_row(evidence, runs, pooled, papers))
    return Table(
        Words("Table 9. Areas under ROC curves, each class against the rest", "表9 ROC曲线下面积（各类别对其余）"),
        (
            Column(Words("class", "类别")),
            *([Column(Words("mean of folds", "各折均值"), PAPER, True)] if papers else []),
            Column(Words("mean of folds (95 %, t)", "各折均值（95%，t）"), OURS, marks=("t-folds",)),
            Column(Words("mean of folds (95 %, Nadeau–Bengio)", "各折均值（95%，Nadeau–Bengio）"), OURS, marks=("nadeau-bengio",)),
            Column(Words("folds pooled (95 %, DeLong)", "各折合并（95%，DeLong）"), OURS, marks=("pooled",)),
            Column(Words("test set (95 %, DeLong)", "测试集（95%，DeLong）"), OURS),
        ),
        tuple(rows),
        {
            **reported.footnotes,
            **NOTES,
            "pooled": Words(
                "Calibrated answers of all folds ranked together; networks of different folds are compared as if they were one.",
                "各折校准后的回答合并排序；将不同折的网络视为同一网络。",
            ),
        },
        Words(
            "The paper prints curves only and says that every area is above 0.90. Hand and Till: mean over all pairs of classes.",
            "论文仅给出曲线并称各AUC均>0.90。Hand–Till：所有类别对的平均。",
        )
        if papers
        else "",
        "table-9",
    )  # fmt: skip


def _ranked(question: Question) -> range:
    """Classes that have an area of their own: of two classes the second alone, since the areas are the same."""
    return range(1 if len(question.kept) == 2 else 0, len(question.kept))


def _fold_areas(runs: Sequence[Run], place: int) -> list[float]:
    found: dict[int, list[float]] = {}
    for run in runs:
        area = metrics.roc_auc(run.truth == place, run.probabilities()[:, place])
        found.setdefault(run.fold if run.fold is not None else -1, []).append(area)
    return [float(np.mean(own)) for own in found.values() if np.isfinite(own).all()]


def area_sentences(evidence: Evidence) -> tuple[Paragraph, ...]:
    """For a question of two classes: the area under the ROC curve with both intervals, method by method."""
    found = []
    for task, question in evidence.questions.items():
        if len(question.kept) != 2:
            continue
        others = [name for name in ("seen", "together", "texture") if name in evidence.groups]
        for method in (*pair_of(evidence), *others):
            runs = evidence.best(task, method)
            mean = over_folds(_fold_areas(runs, 1), evidence.study["design"]["folds"])[1]
            if mean is None:
                continue
            folds, pooled, word = (
                interval(mean, 3).text,
                _delong(pool(runs), 1).text,
                METHODS[method],
            )
            found.append(
                Paragraph(
                    Words(
                        f"{say(question.title)}, {word.en}: area under the ROC curve {say(folds)} (mean of folds, Nadeau–Bengio); "
                        f"all held-out films ranked together {say(pooled)} (DeLong).",
                        f"{say(question.title, 'zh')}，{word.zh}：AUC {say(folds, 'zh')}（各折均值，Nadeau–Bengio）；"
                        f"全部留出样本合并排序 {say(pooled, 'zh')}（DeLong）。",
                    ),
                    "good",
                )
            )
    return tuple(found)


def _delong(pooled: Pooled | None, place: int) -> Cell:
    if pooled is None:
        return empty()
    positive = pooled.truth == place
    if min(positive.sum(), (~positive).sum()) < 2:
        return empty()
    return interval(delong_interval(positive, pooled.probabilities[:, place]), 3)


def _hand_till_row(
    evidence: Evidence, runs: Sequence[Run], pooled: Sequence[Pooled | None], papers: bool
) -> Row:
    values = [metrics.hand_till_auc(run.truth, run.probabilities()) for run in runs]
    folds = over_folds(values, evidence.study["design"]["folds"])
    areas = [metrics.hand_till_auc(p.truth, p.probabilities) if p else None for p in pooled]
    name = Words("all classes, Hand–Till", "全部类别，Hand–Till")
    return (
        text(name),
        *([empty()] if papers else []),
        *(interval(own, 3) for own in folds),
        *(number(area, 3) for area in areas),
    )


def calibration_table(evidence: Evidence) -> Table | None:
    """Table 10: do probabilities mean what they say, before and after one temperature; ``None`` without a temperature."""
    rows: list[Row] = []
    for task, question in evidence.questions.items():
        for method in pair_of(evidence):
            runs = evidence.of(task, method, "final") or evidence.best(task, method)
            warm = [run for run in runs if run.temperature is not None]
            if warm:
                rows.append(Heading(_both(question.title, METHODS[method])))
                rows += [_calibration_row(warm, calibrated=on) for on in (False, True)]
    if not rows:
        return None
    return Table(
        Words("Table 10. Calibration, before and after temperature scaling", "表10 温度缩放前后的校准"),
        (
            Column(""),
            Column(Words("temperature", "温度")),
            Column(Words("calibration error, %", "校准误差，%"), marks=("ece",)),
            Column(Words("with bins of equal mass, %", "等频分箱，%"), marks=("ece",)),
            Column(Words("Brier score", "Brier得分")),
            Column(Words("log loss, nats", "对数损失")),
        ),
        tuple(rows),
        {
            "ece": Words(
                "Expected calibration error over 15 bins (Guo et al. 2017); with few films a bin it is too high for any network.",
                "15箱期望校准误差（Guo等，2017）；每箱例数少时偏高。",
            )
        },
        Words(
            "Mean ± standard deviation over networks. The temperature was fitted on films that are not measured here: the inner "
            "validation part of a fold, or, for the test set, the held-out answers of all folds. It stands in study.json; a bundle "
            "that is trained carries its own, and assessing a film applies it.",
            "各网络的均值±标准差。温度在未参与此处评价的样本上拟合（各折内部验证部分；测试集则用全部折的留出回答），记录于study.json；训练所得模型自带温度，判读时自动应用。",
        ),
        "table-10",
    )  # fmt: skip


def _calibration_row(runs: Sequence[Run], *, calibrated: bool) -> Row:
    tables = [(run.probabilities(calibrated=calibrated), run) for run in runs]
    losses = [
        metrics.log_loss(r.logits, r.truth, r.temperature or 1.0 if calibrated else 1.0)
        for r in runs
    ]
    warm = [run.temperature or 1.0 if calibrated else 1.0 for run in runs]
    name = Words("after", "缩放后") if calibrated else Words("before", "缩放前")
    errors = [
        [metrics.expected_calibration_error(p, run.truth, adaptive=even) for p, run in tables]
        for even in (False, True)
    ]
    return (
        text(name),
        spread(warm, 2) if len(set(warm)) > 1 else number(warm[0], 2),
        *(spread(own, 1, percent=True) for own in errors),
        spread([metrics.brier_loss(p, run.truth) for p, run in tables], 3),
        spread(losses, 3),
    )
