"""Items that a listing lacks, what it leaves out, and the file systems that it lies on.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sections", sa.Column("mounts", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "scans",
        sa.Column("accept_missing", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("scans", sa.Column("missing", sa.Integer(), server_default="0", nullable=False))
    op.add_column("scans", sa.Column("left_out", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("scans", "left_out")
    op.drop_column("scans", "missing")
    op.drop_column("scans", "accept_missing")
    op.drop_column("sections", "mounts")
