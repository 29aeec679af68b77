"""The study's tables: ours and the thesis' side by side, in columns of their own."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Final

from konio import metrics
from konio.learning.sampling import oversample
from konio.report.words import Words
from konio.studies.cells import count, digits, interval, spread, text
from konio.studies.hierarchy.figures import NAMES, four_words
from konio.studies.hierarchy.parts import Parts
from konio.studies.hierarchy.presets import TARGETS, Preset
from konio.studies.hierarchy.results import Results
from konio.studies.reported import read
from konio.studies.tables import Cell, Column, Row, Table
from konio.tasks import STAGE

_STAGE: Final = Column(Words("stage", "期别"))
_OURS: Final = Words("ours", "本研究")
_THESIS: Final = Words("thesis", "论文")


def films(parts: Parts) -> Table:
    """Films of every stage (table 2.1)."""
    printed = read("hierarchy")
    own = parts.counts((*parts.train, *parts.validation, *parts.test))
    rows = [
        (text(name), count(own[k]), printed.cell(f"table-2-1.{name}", 0))
        for k, name in enumerate(STAGE.classes)
    ]
    return Table(
        Words("Films of each stage", "各期胸片数"),
        (_STAGE, Column(_OURS), Column(_THESIS, published=True)),
        tuple(rows),
        footnotes=printed.footnotes,
        name="table-2-1",
    )


def split(parts: Parts) -> Table:
    """Training, validation and test part (table 2.2)."""
    printed = read("hierarchy")
    rows: list[Row] = []
    for name, places, path in (
        (Words("training", "训练"), parts.train, "train"),
        (Words("validation", "验证"), parts.validation, ""),
        (Words("test", "测试"), parts.test, "test"),
    ):
        own = parts.counts(places)
        rows.append(
            (
                text(name),
                count(sum(own)),
                count(sum(own[1:])),
                printed.cell(f"table-2-2.{path}.four", 0),
                printed.cell(f"table-2-2.{path}.level-2", 0),
            )
        )
    return Table(
        Words("The split by patients", "按患者划分"),
        _level_columns(Words("part", "部分")),
        tuple(rows),
        footnotes=printed.footnotes,
        name="table-2-2",
    )


def oversampled(parts: Parts) -> Table:
    """The training part as it is seen in an epoch (table 2.3)."""
    import numpy as np

    printed = read("hierarchy")
    labels = parts.labels(parts.train)[:, 0]
    seen = np.bincount(
        labels[oversample(labels, TARGETS, np.random.default_rng(0))], minlength=len(STAGE)
    )
    test = parts.counts(parts.test)
    rows: tuple[Row, ...] = (
        (
            text(Words("training, drawn to 16 : 25 : 16 : 10", "训练，按 16 : 25 : 16 : 10 采样")),
            count(int(seen.sum())),
            count(int(seen[1:].sum())),
            printed.cell("table-2-3.train.four", 0),
            printed.cell("table-2-3.train.level-2", 0),
        ),
        (
            text(Words("test, as it is", "测试，保持原样")),
            count(sum(test)),
            count(sum(test[1:])),
            printed.cell("table-2-3.test.four", 0),
            printed.cell("table-2-3.test.level-2", 0),
        ),
    )
    return Table(
        Words("Against imbalance", "类别不平衡的处理"),
        _level_columns(Words("part", "部分")),
        rows,
        footnotes=printed.footnotes,
        name="table-2-3",
    )


def over_seeds(found: Mapping[int, Results]) -> Words:
    """What a cell with a plus-minus is, and of how many trainings; nothing of a single one."""
    if len(found) == 1:
        return Words("", "")
    return Words(
        f"Mean ± standard deviation of {len(found)} trainings on the same patients: the noise of training, no interval over patients.",
        f"{len(found)}次训练（相同患者）的均值±标准差：仅反映训练随机性，并非患者抽样区间。",
    )


def also(first: Words, second: Words) -> Words:
    """One sentence after the other."""
    return Words(f"{first.en} {second.en}".strip(), f"{first.zh}{second.zh}")


def _level_columns(first: Words) -> tuple[Column, ...]:
    four, second = Words("four classes, level 1", "四分类、第一级"), Words("level 2", "第二级")
    return (
        Column(first),
        Column(four, _OURS),
        Column(second, _OURS),
        Column(four, _THESIS, published=True),
        Column(second, _THESIS, published=True),
    )


def base_and_two_levels(preset: Preset, found: Mapping[int, Results]) -> Table:
    """Macro-recall of every method (table 2.4), with the recall of each stage, over the seeds."""
    printed = read("hierarchy")
    methods = {
        name: [{**own.networks, **own.two_levels}[name] for own in found.values()]
        for shown in (found[preset.seeds[0]],)
        for name in (*shown.networks, *shown.two_levels)
    }
    mean = {name: fmean(run.macro_recall for run in runs) for name, runs in methods.items()}
    rows = []
    for name, runs in methods.items():
        words = four_words(preset, name) if name in preset.networks else NAMES[name]
        whole = spread([run.macro_recall for run in runs], 3)
        cells = [
            interval(runs[0].interval(), 3),
            _standing_out(whole, name == max(mean, key=mean.__getitem__)),
        ]
        recalls = [spread(own, 3) for own in zip(*(run.recalls for run in runs), strict=True)]
        rows.append((text(words), *cells, *recalls, printed.cell(f"table-2-4.{name}", 4)))
    recall = Words("recall of stage", "各期查全率")
    return Table(
        Words("Macro-recall of every method on test films", "各方法在测试胸片上的宏查全率"),
        (
            Column(Words("method", "方法")),
            Column(Words("macro-recall (95 %), first seed", "宏查全率（95 %），首个种子"), _OURS),
            Column(Words("macro-recall", "宏查全率"), _OURS),
            *(Column(name, recall) for name in STAGE.classes),
            Column(Words("macro-recall", "宏查全率"), _THESIS, published=True),
        ),
        tuple(rows),
        footnotes=printed.footnotes,
        note=also(
            Words(
                "Intervals: bootstrap over patients within each stage. The thesis prints one run and no interval.",
                "区间：各期内按患者自助抽样。论文为单次运行，无区间。",
            ),
            over_seeds(found),
        ),
        name="table-2-4",
    )


def _standing_out(cell: Cell, strong: bool) -> Cell:
    return Cell(cell.text, cell.numbers, cell.marks, strong)


def bounds(found: Mapping[int, Results]) -> Table:
    """What the levels allow beside what was reached, over the seeds."""
    rows: list[Row] = []
    for name in next(iter(found.values())).two_levels:
        outcomes = [own.two_levels[name] for own in found.values()]
        known = [one.bound for one in outcomes if one.bound is not None]
        cuts = sorted({one.cut for one in outcomes if one.cut is not None})
        values = (
            [one.macro_recall for one in known],
            [one.bound for one in known],
            [one.ceiling for one in known],
        )
        rows.append(
            (
                text(NAMES[name]),
                text(", ".join(digits(cut, 2) for cut in cuts)),
                *(spread(own, 4) for own in values),
            )
        )
    return Table(
        Words("Two levels beside their bounds", "两级结果及其上限"),
        (
            Column(Words("method", "方法")),
            Column(Words("cut point", "截断点")),
            Column(Words("macro-recall", "宏查全率")),
            Column(Words("these two levels allow", "两级所允许的上限")),
            Column(Words("this level 2 allows", "第二级所允许的上限")),
        ),
        tuple(rows),
        note=over_seeds(found),
        name="table-bounds",
    )


def levels(found: Mapping[int, Results]) -> Table:
    """Macro-recall of each level alone, over the seeds (table 2.5)."""
    printed = read("hierarchy")
    rows = []
    for name in next(iter(found.values())).levels:
        runs = [metrics.macro_recall(own.levels[name]) for own in found.values()]
        rows.append((text(NAMES[name]), spread(runs, 4), printed.cell(f"table-2-5.{name}", 4)))
    return Table(
        Words("Macro-recall of each level on its own question", "各级自身任务的宏查全率"),
        (Column(Words("level", "级")), Column(_OURS), Column(_THESIS, published=True)),
        tuple(rows),
        footnotes=printed.footnotes,
        note=over_seeds(found),
        name="table-2-5",
    )


def cut_points(found: Mapping[int, Results]) -> Table:
    """Macro-recall at nineteen cut points, over the seeds (table 2.6)."""
    printed = read("hierarchy")
    results = tuple(found.values())
    names = {"with_cost": "two_level_cut_cost", "without_cost": "two_level_cut"}
    chosen = {cost: {own.two_levels[name].cut for own in results} for cost, name in names.items()}
    rows = []
    for place, point in enumerate(results[0].test["with_cost"].points):
        cells: list[Cell] = [text(digits(point, 2))]
        for cost in names:
            for side in ("validation", "test"):
                runs = [getattr(own, side)[cost].macro_recall[place] for own in results]
                cells.append(_standing_out(spread(runs, 4), point in chosen[cost]))
        path = f"{point:.2f}".replace(".", ":")
        cells += [
            printed.cell(f"table-2-6.{cost}.{path}", 4) for cost in ("with_cost", "without_cost")
        ]
        rows.append(tuple(cells))
    costly, plain = Words("with cost", "代价"), Words("without cost", "无代价")
    validation, test = Words("validation", "验证"), Words("test", "测试")
    return Table(
        Words("Macro-recall at every cut point", "各截断点的宏查全率"),
        (
            Column(Words("cut point", "截断点")),
            Column(validation, costly),
            Column(test, costly),
            Column(validation, plain),
            Column(test, plain),
            Column(costly, _THESIS, published=True),
            Column(plain, _THESIS, published=True),
        ),
        tuple(rows),
        footnotes=printed.footnotes,
        note=also(
            Words(
                "Strong: the cut point that validation films chose for a seed.",
                "加粗：某一随机种子在验证胸片上选取的截断点。",
            ),
            over_seeds(found),
        ),
        name="table-2-6",
    )


def leakage(preset: Preset, found: Mapping[int, Results]) -> Table:
    """The clean way beside the leaking one, over the seeds."""
    both = "two_level_cut_cost"
    pairs = (
        (
            four_words(preset),
            [(own.networks[preset.best], own.leaking["four"]) for own in found.values()],
        ),
        (NAMES[both], [(own.two_levels[both], own.leaking[both]) for own in found.values()]),
    )
    rows = []
    for words, runs in pairs:
        clean, leaking = ([run[side].macro_recall for run in runs] for side in (0, 1))
        gaps = [dirty - own for own, dirty in zip(clean, leaking, strict=True)]
        cells = (spread(clean, 4), spread(leaking, 4), spread(gaps, 4, sign=True))
        rows.append((text(words), *cells))
    return Table(
        Words("Clean and leaking way of the same trainings", "正确流程与泄露流程"),
        (
            Column(Words("method", "方法")),
            Column(Words("clean", "正确流程")),
            Column(Words("leaking", "泄露流程")),
            Column(Words("gap", "差距")),
        ),
        tuple(rows),
        note=over_seeds(found),
        name="table-leakage",
    )
