"""Moved items: what tells a file, and its content, wherever it is moved.

Both are empty of the items that are known: `file` is filled by the next listing, `content` when an
engine looks at an item. Nothing is asked again for that.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TOLD = sa.text("file != ''")


def upgrade() -> None:
    for name in ("file", "content"):
        column = sa.Column(name, sa.String(length=64), server_default="", nullable=False)
        op.add_column("items", column)
    op.create_index("ix_items_size_bytes", "items", ["size_bytes"])
    op.create_index("ix_items_file", "items", ["file"], sqlite_where=_TOLD, postgresql_where=_TOLD)


def downgrade() -> None:
    op.drop_index("ix_items_file", "items")
    op.drop_index("ix_items_size_bytes", "items")
    op.drop_column("items", "content")
    op.drop_column("items", "file")
