"""Readings: what a person found on a film, staged by the standard, signed, versioned, never overwritten."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from konio.standards import (
    Findings,
    LargeOpacity,
    Plaque,
    Staging,
    phrase,
    stage,
    whole_lung_profusion,
)
from konio.tasks import ZONES
from konio.web import audit, shapes
from konio.web.asker import Asker, Room
from konio.web.cases import iso
from konio.web.problems import ProblemError
from konio.web.tables import Account, Case, CaseReader, Draft, Reading, now_ms


def zones_of(body: shapes.Findings) -> dict[str, str]:
    """The six profusions in their order."""
    return {zone: getattr(body.zones, zone) for zone in ZONES}


def findings_of(body: shapes.Findings) -> Findings:
    """What the standard needs to know of the form."""
    found = body.plaque
    return Findings(
        zones=zones_of(body),
        aggregation=body.aggregation,
        large=tuple(LargeOpacity(item.long_mm, item.short_mm) for item in body.large),
        asbestos=body.asbestos,
        plaque=None
        if found is None
        else Plaque(
            found.length_fraction_of_wall, found.heart_border_or_diaphragm, found.shaggy_heart
        ),
    )


def staged(body: shapes.Findings) -> dict[str, Any]:
    """Stage and clause by GBZ 70-2015, the profusion of the lungs as a whole by ILO, and the wording.

    Args:
        body: the form.
    """
    staging: Staging = stage(findings_of(body))
    words = phrase(staging.stage, body.disease)
    return {
        "stage": staging.stage,
        "clause": staging.clause,
        "by_interpretation": staging.by_interpretation,
        "overall": staging.overall,
        "distribution": staging.distribution,
        "sentence": staging.en,
        "sentence_zh": staging.zh,
        "one_change_away": [change._asdict() for change in staging.one_change_away],
        "ilo_profusion": whole_lung_profusion(zones_of(body)),
        "phrase": {"en": words.en, "zh": words.zh},
    }


def sign(
    session: Session, room: Room, asker: Asker, case: Case, body: shapes.SignReading
) -> Reading:
    """Signs a reading: one row more, hashed together with the version before it and written into the audit log.

    Args:
        session: a writing transaction.
        room: the audit log.
        asker: a reader of the case.
        case: which.
        body: the form.

    Raises:
        ProblemError: ``version`` if the newest version is another than the one to be amended, ``reason-needed``.
    """
    part = session.scalar(
        select(CaseReader)
        .where(CaseReader.account_id == asker.id, CaseReader.case_id == case.id)
        .with_for_update()
    )
    if part is None:
        raise ProblemError("not-found")
    before = _newest(session, asker.id, case.id)
    _check_version(before, body)
    findings = body.model_dump(mode="json", exclude={"amends", "reason"})
    staging = staged(body)
    decided = body.stage_override.stage if body.stage_override else staging["stage"]
    reading = Reading(
        case_id=case.id,
        account_id=asker.id,
        version=1 if before is None else before.version + 1,
        amends=body.amends,
        reason=body.reason,
        before_machine=part.machine_shown is None,
        stage=decided,
        profusion=staging["ilo_profusion"],
        large=bool(body.large),
        findings=findings,
        staging=staging,
        signed=now_ms(),
        previous_sha256=None if before is None else before.sha256,
        sha256="",
    )
    reading.sha256 = digest(reading)
    session.add(reading)
    part.versions, part.stage, part.signed = reading.version, reading.stage, reading.signed
    session.execute(delete(Draft).where(Draft.account_id == asker.id, Draft.case_id == case.id))
    session.flush()
    room.audit.append(
        session,
        "reading.signed",
        asker.id,
        case.id,
        version=reading.version,
        sha256=reading.sha256,
        before_machine=reading.before_machine,
    )
    return reading


def digest(reading: Reading) -> str:
    """SHA-256 over everything a reading says."""
    content = {
        "case": reading.case_id,
        "reader": reading.account_id,
        "version": reading.version,
        "amends": reading.amends,
        "reason": reading.reason,
        "findings": reading.findings,
        "stage": reading.stage,
        "clause": reading.staging["clause"],
        "signed": reading.signed,
        "previous": reading.previous_sha256,
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def altered(session: Session) -> list[int]:
    """Readings that are not as they were signed, or never were; the log has the hash of each.

    A hash beside its reading can be made anew by whoever changes the reading; the log's lines are sealed.
    """
    signed = _signed(session)
    return [
        row.id
        for row in session.scalars(select(Reading).order_by(Reading.id))
        if signed.get((row.case_id, row.account_id, row.version), ())[1:]
        != (row.sha256, row.before_machine)
        or not _sound(row)
    ]


def missing(session: Session) -> list[int]:
    """Lines of the log that tell of a signed reading which is no longer there."""
    rows = session.execute(select(Reading.case_id, Reading.account_id, Reading.version))
    kept = {(case, reader, version) for case, reader, version in rows}
    return [line for key, (line, *_) in _signed(session).items() if key not in kept]


def _signed(session: Session) -> dict[tuple[int | None, int | None, int], tuple[int, str, bool]]:
    """Case, reader and version of every signature in the log: its line, its hash, whether it came first."""
    found = {}
    for event in audit.events(session):
        if event.action == "reading.signed":
            said = json.loads(event.details)
            key = (event.case_id, event.account_id, said["version"])
            found[key] = (event.seq, said["sha256"], said["before_machine"])
    return found


def _sound(reading: Reading) -> bool:
    """Whether a reading has its own hash, and what was derived from its findings still follows from them."""
    profusion = whole_lung_profusion({zone: reading.findings["zones"][zone] for zone in ZONES})
    derived = (profusion, bool(reading.findings["large"]))
    return digest(reading) == reading.sha256 and derived == (reading.profusion, reading.large)


def mine(session: Session, asker: Asker, case: Case) -> list[Reading]:
    """One's own versions, the newest first."""
    return list(
        session.scalars(
            select(Reading)
            .where(Reading.case_id == case.id, Reading.account_id == asker.id)
            .order_by(Reading.version.desc())
        )
    )


def newest_of_all(session: Session, case_ids: list[int] | None = None) -> list[Reading]:
    """The newest version of each reader of each case, in the order of signing."""
    last = select(
        Reading.case_id, Reading.account_id, func.max(Reading.version).label("version")
    ).group_by(Reading.case_id, Reading.account_id)
    if case_ids is not None:
        last = last.where(Reading.case_id.in_(case_ids))
    newest = last.subquery()
    return list(
        session.scalars(
            select(Reading)
            .join(
                newest,
                (Reading.case_id == newest.c.case_id)
                & (Reading.account_id == newest.c.account_id)
                & (Reading.version == newest.c.version),
            )
            .order_by(Reading.signed, Reading.id)
        )
    )


def to_json(reading: Reading, display: str) -> dict[str, Any]:
    """A reading as the interface shows it."""
    return {
        "id": reading.id,
        "version": reading.version,
        "reader": {"id": reading.account_id, "display": display},
        "signed": iso(reading.signed),
        "findings": reading.findings,
        "staging": reading.staging,
        "stage": reading.stage,
        "before_machine": reading.before_machine,
        "amends": reading.amends,
        "reason": reading.reason,
        "sha256": reading.sha256,
        "previous_sha256": reading.previous_sha256,
    }


def displays(session: Session) -> dict[int, str]:
    """Display name of every account, deleted ones included."""
    rows = session.execute(select(Account.id, Account.display))
    return {row.id: row.display for row in rows}


def _newest(session: Session, account_id: int, case_id: int) -> Reading | None:
    return session.scalar(
        select(Reading)
        .where(Reading.case_id == case_id, Reading.account_id == account_id)
        .order_by(Reading.version.desc())
        .limit(1)
    )


def _check_version(before: Reading | None, body: shapes.SignReading) -> None:
    newest = None if before is None else before.version
    if body.amends != newest:
        raise ProblemError("version", str(newest or 0))
    if newest is not None and not body.reason:
        raise ProblemError("reason-needed")
