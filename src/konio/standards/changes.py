"""Which single small change of the findings would lead to another stage."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from konio.standards.findings import (
    LARGE_OPACITY_OVER_MM,
    PLAQUE_OVER_WALL_FRACTION,
    STAGE_III_LONG_AT_LEAST_MM,
    STAGE_III_SHORT_OVER_MM,
    Findings,
    LargeOpacity,
    Plaque,
    minor,
)
from konio.standards.rules import Stage, decide
from konio.tasks import PROFUSIONS, STAGE, zone_words

Kind = Literal["zone", "aggregation", "large_opacity", "asbestos", "plaque"]


class Change(NamedTuple):
    """One small change of the findings that would change the stage.

    Attributes:
        kind: ``zone``, ``aggregation``, ``large_opacity``, ``asbestos`` or ``plaque``.
        zone: the zone of a ``zone`` change, else ``None``.
        before: what is there now.
        after: what would be there.
        stage: the stage it would then be.
        clause: the clause it would then rest on.
        en: the change in one English sentence.
        zh: the same in Chinese.
    """

    kind: Kind
    zone: str | None
    before: str
    after: str
    stage: Stage
    clause: str
    en: str
    zh: str


def one_change_away(findings: Findings, now: Stage) -> Iterator[Change]:
    """Every single change of the findings that leads to another stage than ``now``.

    Of the changes that make more of what is absent (a large opacity, a plaque) only the smallest that suffices.
    """
    enough: set[Kind] = set()
    for kind, zone, before, after, changed in _neighbours(findings):
        reached, clause, _ = decide(changed)
        if reached != now and kind not in enough:
            en, zh = _change_words(kind, zone, before, after, reached, clause)
            yield Change(kind, zone, before, after, reached, clause, en, zh)
            if before == "absent":
                enough.add(kind)


_Neighbour = tuple[Kind, str | None, str, str, Findings]


def _neighbours(findings: Findings) -> Iterator[_Neighbour]:
    """Everything one step away: one minor category of one zone, aggregation, large opacities, asbestos, plaques."""
    for zone, profusion in findings.zones.items():
        for step in (-1, 1):
            position = minor(profusion) + step
            if 0 <= position < len(PROFUSIONS):
                after = PROFUSIONS[position]
                zones = {**findings.zones, zone: after}
                yield "zone", zone, profusion, after, dataclasses.replace(findings, zones=zones)
    words = {False: "absent", True: "present"}
    now = findings.aggregation
    toggled = dataclasses.replace(findings, aggregation=not now)
    yield "aggregation", None, words[now], words[not now], toggled
    before = _large_word(findings.large)
    for after, large in _LARGE_EXAMPLES.items():
        if after != before:
            changed = dataclasses.replace(findings, large=large)
            yield "large_opacity", None, before, after, changed
    exposed = findings.asbestos
    toggled = dataclasses.replace(findings, asbestos=not exposed)
    yield "asbestos", None, words[exposed], words[not exposed], toggled
    before = _plaque_word(findings.plaque)
    for after, plaque in _PLAQUE_EXAMPLES.items():
        if after != before:
            yield "plaque", None, before, after, dataclasses.replace(findings, plaque=plaque)


_SMALL_SIZE: Final = f"over {LARGE_OPACITY_OVER_MM:g} mm"
_STAGE_III_SIZE: Final = (
    f"at least {STAGE_III_LONG_AT_LEAST_MM:g} mm by over {STAGE_III_SHORT_OVER_MM:g} mm"
)
#: The three states of the large opacities that the rules tell apart, with an example of each.
_LARGE_EXAMPLES: Final[Mapping[str, tuple[LargeOpacity, ...]]] = MappingProxyType(
    {
        "absent": (),
        _SMALL_SIZE: (LargeOpacity(LARGE_OPACITY_OVER_MM + 1, LARGE_OPACITY_OVER_MM),),
        _STAGE_III_SIZE: (LargeOpacity(STAGE_III_LONG_AT_LEAST_MM, STAGE_III_SHORT_OVER_MM + 1),),
    }
)
_AT_HEART: Final = "at the heart border or diaphragm"
_LONG: Final = f"longer than {PLAQUE_OVER_WALL_FRACTION:g} of one lateral chest wall"
_LONG_AT_HEART: Final = f"{_AT_HEART} and {_LONG}"
#: The states of pleural plaques that the rules tell apart, with an example of each.
_PLAQUE_EXAMPLES: Final[Mapping[str, Plaque | None]] = MappingProxyType(
    {
        "absent": None,
        "present": Plaque(),
        _AT_HEART: Plaque(heart_border_or_diaphragm=True),
        _LONG: Plaque(PLAQUE_OVER_WALL_FRACTION + 0.1),
        _LONG_AT_HEART: Plaque(PLAQUE_OVER_WALL_FRACTION + 0.1, heart_border_or_diaphragm=True),
    }
)
_WORDS_ZH: Final = MappingProxyType(
    {
        _AT_HEART: "累及心缘或膈肌",
        _LONG: "长度超过单侧胸壁的1/2",
        _LONG_AT_HEART: "累及心缘或膈肌且长度超过单侧胸壁的1/2",
        "absent": "无",
        "present": "有",
        _SMALL_SIZE: "大于10 mm",
        _STAGE_III_SIZE: "长径不小于20 mm且短径大于10 mm",
    }
)


def _large_word(large: tuple[LargeOpacity, ...]) -> str:
    if any(opacity.is_stage_iii for opacity in large):
        return _STAGE_III_SIZE
    return _SMALL_SIZE if large else "absent"


def _plaque_word(plaque: Plaque | None) -> str:
    if plaque is None:
        return "absent"
    if plaque.is_stage_iii:
        return _LONG_AT_HEART if plaque.involves_heart_or_diaphragm else _LONG
    return _AT_HEART if plaque.involves_heart_or_diaphragm else "present"


_NAMES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "aggregation": ("aggregation", "小阴影聚集"),
        "large_opacity": ("large opacity", "大阴影"),
        "asbestos": ("asbestos exposure", "石棉粉尘接触"),
        "plaque": ("pleural plaques", "胸膜斑"),
    }
)


def _change_words(
    kind: str, zone: str | None, before: str, after: str, reached: Stage, clause: str
) -> tuple[str, str]:
    words = STAGE.answer(reached)
    if zone is not None:
        name = zone_words(zone)
        what, what_zh = name.en, name.zh + "密集度"
        before_zh, after_zh = before, after
    else:
        what, what_zh = _NAMES[kind]
        before_zh, after_zh = _WORDS_ZH[before], _WORDS_ZH[after]
    return (
        f"With {what} {after} instead of {before} it would be {words.en} ({clause}).",
        f"若{what_zh}由“{before_zh}”变为“{after_zh}”，则为{words.zh}（{clause}）。",
    )
