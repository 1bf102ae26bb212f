"""A scan that waits: it lets go of its section until what it waits for has come.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ACTIVE = sa.text("state IN ('queued', 'running', 'paused')")
_BEFORE = "state IN ('queued', 'running', 'paused', 'done', 'failed', 'cancelled')"
_AFTER = "state IN ('queued', 'running', 'paused', 'waiting', 'done', 'failed', 'cancelled')"


def upgrade() -> None:
    _allow(_AFTER)
    op.add_column(
        "stops", sa.Column("lasting", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def downgrade() -> None:
    """Of the scans that wait, the newest of a section that is free goes on; the others end."""
    op.drop_column("stops", "lasting")
    scans = "UPDATE scans SET state = "
    other = (
        "SELECT 1 FROM scans AS other WHERE other.section_id = scans.section_id AND"
        " (other.state IN ('queued', 'running', 'paused')"
        " OR (other.state = 'waiting' AND other.id > scans.id))"
    )
    op.execute(
        f"{scans} 'cancelled', finished_at = CURRENT_TIMESTAMP"
        f" WHERE state = 'waiting' AND EXISTS ({other})"
    )
    op.execute(f"{scans} 'running' WHERE state = 'waiting'")
    _allow(_BEFORE)


def _allow(states: str) -> None:
    op.drop_index("ix_scans_active", table_name="scans")
    with op.batch_alter_table("scans") as scans:
        scans.drop_constraint(op.f("ck_scans_state"), type_="check")
        scans.create_check_constraint(op.f("ck_scans_state"), states)
    op.create_index(
        "ix_scans_active",
        "scans",
        ["section_id"],
        unique=True,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
