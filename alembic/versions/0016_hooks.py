"""Hooks: addresses where other programs announce news. Wrong ones are throttled, too.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_COMMENT = "Sign-ins that failed lately; too many from one address are made to wait."
_NEW_COMMENT = "Secrets that were wrong lately; too many from one address are made to wait."


def upgrade() -> None:
    op.create_table(
        "hooks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("library", sa.String(length=64), server_default="", nullable=False),
        sa.Column("section", sa.String(length=1024), server_default="", nullable=False),
        sa.Column("write", sa.String(length=16), server_default="preview", nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("last_at", sa.DateTime(), nullable=True),
        sa.Column("news", sa.Integer(), server_default="0", nullable=False),
        sa.Column("others", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("write IN ('preview', 'apply')", name=op.f("ck_hooks_write")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hooks")),
        sa.UniqueConstraint("hash", name=op.f("uq_hooks_hash")),
        comment=(
            "An address where programs announce news. news, others: how often, and how often not."
        ),
    )
    with op.batch_alter_table("attempts") as attempts:
        attempts.add_column(
            sa.Column("kind", sa.String(length=16), server_default="sign-in", nullable=False)
        )
        attempts.create_check_constraint(op.f("ck_attempts_kind"), "kind IN ('sign-in', 'hook')")
    _comment(_NEW_COMMENT, _COMMENT)


def downgrade() -> None:
    op.execute("DELETE FROM attempts WHERE kind = 'hook'")
    with op.batch_alter_table("attempts") as attempts:
        attempts.drop_constraint(op.f("ck_attempts_kind"), type_="check")
        attempts.drop_column("kind")
    _comment(_COMMENT, _NEW_COMMENT)
    op.drop_table("hooks")


def _comment(new: str, old: str) -> None:
    """SQLite keeps no comments."""
    if op.get_bind().dialect.name == "postgresql":
        op.create_table_comment("attempts", new, existing_comment=old)
