"""Schedules: what the user made, and which of their times have come.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("cron", sa.String(length=256), nullable=False),
        sa.Column("library", sa.String(length=64), nullable=False),
        sa.Column("section", sa.String(length=1024), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("write", sa.String(length=16), nullable=False),
        sa.Column("engines", sa.String(length=1024), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
        sa.CheckConstraint("mode IN ('new', 'changed', 'decide')", name=op.f("ck_schedules_mode")),
        sa.CheckConstraint("write IN ('preview', 'apply')", name=op.f("ck_schedules_write")),
        comment="The user's schedules; they override the environment's.",
    )
    op.create_table(
        "schedule_clocks",
        sa.Column("schedule", sa.String(length=64), nullable=False),
        sa.Column("definition", sa.String(length=512), nullable=False),
        sa.Column("dealt_with", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("schedule", name=op.f("pk_schedule_clocks")),
        comment="Up to when the times of each schedule have been dealt with.",
    )
    op.create_table(
        "firings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("schedule", sa.String(length=64), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("fired_at", sa.DateTime(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firings")),
        sa.UniqueConstraint("schedule", "due_at", name=op.f("uq_firings_schedule_due_at")),
        sa.CheckConstraint(
            "kind IN ('due', 'late', 'missed', 'manual')", name=op.f("ck_firings_kind")
        ),
        comment="Times of schedules that have come, and what became of each.",
    )


def downgrade() -> None:
    op.drop_table("firings")
    op.drop_table("schedule_clocks")
    op.drop_table("schedules")
