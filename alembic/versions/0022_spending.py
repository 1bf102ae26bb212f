"""What engines took since a time is read from an index alone.

Revision ID: 0022
Revises: 0021
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_INDEX = "ix_calls_spent"


def upgrade() -> None:
    columns = ["at", "engine", "state", "batch_id", "units", "cost_usd"]
    op.create_index(_INDEX, "calls", columns)


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="calls")
