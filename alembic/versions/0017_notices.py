"""Notices: what is wrong now, and an outbox of what is sent about it.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _mark_scans()
    op.create_table(
        "conditions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=1200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.Column("announced_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conditions")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_conditions_kind_subject")),
        comment="What is wrong now. announced_at: when a notice of its beginning was queued.",
    )
    _make_notices()


def _mark_scans() -> None:
    """Scans that have ended before are no news."""
    op.add_column(
        "scans", sa.Column("announced", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    scans = sa.table("scans", sa.column("announced"), sa.column("state"))
    ended = scans.c.state.in_(("done", "failed", "cancelled"))
    op.execute(sa.update(scans).where(ended).values(announced=sa.true()))
    op.create_index(
        op.f("ix_scans_unannounced"),
        "scans",
        ["state"],
        sqlite_where=sa.text("NOT announced"),
        postgresql_where=sa.text("NOT announced"),
    )


def _make_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("once", sa.String(length=64)),
        sa.Column("state", sa.String(length=16), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try", sa.DateTime(), nullable=False),
        sa.Column("owner", sa.String(length=64), server_default="", nullable=False),
        sa.Column("lease_until", sa.Float(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("channel", "once", name=op.f("uq_notices_channel_once")),
        sa.CheckConstraint(
            "level IN ('info', 'success', 'warning', 'failure')", name=op.f("ck_notices_level")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'dropped')", name=op.f("ck_notices_state")
        ),
        comment="A notice for one channel. once: what a channel gets only once, or NULL.",
    )
    op.create_index(op.f("ix_notices_state_channel"), "notices", ["state", "channel"])


def downgrade() -> None:
    op.drop_table("notices")
    op.drop_table("conditions")
    op.drop_index(op.f("ix_scans_unannounced"), "scans")
    op.drop_column("scans", "announced")
