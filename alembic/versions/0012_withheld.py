"""Words that engines say and that are no tags by themselves; thresholds of an engine's models.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMNS = ("withheld", "models")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("engines", sa.Column(name, sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    for name in _COLUMNS:
        op.drop_column("engines", name)
