"""The study's page: the thesis' tables and figures with ours beside, over all seeds, and what leakage would show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from konio.cohort import read_cohort
from konio.report.words import Words
from konio.studies.asking import read_study
from konio.studies.figures import Figure
from konio.studies.hierarchy.difference import difference_table, differences, verdict
from konio.studies.hierarchy.figures import (
    cut_figure,
    four_class_figure,
    level_figure,
    training_figure,
    two_level_figure,
)
from konio.studies.hierarchy.fine_figures import (
    embedded_figure,
    fine_confusion_figure,
    learning_figure,
    scree_figure,
    solid_figure,
)
from konio.studies.hierarchy.fine_tables import fine_features
from konio.studies.hierarchy.maps import read_map_figures
from konio.studies.hierarchy.parts import Parts, read_parts
from konio.studies.hierarchy.presets import Preset
from konio.studies.hierarchy.results import Fine, Results, gather, read_curves, read_fine
from konio.studies.hierarchy.tables import (
    base_and_two_levels,
    bounds,
    cut_points,
    films,
    leakage,
    levels,
    oversampled,
    split,
)
from konio.studies.hierarchy.trial import COHORT
from konio.studies.page import About, Paragraph, Section, write_page
from konio.studies.reported import read

TITLE: Final = Words(
    "Two levels, cost and cut point: paper B on unseen patients",
    "两级判定、代价与截断点：论文 B 在未见患者上的复现",
)
_TINY: Final = Words(
    "A tiny run: it shows that every part works, and its figures mean nothing.",
    "极小规模运行：仅说明各环节可以工作，结果没有意义。",
)


def write_report(out: Path, preset: Preset, whole: int | None = None) -> Path:
    """Write the page of a study whose trials are finished.

    Args:
        out: the study's folder.
        preset: of the study, with the seeds that are finished.
        whole: how many seeds it will have; as many as the preset has where ``None``.

    Returns:
        ``index.html``.
    """
    parts, study = read_parts(out), read_study(out)
    cohort = read_cohort(out / COHORT, check_files=False)
    patients = tuple(case.patient_id for case in cohort)
    fine = read_fine(out, preset, parts, study)
    found = {seed: gather(out, preset, parts, patients, seed) for seed in preset.seeds}
    about = About(
        lead=Words(preset.about, preset.about_zh),
        made_up=bool(study["made_up"]),
        banners=(*([_TINY] if preset.name == "smoke" else []), *_unfinished(preset, whole)),
        provenance=_provenance(study, preset),
    )
    chapters = sections(preset, parts, found, read_curves(out, preset))
    if preset.kept:
        chapters.insert(0, _kept_section(study))
    maps = read_map_figures(out, preset, parts)
    if maps:
        chapters.insert(-1, _maps_section(maps))
    if fine:
        chapters.insert(-1, _fine_section(found, fine))
    return write_page(out, TITLE, chapters, about)


def _unfinished(preset: Preset, whole: int | None) -> list[Words]:
    """A banner for a page of some of the seeds."""
    done = len(preset.seeds)
    if whole is None or done == whole:
        return []
    return [
        Words(
            f"Not finished: {done} of {whole} seeds; the figures will change.",
            f"尚未完成：已完成 {done}／{whole} 个随机种子，数值仍会变化。",
        )
    ]


def _kept_section(study: Mapping[str, Any]) -> Section:
    """What the networks saw in place of films, and what of the thesis that leaves out."""
    return Section(
        Words("What the networks saw", "网络所见"), (Paragraph(_kept_words(study)), Paragraph(_LEFT_OUT)), "seen"
    )  # fmt: skip


def _kept_words(study: Mapping[str, Any]) -> Words:
    named = f"{study['seen_by']['model']} (SHA-256 {study['seen_by']['sha256'][:12]})"
    return Words(
        f"Every network here stands above the backbone of {named}, which does not move. Of each film it keeps, channel by "
        "channel, the mean over each of the six lung zones and the greatest value in the lungs. One layer reads every zone alike; zones, "
        "their mean and their greatest, and the greatest values lead to the classes. What the backbone has learned on other films "
        "serves four classes at once and two levels alike.",
        f"此处全部网络均以 {named} 的骨干网络为基础，该骨干网络保持不变。每张胸片按通道保存六个肺区各自的均值及肺内最大值；同一层依次读取各肺区，"
        "再由各肺区、其均值与最大值及全肺最大值得出类别。骨干网络在其他胸片上所学，对四分类与两级判定同样可用。",
    )


_LEFT_OUT: Final = Words(
    "Ten crops do not apply: a film is kept once and whole. Maps of where the networks looked (figures 3.3, 3.5 and 3.6), SCDA "
    "features with their classifiers and t-SNE (table 3.1, figures 3.7 to 3.10) and the course of the trainings (figure 4.5) need a "
    "network that looks at films; the presets smoke, scratch and paper have them.",
    "十次裁剪在此不适用：每张胸片只整张保存一次。网络关注区域图（图 3.3、3.5、3.6）、SCDA 特征及其分类器与 t-SNE（表 3.1、图 3.7 至 3.10）"
    "以及训练过程（图 4.5）需要直接观察胸片的网络，见预设 smoke、scratch 与 paper。",
)


def _maps_section(figures: tuple[Figure, ...]) -> Section:
    title = Words("Where the networks looked", "网络关注的区域")
    return Section(title, figures, "maps")


def _fine_section(found: Mapping[int, Results], fine: Mapping[int, Mapping[str, Fine]]) -> Section:
    """Tables over all seeds, figures of the first one."""
    shown = next(iter(fine.values()))
    blocks: list[Any] = [
        fine_features(found, fine),
        scree_figure(shown),
        embedded_figure(shown),
        solid_figure(shown),
    ]
    if "four-flattened" in shown:
        blocks.append(learning_figure(shown["four-flattened"]))
    return Section(
        Words("Fine-grained features", "细粒度特征"),
        (*blocks, fine_confusion_figure(shown)),
        "features",
    )


def sections(
    preset: Preset,
    parts: Parts,
    found: Mapping[int, Results],
    curves: Mapping[str, Sequence[Mapping[str, Any]]],
) -> list[Section]:
    """The chapters.

    Args:
        preset: of the study.
        parts: of the study.
        found: seed to results; tables are over all of them, confusions of the first.
        curves: network to how its trainings went, one a seed; empty where no training left a log.
    """
    shown = next(iter(found.values()))
    gaps = differences(preset, found)
    return [
        Section(
            Words("Who was looked at", "研究对象"),
            (films(parts), split(parts), oversampled(parts), Paragraph(_ONE_SPLIT)),
            "films",
        ),
        Section(
            Words("Base classifiers and two levels", "基分类器与两级判定"),
            (
                base_and_two_levels(preset, found),
                verdict(gaps),
                difference_table(preset, gaps),
                Paragraph(_bound_words(shown), "warn"),
                bounds(found),
                *((training_figure(curves),) if curves else ()),
                four_class_figure(preset, shown),
                two_level_figure(shown),
            ),
            "two-levels",
        ),
        Section(
            Words("Each level alone, with and without cost", "各级单独评价与代价"),
            (levels(found), level_figure(shown), Paragraph(_PENALTY)),
            "levels",
        ),
        Section(
            Words("The cut point", "截断点"),
            (cut_points(found), cut_figure(found), Paragraph(_CUT)),
            "cut-point",
        ),
        Section(
            Words("What leakage would have shown", "若存在泄露会得到什么"),
            (Paragraph(_leak_words(parts), "warn"), leakage(preset, found)),
            "leakage",
        ),
    ]


_ONE_SPLIT: Final = Words(
    "One split by patients governs everything here: networks, oversampling (of the training part only), cut point and "
    "measurement. The thesis oversamples its test part too and draws the splits of its two tables independently.",
    "此处全部环节使用同一次按患者的划分：网络训练、上采样（仅训练部分）、截断点与评价。论文对测试部分亦上采样，且两表的划分相互独立。",
)
_PENALTY: Final = Words(
    "Cost means the thesis' penalties 5 : 8 : 9 on level 2, brought to mean 1.",
    "代价指论文第二级的惩罚 5 : 8 : 9，归一为均值 1。",
)
_CUT: Final = Words(
    "The cut point is chosen on validation films; the curve on test films is shown to be looked at and nothing is chosen "
    "from it. Among equal macro-recalls the lowest cut point, the most sensitive one, is taken.",
    "截断点在验证胸片上选取；测试胸片上的曲线仅供查看，不用于选取。宏查全率相同时取最低（最敏感）的截断点。",
)


def _bound_words(shown: Results) -> Words:
    printed = read("hierarchy")["table-2-5.level-2"].value or 0.0
    bound = shown.two_levels["two_level_cut_cost"].bound
    ours = "" if bound is None else bound.sentence
    return Words(
        f"Ours: {ours}. The thesis' own level 2 of {printed:.4f} allows at most {(1 + 3 * printed) / 4:.4f} on the same "
        "films, below everything it prints for two levels.",
        f"本次：宏查全率受两级各自查全率约束（{'' if bound is None else f'{bound.macro_recall:.4f} ≤ {bound.bound:.4f} ≤ {bound.ceiling:.4f}'}）。"
        f"论文第二级 {printed:.4f} 在同一批胸片上至多允许 {(1 + 3 * printed) / 4:.4f}，低于其所印全部两级结果。",
    )


def _leak_words(parts: Parts) -> Words:
    shared = f"{100 * parts.shared:.0f} %"
    return Words(
        "The thesis' probable way, run beside the clean one: films are drawn again first and their copies parted "
        f"afterwards, so that {shared} of the measured copies show a film that was learned from, and the cut point is chosen "
        "on what is reported. Its figures are no result; the gap is what such a protocol adds.",
        f"将论文可能采用的流程与正确流程并列：先重复采样、后划分副本，使 {shared} 的测试副本来自训练过的胸片；截断点依据所报告的结果选取。"
        "其数值不是结果，差距即该流程带来的虚增。",
    )


def _provenance(study: Mapping[str, Any], preset: Preset) -> tuple[tuple[Words, str], ...]:
    seen_by = study.get("seen_by")
    below = [] if seen_by is None else [f"{seen_by['model']} ({seen_by['sha256']})"]
    return (
        (Words("preset", "预设"), preset.name),
        (Words("films, patients", "胸片、患者"), f"{study['films']}, {study['patients']}"),
        (Words("refused films", "被拒绝的胸片"), str(study["refused"])),
        *((Words("backbone", "骨干网络"), name) for name in below),
        (Words("cohort", "队列"), str(study["cohort_fingerprint"])),
        (Words("study", "研究"), str(study["fingerprint"])),
        (Words("published numbers", "论文数值来源"), read("hierarchy").source),
    )
