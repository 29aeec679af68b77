"""Tables 12 to 14: subgroups, how often answers flip, and labels that are worth a second look, with their films."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.report.words import Words
from konio.studies.cells import count, empty, number, text
from konio.studies.multitask.report_measures import pair_of
from konio.studies.multitask.report_runs import METHODS, Evidence, Question, common, pool
from konio.studies.page import Film, Gallery
from konio.studies.stability import SURE, UNSTEADY, CaseStability, for_review, stability
from konio.studies.subgroups import subgroup_table, subgroups
from konio.studies.tables import Cell, Column, Heading, Row, Table, say
from konio.tasks import MISSING

#: Films shown on the page; the file lists more.
_SHOWN: Final = 12
_LISTED: Final = 60
#: Longest side of a small picture in pixels.
_SIDE: Final = 224


def subgroups_table(evidence: Evidence, task: str) -> Table | None:
    """Table 12: accuracy in every subgroup of every covariate; ``None`` where there is no covariate or no answer.

    Measured on the held-out films of the cross-validation, which are many more than those of the test set.
    """
    methods = pair_of(evidence)
    pooled = [pool(evidence.best(task, method)) for method in methods]
    if len(methods) == 2:
        both = common(*pooled)
        answers = list(both) if both else []
    else:
        answers = [own for own in pooled if own is not None]
    if len(answers) != len(methods):
        return None
    position = answers[0].position
    found = subgroups(
        [evidence.cases[int(place)].covariates for place in position],
        evidence.patients(position),
        [own.right for own in answers],
    )
    if not found:
        return None
    question = evidence.questions[task]
    title = Words(
        f"Table 12{_suffix(evidence, task)}. Subgroups: {say(question.title)}",
        f"表12{_suffix(evidence, task)} 亚组：{say(question.title, 'zh')}",
    )
    note = Words(
        "Held-out films of the cross-validation. Groups differ in their mixture of classes, so that a difference between groups is "
        "no proof of unfairness; a group far below all others is worth a look.",
        "交叉验证留出样本。各组类别构成不同，组间差异不等于不公平；明显低于其他组者值得检查。",
    )
    return subgroup_table(
        found,
        [METHODS[method] for method in methods],
        title,
        f"table-12{_suffix(evidence, task)}",
        note,
    )


def _suffix(evidence: Evidence, task: str) -> str:
    """a, b ... where there are several questions."""
    names = list(evidence.questions)
    return "abcdef"[names.index(task)] if len(names) > 1 else ""


def case_stability(evidence: Evidence, task: str) -> tuple[CaseStability, ...]:
    """Every film under all networks of the first method that did not learn from it: folds and seeds.

    Args:
        evidence: of the study.
        task: the question.
    """
    question = evidence.questions[task]
    method = evidence.pair[0]
    runs = (*evidence.of(task, method, "cv"), *evidence.of(task, method, "final"))
    answers = np.full((max(len(runs), 1), len(evidence.cases)), MISSING, np.int64)
    truth = np.full(len(evidence.cases), MISSING, np.int64)
    for row, run in enumerate(runs):
        answers[row, run.position] = run.predicted
        truth[run.position] = run.truth
    return stability(answers, truth, len(question.kept))


def stability_table(evidence: Evidence, cases: dict[str, tuple[CaseStability, ...]]) -> Table:
    """Table 13: how steady the answers are.

    Args:
        evidence: of the study.
        cases: question to its `case_stability`.
    """
    rows: list[Row] = []
    for task, found in cases.items():
        several = [case for case in found if case.runs > 1]
        question = evidence.questions[task]
        rows.append(Heading(question.title))
        for k, words in enumerate(question.words):
            rows.append(_steadiness(words, [case for case in several if case.truth == k]))
        rows.append(_steadiness(Words("all classes", "全部"), several))
    return Table(
        Words("Table 13. How often the answer to one film flips", "表13 同一胸片回答的翻转"),
        (
            Column(Words("label", "标签")),
            Column(Words("films", "胸片")),
            Column(Words("networks a film", "每片网络数")),
            Column(Words("two networks disagree, %", "两网络不一致，%")),
            Column(Words("all agree, %", "全部一致，%")),
            Column(Words("unsteady, %", "不稳定，%")),
            Column(Words("label contradicted, %", "与标签相左，%")),
        ),
        tuple(rows),
        note=Words(
            f"Networks of the method {METHODS[evidence.pair[0]].en} that did not learn from the film, over seeds, folds' drop-out rates and "
            f"repeats. Unsteady: two networks disagree with a chance of at least {UNSTEADY:.0%}. Contradicted: at least {SURE:.0%} of "
            "the networks agree on another answer than the label.",
            f"{METHODS[evidence.pair[0]].zh}方法中未以该片训练的网络（各种子、丢弃率与重复）。不稳定：两网络不一致的概率≥{UNSTEADY:.0%}。"
            f"与标签相左：≥{SURE:.0%}的网络一致给出标签以外的回答。",
        ),
        name="table-13",
    )


def _steadiness(words: Words, cases: Sequence[CaseStability]) -> Row:
    if not cases:
        return (text(words), count(0), *[empty()] * 5)
    shares = (
        np.mean([case.flips for case in cases]),
        np.mean([case.agreement == 1 for case in cases]),
        np.mean([case.reason == "unsteady" for case in cases]),
        np.mean([case.reason == "label" for case in cases]),
    )
    return (
        text(words),
        count(len(cases)),
        number(float(np.mean([case.runs for case in cases])), 1),
        *(number(float(share), 1, percent=True) for share in shares),
    )


def review_table(evidence: Evidence, cases: dict[str, tuple[CaseStability, ...]]) -> Table | None:
    """Table 14: films whose label is worth a second look; ``None`` if there are none."""
    rows: list[Row] = []
    for task, found in cases.items():
        listed = for_review(found, _LISTED)
        if listed:
            rows.append(Heading(evidence.questions[task].title))
            rows += [_review_row(evidence, evidence.questions[task], case) for case in listed]
    if not rows:
        return None
    return Table(
        Words("Table 14. Labels worth a second look", "表14 建议复核的标签"),
        (
            Column(Words("film", "胸片")),
            Column(Words("why", "原因")),
            Column(Words("label", "标签")),
            Column(Words("networks say", "网络回答")),
            Column(Words("of the networks, %", "网络占比，%")),
            Column(Words("two disagree, %", "两网络不一致，%")),
            Column(Words("networks", "网络数")),
        ),
        tuple(rows),
        note=Words(
            "Not a list of errors: a physician looks at these films first. First those that the networks contradict together.",
            "并非错误清单：供医师优先复核。先列网络一致相左者。",
        ),
        name="table-14",
    )


_WHY: Final = {
    "label": Words("contradicted", "与标签相左"),
    "unsteady": Words("unsteady", "不稳定"),
}


def _review_row(evidence: Evidence, question: Question, case: CaseStability) -> Row:
    name = Path(evidence.cases[case.position].path).name
    return (
        Cell(name),
        text(_WHY[case.reason]),
        text(question.words[case.truth]),
        text(question.words[case.answer]),
        number(case.agreement, 0, percent=True),
        number(case.flips, 0, percent=True),
        count(case.runs),
    )


def review_gallery(
    evidence: Evidence, cases: dict[str, tuple[CaseStability, ...]]
) -> Gallery | None:
    """The first films for review as small pictures; ``None`` if there are none."""
    pictures = _Pictures(evidence.out)
    films: list[Film] = []
    for task, found in cases.items():
        question = evidence.questions[task]
        listed = for_review(found, _SHOWN // len(cases))
        films += [_film(evidence, question, case, pictures) for case in listed]
    return Gallery(tuple(films)) if films else None


def _film(evidence: Evidence, question: Question, case: CaseStability, pictures: _Pictures) -> Film:
    label, answer = question.words[case.truth], question.words[case.answer]
    why = _WHY[case.reason]
    return Film(
        pictures.png(case.position),
        Path(evidence.cases[case.position].path).name,
        (
            Words(f"{why.en}: {say(question.title)}", f"{why.zh}：{say(question.title, 'zh')}"),
            Words(
                f"label {label.en}; networks: {answer.en} ({case.agreement:.0%} of {case.runs})",
                f"标签 {label.zh}；网络：{answer.zh}（{case.runs}个中{case.agreement:.0%}）",
            ),
        ),
    )


class _Pictures:
    """Small pictures of the prepared films; none where the store is gone."""

    def __init__(self, out: Path) -> None:
        files = sorted(
            (out / "prepared").glob("**/images-*.npy"), key=lambda f: int(f.stem.split("-")[1])
        )
        self._table: NDArray[Any] | None = None
        if files:
            self._table = np.load(files[-1], mmap_mode="r", allow_pickle=False)

    def png(self, position: int) -> bytes:
        """A film as PNG, or ``b""``."""
        from PIL import Image

        if self._table is None or position >= len(self._table):
            return b""
        picture = Image.fromarray(np.array(self._table[position]))
        picture.thumbnail((_SIDE, _SIDE))
        content = io.BytesIO()
        picture.save(content, "PNG", optimize=True)
        return content.getvalue()
