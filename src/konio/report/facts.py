"""Facts beside the answers: what film it is, and which model spoke, trained on what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from konio.assess import Examined
from konio.io.notes import notes_zh
from konio.lungs.quality import remarks_zh
from konio.records import Assessment
from konio.report.measures import MADE_UP, cohort_words, measured_words, score_words
from konio.report.words import WORDS, Words, percent


class Fact(NamedTuple):
    """One line of a list of facts.

    Attributes:
        name: what it is.
        value: how it is.
        code: whether the value is a number or an identifier to be set in fixed width.
    """

    name: Words
    value: Words
    code: bool = False


def film_facts(examined: Examined, shown: tuple[int, int]) -> list[Fact]:
    """What is known of the film.

    Args:
        examined: an assessed film.
        shown: width and height of the picture on the page.
    """
    given = examined.assessment.input
    rows, columns = given["rows"], given["columns"]
    facts = [
        Fact(WORDS["file"], _same(given["path"]), code=True),
        Fact(WORDS["size"], _same(f"{columns} × {rows}")),
        Fact(WORDS["spacing"], _spacing(given["spacing_mm"]) or WORDS["spacing-unknown"]),
    ]
    seen = _spacing(given.get("model_spacing_mm"))
    if seen is not None:
        facts.append(Fact(WORDS["model-spacing"], seen))
    note = WORDS["shown-note"]
    scale = f"{shown[0]} × {shown[1]} ({100 * shown[0] / columns:.0f} %)"
    facts.append(Fact(WORDS["shown"], Words(f"{scale}; {note.en}", f"{scale}；{note.zh}")))
    facts += [Fact(name, value) for name, value in _quality(examined.assessment.quality)]
    return facts


def provenance(examined: Examined, about: Mapping[str, Any], now: datetime) -> list[Fact]:
    """Which model spoke, what it learned from and how well it did.

    Args:
        examined: an assessed film.
        about: the bundle's description; absent parts are left out.
        now: when the film was assessed.
    """
    model = examined.assessment.model
    facts = [
        Fact(WORDS["model"], _same(model.name)),
        Fact(WORDS["weights"], _same(model.weights_sha256), code=True),
        Fact(WORDS["version"], _same(model.konio_version)),
        Fact(WORDS["precision"], _same(model.precision)),
    ]
    cohort = about.get("cohort") or {}
    metrics = (about.get("metrics") or {}).get("held_out") or {}
    learned, measured = cohort_words(cohort), score_words(metrics, cohort.get("held_out"))
    facts += [
        Fact(WORDS[name], words)
        for name, words in (("cohort", learned), ("metrics", measured))
        if words is not None
    ]
    facts.append(
        Fact(WORDS["film-hash"], _same(str(examined.assessment.input["sha256"])), code=True)
    )
    facts.append(Fact(WORDS["made"], _same(f"{now:%Y-%m-%d %H:%M} {now.tzname() or ''}".strip())))
    return facts


def decision_words(assessment: Assessment) -> list[Words]:
    """How two levels came to the stage; nothing for a model that answers at once."""
    decision = assessment.decision
    if decision is None:
        return []
    sure, cut = percent(decision["disease"]), f"{decision['cut_point']:.2f}"
    passed = decision["level"] == 2
    en = (
        f"Level 1: diseased with a probability of {sure}, "
        + (
            f"at or above the cut point {cut}, so that level 2 named the stage."
            if passed
            else f"below the cut point {cut}, so that no stage was sought."
        )
        + " The heat map is that of the level that decided."
    )
    zh = (
        f"第一级：患病概率 {sure}，"
        + (
            f"不低于截断点 {cut}，由第二级给出期别。"
            if passed
            else f"低于截断点 {cut}，不再判定期别。"
        )
        + "热图取自作出决定的那一级。"
    )
    if decision["crops"] > 1:
        en += f" Probabilities are means over {decision['crops']} crops of the film."
        zh += f"概率为 {decision['crops']} 个裁剪区域的平均值。"
    return [Words(en, zh)]


def doubtful(zones: Mapping[str, Mapping[str, Any]] | None) -> bool:
    """Whether the grades of the zones are of a kind of film that no grade was learned from."""
    return zones is not None and any(zone.get("doubtful", False) for zone in zones.values())


def claim(about: Mapping[str, Any]) -> Words:
    """What the model's origin allows to say of it."""
    described = (about.get("cohort") or {}).get("description")
    return WORDS["no-claim" if described == MADE_UP else "no-claim-own"]


def _same(text: str) -> Words:
    return Words(text, text)


def _spacing(spacing: Any) -> Words | None:
    if not spacing:
        return None
    return _same(" × ".join(f"{mm:.3f}" for mm in spacing) + " mm")


def _quality(quality: Mapping[str, Any]) -> Iterator[tuple[Words, Words]]:
    """Each measured fact with its name in both languages; remarks come first."""
    said = {"remarks": remarks_zh, "notes": notes_zh}
    for name in sorted(quality, key=lambda fact: fact != "remarks"):
        value = quality[name]
        if value is None or value in ("", [], {}):
            continue
        label = WORDS.get(name, Words(name.replace("_", " "), name.replace("_", " ")))
        if name in said:
            yield label, Words("; ".join(value), "；".join(said[name](value)))
        else:
            yield label, measured_words(name, value) or _same(_plain(value))


def _plain(value: Any) -> str:
    """A value out of a JSON document as one line.

    Examples:
        >>> _plain({"cases": 3000, "kappa": 0.93456})
        'cases 3000, kappa 0.935'
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value)
    return str(value)
