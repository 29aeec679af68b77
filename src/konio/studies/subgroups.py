"""How well a method does in every subgroup of the cohort, with cells too small to show left out.

A cell of a few patients says nothing and may say who they are: it is suppressed, and where it is the only one of its covariate the
next smallest with it, since a single hidden cell could be had by subtraction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import RecordError
from konio.report.words import Words
from konio.significance import Interval, patient_bootstrap, wilson
from konio.studies.cells import count, interval, text
from konio.studies.tables import Cell, Column, Heading, Row, Table, Text

#: A cell of fewer patients is suppressed.
FEWEST: Final = 10
#: A covariate with more values than this is cut into thirds if it is a number, and left out if it is not.
MOST_VALUES: Final = 8
#: Draws of the interval where a patient has several films.
_DRAWS: Final = 1000

#: Words that stand for an unknown value.
UNKNOWN: Final = frozenset({"", "na", "n/a", "nan", "none", "null", "unknown", "-", "?"})

#: Covariates a page can name in both languages.
COVARIATES: Final[Mapping[str, Words]] = {
    "sex": Words("sex", "性别"),
    "age": Words("age, years", "年龄（岁）"),
    "device": Words("device", "设备"),
    "site": Words("site", "机构"),
    "exposure_years": Words("exposure, years", "接尘年限（年）"),
    "dust": Words("dust", "粉尘种类"),
    "opacity_type": Words("type and size of opacities", "阴影类型与大小"),
    "tuberculosis_form": Words("form of tuberculosis", "肺结核类型"),
    "hilar_nodes": Words("hilar nodes", "肺门淋巴结"),
    "co_findings": Words("other findings", "其他所见"),
    "large_mm": Words("large opacities, mm", "大阴影（毫米）"),
}

#: Values a page can name in both languages.
VALUES: Final[Mapping[str, Words]] = {
    "m": Words("men", "男"),
    "male": Words("men", "男"),
    "f": Words("women", "女"),
    "female": Words("women", "女"),
    "coal": Words("coal", "煤尘"),
    "silica": Words("silica", "矽尘"),
    "asbestos": Words("asbestos", "石棉"),
    "mixed": Words("mixed", "混合粉尘"),
    "other": Words("other", "其他"),
    "none": Words("none", "无"),
    "infiltrate": Words("infiltrate", "浸润"),
    "cavity": Words("cavity", "空洞"),
    "effusion": Words("effusion", "胸腔积液"),
    "healed": Words("healed", "陈旧性"),
    "miliary": Words("miliary", "粟粒"),
    "enlarged": Words("enlarged", "增大"),
    "eggshell": Words("eggshell calcification", "蛋壳样钙化"),
}


@dataclass(frozen=True, slots=True)
class Group:
    """One subgroup.

    Args:
        covariate: its name.
        value: of the covariate, or a range of numbers.
        films: in it.
        patients: in it.
        right: share of right answers with its 95 % interval, one for each method; ``None`` where suppressed.
        hidden: why it is suppressed: ``""``, ``small`` or ``complement``.
    """

    covariate: str
    value: str
    films: int
    patients: int
    right: tuple[Interval | None, ...]
    hidden: str = ""


def subgroups(
    covariates: Sequence[Mapping[str, str]],
    patients: Sequence[str],
    right: Sequence[ArrayLike],
    *,
    fewest: int = FEWEST,
) -> tuple[Group, ...]:
    """Share of right answers in every subgroup of every covariate.

    Args:
        covariates: one mapping for each film.
        patients: ``(N,)`` patient of each film.
        right: for each method ``(N,)`` whether the answer is right.
        fewest: patients that a cell must have to be shown.

    Returns:
        Groups by covariate in the order of their first film; unknown values form no group. A covariate with one value,
        or with many that are no numbers, has none.

    Raises:
        RecordError: if the lists differ in length.
    """
    answers = [np.asarray(own, dtype=bool) for own in right]
    lengths = {len(covariates), *(len(own) for own in answers)}
    if lengths != {len(patients)}:
        raise RecordError(
            f"subgroups need one entry for each of {len(patients)} films; give all lists the same length"
        )
    names = dict.fromkeys(name for own in covariates for name in own)
    found: list[Group] = []
    for name in names:
        cells = _cells([own.get(name, "") for own in covariates])
        groups = [_group(name, value, films, patients, answers) for value, films in cells.items()]
        if len(groups) > 1:
            found += _suppressed(groups, fewest)
    return tuple(found)


def _cells(values: Sequence[str]) -> dict[str, NDArray[np.intp]]:
    """Value to positions; numbers with many values are cut into thirds."""
    known = [_ordered(value.strip()) for value in values]
    used = [value for value in known if value.casefold() not in UNKNOWN]
    distinct = sorted(set(used))
    numbers = {value: _number(value) for value in distinct}
    if len(distinct) > MOST_VALUES:
        if any(number is None for number in numbers.values()):
            return {}
        return _thirds(np.array([numbers.get(value, math.nan) for value in known], dtype=float))
    if all(number is not None for number in numbers.values()):
        distinct.sort(key=lambda value: numbers[value] or 0.0)
    array = np.array(known)
    return {value: np.flatnonzero(array == value) for value in distinct}


def _ordered(value: str) -> str:
    """Several values in one, joined by ``+``, in one order: ``healed+infiltrate`` and ``infiltrate+healed`` are the same."""
    if "+" not in value or _number(value) is not None:
        return value
    return "+".join(sorted(part.strip() for part in value.split("+")))


def value_words(value: str) -> Text:
    """A value of a covariate as it is read; the value itself where no words are known.

    Examples:
        >>> value_words("healed+infiltrate").zh, value_words("device-1")
        ('陈旧性+浸润', 'device-1')
    """
    parts = [VALUES.get(part.casefold()) for part in value.split("+")]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return value
    return Words(" + ".join(part.en for part in known), "+".join(part.zh for part in known))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _thirds(numbers: NDArray[np.float64]) -> dict[str, NDArray[np.intp]]:
    finite = numbers[np.isfinite(numbers)]
    cuts = np.quantile(finite, [1 / 3, 2 / 3])
    place = np.digitize(numbers, cuts, right=True)
    cells = {}
    for third in range(3):
        films = np.flatnonzero((place == third) & np.isfinite(numbers))
        if len(films):
            low, high = numbers[films].min(), numbers[films].max()
            cells[f"{low:g}–{high:g}"] = films
    return cells


def _group(
    covariate: str,
    value: str,
    films: NDArray[np.intp],
    patients: Sequence[str],
    answers: Sequence[NDArray[np.bool_]],
) -> Group:
    own = [patients[place] for place in films]
    right = tuple(_share(answer[films], own) for answer in answers)
    return Group(covariate, value, len(films), len(set(own)), right)


def _share(right: NDArray[np.bool_], patients: Sequence[str]) -> Interval:
    """Wilson's interval, or a patient bootstrap where patients have several films."""
    if len(set(patients)) in (1, len(patients)):
        return wilson(int(right.sum()), len(right))
    spread = patient_bootstrap(
        lambda films: float(right[films].mean()),
        patients,
        np.random.default_rng(0),
        draws=_DRAWS,
        bca=False,
    )
    return spread.percentile


def _suppressed(groups: list[Group], fewest: int) -> list[Group]:
    small = {place for place, group in enumerate(groups) if group.patients < fewest}
    hidden = dict.fromkeys(small, "small")
    if len(small) == 1:
        rest = [place for place in range(len(groups)) if place not in small]
        hidden[min(rest, key=lambda place: groups[place].patients)] = "complement"
    return [
        replace(group, right=(None,) * len(group.right), hidden=hidden[place])
        if place in hidden
        else group
        for place, group in enumerate(groups)
    ]


def subgroup_table(
    groups: Sequence[Group], methods: Sequence[Text], title: Text, name: str = "", note: Text = ""
) -> Table:
    """The groups as a table; suppressed cells keep their row and lose their numbers.

    Args:
        groups: from `subgroups`.
        methods: one name for each entry of `Group.right`.
        title: of the table.
        name: of its files.
        note: sentences under it.
    """
    rows: list[Row] = []
    last = ""
    for group in groups:
        if group.covariate != last:
            rows.append(Heading(COVARIATES.get(group.covariate, group.covariate)))
            last = group.covariate
        rows.append(
            (text(value_words(group.value)), *_sizes(group), *(_shown(own) for own in group.right))
        )
    share = Words("right, % (95 % CI)", "正确率，%（95%CI）")
    return Table(
        title,
        (
            Column(Words("group", "分组")),
            Column(Words("films", "胸片")),
            Column(Words("patients", "患者")),
            *(Column(share, method) for method in methods),
        ),
        tuple(rows),
        {
            "small": Words(
                f"Suppressed: fewer than {FEWEST} patients.", f"已隐去：患者少于{FEWEST}名。"
            ),
            "complement": Words(
                "Suppressed so that the small cell beside it cannot be had by subtraction.",
                "一并隐去，以免由减法推得相邻的小格。",
            ),
        },
        note,
        name,
    )


def _sizes(group: Group) -> tuple[Cell, Cell]:
    if group.hidden == "small":
        few = Words(f"under {FEWEST}", f"少于{FEWEST}")
        return Cell("–", marks=("small",)), Cell(few)
    if group.hidden:
        return Cell("–", marks=("complement",)), Cell("–")
    return count(group.films), count(group.patients)


def _shown(share: Interval | None) -> Cell:
    return interval(share, 1, percent=True)
