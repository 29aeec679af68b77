"""The first shape of the tables."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DOUBLE, LONGTEXT

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REAL: Final = sa.Float(precision=53).with_variant(DOUBLE(asdecimal=False), "mysql", "mariadb")
LONG_TEXT: Final = sa.Text().with_variant(LONGTEXT(), "mysql", "mariadb")
#: Ids and names are compared letter by letter, as SQLite and PostgreSQL do.
MYSQL: Final[dict[str, Any]] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    """Makes every table."""
    op.create_table(
        "accounts",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("display", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("totp_active", sa.Boolean(), nullable=False),
        sa.Column("totp_generation", sa.Integer(), nullable=False),
        sa.Column("totp_last", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("last_sign_in", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
        **MYSQL,
    )
    op.create_table(
        "audit",
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
        **MYSQL,
    )
    op.create_index("ix_audit_account_id", "audit", ["account_id"], unique=False)
    op.create_index("ix_audit_action", "audit", ["action"], unique=False)
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    op.create_index("ix_audit_case_id", "audit", ["case_id"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
        **MYSQL,
    )
    op.create_table(
        "films",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.String(length=10), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_films"),
        sa.UniqueConstraint("sha256", name="uq_films_sha256"),
        **MYSQL,
    )
    op.create_table(
        "throttle",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("left", REAL, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_throttle"),
        **MYSQL,
    )
    op.create_index("ix_throttle_at", "throttle", ["at"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("public", sa.String(length=24), nullable=False),
        sa.Column("film_id", NUMBER, nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("patient_id", sa.String(length=80), nullable=False),
        sa.Column("patient_name", sa.String(length=160), nullable=False),
        sa.Column("study_date", sa.String(length=10), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("result_id", sa.BigInteger(), nullable=True),
        sa.Column("machine_stage", sa.String(length=4), nullable=True),
        sa.Column("machine_clause", sa.String(length=8), nullable=True),
        sa.Column("machine_differential", sa.String(length=20), nullable=True),
        sa.Column("machine_profusion", sa.String(length=4), nullable=True),
        sa.ForeignKeyConstraint(["film_id"], ["films.id"], name="fk_cases_film_id"),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.UniqueConstraint("film_id", name="uq_cases_film_id"),
        sa.UniqueConstraint("public", name="uq_cases_public"),
        **MYSQL,
    )
    op.create_index(
        "ix_cases_machine_stage_received", "cases", ["machine_stage", "received"], unique=False
    )
    op.create_index("ix_cases_name", "cases", ["name"], unique=False)
    op.create_index("ix_cases_patient_id", "cases", ["patient_id"], unique=False)
    op.create_index("ix_cases_patient_name", "cases", ["patient_name"], unique=False)
    op.create_index("ix_cases_priority", "cases", ["priority"], unique=False)
    op.create_index("ix_cases_received", "cases", ["received"], unique=False)
    op.create_index("ix_cases_status_received", "cases", ["status", "received"], unique=False)
    op.create_index("ix_cases_study_date", "cases", ["study_date"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("account_id", NUMBER, nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sessions_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("token_sha256", name="uq_sessions_token_sha256"),
        **MYSQL,
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"], unique=False)
    op.create_table(
        "case_readers",
        sa.Column("account_id", NUMBER, nullable=False),
        sa.Column("case_id", NUMBER, nullable=False),
        sa.Column("assigned", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("versions", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=4), nullable=True),
        sa.Column("signed", sa.BigInteger(), nullable=True),
        sa.Column("machine_shown", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_case_readers_account_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_readers_case_id"),
        sa.PrimaryKeyConstraint("account_id", "case_id", name="pk_case_readers"),
        **MYSQL,
    )
    op.create_index("ix_case_readers_case", "case_readers", ["case_id", "account_id"], unique=False)
    op.create_index(
        "ix_case_readers_signed", "case_readers", ["account_id", "signed"], unique=False
    )
    op.create_index("ix_case_readers_stage", "case_readers", ["account_id", "stage"], unique=False)
    op.create_table(
        "drafts",
        sa.Column("account_id", NUMBER, nullable=False),
        sa.Column("case_id", NUMBER, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("saved", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_drafts_account_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_drafts_case_id"),
        sa.PrimaryKeyConstraint("account_id", "case_id", name="pk_drafts"),
        **MYSQL,
    )
    op.create_table(
        "jobs",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("case_id", NUMBER, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("step", sa.String(length=12), nullable=False),
        sa.Column("progress", REAL, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("cancel", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=True),
        sa.Column("finished", sa.BigInteger(), nullable=True),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_jobs_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        **MYSQL,
    )
    op.create_index("ix_jobs_case_id", "jobs", ["case_id"], unique=False)
    op.create_index("ix_jobs_changed", "jobs", ["changed"], unique=False)
    op.create_index("ix_jobs_lease", "jobs", ["state", "lease_until"], unique=False)
    op.create_index("ix_jobs_queue", "jobs", ["state", "priority", "deaths", "id"], unique=False)
    op.create_table(
        "readings",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("case_id", NUMBER, nullable=False),
        sa.Column("account_id", NUMBER, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("amends", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("before_machine", sa.Boolean(), nullable=False),
        sa.Column("stage", sa.String(length=4), nullable=False),
        sa.Column("profusion", sa.String(length=4), nullable=False),
        sa.Column("large", sa.Boolean(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("staging", sa.JSON(), nullable=False),
        sa.Column("signed", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("previous_sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_readings_account_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_readings_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_readings"),
        sa.UniqueConstraint(
            "case_id", "account_id", "version", name="uq_readings_case_id_account_id_version"
        ),
        **MYSQL,
    )
    op.create_index("ix_readings_account_id", "readings", ["account_id"], unique=False)
    op.create_index("ix_readings_case_id", "readings", ["case_id"], unique=False)
    op.create_index("ix_readings_signed", "readings", ["signed"], unique=False)
    op.create_table(
        "results",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("job_id", NUMBER, nullable=False),
        sa.Column("case_id", NUMBER, nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("body", LONG_TEXT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_results_case_id"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_results_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_results"),
        sa.UniqueConstraint("job_id", name="uq_results_job_id"),
        **MYSQL,
    )
    op.create_index("ix_results_case_id", "results", ["case_id"], unique=False)


def downgrade() -> None:
    """Removes every table."""
    for name in (
        "results",
        "readings",
        "jobs",
        "drafts",
        "case_readers",
        "sessions",
        "cases",
        "throttle",
        "films",
        "audit_head",
        "audit",
        "accounts",
    ):
        op.drop_table(name)
