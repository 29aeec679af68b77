"""How well readers agree: with one another, over the months, with the consensus; and the machine with the consensus.

What counts of a reader is the newest reading signed before the machine's answer was shown, so that the machine
cannot vote through somebody's second thoughts.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from konio.tasks import PROFUSIONS, STAGE
from konio.web.adjudication import Consensus, Vote, adjudicate
from konio.web.tables import Case, Reading

#: Draws of the bootstrap; the seed is fixed so that a page shows the same interval twice.
DRAWS: Final = 500
_SEED: Final = 20150901
#: Months with fewer cases have no kappa worth drawing.
_FEWEST: Final = 5

Labels = Sequence[tuple[str, str, str]]  # patient, one label, other label


@dataclass(frozen=True, slots=True)
class Looked:
    """One case as its readers saw it.

    Args:
        patient: who is drawn together in the bootstrap.
        votes: reader to vote, in the order of signing.
        months: reader to the month of signing, ``YYYY-MM``.
        consensus: what the votes amount to.
        machine: stage and profusion of the machine, ``None`` where it gave none.
    """

    patient: str
    votes: Mapping[int, Vote]
    months: Mapping[int, str]
    consensus: Consensus
    machine: tuple[str | None, str | None]


@dataclass(slots=True)
class _Seen:
    votes: dict[int, Vote] = field(default_factory=dict)
    months: dict[int, str] = field(default_factory=dict)


def looked_at(session: Session, since: int | None, until: int | None) -> list[Looked]:
    """Every case with at least one reading that counts.

    Args:
        session: a reading transaction.
        since: first millisecond of signing that counts; ``None`` for all.
        until: first millisecond that counts no more.
    """
    seen: dict[int, _Seen] = defaultdict(_Seen)
    for reading in counting(session, since, until):
        case = seen[reading.case_id]
        case.votes[reading.account_id] = vote(reading)
        case.months[reading.account_id] = (
            f"{datetime.fromtimestamp(reading.signed / 1000, UTC):%Y-%m}"
        )
    facts = {
        number: (patient or f"case {number}", stage, profusion)
        for number, patient, stage, profusion in session.execute(
            select(Case.id, Case.patient_id, Case.machine_stage, Case.machine_profusion)
        )
        if number in seen
    }
    return [
        Looked(
            patient=facts[number][0],
            votes=case.votes,
            months=case.months,
            consensus=adjudicate(list(case.votes.values())),
            machine=facts[number][1:],
        )
        for number, case in seen.items()
    ]


def counting(
    session: Session, since: int | None = None, until: int | None = None, case_id: int | None = None
) -> list[Reading]:
    """Readings that count, a reader's later version after the earlier one."""
    wanted = select(Reading).where(Reading.before_machine.is_(True))
    if since is not None:
        wanted = wanted.where(Reading.signed >= since)
    if until is not None:
        wanted = wanted.where(Reading.signed < until)
    if case_id is not None:
        wanted = wanted.where(Reading.case_id == case_id)
    return list(session.scalars(wanted.order_by(Reading.signed, Reading.id)))


def vote(reading: Reading) -> Vote:
    """A reading as a vote."""
    return Vote(reading.account_id, reading.profusion, reading.large, reading.stage)


def consensus_of(session: Session, case: Case) -> Consensus:
    """Where one case stands."""
    votes: dict[int, Vote] = {}
    for reading in counting(session, case_id=case.id):
        votes[reading.account_id] = vote(reading)  # a later version keeps the first one's place
    return adjudicate(list(votes.values()))


def report(
    cases: Sequence[Looked], readers: Iterable[int], only: int | None = None
) -> dict[str, Any]:
    """Everything the page of agreement shows.

    Args:
        cases: as `looked_at` gives them.
        readers: accounts to be shown.
        only: leave out pairs without this reader.
    """
    shown = sorted(set(readers))
    pairs = [(a, b) for a, b in combinations(shown, 2) if only is None or only in (a, b)]
    return {
        "readers": [_reader(cases, reader) for reader in shown if only is None or reader == only],
        "pairs": [found for a, b in pairs if (found := _pair(cases, a, b)) is not None],
        "machine": _machine(cases),
        "adjudication": _adjudication(cases),
    }


def measured(labels: Labels, classes: Sequence[str]) -> dict[str, Any] | None:
    """Weighted kappa with its interval, and the confusion of two columns of labels.

    Args:
        labels: patient, row label, column label.
        classes: in their order.

    Returns:
        ``None`` without a single case.

    References:
        Cohen 1968 (quadratic weights); percentile bootstrap over patients.
    """
    if not labels:
        return None
    rows = np.array([classes.index(one) for _, one, _ in labels])
    columns = np.array([classes.index(other) for _, _, other in labels])
    kappa, low, high = _kappa(rows, columns, [patient for patient, _, _ in labels], len(classes))
    return {
        "cases": len(labels),
        "kappa": kappa,
        "low": low,
        "high": high,
        "confusion": _confusion(rows, columns, len(classes)).tolist(),
        "classes": list(classes),
        "exact": float((rows == columns).mean()),
    }


def _confusion(rows: NDArray[Any], columns: NDArray[Any], size: int) -> NDArray[np.int64]:
    counts = np.bincount(rows * size + columns, minlength=size * size)
    return np.asarray(counts.reshape(size, size), np.int64)


def _kappa(
    rows: NDArray[Any], columns: NDArray[Any], patients: Sequence[str], size: int
) -> tuple[float | None, float | None, float | None]:
    from konio.errors import RecordError
    from konio.metrics import quadratic_weighted_kappa
    from konio.significance import patient_bootstrap

    def statistic(places: NDArray[np.int64]) -> float:
        return quadratic_weighted_kappa(_confusion(rows[places], columns[places], size))

    whole = statistic(np.arange(len(rows)))
    if not math.isfinite(whole):
        return None, None, None
    try:
        rng = np.random.default_rng(_SEED)
        found = patient_bootstrap(statistic, patients, rng, draws=DRAWS, bca=False)
    except RecordError:
        return whole, None, None
    return whole, found.percentile.low, found.percentile.high


def _reader(cases: Sequence[Looked], reader: int) -> dict[str, Any]:
    mine = [case for case in cases if reader in case.votes]
    against = [case for case in mine if case.consensus.stage is not None]
    months: dict[str, list[Looked]] = defaultdict(list)
    for case in against:
        months[case.months[reader]].append(case)
    drift = []
    for month in sorted(months):
        found = measured(_against_consensus(months[month], reader), STAGE.classes)
        if found is not None and found["cases"] >= _FEWEST:
            drift.append(
                {
                    "month": month,
                    **{name: found[name] for name in ("cases", "kappa", "low", "high")},
                }
            )
    return {
        "id": reader,
        "cases": len(mine),
        "stage": measured(_against_consensus(against, reader), STAGE.classes),
        "drift": drift,
    }


def _against_consensus(cases: Sequence[Looked], reader: int) -> Labels:
    return [
        (case.patient, case.votes[reader].stage, case.consensus.stage)
        for case in cases
        if case.consensus.stage is not None
    ]


def _pair(cases: Sequence[Looked], a: int, b: int) -> dict[str, Any] | None:
    both = [case for case in cases if a in case.votes and b in case.votes]
    stages = [(case.patient, case.votes[a].stage, case.votes[b].stage) for case in both]
    profusions = [(case.patient, case.votes[a].profusion, case.votes[b].profusion) for case in both]
    if not both:
        return None
    return {
        "a": a,
        "b": b,
        "stage": measured(stages, STAGE.classes),
        "profusion": measured(profusions, PROFUSIONS),
    }


def _machine(cases: Sequence[Looked]) -> dict[str, Any]:
    stages = [
        (case.patient, case.machine[0], case.consensus.stage)
        for case in cases
        if case.machine[0] is not None and case.consensus.stage is not None
    ]
    profusions = [
        (case.patient, case.machine[1], case.consensus.profusion)
        for case in cases
        if case.machine[1] is not None and case.consensus.profusion is not None
    ]
    return {
        "stage": measured(stages, STAGE.classes),
        "profusion": measured(profusions, PROFUSIONS),
    }


def _adjudication(cases: Sequence[Looked]) -> dict[str, int]:
    states = [case.consensus.state for case in cases]
    return {
        "agreed": states.count("agreed"),
        "third": states.count("needs-third"),
        "settled": states.count("settled"),
        "open": states.count("needs-second") + states.count("needs-first"),
    }
