r"""What two levels can reach at most, from what each reaches alone.

A film of stage k is called right only if level 1 lets it pass and level 2 names its stage. Its recall is therefore at
most :math:`\min(s_k, r_k)` with the part :math:`s_k` that passes and level 2's own recall :math:`r_k` on all films of
that stage, and

.. math:: R_4 \le \tfrac14 \left(R_0 + \sum_{k \ge 1} \min(s_k, r_k)\right) \le \tfrac14 (1 + 3 \bar r_2).

The thesis' own numbers break the right-hand bound: a level 2 of 0.8173 allows 0.863, and 0.90 to 0.92 are reported.
If both levels were scored on the same films, that cannot be (dossier 0.2, 4.2 B4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from konio.errors import RecordError

_ROUNDING = 1e-9


def hierarchical_recall_bound(
    stage_recalls: Sequence[float],
    zero_recall: float = 1.0,
    passed: Sequence[float] | None = None,
) -> float:
    """The largest macro-recall that these two levels allow on the same films.

    Args:
        stage_recalls: level 2's recall of each stage, on all films of that stage.
        zero_recall: part of the films of stage 0 that level 1 keeps back; 1 where it is not known.
        passed: part of each stage's films that level 1 lets pass; 1 each where it is not known.

    Returns:
        The bound, 0..1.

    Raises:
        RecordError: if a rate is outside 0..1 or there are not as many ``passed`` as stages.

    Examples:
        >>> round(hierarchical_recall_bound([0.8173] * 3), 3)
        0.863
    """
    through = [1.0] * len(stage_recalls) if passed is None else list(passed)
    rates = [*stage_recalls, zero_recall, *through]
    if (
        not stage_recalls
        or len(through) != len(stage_recalls)
        or not all(0 <= r <= 1 for r in rates)
    ):
        raise RecordError(
            f"a bound needs one recall in 0..1 for each stage and as many parts that pass, got {list(stage_recalls)}, "
            f"{zero_recall} and {through}; measure every class"
        )
    best = [min(own, part) for own, part in zip(stage_recalls, through, strict=True)]
    return (zero_recall + sum(best)) / (1 + len(best))


@dataclass(frozen=True, slots=True)
class RecallBound:
    """A two-level result beside its bounds.

    Args:
        macro_recall: what was reached.
        bound: the largest that the same two levels allow (`hierarchical_recall_bound` with all rates).
        ceiling: the largest that level 2 allows with any level 1 whatever.
        zero_recall: part of stage 0 that level 1 keeps back.
        passed: part of each stage that it lets pass.
        stage_recalls: level 2's recalls.
    """

    macro_recall: float
    bound: float
    ceiling: float
    zero_recall: float
    passed: tuple[float, ...]
    stage_recalls: tuple[float, ...]

    @property
    def slack(self) -> float:
        """How far below its bound the result lies; never negative."""
        return self.bound - self.macro_recall

    @property
    def sentence(self) -> str:
        """One sentence to print beside the result."""
        return (
            f"macro-recall {self.macro_recall:.4f}; these two levels allow at most {self.bound:.4f} and this level 2 "
            f"at most {self.ceiling:.4f}"
        )


def recall_bound(
    truth: NDArray[np.int64],
    predicted: NDArray[np.int64],
    passed: NDArray[np.bool_],
    staged: NDArray[np.int64],
) -> RecallBound:
    """The bound of a measured two-level result.

    Args:
        truth: ``(n,)`` stages 0..3, none missing.
        predicted: ``(n,)`` stages that the two levels call.
        passed: ``(n,)`` whether level 1 lets the film pass.
        staged: ``(n,)`` stage 1..3 that level 2 names, for every film, passed or not.

    Raises:
        RecordError: if a class has no film, or a result lies above its bound, so that the arrays do not belong
            together.
    """
    missing = [k for k in range(4) if not (truth == k).any()]
    if missing:
        raise RecordError(
            f"a bound of the macro-recall needs films of every class, and class {missing} has none; measure on more"
        )

    def rate(hits: NDArray[np.bool_], number: int) -> float:
        return float(hits[truth == number].mean())

    recalls = [rate(predicted == k, k) for k in range(4)]
    zero, through = rate(~passed, 0), tuple(rate(passed, k) for k in (1, 2, 3))
    own = tuple(rate(staged == k, k) for k in (1, 2, 3))
    found = RecallBound(
        macro_recall=sum(recalls) / 4,
        bound=hierarchical_recall_bound(own, zero, through),
        ceiling=hierarchical_recall_bound(own),
        zero_recall=zero,
        passed=through,
        stage_recalls=own,
    )
    if found.slack < -_ROUNDING:
        raise RecordError(
            f"a macro-recall of {found.macro_recall:.4f} above its bound {found.bound:.4f} cannot be; "
            "score both levels on the same films"
        )
    return found
