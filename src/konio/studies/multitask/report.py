"""The page of the multi-task study: tables and figures of paper A from whatever trials are finished, and what it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from konio.report.words import Words
from konio.studies.multitask.report_baselines import baseline_verdicts, baselines_table
from konio.studies.multitask.report_cases import (
    case_stability,
    review_gallery,
    review_table,
    stability_table,
    subgroups_table,
)
from konio.studies.multitask.report_effect import (
    effect_lines,
    effect_table,
    gain_sentence,
    verdicts,
)
from konio.studies.multitask.report_figures import (
    calibration_figure,
    confusion_figure,
    effect_figure,
    roc_figure,
    stability_figure,
    workflow_figure,
)
from konio.studies.multitask.report_measures import (
    area_sentences,
    areas_table,
    calibration_table,
    classes_table,
    ordinal_table,
)
from konio.studies.multitask.report_runs import Evidence, read_evidence
from konio.studies.multitask.report_tables import cohort_table, dropout_table, seeds_table
from konio.studies.page import About, Block, Bullets, Paragraph, Section, write_page
from konio.studies.reported import read
from konio.studies.tables import Text

_TITLE: Final = Words(
    "Does learning two questions together help? Paper A, repeated",
    "同时学习两个问题是否有益？论文A的重复",
)
_TITLE_REAL: Final = Words(
    "Tuberculosis against normal on real films, learned from nothing",
    "真实胸片：肺结核与正常（不使用预训练权重）",
)
_TITLE_REAL_KEPT: Final = Words(
    "Tuberculosis against normal on real films, from what a finished backbone sees",
    "真实胸片：肺结核与正常（使用已有骨干网络所见特征）",
)
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
    real = evidence.pair[0] in ("real", "mixed")
    sections = _sections(evidence, real)
    title = _TITLE if not real else _TITLE_REAL_KEPT if evidence.study.get("kept") else _TITLE_REAL
    return write_page(Path(out), title, sections, _about(evidence, real))


def _sections(evidence: Evidence, real: bool) -> list[Section]:
    tasks = list(evidence.questions)
    lines = {task: effect_lines(evidence, task) for task in tasks}
    stable = {task: case_stability(evidence, task) for task in tasks}
    compared = any(lines.values())
    effect: list[Any] = [
        *verdicts(evidence, lines),
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
    cohort = [workflow_figure(evidence)] + ([] if real else [cohort_table(evidence)])
    subgroups = [subgroups_table(evidence, task) for task in tasks]
    return [
        _section("answer", Words("The answer", "结论"), [*_answer(evidence, real), *(effect if compared or not real else [])]),
        _section("baselines", Words("Against baselines", "与基线比较"), [*baseline_verdicts(evidence), baselines_table(evidence)]),
        _section("design", Words("Who and how", "对象与流程"), cohort),
        _section("cross-validation", Words("Cross-validation", "交叉验证"), [*paper, *pictures]),
        *([_section("test", Words("Test set over seeds", "测试集与随机种子"), seeds)] if seeds else []),
        _section("classes", Words("Class by class", "各类别"), [classes_table(evidence), confusion_figure(evidence), ordinal_table(evidence), areas_table(evidence)]),
        _section("calibration", Words("Calibration", "校准"), [calibration_table(evidence), calibration_figure(evidence)]),
        _section("subgroups", Words("Subgroups", "亚组"), subgroups),
        _section("stability", Words("Case stability and label review", "病例稳定性与标签复核"), [stability_table(evidence, stable), stability_figure(evidence, stable), review_gallery(evidence, stable), review_table(evidence, stable)]),
    ]  # fmt: skip


def _section(key: str, title: Words, blocks: list[Any]) -> Section:
    """A section of the blocks that could be made; says so where there is none."""
    made: tuple[Block, ...] = tuple(block for block in blocks if block is not None)
    return Section(title, made or (_NOTHING_YET,), key)


def _answer(evidence: Evidence, real: bool) -> list[Paragraph]:
    """What was measured on whom, before any number."""
    if real:
        words = Words(
            "One answer a film from the network of the fold that held it out. How far this travels to films of another hospital is not "
            "measured here.",
            "每例由留出该例的一折网络回答。对其他机构胸片的适用性未在此评价。",
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


def _about(evidence: Evidence, real: bool) -> About:
    study, trials = evidence.study, evidence.study["trials"]
    banners: list[Text] = []
    if study["preset"] != "paper":
        banners.append(Words(study["about"], study["about_zh"]))
    if not study["finished"]:
        failed = trials.get("failed", 0)
        banners.append(
            Words(
                f"Not finished: {trials['done']} of {trials['all']} trials, {failed} failed. Every number below is of these alone.",
                f"尚未完成：{trials['all']}项试验完成{trials['done']}项，失败{failed}项。以下数值仅来自已完成者。",
            )
        )
    origin = _kept(study) or _pretraining(study["pretraining"], real)
    lead = Words(f"First weights: {origin.en}", f"初始权重：{origin.zh}")
    return About(
        lead=lead,
        made_up=evidence.made_up,
        banners=tuple(banners),
        provenance=_provenance(evidence, real),
    )


def _kept(study: Mapping[str, Any]) -> Words | None:
    """Whose backbone stands below the networks, where they see kept features."""
    model = study.get("seen_by")
    if not study.get("kept") or not model:
        return None
    which = f"{model['model']} (SHA-256 {model['sha256'][:12]})"
    return Words(
        f"the backbone of {which}, which stays as it is; a shared layer and the heads above it begin anew in every training. Where that model has "
        "learned the same questions on other films, its features serve both already. The paper began with ChestX-ray14 and moved its "
        "backbone; the numbers are not comparable in this respect.",
        f"{which}的骨干网络，保持不变；其上的共享层与输出层每次训练均从头开始。若该模型曾用其他胸片学习过相同问题，其特征已同时适用于两者。论文以ChestX-ray14预训练并更新骨干网络，故此方面不可比。",
    )


def _pretraining(stage: Mapping[str, Any], real: bool) -> Words:
    if stage["stage"] == "skipped" and real:
        return Words("none; nothing was learned before.", "无，未经预训练。")
    if stage["stage"] == "skipped":
        return Words(
            "none (the paper began with ChestX-ray14; the numbers are not comparable in this respect).",
            "无（论文以ChestX-ray14预训练，故此方面不可比）。",
        )
    origin, file = (str(stage.get(key) or "") for key in ("origin", "file"))
    which = f"{origin} ({file}, SHA-256 {str(stage.get('sha256') or '')[:12]})" if file else origin
    known = {
        "given": Words("given", "外部提供"),
        "made": Words("made by this study", "本研究预训练"),
    }
    how = known.get(str(stage["stage"]), Words(str(stage["stage"]), str(stage["stage"])))
    return Words(f"{how.en}, {which}.", f"{how.zh}，{which}。")


def _provenance(evidence: Evidence, real: bool) -> tuple[tuple[Text, Text], ...]:
    study, cohort = evidence.study, evidence.study["cohort"]
    counts = "; ".join(
        f"{task}: " + ", ".join(f"{name} {number}" for name, number in own.items())
        for task, own in cohort.get("counts", {}).items()
    )
    refused = len(cohort.get("refused") or {})
    trials = study["trials"]
    rows: list[tuple[Text, Text]] = [
        (Words("preset", "预设"), str(study["preset"])),
        (
            Words("cohort", "队列"),
            f"{cohort['name']}: {cohort['films']} films, {cohort['patients']} patients",
        ),
        (Words("labels", "标签"), counts),
        (Words("refused films", "被拒绝的胸片"), str(refused)),
        (
            Words("fingerprint of the cohort", "队列指纹"),
            str(study.get("cohort_fingerprint", "")),
        ),
        (Words("fingerprint of the study", "研究指纹"), str(study["fingerprint"])),
        (
            Words("trials", "试验"),
            f"{trials['done']} of {trials['all']}, {trials.get('failed', 0)} failed",
        ),
        (Words("chosen drop-out", "选定丢弃率"), _chosen(evidence)),
    ]
    if not real:
        rows.append((Words("printed numbers", "论文数值出处"), read("multitask").source))
    return tuple(rows)


def _chosen(evidence: Evidence) -> str:
    known = evidence.study.get("chosen") or {}
    return ", ".join(f"{group} {rate}" for group, rate in known.items()) or "–"
