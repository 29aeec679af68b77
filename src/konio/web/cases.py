"""Cases: who may see which, the work list, the facts of one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from konio.io.notes import notes_zh
from konio.lungs.quality import remarks_zh
from konio.web.asker import Asker, Room
from konio.web.problems import ProblemError
from konio.web.shapes import CasesQuery
from konio.web.tables import Account, Case, CaseReader, Film, Job

#: The work list counts exactly up to here.
COUNTED: Final = 10_000
_EARLIER: Final = 20


def iso(milliseconds: int | None) -> str | None:
    """A time as the interface writes it."""
    if milliseconds is None:
        return None
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day_ms(date: str, *, end: bool = False) -> int:
    """The first millisecond of a day, or of the next one.

    Raises:
        ProblemError: if there is no such day.
    """
    try:
        start = datetime.fromisoformat(date).replace(tzinfo=UTC)
    except ValueError as error:
        raise ProblemError(
            "invalid", f"{date} is no day", detail_zh=f"{date} 不是有效日期"
        ) from error
    return int(start.timestamp() * 1000) + (86_400_000 if end else 0)


def new_public_id() -> str:
    """A name for a case that cannot be guessed, 128 bits."""
    return secrets.token_urlsafe(16)


def find(session: Session, asker: Asker, public: str) -> Case:
    """A case that the asker may see.

    Raises:
        ProblemError: ``not-found`` where there is none *or* it is somebody else's; nothing tells the two apart.
    """
    wanted = select(Case).where(Case.public == public)
    if not asker.is_administrator:
        wanted = wanted.join(CaseReader, _is_mine(asker))
    case = session.scalar(wanted)
    if case is None:
        raise ProblemError("not-found")
    return case


def find_job(session: Session, asker: Asker, job_id: int) -> tuple[Job, Case]:
    """A job of a case that the asker may see.

    Raises:
        ProblemError: ``not-found``, as `find`.
    """
    wanted = select(Job, Case).join(Case, Case.id == Job.case_id).where(Job.id == job_id)
    if not asker.is_administrator:
        wanted = wanted.join(CaseReader, _is_mine(asker))
    found = session.execute(wanted).first()
    if found is None:
        raise ProblemError("not-found")
    return found[0], found[1]


def my_part(session: Session, asker: Asker, case: Case) -> CaseReader | None:
    """Where the asker stands with a case; ``None`` for administrators who do not read it."""
    return session.get(CaseReader, (asker.id, case.id))


def machine_open(room: Room, asker: Asker, part: CaseReader | None) -> bool:
    """Whether the machine's answer may be shown: blind-first, only after one's own reading is signed."""
    if not room.settings.blind_first or asker.is_administrator:
        return True
    return part is not None and part.signed is not None


def work_list(session: Session, room: Room, asker: Asker, query: CasesQuery) -> dict[str, Any]:
    """One page of the work list.

    Args:
        session: a reading transaction.
        room: tells whether the machine's answer waits for the reader's.
        asker: whose list it is; a reader's own and assigned cases, all for an administrator.
        query: search, filters, order, page.
    """
    conditions = _conditions(room, asker, query)
    first = (query.page - 1) * query.size
    found = list(
        session.scalars(
            _counted(asker)
            .where(*conditions)
            .order_by(*_order(query))
            .limit(query.size)
            .offset(first)
        )
    )
    rows = _rows(session, asker, found)
    total = first + len(found)
    if len(found) == query.size or (first and not found):
        counted = _counted(asker).where(*conditions).limit(COUNTED + 1).subquery()
        total = int(session.scalar(select(func.count()).select_from(counted)) or 0)
    progress = _progress(session, [case.id for case, _ in rows])
    return {
        "cases": [row(room, asker, case, part, progress.get(case.id, 0.0)) for case, part in rows],
        "total": min(total, COUNTED),
        "total_is_floor": total > COUNTED,
        "page": query.page,
        "size": query.size,
    }


def row(
    room: Room, asker: Asker, case: Case, part: CaseReader | None, progress: float
) -> dict[str, Any]:
    """A case as one line of the list."""
    is_open = case.result_id is not None and machine_open(room, asker, part)
    machine = {
        "stage": case.machine_stage,
        "clause": case.machine_clause,
        "differential": case.machine_differential,
    }
    return {
        "id": case.public,
        "name": case.name,
        "patient_id": case.patient_id,
        "patient_name": case.patient_name,
        "study_date": case.study_date or None,
        "received": iso(case.received),
        "status": case.status,
        "priority": case.priority,
        "progress": progress,
        "assigned": bool(part and part.assigned),
        "my_stage": part.stage if part else None,
        "my_signed": iso(part.signed) if part else None,
        "versions": part.versions if part else 0,
        "machine": machine if is_open else None,
    }


def details(session: Session, room: Room, asker: Asker, case: Case) -> dict[str, Any]:
    """Everything about a case but the machine's answer."""
    part = my_part(session, asker, case)
    film = session.get_one(Film, case.film_id)
    job = session.scalar(select(Job).where(Job.case_id == case.id).order_by(Job.id.desc()).limit(1))
    is_open = machine_open(room, asker, part)
    facts = case.facts
    running = job is not None and job.state == "running"
    return {
        **row(room, asker, case, part, job.progress if job is not None and running else 0.0),
        "sop_instance_uid": facts.get("sop_instance_uid"),
        "rows": facts.get("rows"),
        "columns": facts.get("columns"),
        "spacing_mm": facts.get("spacing_mm"),
        "format": film.format,
        "bytes": film.bytes,
        "sha256": film.sha256,
        "film_notes": facts.get("notes", []),
        "film_notes_zh": notes_zh(facts.get("notes", [])),
        "quality": _in_both(facts.get("quality", {})),
        "sex": facts.get("sex"),
        "birth_date": facts.get("birth_date"),
        "refusal": facts.get("refusal") if case.status == "refused" else None,
        "job": None if job is None else job_row(job, case),
        "readers": _readers(session, asker, case, is_open),
        "earlier": _earlier(session, asker, case),
        "machine_open": is_open and case.result_id is not None,
        "report_open": is_open and bool(asker.is_administrator or (part and part.signed)),
    }


def _in_both(quality: Mapping[str, Any]) -> dict[str, Any]:
    """Measured quality with its remarks in Chinese beside the English ones."""
    said = {"remarks_zh": remarks_zh(quality["remarks"])} if "remarks" in quality else {}
    return {**quality, **said}


def job_row(job: Job, case: Case) -> dict[str, Any]:
    """A job as the interface shows it."""
    return {
        "id": job.id,
        "case": case.public,
        "case_name": case.name,
        "state": job.state,
        "step": job.step,
        "progress": job.progress,
        "priority": job.priority,
        "attempts": job.attempts,
        "deaths": job.deaths,
        "reason": job.reason,
        "created": iso(job.created),
        "started": iso(job.started),
        "finished": iso(job.finished),
    }


def visible_jobs(asker: Asker) -> Select[Job, Case]:
    """Jobs of cases that the asker may see."""
    wanted = select(Job, Case).join(Case, Case.id == Job.case_id)
    return wanted if asker.is_administrator else wanted.join(CaseReader, _is_mine(asker))


def _is_mine(asker: Asker) -> ColumnElement[bool]:
    return and_(
        CaseReader.case_id == Case.id,
        CaseReader.account_id == asker.id,
        CaseReader.active.is_(True),
    )


def _rows(
    session: Session, asker: Asker, numbers: list[int]
) -> list[tuple[Case, CaseReader | None]]:
    """The rows of a page; only these are read whole."""
    found = session.execute(_listed(asker).where(Case.id.in_(numbers)))
    by_number = {case.id: (case, part) for case, part in found}
    return [by_number[number] for number in numbers if number in by_number]


def _listed(asker: Asker) -> Select[Case, CaseReader]:
    return (
        select(Case, CaseReader)
        .select_from(Case)
        .join(CaseReader, _is_mine(asker), isouter=asker.is_administrator)
    )


def _counted(asker: Asker) -> Select[int]:
    return select(Case.id).join(CaseReader, _is_mine(asker), isouter=asker.is_administrator)


def _conditions(room: Room, asker: Asker, query: CasesQuery) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if query.q:
        wanted.append(Case.search.like(f"%{_escaped(query.q.lower())}%", escape="!"))
    if query.status is not None:
        wanted.append(Case.status == query.status)
    if query.patient:
        wanted.append(Case.patient_id == query.patient)
    if query.reading is not None:
        signed = CaseReader.signed.is_not(None)
        wanted.append(signed if query.reading == "signed" else CaseReader.signed.is_(None))
    if query.my_stage is not None:
        wanted.append(CaseReader.stage == query.my_stage)
    if query.machine_stage is not None:
        wanted.append(Case.machine_stage == query.machine_stage)
        if room.settings.blind_first and not asker.is_administrator:
            wanted.append(CaseReader.signed.is_not(None))  # a filter must not tell what is closed
    if query.since is not None:
        wanted.append(Case.received >= day_ms(query.since))
    if query.until is not None:
        wanted.append(Case.received < day_ms(query.until, end=True))
    return wanted


def _order(query: CasesQuery) -> list[Any]:
    columns: dict[str, Any] = {
        "received": Case.received,
        "study_date": Case.study_date,
        "name": Case.name,
        "patient_id": Case.patient_id,
        "patient_name": Case.patient_name,
        "status": Case.status,
        "priority": Case.priority,
        "my_stage": CaseReader.stage,
        "my_signed": CaseReader.signed,
    }
    keys = [columns[query.sort]]
    keys += [Case.received] if query.sort == "status" else []  # as the index of status has it
    keys += [Case.id]
    return [key.asc() if query.order == "asc" else key.desc() for key in keys]


def _escaped(text: str) -> str:
    for letter in "!%_":
        text = text.replace(letter, "!" + letter)
    return text


def _progress(session: Session, case_ids: list[int]) -> dict[int, float]:
    if not case_ids:
        return {}
    rows = session.execute(
        select(Job.case_id, Job.progress).where(Job.case_id.in_(case_ids), Job.state == "running")
    )
    return {row.case_id: row.progress for row in rows}


def _readers(session: Session, asker: Asker, case: Case, is_open: bool) -> list[dict[str, Any]]:
    rows = session.execute(
        select(CaseReader, Account)
        .join(Account, Account.id == CaseReader.account_id)
        .where(CaseReader.case_id == case.id, CaseReader.active.is_(True))
        .order_by(Account.id)
    )
    return [
        {
            "id": account.id,
            "display": account.display,
            "signed": part.signed is not None if is_open or account.id == asker.id else None,
        }
        for part, account in rows
    ]


def _earlier(session: Session, asker: Asker, case: Case) -> list[dict[str, Any]]:
    if not case.patient_id:
        return []
    wanted = select(Case).where(Case.patient_id == case.patient_id, Case.id != case.id)
    if not asker.is_administrator:
        wanted = wanted.join(CaseReader, _is_mine(asker))
    rows = session.scalars(
        wanted.order_by(Case.study_date.desc(), Case.received.desc()).limit(_EARLIER)
    )
    return [
        {
            "id": other.public,
            "name": other.name,
            "study_date": other.study_date or None,
            "received": iso(other.received),
        }
        for other in rows
    ]
