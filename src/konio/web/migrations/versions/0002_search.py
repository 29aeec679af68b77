"""One column that the work list searches, so that a search looks at each row once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column and fills it."""
    op.add_column("cases", sa.Column("search", sa.String(420), nullable=False, server_default=""))
    cases = sa.table(
        "cases",
        *(sa.column(name, sa.String) for name in ("search", "name", "patient_id", "patient_name")),
    )
    whole = cases.c.name + "\n" + cases.c.patient_id + "\n" + cases.c.patient_name
    op.execute(cases.update().values(search=sa.func.lower(whole)))


def downgrade() -> None:
    """Takes the column away."""
    with op.batch_alter_table("cases") as batch:
        batch.drop_column("search")
