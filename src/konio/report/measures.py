"""Numbers of a page in words: what was measured on a film, what a model learned from, how well it did.

A bare number says nothing to its reader; each stands here with its unit and, where real films were measured
(`konio.lungs.quality.REMARKS`), with the range that is usual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from konio.lungs.quality import USUAL
from konio.report.words import WORDS, Words
from konio.tasks import STAGE, zone_words

#: What a bundle says of its cohort where every patient was made up (`konio.learning`).
MADE_UP: Final = "made-up patients"


def _part(value: float) -> str:
    return f"{100 * value:.1f} %"


def _usual(en: str, zh: str) -> Words:
    return Words(f" (usual: {en})", f"（通常{zh}）")


def _rotation(value: float) -> Words:
    limit = _usual(f"up to {100 * USUAL['rotation']:.0f} %", f"不超过 {100 * USUAL['rotation']:.0f} %")  # fmt: skip
    size = _part(abs(value))
    if round(abs(value), 3) == 0:
        return Words(f"none{limit.en}", f"无{limit.zh}")
    side, side_zh = ("right", "右") if value > 0 else ("left", "左")
    return Words(
        f"{size} of the chest's width to the right of the film{limit.en}".replace("right", side),
        f"偏向胶片{side_zh}侧，为胸廓宽度的 {size}{limit.zh}",
    )


def _margin(value: float) -> Words:
    limit = _usual(f"more than {_part(USUAL['margin'])}", f"大于 {_part(USUAL['margin'])}")
    return Words(f"{_part(value)} of the lungs' height{limit.en}", f"肺野高度的 {_part(value)}{limit.zh}")  # fmt: skip


def _inspiration(value: float) -> Words:
    limit = _usual(f"at least {USUAL['inspiration']:.2f}", f"不小于 {USUAL['inspiration']:.2f}")
    return Words(f"{value:.2f}{limit.en}", f"{value:.2f}{limit.zh}")


def _lung_contrast(value: float) -> Words:
    limit = _usual(f"at least {_part(USUAL['lung_contrast'])}", f"不小于 {_part(USUAL['lung_contrast'])}")  # fmt: skip
    return Words(f"{_part(value)} of the grey scale{limit.en}", f"灰阶范围的 {_part(value)}{limit.zh}")  # fmt: skip


def _mediastinum(value: float) -> Words:
    more, more_zh = ("brighter", "亮") if value >= 0 else ("darker", "暗")
    size = _part(abs(value))
    return Words(f"{more} than the lungs by {size} of the grey scale", f"比肺野{more_zh}，相差灰阶范围的 {size}")  # fmt: skip


def _clipped(value: float) -> Words:
    limit = _usual(f"at most {_part(USUAL['clipped'])}", f"不超过 {_part(USUAL['clipped'])}")
    return Words(f"{_part(value)} of the lungs' pixels{limit.en}", f"肺野像素的 {_part(value)}{limit.zh}")  # fmt: skip


def _sharpness(value: float) -> Words:
    limit = _usual(f"at least {USUAL['sharpness']:.2f}", f"不小于 {USUAL['sharpness']:.2f}")
    return Words(
        f"{value:.2f}, differences over one pixel to those over four{limit.en}",
        f"{value:.2f}，相邻像素差与四像素差之比{limit.zh}",
    )


_MEASURED: Final[Mapping[str, Callable[[float], Words]]] = MappingProxyType(
    {
        "margin": _margin,
        "rotation": _rotation,
        "inspiration": _inspiration,
        "lung_contrast": _lung_contrast,
        "mediastinum_contrast": _mediastinum,
        "clipped": _clipped,
        "sharpness": _sharpness,
    }
)


def measured_words(name: str, value: float) -> Words | None:
    """A measured fact of a film (`konio.lungs.quality.FilmQuality`) with its unit; ``None`` for any other name.

    Examples:
        >>> measured_words("inspiration", 0.8213).en
        '0.82 (usual: at least 0.45)'
    """
    return _MEASURED[name](value) if name in _MEASURED else None


def cohort_words(cohort: Mapping[str, Any]) -> Words | None:
    """What a model learned from; ``None`` where its bundle says nothing.

    Examples:
        >>> cohort_words({"description": "ours", "films": 300, "patients": 120}).en
        'ours: 300 films of 120 patients'
    """
    if not cohort:
        return None
    described = str(cohort.get("description", ""))
    known = WORDS["made-up"] if described == MADE_UP else Words(described, described)
    en, zh = [], []
    films, patients = cohort.get("films"), cohort.get("patients")
    if films is not None:
        of = "" if patients is None else f" of {patients} {'patient' if patients == 1 else 'patients'}"  # fmt: skip
        en.append(f"{films} {'film' if films == 1 else 'films'}{of}")
        zh.append(f"{'' if patients is None else f'{patients} 名患者的 '}{films} 张胸片")
    if cohort.get("trained_on") is not None and cohort.get("held_out"):
        en.append(f"{cohort['trained_on']} to learn from, {cohort['held_out']} held out")
        zh.append(f"其中 {cohort['trained_on']} 张用于学习，{cohort['held_out']} 张留出")
    if cohort.get("fingerprint"):
        short = str(cohort["fingerprint"])[:16]
        en.append(f"fingerprint {short}")
        zh.append(f"指纹 {short}")
    parts_en, parts_zh = ", ".join(en), "，".join(zh)
    return Words(": ".join(filter(None, (known.en, parts_en))), "：".join(filter(None, (known.zh, parts_zh))))  # fmt: skip


#: Scores that pages tell: name to what it is called and how its number reads.
_SCORES: Final[Mapping[str, tuple[str, str, Callable[[float], str]]]] = MappingProxyType(
    {
        "accuracy": ("right answers", "正确率", lambda v: f"{100 * v:.0f} %"),
        "kappa": ("quadratic-weighted kappa", "二次加权 kappa", lambda v: f"{v:.2f}"),
        "mae": ("mean error in grades", "平均误差（级）", lambda v: f"{v:.2f}"),
        "macro_recall": ("mean recall of the classes", "各类平均召回率", lambda v: f"{100 * v:.0f} %"),
    }
)  # fmt: skip
#: Questions whose scores pages tell, and how they are called there. One zone stands for six alike.
_SCORED: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "differential": WORDS["differential"],
        "stage": WORDS["stage"],
        "zone_ru": Words(zone_words("ru").en, zone_words("ru").zh),
    }
)
_TOLD: Final = (
    "differential/accuracy", "stage/accuracy", "stage/kappa", "zone_ru/mae", "accuracy", "macro_recall",
)  # fmt: skip


def score_words(metrics: Mapping[str, Any], held_out: int | None) -> Words | None:
    """How well a model did on the films its training held out, and what those are; ``None`` without a score.

    Args:
        metrics: scores as the bundle names them (``stage/accuracy``, ``macro_recall``, ``recall`` by stage).
        held_out: number of those films, ``None`` if unknown.
    """
    parts = [*_scores(metrics), *_recalls(metrics.get("recall"))]
    if not parts:
        return None
    note = WORDS["held-out"]
    number, number_zh = ("", "") if held_out is None else (f"{held_out} ", f"{held_out} 张")
    return Words(
        f"{'; '.join(part.en for part in parts)}. {note.en.format(number=number)}",
        f"{'；'.join(part.zh for part in parts)}。{note.zh.format(number=number_zh)}",
    )


def _scores(metrics: Mapping[str, Any]) -> Iterator[Words]:
    for name in _TOLD:
        value = metrics.get(name)
        if not isinstance(value, int | float):
            continue
        question, _, score = name.rpartition("/")
        en, zh, form = _SCORES[score]
        said = _SCORED.get(question)
        lead, lead_zh = (f"{said.en}: ", f"{said.zh}：") if said else ("", "")
        yield Words(f"{lead}{en} {form(value)}", f"{lead_zh}{zh} {form(value)}")


def _recalls(recall: Any) -> Iterator[Words]:
    """Recall of each stage, where a bundle tells it."""
    if not isinstance(recall, Mapping) or not set(recall) <= set(STAGE.classes):
        return
    named = [(STAGE.answer(name), f"{100 * value:.0f} %") for name, value in recall.items()]
    yield Words(
        "recall: " + ", ".join(f"{words.en} {share}" for words, share in named),
        "召回率：" + "，".join(f"{words.zh} {share}" for words, share in named),
    )
