"""When two readers agree, when a third is asked, and what is then reported; the machine never votes.

References:
    42 CFR 37.53: two readers agree if both find large opacities, or if their profusions lie in the same major
    category or within one minor category of each other, except 0/1 against 1/0; otherwise a third reads, and the
    median is final.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from konio.standards import major, minor
from konio.tasks import PROFUSIONS

State = Literal["needs-first", "needs-second", "agreed", "needs-third", "settled"]

#: The one pair of neighbours that is no agreement: it parts "no" from "yes".
NO_AGREEMENT: Final = frozenset({"0/1", "1/0"})

RULE: Final = (
    "42 CFR 37.53: same major category or within one minor category, except 0/1 against 1/0; "
    "otherwise a third reader, then the median. The machine does not vote."
)
RULE_ZH: Final = (
    "42 CFR 37.53：主要级别相同或小类相差不超过一级即为一致（0/1 与 1/0 除外）；"
    "否则由第三名阅片者判读并取中位数。机器不参与表决。"
)


@dataclass(frozen=True, slots=True)
class Vote:
    """One reader's finding.

    Args:
        reader: account.
        profusion: of the lungs as a whole, one of the twelve categories.
        large: whether large opacities were found.
        stage: by the reader, ``0`` ... ``III``.
    """

    reader: int
    profusion: str
    large: bool
    stage: str = "0"


@dataclass(frozen=True, slots=True)
class Consensus:
    """Where a film stands.

    Args:
        state: what has been reached or what is missing.
        profusion: what is reported; ``None`` before that.
        large: whether large opacities are reported; ``None`` before that.
        stage: the median stage of those who count; ``None`` before that.
        readers: whose readings count, in the order of signing.
    """

    state: State
    profusion: str | None = None
    large: bool | None = None
    stage: str | None = None
    readers: tuple[int, ...] = ()


_STAGES: Final = ("0", "I", "II", "III")


def agree(one: Vote, other: Vote) -> bool:
    """Whether two readings agree.

    Examples:
        >>> agree(Vote(1, "0/1", False), Vote(2, "1/0", False))
        False
        >>> agree(Vote(1, "1/2", False), Vote(2, "2/1", False))
        True
    """
    if one.large or other.large:
        return one.large and other.large
    if {one.profusion, other.profusion} == NO_AGREEMENT:
        return False
    if major(one.profusion) == major(other.profusion):
        return True
    return abs(minor(one.profusion) - minor(other.profusion)) <= 1


def adjudicate(votes: Sequence[Vote]) -> Consensus:
    """What the readings of a film amount to.

    Args:
        votes: in the order of signing, one of each reader; from the fourth on they do not count.
    """
    readers = tuple(vote.reader for vote in votes[:3])
    if not votes:
        return Consensus("needs-first")
    if len(votes) == 1:
        return Consensus("needs-second", readers=readers)
    if agree(votes[0], votes[1]):
        return _reported("agreed", votes[:2], readers[:2])
    if len(votes) == 2:
        return Consensus("needs-third", readers=readers)
    return _reported("settled", votes[:3], readers)


def _reported(state: State, votes: Sequence[Vote], readers: tuple[int, ...]) -> Consensus:
    """Of two the higher, of three the median."""
    grades = sorted(minor(vote.profusion) for vote in votes)
    stages = sorted(_STAGES.index(vote.stage) for vote in votes)
    large = sorted(vote.large for vote in votes)
    return Consensus(state, PROFUSIONS[grades[1]], large[1], _STAGES[stages[1]], readers)
