"""Chunks that were taken over, and for which chunk a call was made.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    taken_over_at = sa.Column("taken_over_at", sa.Float(), nullable=False, server_default="0")
    op.add_column("chunks", taken_over_at)
    op.add_column("calls", sa.Column("chunk_id", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("calls", "chunk_id")
    op.drop_column("chunks", "taken_over_at")
