"""Assessments that were written as JSON, read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from konio.errors import RecordError
from konio.records import (
    ASSESSMENT_SCHEMA,
    Assessment,
    EvidenceRegion,
    ModelStamp,
    Refusal,
    TaskAnswer,
)


def read_assessment(
    plain: Mapping[str, Any], chinese: Mapping[str, str] | None = None
) -> Assessment:
    """An assessment from the contract's JSON.

    Args:
        plain: the document, as `konio.records.Assessment.to_json` made it.
        chinese: reasons in Chinese, which the document does not hold: why a question is withheld under its name, why the
            input is refused under ``""``. English stands where they are missing.

    Raises:
        RecordError: if it is no such document.

    Examples:
        >>> stamp = ModelStamp("konio-radiograph", "ab" * 32, "0.1.0", "float32 on cpu")
        >>> said = Assessment({"path": "film.dcm"}, stamp, Refusal("empty", "no bytes", "空"))
        >>> read_assessment(said.to_json(), {"": "空"}) == said
        True
    """
    if plain.get("schema") != ASSESSMENT_SCHEMA:
        raise RecordError(
            f"this is no {ASSESSMENT_SCHEMA} but {plain.get('schema')!r}; give a document that konio assess wrote"
        )
    try:
        return Assessment(
            input=plain["input"],
            model=ModelStamp(**plain["model"]),
            refusal=_refusal(plain["refusal"], chinese or {}),
            tasks={name: _answer(answer) for name, answer in plain["tasks"].items()},
            withheld={
                name: (reason, (chinese or {}).get(name, reason))
                for name, reason in plain["withheld"].items()
            },
            regions=tuple(_region(region) for region in plain["regions"]),
            zones=plain["zones"],
            rule=plain["rule"],
            decision=plain["decision"],
            explanation=plain["explanation"],
            quality=plain["quality"],
            files=plain["files"],
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise RecordError(
            f"the assessment is incomplete or altered ({error}); assess the film again"
        ) from error


def _refusal(plain: Mapping[str, str] | None, chinese: Mapping[str, str]) -> Refusal | None:
    if plain is None:
        return None
    return Refusal(plain["code"], plain["reason"], chinese.get("", plain["reason"]))


def _answer(plain: Mapping[str, Any] | None) -> TaskAnswer | None:
    if plain is None:
        return None
    likely, said = plain["probabilities"], plain["prediction"]
    most = max(likely, key=likely.__getitem__)
    return TaskAnswer(likely, plain.get("expected"), None if said == most else said)


def _region(plain: Mapping[str, Any]) -> EvidenceRegion:
    top, left, bottom, right = plain["box_px"]
    return EvidenceRegion(**{**plain, "box_px": (top, left, bottom, right)})
