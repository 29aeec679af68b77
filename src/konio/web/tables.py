"""The tables. Times are milliseconds since 1970 in UTC, so that every database keeps and orders them alike."""

from __future__ import annotations

import time
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.dialects.mysql import DOUBLE, LONGTEXT
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

#: Names of constraints, the same on every database, so that migrations can speak of them.
NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Number = BigInteger().with_variant(Integer, "sqlite")
Real = Float(53).with_variant(DOUBLE(asdecimal=False), "mysql", "mariadb")
LongText = Text().with_variant(LONGTEXT(), "mysql", "mariadb")


def now_ms() -> int:
    """The present."""
    return time.time_ns() // 1_000_000


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {dict[str, Any]: JSON}  # noqa: RUF012


class Account(Base):
    """A person who signs in. A deleted one stays, nameless to sign in with, because readings name their author."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    display: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str] = mapped_column(String(200))
    must_change: Mapped[bool] = mapped_column(Boolean, default=False)
    disabled: Mapped[bool] = mapped_column(Boolean, default=False)
    deleted: Mapped[bool] = mapped_column(Boolean, default=False)
    totp_active: Mapped[bool] = mapped_column(Boolean, default=False)
    totp_generation: Mapped[int] = mapped_column(Integer, default=0)
    totp_last: Mapped[int] = mapped_column(BigInteger, default=0)
    created: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    last_sign_in: Mapped[int | None] = mapped_column(BigInteger)


class SignedIn(Base):
    """A session. The cookie's token is kept as its SHA-256 only."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(Number, ForeignKey("accounts.id"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    created: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    last_seen: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    expires: Mapped[int] = mapped_column(BigInteger)


class Bucket(Base):
    """Guesses left for one key; see `konio.web.throttle`."""

    __tablename__ = "throttle"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    left: Mapped[float] = mapped_column(Real)
    at: Mapped[int] = mapped_column(BigInteger, index=True)


class Film(Base):
    """The bytes of an uploaded file, kept once under their SHA-256."""

    __tablename__ = "films"

    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[str] = mapped_column(String(10))
    stored: Mapped[int] = mapped_column(BigInteger, default=now_ms)


class Case(Base):
    """A film and what is known about it; the columns a work list shows, sorts and filters."""

    __tablename__ = "cases"

    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    public: Mapped[str] = mapped_column(String(24), unique=True)
    film_id: Mapped[int] = mapped_column(Number, ForeignKey("films.id"), unique=True)
    name: Mapped[str] = mapped_column(String(160), index=True)
    patient_id: Mapped[str] = mapped_column(String(80), default="", index=True)
    patient_name: Mapped[str] = mapped_column(String(160), default="", index=True)
    study_date: Mapped[str] = mapped_column(String(10), default="", index=True)
    search: Mapped[str] = mapped_column(String(420), default="", server_default="")
    received: Mapped[int] = mapped_column(BigInteger, default=now_ms, index=True)
    status: Mapped[str] = mapped_column(String(10), default="queued")
    priority: Mapped[int] = mapped_column(Integer, default=5, index=True)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    result_id: Mapped[int | None] = mapped_column(BigInteger)
    machine_stage: Mapped[str | None] = mapped_column(String(4))
    machine_clause: Mapped[str | None] = mapped_column(String(8))
    machine_differential: Mapped[str | None] = mapped_column(String(20))
    machine_profusion: Mapped[str | None] = mapped_column(String(4))

    __table_args__ = (
        Index("ix_cases_status_received", "status", "received"),
        Index("ix_cases_machine_stage_received", "machine_stage", "received"),
    )


@event.listens_for(Case, "before_insert")
@event.listens_for(Case, "before_update")
def _write_search(mapper: object, connection: object, case: Case) -> None:
    """Keeps what the work list searches: name, patient's number and name, lower case."""
    parts = (case.name, case.patient_id, case.patient_name)
    case.search = "\n".join(part or "" for part in parts).lower()


class CaseReader(Base):
    """Who may read a case, and where that reader stands with it."""

    __tablename__ = "case_readers"

    account_id: Mapped[int] = mapped_column(Number, ForeignKey("accounts.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(Number, ForeignKey("cases.id"), primary_key=True)
    assigned: Mapped[bool] = mapped_column(Boolean, default=False)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    versions: Mapped[int] = mapped_column(Integer, default=0)
    stage: Mapped[str | None] = mapped_column(String(4))
    signed: Mapped[int | None] = mapped_column(BigInteger)
    machine_shown: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        Index("ix_case_readers_case", "case_id", "account_id"),
        Index("ix_case_readers_signed", "account_id", "signed"),
        Index("ix_case_readers_stage", "account_id", "stage"),
    )


class Job(Base):
    """One piece of work. ``token`` is the fence: it grows with every lease, and only its newest holder may finish."""

    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    case_id: Mapped[int] = mapped_column(Number, ForeignKey("cases.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="queued")
    step: Mapped[str] = mapped_column(String(12), default="waiting")
    progress: Mapped[float] = mapped_column(Real, default=0.0)
    priority: Mapped[int] = mapped_column(Integer, default=5)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    deaths: Mapped[int] = mapped_column(Integer, default=0)
    token: Mapped[int] = mapped_column(BigInteger, default=0)
    owner: Mapped[str] = mapped_column(String(120), default="")
    lease_until: Mapped[int | None] = mapped_column(BigInteger)
    cancel: Mapped[bool] = mapped_column(Boolean, default=False)
    reason: Mapped[dict[str, Any] | None]
    created: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    started: Mapped[int | None] = mapped_column(BigInteger)
    finished: Mapped[int | None] = mapped_column(BigInteger)
    changed: Mapped[int] = mapped_column(BigInteger, default=now_ms, index=True)

    __table_args__ = (
        Index("ix_jobs_queue", "state", "priority", "deaths", "id"),
        Index("ix_jobs_lease", "state", "lease_until"),
    )


class Result(Base):
    """What the machine said in one job; at most one for each job."""

    __tablename__ = "results"

    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    job_id: Mapped[int] = mapped_column(Number, ForeignKey("jobs.id"), unique=True)
    case_id: Mapped[int] = mapped_column(Number, ForeignKey("cases.id"), index=True)
    made: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    body: Mapped[str] = mapped_column(LongText)


class Reading(Base):
    """What a person signed. Rows are only ever added."""

    __tablename__ = "readings"

    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    case_id: Mapped[int] = mapped_column(Number, ForeignKey("cases.id"), index=True)
    account_id: Mapped[int] = mapped_column(Number, ForeignKey("accounts.id"), index=True)
    version: Mapped[int] = mapped_column(Integer)
    amends: Mapped[int | None] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(String(1000), default="")
    before_machine: Mapped[bool] = mapped_column(Boolean)
    stage: Mapped[str] = mapped_column(String(4))
    profusion: Mapped[str] = mapped_column(String(4))
    large: Mapped[bool] = mapped_column(Boolean)
    findings: Mapped[dict[str, Any]]
    staging: Mapped[dict[str, Any]]
    signed: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    previous_sha256: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        UniqueConstraint("case_id", "account_id", "version"),
        Index("ix_readings_signed", "signed"),
    )


class Draft(Base):
    """A form that is not signed yet."""

    __tablename__ = "drafts"

    account_id: Mapped[int] = mapped_column(Number, ForeignKey("accounts.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(Number, ForeignKey("cases.id"), primary_key=True)
    body: Mapped[dict[str, Any]]
    saved: Mapped[int] = mapped_column(BigInteger, default=now_ms)


class AuditEvent(Base):
    """One line of the audit log; ``hash`` covers the line and the hash before it."""

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    at: Mapped[int] = mapped_column(BigInteger, index=True)
    account_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    action: Mapped[str] = mapped_column(String(40), index=True)
    case_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    details: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """The end of the audit log, sealed, so that cutting off its tail is found."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
    seal: Mapped[str] = mapped_column(String(64))
