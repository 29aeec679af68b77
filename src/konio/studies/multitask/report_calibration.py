"""Table 10: do probabilities mean what they say, before and after one temperature."""

from __future__ import annotations

from collections.abc import Sequence

from konio import metrics
from konio.report.words import Words
from konio.studies.cells import number, spread, text
from konio.studies.multitask.report_pooled import FOLDS, TEST
from konio.studies.multitask.report_runs import METHODS, Evidence, Run, joined, pair_of
from konio.studies.tables import Column, Heading, Row, Table


def calibration_table(evidence: Evidence) -> Table | None:
    """Table 10: do probabilities mean what they say, before and after one temperature; ``None`` without a temperature."""
    rows: list[Row] = []
    for task, question in evidence.questions.items():
        for method in pair_of(evidence):
            final = evidence.of(task, method, "final")
            warm = [r for r in final or evidence.best(task, method) if r.temperature is not None]
            if warm:
                place = TEST if final else FOLDS
                rows.append(Heading(joined(question.title, METHODS[method], place)))
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
        _where_from(evidence),
        "table-10",
    )  # fmt: skip


def _where_from(evidence: Evidence) -> Words:
    """On which films the temperature was fitted, and where it stands."""
    shown = Words(
        "Mean ± standard deviation over networks. The temperature was fitted on films that are not measured here:",
        "各网络的均值±标准差。温度在未参与此处评价的样本上拟合：",
    )
    if not evidence.tested:
        return Words(
            f"{shown.en} an inner part of each fold's training side, held back for it. Every network has its own, in its trial's result.json.",
            f"{shown.zh}各折训练部分中为此留出的内部样本。每个网络各有其温度，记录于该试验的result.json。",
        )
    bundle = Words(
        " A bundle that is trained carries its own, and assessing a film applies it.",
        "训练所得模型自带温度，判读时自动应用。",
    )
    bundle = Words("", "") if evidence.study.get("kept") else bundle
    return Words(
        f"{shown.en} for the test set the held-out answers of all folds, in cross-validation an inner part of a fold's training side. That of the "
        f"test set stands in study.json.{bundle.en}",
        f"{shown.zh}测试集用全部折的留出回答，交叉验证用各折训练部分的内部样本。测试集所用温度记录于study.json。{bundle.zh}",
    )


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
