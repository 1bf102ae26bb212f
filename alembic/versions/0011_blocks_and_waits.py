"""Words that were blocked in a preview can come back; engines that a scan was finished without.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_BLOCKED = sa.text("unblocked <> ''")


def upgrade() -> None:
    op.add_column("decisions", sa.Column("unblocked", sa.Text(), server_default="", nullable=False))
    op.add_column("scans", sa.Column("without", sa.Text(), server_default="", nullable=False))
    op.create_index(
        "ix_decisions_blocked",
        "decisions",
        ["scan_id", "item_id"],
        sqlite_where=_BLOCKED,
        postgresql_where=_BLOCKED,
    )


def downgrade() -> None:
    """Words that were blocked in a preview stay out of it."""
    op.drop_index("ix_decisions_blocked", table_name="decisions")
    op.drop_column("scans", "without")
    op.drop_column("decisions", "unblocked")
