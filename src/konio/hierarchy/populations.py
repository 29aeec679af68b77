"""Who is a 0: the mapping from konio's two questions to the thesis' four classes.

The thesis' class 0 are healthy people, paper A's are dust-exposed workers without pneumoconiosis. These are different
populations, so that every recipe says which it means (dossier 4.4). Tuberculosis is none of the four classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from konio.errors import UsageError
from konio.records import Case
from konio.tasks import DIFFERENTIAL, MISSING, STAGE

Zero = Literal["healthy", "exposed", "both"]

ZEROS: Final[tuple[Zero, ...]] = get_args(Zero)


def stage_of(case: Case, zero: Zero) -> int:
    """Position 0..3 of a case among stage 0, I, II, III; `MISSING` where it is none of them.

    Args:
        case: labelled.
        zero: who counts as 0: ``healthy`` people, ``exposed`` workers of stage 0, or ``both``.

    Raises:
        UsageError: on another ``zero``.
    """
    if zero not in ZEROS:
        raise UsageError(f"class 0 are {', '.join(ZEROS)}, got {zero!r}; choose one of them")
    stage = case.labels.get(STAGE.name)
    if stage is not None and stage != STAGE.classes[0]:
        return STAGE.index(stage)
    healthy = case.labels.get(DIFFERENTIAL.name) == DIFFERENTIAL.classes[0]
    counts = (healthy and zero != "exposed") or (stage is not None and zero != "healthy")
    return 0 if counts else MISSING


def stages(cases: Iterable[Case], zero: Zero) -> NDArray[np.int64]:
    """`stage_of` of every case, ``(n,)``."""
    return np.array([stage_of(case, zero) for case in cases], np.int64)


def diseased(stage: NDArray[np.int64]) -> NDArray[np.int64]:
    """What level 1 is asked: 0 for stage 0, 1 for I to III, `MISSING` where the stage is."""
    return np.where(stage == MISSING, MISSING, (stage > 0).astype(np.int64))
