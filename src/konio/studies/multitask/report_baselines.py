"""Table 11: the networks beside what costs nothing, and a sentence where they are no better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from konio.report.words import Words
from konio.significance import Interval, clustered_mcnemar, patient_bootstrap
from konio.studies.cells import empty, interval, p_value, text
from konio.studies.multitask.report_classes import CLUSTERED
from konio.studies.multitask.report_effect import DRAWS, SEED
from konio.studies.multitask.report_intervals import share
from konio.studies.multitask.report_pooled import FOLDS, TEST, Pooled, common, pool
from konio.studies.multitask.report_runs import METHODS, Evidence, Floats, Question, pair_of
from konio.studies.multitask.report_scores import by_unit, over_folds
from konio.studies.page import Paragraph
from konio.studies.reported import read
from konio.studies.tables import Cell, Column, Heading, Row, Table, Text, say


def baselines_table(evidence: Evidence) -> Table:
    """Table 11: the networks beside what costs nothing."""
    reported, rows = read("multitask"), list[Row]()
    folds = evidence.study["design"]["folds"]
    clustered = ("clustered",) if evidence.several_films else ()
    for task, question in evidence.questions.items():
        rows.append(Heading(question.title))
        together = ("together",) if "together" in evidence.groups else ()
        for method in (*evidence.baselines, *reversed(pair_of(evidence)), *together):
            runs = evidence.best(task, method)
            marks = ("inner",) if method in evidence.baselines else ()
            marks = ("ensemble",) if method in pair_of(evidence) else marks
            cv = [list(by_unit(runs, question, (s, "mean")).values()) for s in ("accuracy", "f1")]
            test = pool(evidence.of(task, method, "final"))
            rows.append(
                (
                    text(METHODS[method], *marks),
                    *(interval(over_folds(own, folds)[1], 1, percent=True) for own in cv),
                    *([_accuracy(evidence, test)] if evidence.tested else []),
                    *(_against(evidence, task, method)),
                )
            )
    return Table(
        Words("Table 11. Networks and baselines", "表11 网络与基线模型"),
        (
            Column(""),
            Column(Words("accuracy, % (95 %, Nadeau–Bengio)", "准确率，%（95%，Nadeau–Bengio）"), FOLDS),
            Column(Words("macro F1, %", "宏平均F1，%"), FOLDS),
            *([Column(Words("accuracy, % (95 %, Wilson)", "准确率，%（95%，Wilson）"), TEST, marks=clustered)] if evidence.tested else []),
            Column(Words("minus zone texture, points (95 %)", "减肺区纹理，百分点（95%）"), marks=("against",)),
            Column(Words("P, McNemar", "P（McNemar）"), marks=("against",)),
        ),
        tuple(rows),
        {
            **reported.footnotes,
            **_notes(evidence),
        },
        _explained(evidence),
        "table-11",
    )  # fmt: skip


def _notes(evidence: Evidence) -> dict[str, Text]:
    """What is not the same between the rows, and what the last columns say."""
    by_patient = evidence.several_films
    test = Words("McNemar's exact test by patients", "按患者的McNemar精确检验")
    test = test if by_patient else Words("exact McNemar test", "McNemar精确检验")
    again = evidence.repeats
    folds = Words("in cross-validation the one network of a fold", "交叉验证取该折的一个网络")
    if again > 1:
        folds = Words(
            f"in cross-validation {again} networks of a fold: their scores are averaged for the accuracy, their probabilities for the difference",
            f"交叉验证每折{again}个网络：准确率取各网络指标的均值，差值取概率的均值",
        )
    tested = Words("", "")
    if evidence.tested:
        seeds = len(evidence.study["design"]["seeds"])
        tested = Words(
            f" On the test set it answers by the mean probabilities of {seeds} networks, where a baseline is a single model.",
            f"测试集取{seeds}个网络的平均概率，而基线为单一模型。",
        )
    return {
        **CLUSTERED,
        "ensemble": Words(
            f"Network: {folds.en}.{tested.en} Of every fold's training side a part is held back from it for the temperature.",
            f"网络：{folds.zh}。{tested.zh}各折训练部分中留出一部分用于温度，不参与其训练。",
        ),
        "inner": Words(
            "In cross-validation this model also learns from the part of a fold's training side that networks hold back: it has more films to "
            "learn from than they have.",
            "交叉验证中，该模型还使用网络所留出的那部分训练样本，故训练例数多于网络。",
        ),
        "against": Words(
            f"Difference in accuracy on the held-out films of the cross-validation, patients drawn anew; {test.en}.",
            f"交叉验证留出样本上的准确率之差，按患者重抽样；{test.zh}。",
        ),
    }


def _explained(evidence: Evidence) -> Words:
    words = Words(
        "Majority class: the most frequent class of the training part. Zone texture: sixty numbers, the roughness of each lung zone at "
        "four scales, with a logistic regression.",
        "多数类：训练部分最多的类别。肺区纹理：六个肺区四个尺度粗糙度共60个数值加逻辑回归。",
    )
    if evidence.pair == ("multi", "single"):
        words = Words(f"{words.en} The paper reports no baseline.", f"{words.zh}论文未报告基线。")
    model = evidence.study.get("seen_by")
    if not model or "seen" not in evidence.groups:
        return words
    if evidence.study.get("kept"):
        both = Words("", "")
        if "together" in evidence.groups:
            both = Words(
                " Network and features together: the mean of the network's probabilities and of this linear model's, film by film.",
                "网络与特征合并：逐例取网络与该线性模型概率的均值。",
            )
        return Words(
            f"{words.en} Features of a finished model: the very features that the networks see, of {model['model']} (weights "
            f"{model['sha256'][:12]}), with a logistic regression whose strength is chosen on folds inside the training part.{both.en}",
            f"{words.zh}已有模型特征：网络所用的同一组特征（{model['model']}，权重 {model['sha256'][:12]}）加逻辑回归，正则强度由训练部分内部交叉验证选定。{both.zh}",
        )
    return Words(
        f"{words.en} Features of a finished model: what {model['model']} (weights {model['sha256'][:12]}) sees in each lung zone, with a "
        "logistic regression whose strength is chosen on folds inside the training part; that model was never taught this question on "
        "these films. Together: the mean of the network's and this model's probabilities.",
        f"{words.zh}已有模型特征：{model['model']}（权重 {model['sha256'][:12]}）在各肺区的特征加逻辑回归，正则强度由训练部分内部交叉验证选定；"
        "该模型未用这些胸片学习过此问题。合并：网络与该模型概率的均值。",
    )


def _accuracy(evidence: Evidence, pooled: Pooled | None) -> Cell:
    if pooled is None:
        return empty()
    return interval(share(pooled.right, evidence.patients(pooled.position)), 1, percent=True)


def _gap(evidence: Evidence, task: str, method: str, other: str) -> tuple[Interval, float] | None:
    """Accuracy of one method minus that of another on the held-out films: interval over patients, McNemar's P."""
    both = common(pool(evidence.best(task, method)), pool(evidence.best(task, other)))
    if both is None:
        return None
    first, second = both
    patients = evidence.patients(first.position)
    gaps: Floats = first.right.astype(np.float64) - second.right
    if len(set(patients)) < 2:
        return None
    drawn = patient_bootstrap(
        lambda films: float(gaps[films].mean()),
        patients,
        np.random.default_rng(SEED),
        draws=DRAWS,
        bca=False,
    )
    return drawn.percentile, clustered_mcnemar(first.right, second.right, patients).exact


def _against(evidence: Evidence, task: str, method: str) -> tuple[Cell, Cell]:
    found = None if method == "texture" else _gap(evidence, task, method, "texture")
    if found is None:
        return empty(), empty()
    return interval(found[0], 1, percent=True, sign=True), p_value(found[1])


def baseline_verdicts(evidence: Evidence) -> tuple[Paragraph, ...]:
    """Says of every network and question whether it beats both baselines; a warning where it does not."""
    found = []
    for task, question in evidence.questions.items():
        for method in pair_of(evidence):
            beaten = {name: _gap(evidence, task, method, name) for name in evidence.baselines}
            known = {name: gap[0] for name, gap in beaten.items() if gap is not None}
            if not known:
                continue
            unbeaten = [name for name, gap in known.items() if gap.low <= 0]
            found.append(_baseline_verdict(question, METHODS[method], unbeaten, known))
    return tuple(found)


def _baseline_verdict(
    question: Question, method: Words, unbeaten: Sequence[str], known: dict[str, Interval]
) -> Paragraph:
    where = f"{say(question.title)}, {method.en}", f"{say(question.title, 'zh')}，{method.zh}"
    gaps = [
        "; ".join(
            f"{say(METHODS[name], language)} {say(_points(gap), language)}"
            for name, gap in known.items()
        )
        for language in ("en", "zh")
    ]
    if unbeaten:
        names = [" / ".join(say(METHODS[n], language) for n in unbeaten) for language in ("en", "zh")]  # fmt: skip
        text = Words(
            f"{where[0]}: the network does not beat {names[0]} (points of accuracy more than: {gaps[0]}).",
            f"{where[1]}：网络未优于{names[1]}（准确率差，百分点：{gaps[1]}）。",
        )
        return Paragraph(text, "warn")
    return Paragraph(
        Words(
            f"{where[0]}: beats the baselines (points of accuracy more than: {gaps[0]}).",
            f"{where[1]}：优于基线（准确率差，百分点：{gaps[1]}）。",
        )
    )


def _points(gap: Interval) -> Text:
    return interval(gap, 1, percent=True, sign=True).text
