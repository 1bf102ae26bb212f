"""Requests that somebody waits for are sent before others that wait.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_BEFORE = "Requests to engines' services under way, where several machines ask."
_NOW = "Requests to engines' services, waiting or under way, where several machines ask."


def upgrade() -> None:
    for name in ("urgent", "under_way"):
        column = sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        op.add_column("request_slots", column)
    _comment(_NOW, before=_BEFORE)


def downgrade() -> None:
    _comment(_BEFORE, before=_NOW)
    for name in ("under_way", "urgent"):
        op.drop_column("request_slots", name)


def _comment(comment: str, *, before: str) -> None:
    """SQLite keeps no comments."""
    if op.get_bind().dialect.name == "postgresql":
        op.create_table_comment("request_slots", comment, existing_comment=before)
