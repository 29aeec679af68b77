"""Who is trained on, who decides the cut point and who is measured; and the thesis' probable way, kept apart.

The clean way parts the patients before any film is seen twice. The leaking way draws films again first and parts the
copies afterwards, which fits the thesis' table 2.3 (its test part is oversampled too): copies of one film stand on both
sides. It is here to show how much that would have added, and nothing else uses it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.cohort import Cohort, holdout
from konio.errors import CohortError, OutputError
from konio.hierarchy import stages
from konio.learning.sampling import oversample
from konio.learning.store import Store
from konio.studies.hierarchy.presets import TARGETS, Preset
from konio.studies.runner import write_json
from konio.tasks import MISSING, STAGE

PARTS: Final = "parts.json"
Places = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """Positions in the cohort.

    Args:
        stages: of every film, 0..3 or `konio.tasks.MISSING`.
        train: to learn from.
        validation: to choose the cut point on.
        test: to measure on.
        leaking_train: copies to learn from in the leaking way; films stand in it several times.
        leaking_test: copies to measure on; some of their films are learned from.
    """

    stages: Places
    train: Places
    validation: Places
    test: Places
    leaking_train: Places
    leaking_test: Places

    def labels(self, places: Sequence[int]) -> NDArray[np.int64]:
        """``(n, 1)`` stages of some films."""
        return np.array(self.stages, np.int64)[list(places)][:, None]

    def counts(self, places: Sequence[int]) -> tuple[int, ...]:
        """Films of stage 0, I, II, III among some."""
        own = np.array(self.stages, np.int64)[list(places)]
        return tuple(np.bincount(own, minlength=len(STAGE)).tolist())

    @property
    def shared(self) -> float:
        """Part of the leaking test copies whose film is learned from."""
        learned = set(self.leaking_train)
        return sum(place in learned for place in self.leaking_test) / len(self.leaking_test)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {name: list(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, plain: Mapping[str, Sequence[int]]) -> Parts:
        """The parts that `to_json` wrote."""
        return cls(**{name: tuple(plain[name]) for name in cls.__dataclass_fields__})


def divide(cohort: Cohort, store: Store, preset: Preset) -> Parts:
    """Draw all parts.

    Args:
        cohort: the films.
        store: the prepared films; those it refused take no part.
        preset: fractions, seed and who is a 0.

    Raises:
        CohortError: if a stage has too few films for every part.
    """
    stage = stages(cohort, preset.zero)  # type: ignore[arg-type]
    known = [i for i in range(len(cohort)) if stage[i] != MISSING and store.ready[i]]
    rng = np.random.default_rng([preset.seed, 21])
    rest, test = _set_aside(cohort, known, preset.test, rng)
    train, validation = _set_aside(cohort, rest, preset.validation, rng)
    for name, places in (("training", train), ("validation", validation), ("test", test)):
        missing = [STAGE.classes[k] for k in range(4) if not (stage[places] == k).any()]
        if missing:
            raise CohortError(
                f"the {name} part has no film of stage {', '.join(missing)}; add patients of it"
            )
    copies = np.array(known)[oversample(stage[known], TARGETS, rng)]
    order = rng.permutation(len(copies))
    aside = round(preset.test * len(copies))
    return Parts(
        tuple(stage.tolist()),
        tuple(train),
        tuple(validation),
        tuple(test),
        tuple(copies[np.sort(order[aside:])].tolist()),
        tuple(copies[np.sort(order[:aside])].tolist()),
    )


def _set_aside(
    cohort: Cohort, places: Sequence[int], fraction: float, rng: np.random.Generator
) -> tuple[list[int], list[int]]:
    split = holdout(cohort.subset(places), fraction, rng)
    return [places[i] for i in split.train], [places[i] for i in split.test]


def write_parts(out: Path, parts: Parts) -> None:
    """Write ``parts.json``."""
    write_json(out / PARTS, {"schema": "konio.staging-parts/1", **parts.to_json()})


def read_parts(out: Path) -> Parts:
    """What `write_parts` wrote.

    Raises:
        OutputError: if it is not there.
    """
    try:
        return Parts.from_json(json.loads((out / PARTS).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError) as error:
        raise OutputError(
            f"{out / PARTS} cannot be read ({error}); run the study again from its start"
        ) from error


#: Which films a trial learns from and is measured on, by the name of its way.
WAYS: Final[Mapping[str, Callable[[Parts], tuple[Places, Places, Places]]]] = {
    "clean": lambda parts: (parts.train, parts.validation, parts.test),
    "leaking": lambda parts: (parts.leaking_train, (), parts.leaking_test),
}
