"""What GBZ 70-2015 says around the stage: the wording of a conclusion, and what forbids one.

References:
    GBZ 70-2015: chapter 1 (names of the diseases), A.1-A.3, C.2.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, NamedTuple

from konio.errors import RecordError
from konio.tasks import STAGE

#: The pneumoconioses of chapter 1, Chinese name as printed to English name.
DISEASES: Final = MappingProxyType(
    {
        "矽肺": "silicosis",
        "煤工尘肺": "coal workers' pneumoconiosis",
        "石墨尘肺": "graphite pneumoconiosis",
        "炭黑尘肺": "carbon black pneumoconiosis",
        "石棉肺": "asbestosis",
        "滑石尘肺": "talc pneumoconiosis",
        "水泥尘肺": "cement pneumoconiosis",
        "云母尘肺": "mica pneumoconiosis",
        "陶工尘肺": "potters' pneumoconiosis",
        "铝尘肺": "aluminium pneumoconiosis",
        "电焊工尘肺": "welders' pneumoconiosis",
        "铸工尘肺": "foundry workers' pneumoconiosis",
        "其他尘肺": "other pneumoconiosis",
    }
)


class Words(NamedTuple):
    """The same words in both languages."""

    en: str
    zh: str


class QualityConsequence(NamedTuple):
    """What a film of a quality grade may be used for.

    Attributes:
        grade: 1 to 4.
        name: name of the grade.
        first_diagnosis: whether it can support a first diagnosis.
        usable: whether it can be used for a diagnosis at all.
        clause: ``C.2.1`` to ``C.2.4``.
        consequence: one sentence.
    """

    grade: int
    name: Words
    first_diagnosis: bool
    usable: bool
    clause: str
    consequence: Words


class Obstacle(NamedTuple):
    """A condition of a diagnosis that is not met.

    Attributes:
        clause: where the standard says so.
        binding: ``False`` where the standard allows exceptions ("in principle").
        reason: one sentence.
    """

    clause: str
    binding: bool
    reason: Words


#: C.2: the four grades in order.
QUALITY_GRADES: Final = (
    QualityConsequence(
        1,
        Words("excellent", "一级片（优片）"),
        True,
        True,
        "C.2.1",
        Words("The film meets all requirements.", "完全符合胸片质量要求。"),
    ),
    QualityConsequence(
        2,
        Words("good", "二级片（良片）"),
        True,
        True,
        "C.2.2",
        Words(
            "The film does not meet all requirements, but is better than grade 3.",
            "不完全符合胸片质量要求，但尚未降到三级片。",
        ),
    ),
    QualityConsequence(
        3,
        Words("poor", "三级片（差片）"),
        False,
        True,
        "C.2.3",
        Words(
            "A film of grade 3 cannot support a first diagnosis.", "三级片，不能用于尘肺病初诊。"
        ),
    ),
    QualityConsequence(
        4,
        Words("reject", "四级片（废片）"),
        False,
        False,
        "C.2.4",
        Words("A film of grade 4 cannot be used for diagnosis.", "四级片，不能用于尘肺病诊断。"),
    ),
)


def quality_consequence(grade: int) -> QualityConsequence:
    """What a film of this quality grade may be used for.

    Args:
        grade: 1 (excellent) to 4 (reject).

    Raises:
        RecordError: if there is no such grade.

    References:
        GBZ 70-2015, C.2.
    """
    for consequence in QUALITY_GRADES:
        if consequence.grade == grade:
            return consequence
    raise RecordError(f"film quality grades run from 1 to 4, got {grade!r}; grade the film by C.2")


def phrase(stage: str, disease: str | None = None) -> Words:
    """The conclusion as it has to be written, or what can be said of the film while the disease is not named.

    "Other pneumoconiosis" (其他尘肺) is a disease of its own in the standard's list and "occupational" a finding about
    exposure; neither stands in for a name that nobody has given.

    Args:
        stage: ``0``, ``I``, ``II`` or ``III``.
        disease: Chinese name of the pneumoconiosis, a key of `DISEASES`, or ``None``; plays no part at stage 0.

    Returns:
        职业性 + disease + stage in Chinese, and the same in English; without a disease the title of the stage's clause
        (尘肺壹期) and that the name is not stated.

    Raises:
        RecordError: on an unknown stage or disease.

    References:
        GBZ 70-2015, chapter 1 (the diseases), 5.1-5.3 (the stages), A.3.

    Examples:
        >>> phrase("I", "矽肺").zh, phrase("0", "矽肺").zh
        ('职业性矽肺壹期', '无尘肺')
        >>> phrase("I").zh
        '尘肺壹期（未注明尘肺名称）'
    """
    words = STAGE.answer(stage)
    if disease is not None and disease not in DISEASES:
        raise RecordError(
            f"{disease!r} is no pneumoconiosis of GBZ 70-2015; use one of {', '.join(DISEASES)}"
        )
    if stage == "0":
        return Words("No pneumoconiosis", words.zh)
    if disease is None:
        return Words(
            f"Pneumoconiosis, {words.en} (name of the disease not stated)",
            f"尘肺{words.zh}（未注明尘肺名称）",
        )
    return Words(f"Occupational {DISEASES[disease]}, {words.en}", f"职业性{disease}{words.zh}")


def obstacles(
    *,
    exposure_history: bool,
    films_half_a_year_apart: int,
    quality_grade: int,
    first_diagnosis: bool = True,
) -> tuple[Obstacle, ...]:
    """What stands between a staged film and a diagnosis.

    Args:
        exposure_history: a reliable history of exposure to mineral dust is on record (A.1).
        films_half_a_year_apart: films of this person, counted so that neighbours lie more than half a year
            apart (A.2 asks for two in principle).
        quality_grade: of the film, 1 to 4 (C.2).
        first_diagnosis: nobody has diagnosed pneumoconiosis in this person before.

    Returns:
        Every unmet condition, the binding ones first; empty where nothing forbids a diagnosis.

    Raises:
        RecordError: on an unknown quality grade.

    References:
        GBZ 70-2015, A.1, A.2, C.2.
    """
    found = []
    if not exposure_history:
        found.append(
            Obstacle(
                "A.1",
                True,
                Words(
                    "A reliable history of dust exposure is the basic condition of any diagnosis; record it.",
                    "缺少可靠的生产性矿物性粉尘接触史，这是诊断尘肺病的基本条件。",
                ),
            )
        )
    quality = quality_consequence(quality_grade)
    if not quality.usable or (first_diagnosis and not quality.first_diagnosis):
        found.append(Obstacle(quality.clause, True, quality.consequence))
    if films_half_a_year_apart < 2:
        found.append(
            Obstacle(
                "A.2",
                False,
                Words(
                    "In principle two or more films more than half a year apart are needed; "
                    "without them a typical film and clear clinical records must exclude other diseases.",
                    "原则上需两张以上间隔时间超过半年的动态胸片方可确诊。",
                ),
            )
        )
    return tuple(found)
