"""Tags of the owner's that went while an edit was made, so that undoing it puts them back.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("edits", sa.Column("lost", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("edits", "lost")
