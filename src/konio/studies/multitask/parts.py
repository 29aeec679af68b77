"""Who is trained on and who is measured: drawn once, before any network, and written down.

Nobody's test film is in any fold; a patient is never on two sides; each fold's measured films are seen neither by the
training nor by the plateau nor by the temperature of that fold, for which an inner part of its training side is held
back.

References:
    Paper A, section 1.3 (dossier 4.1 P9; gaps 13 and 16).
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.cohort import Cohort, folds, holdout
from konio.errors import CohortError, OutputError
from konio.learning.store import Store
from konio.studies.multitask.presets import Preset
from konio.studies.runner import write_json
from konio.tasks import MISSING

PARTS: Final = "parts.json"
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Sides:
    """Positions in the cohort, each ascending.

    Args:
        train: to learn from.
        validation: looked at by plateau and temperature; may be empty.
        measured: never seen before they are measured.
    """

    train: tuple[int, ...]
    validation: tuple[int, ...]
    measured: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """All sides of a study.

    Args:
        labels: question to class positions, one per film of the cohort.
        folds: of the cross-validation.
        final: training on all but the test films, or ``None`` where there are none.
        extra: made-up films that may be mixed into training; never measured.
    """

    labels: Mapping[str, tuple[int, ...]]
    folds: tuple[Sides, ...]
    final: Sides | None
    extra: tuple[int, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of everything."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def label_table(self, tasks: Sequence[str]) -> NDArray[np.int64]:
        """``(N, T)`` class positions of these questions."""
        return np.array([self.labels[name] for name in tasks], np.int64).T

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "labels": {name: list(row) for name, row in self.labels.items()},
            "folds": [_plain(fold) for fold in self.folds],
            "final": None if self.final is None else _plain(self.final),
            "extra": list(self.extra),
        }


def divide(cohort: Cohort, own: int, store: Store, preset: Preset) -> Parts:
    """Draw test set, folds and inner parts.

    Args:
        cohort: the study's films and, behind them, the made-up ones to be mixed in.
        own: how many of them are the study's.
        store: the prepared films; those it refused take no part.
        preset: fractions, folds and seed.

    Raises:
        CohortError: if the cohort is too small, or the same film is there under two patients.
    """
    labels = {name: cohort.targets(name) for name in preset.tasks}
    known = [i for i in range(len(cohort)) if any(row[i] != MISSING for row in labels.values())]
    usable = [i for i in known if i < own and store.ready[i]]
    _refuse_unlabelled(labels, usable, preset)
    _refuse_twins(cohort, usable, store)
    rng = np.random.default_rng([preset.seed, 11])
    train, test = _set_aside(cohort, usable, preset.test_fraction, rng)
    sides = []
    for split in folds(cohort.subset(train), preset.folds, rng):
        outer = [train[i] for i in split.train]
        inner, validation = _set_aside(cohort, outer, preset.inner, rng)
        sides.append(Sides(tuple(inner), tuple(validation), tuple(train[i] for i in split.test)))
    return Parts(
        labels=labels,
        folds=tuple(sides),
        final=Sides(tuple(train), (), tuple(test)) if test else None,
        extra=tuple(i for i in known if i >= own and store.ready[i]),
    )


def write_parts(out: Path, parts: Parts) -> None:
    """Write ``parts.json``."""
    write_json(out / PARTS, {"schema": "konio.parts/1", **parts.to_json()})


def read_parts(out: Path) -> Parts:
    """What `write_parts` wrote.

    Raises:
        OutputError: if it is not there.
    """
    try:
        plain = json.loads((out / PARTS).read_text(encoding="utf-8"))
        return Parts(
            labels={name: tuple(row) for name, row in plain["labels"].items()},
            folds=tuple(_sides(fold) for fold in plain["folds"]),
            final=None if plain["final"] is None else _sides(plain["final"]),
            extra=tuple(plain["extra"]),
        )
    except (OSError, ValueError, KeyError) as error:
        raise OutputError(
            f"{out / PARTS} cannot be read ({error}); run the study again from its start"
        ) from error


def _set_aside(
    cohort: Cohort, positions: Sequence[int], fraction: float, rng: np.random.Generator
) -> tuple[list[int], list[int]]:
    if not fraction:
        return list(positions), []
    split = holdout(cohort.subset(positions), fraction, rng)
    return [positions[i] for i in split.train], [positions[i] for i in split.test]


def _refuse_unlabelled(
    labels: Mapping[str, Sequence[int]], usable: Sequence[int], preset: Preset
) -> None:
    """Every question of networks that see the study's own films only needs labels there."""
    needed = {name for group in preset.groups if not group.extra for name in group.tasks}
    empty = [name for name in sorted(needed) if all(labels[name][i] == MISSING for i in usable)]
    if empty:
        raise CohortError(
            f"no usable film of the cohort has a label for {', '.join(empty)}; fill the column, or ask another preset"
        )


def _refuse_twins(cohort: Cohort, usable: Sequence[int], store: Store) -> None:
    """The same film under two patients would stand on two sides."""
    largest = store.images[max(store.images)]
    owners: dict[bytes, dict[str, int]] = defaultdict(dict)
    for i in usable:
        digest = hashlib.sha256(largest[i].tobytes()).digest()
        owners[digest].setdefault(cohort.cases[i].patient_id, i)
    twins = [sorted(who.values()) for who in owners.values() if len(who) > 1]
    if twins:
        named = ["=".join(Path(cohort.cases[i].path).name for i in group) for group in twins]
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        raise CohortError(
            f"{len(twins)} films stand under several patients: {', '.join(named[:_NAMED])}{more}; give their rows "
            "the same patient_id or remove one"
        )


def _plain(sides: Sides) -> dict[str, list[int]]:
    return {
        "train": list(sides.train),
        "validation": list(sides.validation),
        "measured": list(sides.measured),
    }


def _sides(plain: Mapping[str, Sequence[int]]) -> Sides:
    return Sides(tuple(plain["train"]), tuple(plain["validation"]), tuple(plain["measured"]))
