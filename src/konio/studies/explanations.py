"""The table of explainers and networks: how good their maps are on made-up patients, beside chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from konio.explain.known import Mean
from konio.report.words import Words
from konio.studies.cells import count, empty, number
from konio.studies.tables import Cell, Column, Heading, Table, Text

#: Head of every score's column: group and name.
HEADS: Final[Mapping[str, tuple[Text, Text]]] = {
    "pointing": (Words("Pointing game", "指向游戏"), Words("exact", "精确")),
    "pointing_near": (Words("Pointing game", "指向游戏"), Words("within half a cell", "半格以内")),
    "iou_5": (Words("IoU of the warmest", "最热部分交并比"), "5 %"),
    "iou_10": (Words("IoU of the warmest", "最热部分交并比"), "10 %"),
    "iou_20": (Words("IoU of the warmest", "最热部分交并比"), "20 %"),
    "in_lesions": (Words("Energy", "能量占比"), Words("in lesions", "病灶内")),
    "in_lungs": (Words("Energy", "能量占比"), Words("in lungs", "肺野内")),
    "on_ribs": (Words("Energy", "能量占比"), Words("on ribs", "肋骨上")),
    "outside_chest": (Words("Energy", "能量占比"), Words("outside the chest", "胸廓外")),
    "deletion": (Words("Area under", "曲线下面积"), Words("deletion", "删除")),
    "insertion": (Words("Area under", "曲线下面积"), Words("insertion", "插入")),
    "alike": (Words("Randomised weights", "权重随机化"), Words("correlation", "相关系数")),
}

#: What follows the name of an explainer, or ``chance``, whose maps end at the border of the lungs.
ENDED: Final = "+lungs"

_TITLE: Final = Words("How good the explanations are", "解释的质量")
_NOTE: Final = Words(
    "Made-up patients whose lesions, lungs, ribs and chest are known to the pixel; nothing here is a clinical result. "
    "Deletion: small is good. Chance: a map that is the same everywhere; ending at the lungs: the same everywhere in them, "
    "which is what a head that sees the lungs alone shows without knowing anything. "
    "Means over the films where a score is defined; a map that is zero everywhere has none.",
    "虚构患者，病灶、肺野、肋骨及胸廓均逐像素已知，非临床结果。删除曲线以小为佳。随机水平为各处相同的图；止于肺野者为肺野内各处相同的图，即仅见肺野而一无所知者所示。均值仅计入有定义的胸片；全零图不计入。",
)

#: Network (and question) to explainer to its means.
Measured = Mapping[str, Mapping[str, Mapping[str, Mean]]]


def explanation_table(
    measured: Measured,
    *,
    title: Text = _TITLE,
    name: str = "table-explanations",
    note: Text = _NOTE,
) -> Table:
    """One block of rows for each network, one row for each explainer.

    Args:
        measured: network to explainer (``chance`` among them; with `ENDED` behind it where maps end at the lungs) to the mean
            of each score.
        title: of the table.
        name: stem of its files.
        note: under the table.
    """
    scores = [
        score
        for score in HEADS
        if any(score in means for rows in measured.values() for means in rows.values())
    ]
    columns = (
        Column(Words("Explainer", "解释方法")),
        Column(Words("films", "胸片数")),
        *(Column(HEADS[score][1], HEADS[score][0]) for score in scores),
    )
    rows: list[Heading | Sequence[Cell]] = []
    for network, explainers in measured.items():
        rows.append(Heading(network))
        for explainer, means in explainers.items():
            films = max((mean.films for mean in means.values()), default=0)
            rows.append(
                (
                    Cell(_shown(explainer)),
                    count(films),
                    *(_cell(means.get(score)) for score in scores),
                )
            )
    return Table(title, columns, tuple(rows), note=note, name=name)


def _shown(explainer: str) -> Text:
    name = explainer.removesuffix(ENDED)
    words = Words("chance", "随机水平") if name == "chance" else Words(name, name)
    if name == explainer:
        return words
    return Words(f"{words.en}, ending at the lungs", f"{words.zh}（止于肺野）")


def _cell(mean: Mean | None) -> Cell:
    return empty() if mean is None else number(mean.value, 2)
