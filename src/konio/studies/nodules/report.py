"""The page of the study, written from whatever trainings are finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from konio.learning.nodule_parts import nodule_folds
from konio.learning.nodule_sources import Source
from konio.learning.nodule_table import classes_of
from konio.learning.nodules import open_volumes
from konio.learning.recipe import parse_recipe
from konio.report.words import Words
from konio.significance import Interval
from konio.studies.drawings import Dot, draw_dots
from konio.studies.figures import Figure, Language, canvas, label
from konio.studies.nodules import report_tables as tables
from konio.studies.nodules.baselines import baseline_scores, shape_features
from konio.studies.nodules.classical import classical_model
from konio.studies.nodules.design import MULTI, Preset
from konio.studies.nodules.evidence import Evidence
from konio.studies.nodules.relevance import Relevance, relevance
from konio.studies.nodules.trial import PREPARED, measured_only, studied
from konio.studies.page import About, Paragraph, Section, write_page
from konio.studies.reported import Reported, read
from konio.tasks import MISSING, NODULE_TASKS

TITLE: Final = Words(
    "Nodules: do nine questions asked together help?",
    "肺结节：九个问题一起学习是否有益？",
)
_LEAD: Final = Words(
    "Paper C again: which characteristics speak of malignancy, and single-task against multi-task networks on the same "
    "folds, seeds and epochs, with one-number baselines beside every answer.",
    "复现论文C：哪些特征提示恶性；在相同折、种子和轮数下比较单任务与多任务网络，并列出单指标基线。",
)
_UPPER: Final = Words(
    "A network is to be compared with the diameter alone on the same folds: an accuracy without that column says little.",
    "网络结果须与同折“仅直径”比较；脱离该列的准确率意义不大。",
)


def write_report(out: Path, preset: Preset, source: Source) -> Path:
    """Write the page, its tables and figures.

    Args:
        out: the study's folder.
        preset: of the study.
        source: its nodules.

    Returns:
        ``index.html``.
    """
    reported = read("nodules")
    sections = [_readings_section(preset, source, reported)]
    evidence = Evidence.read(out, preset.folds)
    if evidence.trials:
        sections.append(_network_section(out, preset, source, evidence, reported))
    about = About(
        lead=_LEAD,
        made_up=source.made_up,
        banners=_banners(preset, source, evidence),
        provenance=(
            (Words("nodules", "结节"), source.name),
            (Words("preset", "预设"), preset.name),
            (Words("trainings finished", "已完成训练"), str(len(evidence.trials))),
            (Words("first weights", "初始权重"), _first_weights(evidence)),
            (Words("paper", "论文"), reported.source),
        ),
    )
    return write_page(out, TITLE, sections, about)


def _banners(preset: Preset, source: Source, evidence: Evidence) -> tuple[Words, ...]:
    """What the figures rest on; what was left out stands there only where networks were trained."""
    trimmed = () if preset.trimmed is None or not evidence.trials else (preset.trimmed,)
    return (Words(preset.about, preset.about_zh), *trimmed, Words(*source.note))


def _first_weights(evidence: Evidence) -> Words:
    """What the networks began from, by the finished trainings of the multi-task one."""
    origins = [t.result["first_weights"] for t in evidence.trials if t.settings["group"] == MULTI]
    if not origins or origins[0]["origin"] == "random":
        return Words("random", "随机")
    origin = origins[0]
    name = f"{origin['file']} {origin.get('sha256', '')[:12]}".strip()
    return Words(f"{origin['origin']} {name}", f"预训练网络 {name}")


def _readings_section(preset: Preset, source: Source, reported: Reported) -> Section:
    table = source.readings.select(3)
    table = table if len(table) else source.readings
    rng = np.random.default_rng([preset.seed, 11])
    found = relevance(table, rng, preset.draws)
    folds = min(preset.folds, len(set(table.patients)))
    result = classical_model(table, rng, folds=folds, repeats=preset.repeats)
    return Section(
        Words("What people's readings say", "人工读片的信息"),
        (
            tables.classical_table(result, reported),
            tables.relevance_table(found, reported),
            relevance_figure(found),
        ),
        key="readings",
    )


def _network_section(
    out: Path, preset: Preset, source: Source, evidence: Evidence, reported: Reported
) -> Section:
    baselines, classes = _baselines(out, preset, source)
    questions = NODULE_TASKS.names
    singles = [q for q in preset.singles if evidence.single(q) in evidence.groups]
    single_groups = {q: evidence.single(q) for q in singles}
    multi_groups = dict.fromkeys(questions, MULTI)
    shared: Any = (baselines, classes, reported)
    blocks: list[Any] = [Paragraph(_UPPER)]
    if singles:
        title = Words("One network for each question (single-task)", "单任务：每个问题一个网络")
        blocks.append(tables.answers_table("table-1", title, evidence, single_groups, *shared))
    title = Words("One network for all nine questions (multi-task)", "多任务：一个网络回答九个问题")
    blocks.append(tables.answers_table("table-2", title, evidence, multi_groups, *shared))
    if singles:
        blocks += [tables.difference_table(evidence, singles), difference_figure(evidence, singles)]
    blocks.append(tables.three_class_table(evidence, questions))
    blocks.append(tables.ablation_table(evidence, _compared(preset), questions))
    return Section(Words("What networks answer", "网络的回答"), tuple(blocks), key="networks")


def _compared(preset: Preset) -> list[Any]:
    return [g for g in preset.groups() if g.name == MULTI or g.name in preset.ablations]


def _baselines(out: Path, preset: Preset, source: Source) -> tuple[Any, dict[str, Any]]:
    """Baselines on the very folds of the trainings, and the measured nodules' classes."""
    recipe = parse_recipe({"name": "baseline", "kind": "nodule", **preset.recipe})
    table = studied(source, recipe.nodule.min_readers)
    folds = nodule_folds(table, preset.folds, np.random.default_rng(preset.seed))
    shapes = None
    if source.cutter is not None:
        preparation = recipe.nodule.preparation()
        voxels, _ = open_volumes(table, preparation, out / PREPARED, source.cutter)
        shapes = shape_features(voxels, preparation, range(len(table)))
    measured = measured_only(table, source)
    classes = {
        name: np.where(measured, own, MISSING)
        for name, own in classes_of(table, NODULE_TASKS).items()
    }
    return baseline_scores(table, shapes, classes, folds), classes


def relevance_figure(found: tuple[Relevance, ...]) -> Figure:
    """Figure 2: the cosine as printed beside the centred one."""

    def draw(language: Language) -> Any:
        figure, grid = canvas(6.4, 3.6)
        axes: Any = grid.flat[0]
        names = [_name(one.name) for one in found]
        printed, ours = Words("cosine, as printed", "余弦（原文）"), Words("centred", "中心化")
        dots = []
        for name, one in zip(names, found, strict=True):
            dots.append(Dot(name, Interval(one.cosine, one.cosine, one.cosine), series=printed))
            dots.append(Dot(name, one.centred, series=ours))
        draw_dots(axes, dots, language, zero=0.0)
        label(axes, Words("with mean malignancy", "与平均恶性评分"), "", language)
        return figure

    return Figure(
        "figure-2",
        Words("Relevance to malignancy", "与恶性的相关性"),
        draw,
        Words(
            "All raw cosines lie near 1, that of internal structure, which hardly ever varies, among them; the centred ones differ.",
            "原始余弦均接近1，几乎不变的“内部结构”亦然；中心化后才有区别。",
        ),
    )


def difference_figure(evidence: Evidence, questions: list[str]) -> Figure:
    """Multi-task minus single-task, with intervals."""

    def draw(language: Language) -> Any:
        figure, grid = canvas(6.4, 3.4)
        axes: Any = grid.flat[0]
        dots = []
        for question in questions:
            value = evidence.difference(MULTI, evidence.single(question), question, "auc")
            if value is not None:
                dots.append(Dot(_name(question), value[0]))
        draw_dots(axes, dots, language, zero=0.0)
        label(axes, Words("difference of AUC", "AUC差值"), "", language)
        return figure

    title = Words("Multi-task minus single-task, area under the curve", "多任务减单任务（AUC）")
    return Figure("figure-3", title, draw)


def _name(name: str) -> Words:
    if name in NODULE_TASKS:
        return tables.words_of(name)
    return Words("Internal structure", "内部结构")
