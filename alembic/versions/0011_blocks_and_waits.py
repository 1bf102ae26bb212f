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
# Pictures that lack only their last bytes are whole: those that failed for that are looked at anew.
_CUT_SHORT = "state = 'failed' AND reason LIKE 'The picture is cut short%'"


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
    op.execute(
        f"UPDATE items SET settled = '' WHERE id IN (SELECT item_id FROM work WHERE {_CUT_SHORT})"
    )
    op.execute(f"UPDATE work SET state = 'retryable' WHERE {_CUT_SHORT}")


def downgrade() -> None:
    """Words that were blocked in a preview stay out of it."""
    op.drop_index("ix_decisions_blocked", table_name="decisions")
    op.drop_column("scans", "without")
    op.drop_column("decisions", "unblocked")
