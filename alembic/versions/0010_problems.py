"""Who makes a section's first write.

Revision ID: 0010
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "sections",
        sa.Column("canary_by", sa.String(length=64), server_default="", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("sections", "canary_by")
