"""The page of the multi-task study: tables and figures of paper A from whatever trials are finished, and what it leaves out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from konio.report.words import Words
from konio.studies.multitask.report_about import about, is_real, title_of
from konio.studies.multitask.report_areas import area_sentences, areas_table
from konio.studies.multitask.report_baselines import baseline_verdicts, baselines_table
from konio.studies.multitask.report_calibration import calibration_table
from konio.studies.multitask.report_cases import (
    case_stability,
    review_gallery,
    review_table,
    stability_table,
    write_stability,
)
from konio.studies.multitask.report_claims import claims_table
from konio.studies.multitask.report_classes import classes_table, ordinal_table
from konio.studies.multitask.report_effect import effect_lines, effect_table
from konio.studies.multitask.report_figures import (
    calibration_figure,
    confusion_figure,
    effect_figure,
    roc_figure,
    stability_figure,
    workflow_figure,
)
from konio.studies.multitask.report_groups import balance_table, subgroups_table
from konio.studies.multitask.report_runs import Evidence, read_evidence
from konio.studies.multitask.report_seeds import seeds_table
from konio.studies.multitask.report_tables import cohort_table, dropout_table
from konio.studies.multitask.report_verdicts import ensemble_sentences, gain_sentence, verdicts
from konio.studies.page import Block, Bullets, Paragraph, Section, write_page
from konio.studies.reported import read

_NOTHING_YET: Final = Paragraph(
    Words(
        "No trial that this needs is finished yet; make the report again later.",
        "所需试验尚未完成，请稍后重新生成报告。",
    ),
    "quiet",
)
_BELIEVE: Final = Bullets(
    (
        Words(
            "A new hospital that trains anew: the line “patients and seeds” of Table 6, or Nadeau–Bengio over folds. Both let patients and "
            "training vary.",
            "新机构重新训练：看表6“患者与种子同时重抽样”，或各折Nadeau–Bengio区间。二者均含患者与训练两种随机性。",
        ),
        Words(
            "These very networks on other patients of the same kind: the patient bootstrap, BCa where it differs from the percentiles.",
            "现有网络用于同类其他患者：看患者重抽样，BCa与百分位不同时以BCa为准。",
        ),
        Words(
            "The paired t-test over seeds repeats the paper. Its small P says that the networks differ, not that patients would notice.",
            "各种子配对t检验仅为重复论文做法；其小P值说明网络之间有差异，并不说明对患者有意义。",
        ),
        Words(
            "None of them covers another device, another hospital or another way of choosing patients.",
            "以上均不涵盖不同设备、不同机构或不同入组方式。",
        ),
    )
)


def write_report(out: str | Path) -> Path:
    """Write ``index.html``, ``tables/`` and ``figures/`` of a study, finished or not.

    The same trials give the same numbers: all chance comes from one seed.

    Args:
        out: the study's folder; holds ``study.json``, ``cases.csv`` and ``trials/``.

    Returns:
        Path of ``index.html``.

    Raises:
        OutputError: if there is no study in the folder or the page cannot be written.
    """
    evidence = read_evidence(out)
    sections = _sections(evidence, is_real(evidence))
    return write_page(Path(out), title_of(evidence), sections, about(evidence))


def _sections(evidence: Evidence, real: bool) -> list[Section]:
    tasks = list(evidence.questions)
    lines = {task: effect_lines(evidence, task) for task in tasks}
    stable = {task: case_stability(evidence, task) for task in tasks}
    compared = any(lines.values())
    effect: list[Any] = [
        *verdicts(evidence, lines),
        *ensemble_sentences(evidence, lines),
        *gain_sentence(evidence),
        *([] if real else [_BELIEVE]),
    ]
    if compared:
        effect += [effect_table(evidence, lines), effect_figure(evidence, lines)]
    if real:
        paper = [dropout_table(evidence, method) for method in evidence.pair if method][:1]
    else:
        paper = [dropout_table(evidence, "single"), dropout_table(evidence, "multi")]
    seeds = [] if real else [seeds_table(evidence, task) for task in tasks]
    pictures = [roc_figure(evidence, task) for task in tasks]
    printed = [] if real else [cohort_table(evidence), claims_table(evidence, lines)]
    cohort = [workflow_figure(evidence), *printed, *(balance_table(evidence, t) for t in tasks)]
    subgroups = [subgroups_table(evidence, task) for task in tasks]
    listed = [review_gallery(evidence, stable), review_table(evidence, stable)]
    return [
        _section("answer", Words("The answer", "结论"), [*_answer(evidence, real), *(effect if compared or not real else [])]),
        _section("baselines", Words("Against baselines", "与基线比较"), [*baseline_verdicts(evidence), baselines_table(evidence)]),
        _section("design", Words("Who and how", "对象与流程"), cohort),
        _section("cross-validation", Words("Cross-validation", "交叉验证"), [*paper, *pictures]),
        *([_section("test", Words("Test set over seeds", "测试集与随机种子"), seeds)] if seeds else []),
        _section("classes", Words("Class by class", "各类别"), [classes_table(evidence), confusion_figure(evidence), ordinal_table(evidence), areas_table(evidence)]),
        _section("calibration", Words("Calibration", "校准"), [calibration_table(evidence), calibration_figure(evidence)]),
        _section("subgroups", Words("Subgroups", "亚组"), subgroups),
        _section("stability", Words("Case stability and label review", "病例稳定性与标签复核"), [stability_table(evidence, stable), stability_figure(evidence, stable), *listed, write_stability(evidence, stable)]),
    ]  # fmt: skip


def _section(key: str, title: Words, blocks: list[Any]) -> Section:
    """A section of the blocks that could be made; says so where there is none."""
    made: tuple[Block, ...] = tuple(block for block in blocks if block is not None)
    return Section(title, made or (_NOTHING_YET,), key)


def _answer(evidence: Evidence, real: bool) -> list[Paragraph]:
    """What was measured on whom, before any number."""
    if real:
        again = evidence.repeats
        folds = Words("the network of the fold that held it out", "留出该例的一折网络")
        if again > 1:
            folds = Words(
                f"the {again} networks of the fold that held it out, by the mean of their probabilities",
                f"留出该例的一折中{again}个网络的平均概率",
            )
        words = Words(
            f"One answer a film, from {folds.en}. How far this travels to films of another hospital is not measured here.",
            f"每例由{folds.zh}回答。对其他机构胸片的适用性未在此评价。",
        )
        return [*area_sentences(evidence), Paragraph(words)]
    reported = read("multitask")
    both = [reported[f"claims.{task}.gain"].printed for task in ("differential", "stage")]
    return [
        Paragraph(
            Words(
                f"The paper claims {both[0]} points for the differential and {both[1]} for the stage, on its own patients. Its numbers stand in "
                "shaded columns; ours beside them come from other patients and must not be compared as if they were the same.",
                f"论文称鉴别诊断{both[0]}、分期{both[1]}个百分点，基于其自身患者。论文数值位于底色列；本研究数值来自不同患者，不可直接等同比较。",
            )
        )
    ]
