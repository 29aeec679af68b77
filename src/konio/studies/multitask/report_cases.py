"""Tables 13 and 14: how often answers flip, and labels that are worth a second look, with their films."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.records import NOTICE
from konio.report.files import write_text
from konio.report.words import Words
from konio.studies.cells import count, empty, number, text
from konio.studies.multitask.report_runs import METHODS, Evidence, Question
from konio.studies.page import Film, Gallery, Paragraph
from konio.studies.stability import SURE, UNSTEADY, CaseStability, for_review, stability
from konio.studies.tables import Cell, Column, Heading, Row, Table, say
from konio.tasks import MISSING

#: Every film with its answers, in the study's folder.
STABILITY: Final = "cases-stability.csv"
#: Films shown on the page; the file lists more.
_SHOWN: Final = 12
_LISTED: Final = 60
#: Longest side of a small picture in pixels.
_SIDE: Final = 224


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
    """Table 13: how steady the answers are, on the test set and in cross-validation, where the networks differ by different things.

    Args:
        evidence: of the study.
        cases: question to its `case_stability`.
    """
    parts = [part for part in ("test", "train") if part == "train" or evidence.tested]
    rows: list[Row] = []
    for task, found in cases.items():
        several = [case for case in found if case.runs > 1]
        question = evidence.questions[task]
        rows.append(Heading(question.title))
        for k, words in (*enumerate(question.words), (None, Words("all classes", "全部"))):
            cells: list[Cell] = []
            for part in parts:
                own = [c for c in several if evidence.cases[c.position].part == part and k in (None, c.truth)]  # fmt: skip
                cells += _steadiness(own)
            rows.append((text(words), *cells))
    return Table(
        Words("Table 13. How often the answer to one film flips", "表13 同一胸片回答的翻转"),
        (
            Column(Words("label", "标签")),
            *(column for part in parts for column in _steadiness_columns(_differ(evidence, part))),
        ),
        tuple(rows),
        note=_steadiness_note(evidence),
        name="table-13",
    )


def _steadiness_note(evidence: Evidence) -> Words:
    method = METHODS[evidence.pair[0]]
    coarse = Words("Of a few networks these shares are coarse.", "网络数少时比例较粗。")
    if len(evidence.dropouts) > 1:
        coarse = Words(
            f"{coarse.en} Networks with different drop-out rates do not differ by chance alone.",
            f"{coarse.zh}丢弃率不同的网络之间，差异不仅是随机性。",
        )
    return Words(
        f"Networks of the method {method.en} that did not learn from the film; the heads say by what they differ. Unsteady: two networks "
        f"disagree with a chance of at least {UNSTEADY:.0%}. Contradicted: at least {SURE:.0%} of the networks agree on another answer than the "
        f"label. {coarse.en}",
        f"{method.zh}方法中未以该片训练的网络；表头说明这些网络之间的差别。不稳定：两网络不一致的概率≥{UNSTEADY:.0%}。"
        f"与标签相左：≥{SURE:.0%}的网络一致给出标签以外的回答。{coarse.zh}",
    )


def _differ(evidence: Evidence, part: str) -> Words:
    """By what the networks that answer one film differ."""
    if part == "test":
        seeds = len(evidence.study["design"]["seeds"])
        return Words(f"test set: {seeds} seeds alone", f"测试集：仅{seeds}个随机种子不同")
    rates, again = len(evidence.dropouts), evidence.repeats
    by = []
    if rates > 1:
        by.append(Words(f"{rates} drop-out rates", f"{rates}种丢弃率"))
    if again > 1:
        only = "" if rates > 1 else " alone"
        by.append(Words(f"{again} seeds{only}", f"{'' if rates > 1 else '仅'}{again}个随机种子"))
    if not by:
        by = [Words("one network", "单个网络")]
    return Words(
        f"cross-validation: {' and '.join(own.en for own in by)}",
        f"交叉验证：{'与'.join(own.zh for own in by)}不同"
        if rates * again > 1
        else f"交叉验证：{by[0].zh}",
    )


def _steadiness_columns(group: Words) -> tuple[Column, ...]:
    return (
        Column(Words("films", "胸片"), group),
        Column(Words("networks a film", "每片网络数"), group),
        Column(Words("two networks disagree, %", "两网络不一致，%"), group),
        Column(Words("all agree, %", "全部一致，%"), group),
        Column(Words("unsteady, %", "不稳定，%"), group),
        Column(Words("label contradicted, %", "与标签相左，%"), group),
    )


def _steadiness(cases: Sequence[CaseStability]) -> list[Cell]:
    if not cases:
        return [count(0), *[empty()] * 5]
    shares = (
        np.mean([case.flips for case in cases]),
        np.mean([case.agreement == 1 for case in cases]),
        np.mean([case.reason == "unsteady" for case in cases]),
        np.mean([case.reason == "label" for case in cases]),
    )
    return [
        count(len(cases)),
        number(float(np.mean([case.runs for case in cases])), 1),
        *(number(float(share), 1, percent=True) for share in shares),
    ]


def review_table(evidence: Evidence, cases: dict[str, tuple[CaseStability, ...]]) -> Table | None:
    """Table 14: films whose label is worth a second look; ``None`` if there are none."""
    rows: list[Row] = []
    for task, found in cases.items():
        listed = for_review(found, _LISTED)
        if listed:
            rows.append(Heading(_how_many(evidence.questions[task], listed, found)))
            rows += [_review_row(evidence, evidence.questions[task], case) for case in listed]
    if not rows:
        return None
    return Table(
        Words("Table 14. Labels worth a second look", "表14 建议复核的标签"),
        (
            Column(Words("film", "胸片")),
            Column(Words("patient", "患者")),
            Column(Words("why", "原因")),
            Column(Words("label", "标签")),
            Column(Words("networks say", "网络回答")),
            Column(Words("of the networks, %", "网络占比，%")),
            Column(Words("two disagree, %", "两网络不一致，%")),
            Column(Words("networks", "网络数")),
        ),
        tuple(rows),
        note=Words(
            "Not a list of errors: a physician looks at these films first. First the unsteady ones, of them those that most networks call "
            f"otherwise; then those that the networks contradict together. Either kind has half of the {_LISTED} places. All films stand in {STABILITY}; "
            "do not publish them.",
            f"并非错误清单：供医师优先复核。先列不稳定者（其中多数网络与标签相左者在前），再列网络一致相左者，各占{_LISTED}个名额的一半。"
            f"全部胸片见{STABILITY}；请勿公开。",
        ),
        name="table-14",
    )


def _how_many(
    question: Question, listed: Sequence[CaseStability], found: Sequence[CaseStability]
) -> Words:
    """How many of the films that are worth a second look stand in the table."""
    unsteady, doubted = (sum(c.reason == why for c in found) for why in ("unsteady", "label"))
    title = question.title
    return Words(
        f"{title.en}: {len(listed)} of {unsteady + doubted} ({unsteady} unsteady, {doubted} contradicted)",
        f"{title.zh}：{unsteady + doubted}例中列出{len(listed)}例（不稳定{unsteady}例，与标签相左{doubted}例）",
    )


def write_stability(
    evidence: Evidence, cases: Mapping[str, Sequence[CaseStability]]
) -> Paragraph | None:
    """Write ``cases-stability.csv``: every film under all networks that did not learn from it; the paragraph that leads to it.

    Args:
        evidence: of the study.
        cases: question to its `case_stability`.

    Raises:
        OutputError: if it cannot be written.
    """
    if not any(cases.values()):
        return None
    text_of = io.StringIO(newline="")
    table = csv.writer(text_of, lineterminator="\n")
    table.writerow(("patient_id", "film", "question", "part", "label", "networks", "answers", "most_frequent", "agree", "contradict_label", "two_disagree", "unsteady", "label_contradicted"))  # fmt: skip
    for task, found in cases.items():
        names = evidence.questions[task].classes
        for case in found:
            row = evidence.cases[case.position]
            answers = "; ".join(f"{n} {k}" for n, k in zip(names, case.counts, strict=True) if k)
            disagree = case.flips if case.runs > 1 else ""
            table.writerow((
                row.patient_id, evidence.film(case.position), task, row.part, names[case.truth], case.runs, answers, names[case.answer],
                case.agreement, 1 - case.right, disagree, int(case.flips >= UNSTEADY), int(case.reason == "label"),
            ))  # fmt: skip
    table.writerow([f"# {NOTICE}"])
    write_text(evidence.out / STABILITY, text_of.getvalue())
    return Paragraph(
        Words(
            "Every film with all its answers, how often two networks disagree about it, and how many contradict its label:",
            "每张胸片的全部回答、两网络不一致的频率及与标签相左的比例：",
        ),
        link=STABILITY,
    )


_WHY: Final = {
    "label": Words("contradicted", "与标签相左"),
    "unsteady": Words("unsteady", "不稳定"),
}


def _review_row(evidence: Evidence, question: Question, case: CaseStability) -> Row:
    return (
        Cell(evidence.film(case.position)),
        Cell(evidence.cases[case.position].patient_id),
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
        evidence.film(case.position),
        (
            Words(
                f"patient {evidence.cases[case.position].patient_id}",
                f"患者 {evidence.cases[case.position].patient_id}",
            ),
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
