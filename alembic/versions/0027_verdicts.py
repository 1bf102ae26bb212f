"""What the user said of tags on items.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_COMMENT = "What the user said of a tag on an item. engine …: the answer it was about, if any."


def upgrade() -> None:
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.String(256), nullable=False),
        sa.Column("field", sa.String(16), nullable=False),
        sa.Column("word", sa.String(512), nullable=False),
        sa.Column("name", sa.String(512), nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("engine", sa.String(64), nullable=False, server_default=""),
        sa.Column("confidence", sa.Float()),
        sa.Column("fingerprint", sa.String(256), nullable=False, server_default=""),
        sa.Column("scan_id", sa.Integer()),
        sa.CheckConstraint("verdict IN ('yes', 'no')", name=op.f("ck_verdicts_verdict")),
        sa.CheckConstraint("source IN ('hand', 'review')", name=op.f("ck_verdicts_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_verdicts_item_id"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint(
            "item_id", "field", "word", name=op.f("uq_verdicts_item_id_field_word")
        ),
        comment=_COMMENT,
    )
    op.create_index(op.f("ix_verdicts_word_engine"), "verdicts", ["word", "engine"])
    op.create_index(op.f("ix_verdicts_scan_id"), "verdicts", ["scan_id"])


def downgrade() -> None:
    op.drop_table("verdicts")
