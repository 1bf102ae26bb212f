"""Background tasks, the event log, and scans that start by themselves.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "scans", sa.Column("reason", sa.String(length=256), server_default="", nullable=False)
    )
    _make_events()
    _make_tasks()
    _make_scan_requests()


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("scan_id", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.CheckConstraint("level IN ('info', 'warning', 'error')", name=op.f("ck_events_level")),
        sa.CheckConstraint(
            "source IN ('scan', 'write', 'engine', 'library', 'schedule', 'hook', 'notice',"
            " 'backup', 'sign-in', 'system')",
            name=op.f("ck_events_source"),
        ),
        comment="What happened, a line each.",
    )
    op.create_index(op.f("ix_events_at"), "events", ["at"])


def _make_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=128), server_default="", nullable=False),
        sa.Column("lease_until", sa.Float(), server_default="0", nullable=False),
        sa.Column("due_at", sa.Float(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime()),
        sa.Column("ended_at", sa.DateTime()),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tasks")),
        comment="Background tasks: who runs each now, and how its last run ended.",
    )


def _make_scan_requests() -> None:
    op.create_table(
        "scan_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("library", sa.String(length=64), nullable=False),
        sa.Column("section", sa.String(length=1024), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("write", sa.String(length=16), nullable=False),
        sa.Column("engines", sa.String(length=1024), nullable=False),
        sa.Column("reason", sa.String(length=256), nullable=False),
        sa.Column("not_before", sa.Float(), nullable=False),
        sa.Column("latest", sa.Float(), nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan_requests")),
        sa.UniqueConstraint(
            *("library", "section", "mode", "write", "engines"),
            name=op.f("uq_scan_requests_library_section_mode_write_engines"),
        ),
        sa.CheckConstraint(
            "mode IN ('changed', 'decide', 'new')", name=op.f("ck_scan_requests_mode")
        ),
        sa.CheckConstraint("write IN ('preview', 'apply')", name=op.f("ck_scan_requests_write")),
        comment="Scans that start by themselves once it is time and their section is free.",
    )


def downgrade() -> None:
    op.drop_table("scan_requests")
    op.drop_table("tasks")
    op.drop_table("events")
    op.drop_column("scans", "reason")
