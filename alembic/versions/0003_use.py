"""Engines beyond the box: the ledger of use, budgets, batches, and work that waits.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_DOUBTFUL = sa.text("state IN ('open', 'lost')")


def upgrade() -> None:
    op.add_column("scans", sa.Column("forecast", sa.Text(), server_default="", nullable=False))
    with op.batch_alter_table("chunks") as chunks:
        chunks.add_column(sa.Column("due_at", sa.Float(), server_default="0", nullable=False))
        chunks.drop_constraint(op.f("ck_chunks_kind"), type_="check")
        chunks.create_check_constraint(op.f("ck_chunks_kind"), "kind IN ('list', 'items', 'batch')")
    op.create_table(
        "batches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scan_id", sa.Integer(), nullable=False),
        sa.Column("chunk_id", sa.Integer(), nullable=False),
        sa.Column("engine", sa.String(length=64), nullable=False),
        sa.Column("home", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="filling", nullable=False),
        sa.Column("token", sa.String(length=64), server_default="", nullable=False),
        sa.Column("remote", sa.String(length=256), server_default="", nullable=False),
        sa.Column("lines", sa.Integer(), server_default="0", nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("answered", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('filling', 'sealed', 'submitting', 'submitted', 'collected', 'done')",
            name=op.f("ck_batches_state"),
        ),
        sa.ForeignKeyConstraint(
            ["scan_id"], ["scans.id"], name=op.f("fk_batches_scan_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["chunk_id"], ["chunks.id"], name=op.f("fk_batches_chunk_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        comment="Requests that are sent as one file. token: written before they are submitted.",
    )
    op.create_index(op.f("ix_batches_chunk_id"), "batches", ["chunk_id"])
    op.create_index(op.f("ix_batches_scan_id_state"), "batches", ["scan_id", "state"])
    with op.batch_alter_table("work") as work:
        work.add_column(sa.Column("batch_id", sa.Integer(), nullable=True))
        work.create_foreign_key(
            op.f("fk_work_batch_id"), "batches", ["batch_id"], ["id"], ondelete="SET NULL"
        )
        work.drop_constraint(op.f("ck_work_state"), type_="check")
        work.create_check_constraint(
            op.f("ck_work_state"),
            "state IN ('queued', 'done', 'failed', 'retryable', 'waiting', 'postponed',"
            " 'deferred', 'spared')",
        )
    op.create_index(op.f("ix_work_batch_id_item_id"), "work", ["batch_id", "item_id"])
    op.create_table(
        "calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("engine", sa.String(length=64), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=1024), server_default="", nullable=False),
        sa.Column("host", sa.String(length=256), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "state IN ('held', 'open', 'settled', 'lost')", name=op.f("ck_calls_state")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_calls_item_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_calls_batch_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        comment="A picture that leaves for a service, and what it takes; open: reserved, not"
        " settled.",
    )
    op.create_index(op.f("ix_calls_engine_id"), "calls", ["engine", "id"])
    op.create_index(op.f("ix_calls_item_id"), "calls", ["item_id"])
    op.create_index(op.f("ix_calls_batch_id_item_id"), "calls", ["batch_id", "item_id"])
    op.create_index(
        "ix_calls_doubtful",
        "calls",
        ["state", "at"],
        sqlite_where=_DOUBTFUL,
        postgresql_where=_DOUBTFUL,
    )
    for table, period, length, comment in (
        ("usage", "day", 10, "The ledger of use: what an engine took on a day (UTC),"
         " reservations included."),
        ("budgets", "month", 7, "What an engine took in a month (UTC), reservations included;"
         " raised by a condition."),
    ):  # fmt: skip
        op.create_table(
            table,
            sa.Column("engine", sa.String(length=64), nullable=False),
            sa.Column(period, sa.String(length=length), nullable=False),
            sa.Column("units", sa.Integer(), nullable=False),
            sa.Column("cost_usd", sa.Float(), nullable=False),
            sa.PrimaryKeyConstraint("engine", period, name=op.f(f"pk_{table}")),
            comment=comment,
        )
    op.create_table(
        "kept",
        sa.Column("engine", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("until", sa.Float(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("engine", "name", name=op.f("pk_kept")),
        comment="What engines keep for themselves. until: a lease by this name holds so long.",
    )
    op.create_table(
        "stops",
        sa.Column("engine", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("engine", name=op.f("pk_stops")),
        comment="Why an engine cannot go on, and when it is tried again.",
    )


def downgrade() -> None:
    """What waited is left for the next scan; batches that are under way are lost."""
    op.execute("UPDATE work SET state = 'waiting' WHERE state IN ('postponed', 'deferred')")
    op.execute("DELETE FROM work WHERE state = 'spared'")
    op.execute("DELETE FROM chunks WHERE kind = 'batch'")
    op.drop_table("stops")
    op.drop_table("kept")
    op.drop_table("budgets")
    op.drop_table("usage")
    op.drop_table("calls")
    op.drop_index(op.f("ix_work_batch_id_item_id"), table_name="work")
    with op.batch_alter_table("work") as work:
        work.drop_constraint(op.f("fk_work_batch_id"), type_="foreignkey")
        work.drop_column("batch_id")
        work.drop_constraint(op.f("ck_work_state"), type_="check")
        work.create_check_constraint(
            op.f("ck_work_state"),
            "state IN ('queued', 'done', 'failed', 'retryable', 'waiting')",
        )
    op.drop_table("batches")
    with op.batch_alter_table("chunks") as chunks:
        chunks.drop_constraint(op.f("ck_chunks_kind"), type_="check")
        chunks.create_check_constraint(op.f("ck_chunks_kind"), "kind IN ('list', 'items')")
        chunks.drop_column("due_at")
    op.drop_column("scans", "forecast")
