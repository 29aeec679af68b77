"""The page of the study, written from whatever trainings are finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from konio.learning.nodule_parts import nodule_folds
from konio.learning.nodule_sources import Source
from konio.learning.nodule_table import classes_of
from konio.learning.nodules import open_volumes
from konio.learning.recipe import parse_recipe
from konio.report.words import Words
from konio.studies.asking import read_study
from konio.studies.drawings import Dot, draw_dots
from konio.studies.figures import Figure, Language, canvas, label
from konio.studies.nodules import report_tables as tables
from konio.studies.nodules.baselines import baseline_scores, shape_features
from konio.studies.nodules.classical import ClassicalResult, classical_model
from konio.studies.nodules.design import MULTI, Preset
from konio.studies.nodules.evidence import Baselines, Evidence, own_trials
from konio.studies.nodules.relevance import Relevance, relevance
from konio.studies.nodules.report_answer import answers, readings_answer
from konio.studies.nodules.report_paper import Classes, classes_table, paper_table
from konio.studies.nodules.report_readings import (
    classical_table,
    relevance_figure,
    relevance_table,
)
from konio.studies.nodules.report_words import BASELINE_WORDS, SINGLE_WORDS, numbered, words_of
from konio.studies.nodules.trial import PREPARED, measured_only, studied
from konio.studies.page import About, Paragraph, Section, write_page
from konio.studies.reported import Reported, read
from konio.tasks import MISSING, NODULE_TASKS

if TYPE_CHECKING:
    from konio.nodules import Readings

TITLE: Final = Words(
    "Nodules: do nine questions asked together help?",
    "肺结节：九个问题一起学习是否有益？",
)
_LEAD: Final = Words(
    "Paper C again: which characteristics speak of malignancy, and single-task against multi-task networks on the same "
    "folds, seeds and epochs, with one-number baselines beside every answer.",
    "复现论文C：哪些特征提示恶性；在相同折、种子和轮数下比较单任务与多任务网络，并列出单指标基线。",
)
_BESIDE: Final = Words(
    "The paper's numbers stand in shaded columns; they are of other nodules, and differences from ours say nothing about either method.",
    "论文数值位于底色列，来自不同结节；与本研究数值之差不说明方法优劣。",
)
_UPPER: Final = Words(
    "A network is to be compared with the diameter alone on the same folds: an accuracy without that column says little.",
    "网络结果须与同折“仅直径”比较；脱离该列的准确率意义不大。",
)
#: Collections that come under an English name.
_NAMES: Final[Mapping[str, Words]] = {
    "slices": Words("LIDC-IDRI slices", "LIDC-IDRI层面"),
    "cubes": Words("LIDC-IDRI cubes", "LIDC-IDRI立方体"),
}
_ORIGINS: Final[Mapping[str, Words]] = {
    "konio bundle": Words("a finished konio model", "已完成的konio模型"),
    "konio run": Words("a konio training", "一次konio训练"),
    "published transformer": Words("a published transformer", "公开的Transformer"),
}


@dataclass(frozen=True, slots=True, eq=False)
class _Material:
    """Everything the page is made from; the study, its numbers and the paper's."""

    document: Mapping[str, Any]
    preset: Preset
    source: Source
    evidence: Evidence
    table: Readings
    classes: Classes
    relevance: tuple[Relevance, ...]
    classical: ClassicalResult
    reported: Reported

    @property
    def singles(self) -> list[str]:
        """Questions that have a network of their own."""
        groups = self.evidence.groups
        return [q for q in self.preset.singles if self.evidence.single(q) in groups]

    def known(self, question: str) -> int:
        """Measured nodules that have a class in a question."""
        return int((self.classes[question] != MISSING).sum())

    @property
    def asked(self) -> list[str]:
        """Questions in which any measured nodule has a class."""
        return [name for name in NODULE_TASKS.names if self.known(name)]


def write_report(out: Path, preset: Preset, source: Source) -> Path:
    """Write the page, its tables and figures.

    Args:
        out: the study's folder, with its ``study.json``.
        preset: of the study.
        source: its nodules.

    Returns:
        ``index.html``.

    Raises:
        OutputError: if there is no study in the folder or the page cannot be written.
    """
    given = _material(out, preset, source)
    sections = [_answer_section(given), _design_section(given), _readings_section(given)]
    if given.evidence.trials:
        sections.append(_network_section(given))
    return write_page(out, TITLE, sections, _about(given))


def _material(out: Path, preset: Preset, source: Source) -> _Material:
    document = read_study(out)
    trials = own_trials(out, document["fingerprint"])
    whole = source.readings.select(3)
    whole = whole if len(whole) else source.readings
    found = relevance(whole, np.random.default_rng([preset.seed, 11]), preset.draws)
    folds = min(preset.folds, len(set(whole.patients)))
    rng = np.random.default_rng([preset.seed, 13])
    classical = classical_model(whole, rng, folds=folds, repeats=preset.repeats)
    classes, baselines = (
        _on_the_folds(out, preset, source) if trials else (classes_of(whole, NODULE_TASKS), {})
    )
    return _Material(
        document=document,
        preset=preset,
        source=source,
        evidence=Evidence(trials, preset.folds, baselines),
        table=whole,
        classes=classes,
        relevance=found,
        classical=classical,
        reported=read("nodules"),
    )


def _on_the_folds(
    out: Path, preset: Preset, source: Source
) -> tuple[Classes, dict[int, Baselines]]:
    """Two classes of the measured nodules, and the baselines on the very folds of the trainings, for two and three classes."""
    recipe = parse_recipe({"name": "baseline", "kind": "nodule", **preset.recipe})
    table = studied(source, recipe.nodule.min_readers)
    folds = nodule_folds(table, preset.folds, np.random.default_rng(preset.seed))
    measured = measured_only(table, source)
    learned = np.ones(len(table), np.bool_)
    shapes = None
    if source.cutter is not None:
        preparation = recipe.nodule.preparation()
        voxels, refused = open_volumes(table, preparation, out / PREPARED, source.cutter)
        learned[list(refused)] = False
        shapes = shape_features(voxels, preparation, range(len(table)))
    usable = measured & learned
    classes: dict[int, dict[str, Any]] = {
        count: {
            name: np.where(usable, own, MISSING)
            for name, own in classes_of(table, NODULE_TASKS, count).items()
        }
        for count in (2, 3)
    }
    both = {
        count: baseline_scores(table, shapes, own, folds, count) for count, own in classes.items()
    }
    return classes[2], {count: dict(found) for count, found in both.items()}


def _answer_section(given: _Material) -> Section:
    blocks: list[Any] = []
    if given.evidence.trials:
        measured = given.known("malignancy")
        blocks += answers(given.evidence, given.asked, given.singles, measured)
    blocks.append(readings_answer(given.classical, given.reported))
    blocks.append(Paragraph(_BESIDE, "quiet"))
    made = tuple(block for block in blocks if block is not None)
    return Section(Words("The answer", "结论"), made, key="answer")


def _design_section(given: _Material) -> Section:
    singles, own = given.singles, given.evidence
    paper = paper_table(given.preset, given.table, given.classical, own, singles, given.reported)
    return Section(
        Words("What is asked, and what the paper says", "问题定义与论文所述"),
        (classes_table(given.classes), paper),
        key="design",
    )


def _readings_section(given: _Material) -> Section:
    return Section(
        Words("What people's readings say", "人工读片的信息"),
        (
            classical_table(given.classical, given.reported),
            relevance_table(given.relevance, given.reported),
            relevance_figure(given.relevance),
        ),
        key="readings",
    )


def _network_section(given: _Material) -> Section:
    evidence, singles, asked = given.evidence, given.singles, given.asked
    shared: Any = (given.classes, given.reported)
    blocks: list[Any] = [Paragraph(_UPPER)]
    if singles:
        title = Words("One network for each question (single-task)", "单任务：每个问题一个网络")
        groups = {q: evidence.single(q) for q in singles}
        blocks.append(tables.answers_table("table-1", title, evidence, groups, *shared))
    title = Words("One network for all questions (multi-task)", "多任务：一个网络回答全部问题")
    groups = dict.fromkeys(NODULE_TASKS.names, MULTI)
    blocks.append(tables.answers_table("table-2", title, evidence, groups, *shared))
    blocks.append(tables.difference_table(evidence, asked, singles))
    blocks.append(difference_figure(evidence, asked, singles))
    blocks.append(tables.three_class_table(evidence, asked))
    blocks.append(tables.ablation_table(evidence, _compared(given.preset), asked))
    made = tuple(block for block in blocks if block is not None)
    return Section(Words("What networks answer", "网络的回答"), made, key="networks")


def _compared(preset: Preset) -> list[Any]:
    return [g for g in preset.groups() if g.name == MULTI or g.name in preset.ablations]


def difference_figure(
    evidence: Evidence, questions: list[str], singles: list[str]
) -> Figure | None:
    """Multi-task minus single-task and minus the baselines, with intervals; ``None`` without any."""
    rivals = {"": SINGLE_WORDS, **{k: w for k, w in BASELINE_WORDS.items() if k != "majority"}}
    dots = []
    for question in questions:
        for rival, words in rivals.items():
            if rival == question or (not rival and question not in singles):
                continue
            other = rival or evidence.single(question)
            value = evidence.difference(MULTI, other, question, "auc")
            if value is not None:
                minus = Words(f"minus {words.en}", f"减{words.zh}")
                dots.append(Dot(words_of(question), value[0], series=minus))
    if not dots:
        return None

    def draw(language: Language) -> Any:
        figure, grid = canvas(6.4, 1.6 + 0.45 * len({dot.name for dot in dots}))
        axes: Any = grid.flat[0]
        draw_dots(axes, dots, language, zero=0.0)
        label(axes, Words("difference of AUC", "AUC差值"), "", language)
        return figure

    title = Words(
        "Multi-task minus single-task and minus the baselines, area under the curve, 95 % intervals of Table 3",
        "多任务减单任务及基线（AUC），95%区间同表3",
    )
    caption = Words("Right of 0 the multi-task network is better.", "大于0表示多任务更优。")
    return Figure("figure-3", numbered("figure-3", title), draw, caption)


def _about(given: _Material) -> About:
    return About(
        lead=_LEAD,
        made_up=given.source.made_up,
        banners=_banners(given),
        provenance=_provenance(given),
    )


def _banners(given: _Material) -> tuple[Words, ...]:
    """What the figures rest on; what was left out stands there only where networks were trained."""
    preset, trials = given.preset, given.document["trials"]
    found = [Words(preset.about, preset.about_zh)]
    if preset.trimmed is not None and given.evidence.trials:
        found.append(preset.trimmed)
    done = len(given.evidence.trials)
    if done < trials["all"]:
        failed = trials.get("failed", 0)
        found.append(
            Words(
                f"Not finished: {done} of {trials['all']} trainings, {failed} failed. Every number of networks below is of these alone.",
                f"尚未完成：{trials['all']}次训练完成{done}次，失败{failed}次。以下网络数值仅来自已完成者。",
            )
        )
    return (*found, Words(*given.source.note))


def _provenance(given: _Material) -> tuple[tuple[Any, Any], ...]:
    document, source, trials = given.document, given.source, given.document["trials"]
    own = _NAMES.get(source.kind, Words(source.name, source.name))
    size, people = len(source.readings), len(set(source.readings.patients))
    done, failed = len(given.evidence.trials), trials.get("failed", 0)
    return (
        (
            Words("nodules", "结节"),
            Words(
                f"{own.en}: {size} nodules of {people} patients",
                f"{own.zh}：{people}名患者的{size}个结节",
            ),
        ),
        (Words("preset", "预设"), given.preset.name),
        (
            Words("trainings", "训练"),
            Words(
                f"{done} of {trials['all']}, {failed} failed",
                f"{trials['all']}次中完成{done}次，失败{failed}次",
            ),
        ),
        (Words("first weights", "初始权重"), _first_weights(given)),
        (
            Words("fingerprint of the readings", "读片指纹"),
            str(document["cohort"].get("fingerprint", "")),
        ),
        (Words("fingerprint of the study", "研究指纹"), str(document["fingerprint"])),
        (Words("paper", "论文"), Words(given.reported.source, given.reported.source_zh)),
    )


def _first_weights(given: _Material) -> Words:
    """What the networks began from, by the finished trainings of the multi-task one, with the name that ``study.json`` knows."""
    origins = [
        trial.result["first_weights"]
        for trial in given.evidence.trials
        if trial.settings["group"] == MULTI
    ]
    if not origins or origins[0]["origin"] == "random":
        return Words("random", "随机")
    own = origins[0]
    what = _ORIGINS.get(own["origin"], Words(own["origin"], own["origin"]))
    name = given.document.get("first_weights", {}).get("name", "")
    digest = own.get("sha256", "")[:12]
    named = (f" {name}" if name else "", f" {name}" if name else "")
    weights = (f" (SHA-256 {digest})", f"（SHA-256 {digest}）") if digest else ("", "")
    return Words(f"{what.en}{named[0]}{weights[0]}", f"{what.zh}{named[1]}{weights[1]}")
