"""Many machines: queues of chunks, the workers, requests under way on all of them.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_CHUNKS = ("queue", "size", "sent_at", "leased_at")
_INDEXES = (
    ("ix_chunks_unsent", ["scan_id", "queue", "id"], "state = 'queued' AND sent_at = 0"),
    ("ix_chunks_sent", ["scan_id", "queue"], "sent_at > 0"),
    ("ix_chunks_leased", ["owner"], "state = 'leased'"),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # Every listing marks each item as seen: with room on its page that touches no index.
        op.execute("ALTER TABLE items SET (fillfactor = 50)")
    queue = sa.Column("queue", sa.String(16), nullable=False, server_default="default")
    op.add_column("chunks", queue)
    op.add_column("chunks", sa.Column("size", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("chunks", sa.Column("sent_at", sa.Float(), nullable=False, server_default="0"))
    op.add_column("chunks", sa.Column("leased_at", sa.Float(), nullable=False, server_default="0"))
    for name, columns, where in _INDEXES:
        partial = {f"{database}_where": sa.text(where) for database in ("sqlite", "postgresql")}
        op.create_index(name, "chunks", columns, **partial)
    op.add_column("scans", sa.Column("agreed", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "workers",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("host", sa.String(128), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("home", sa.String(64), nullable=False, server_default=""),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.Column("threads", sa.Integer(), nullable=False),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("libraries", sa.Text(), nullable=False),
        sa.Column("engines", sa.Text(), nullable=False),
        sa.Column("draining", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("items_done", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("items_s", sa.Float(), nullable=False, server_default="0"),
        sa.Column("refusals", sa.Text(), nullable=False, server_default=""),
        comment="Worker processes as they last reported; one that ends deletes its row.",
    )
    op.create_table(
        "request_slots",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("engine", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("lease_until", sa.Float(), nullable=False),
        comment="Requests to engines' services under way, where several machines ask.",
    )
    op.create_index("ix_request_slots_engine", "request_slots", ["engine"])


def downgrade() -> None:
    op.drop_table("request_slots")
    op.drop_table("workers")
    op.drop_column("scans", "agreed")
    for name, _columns, _where in _INDEXES:
        op.drop_index(name, "chunks")
    for name in reversed(_CHUNKS):
        op.drop_column("chunks", name)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE items RESET (fillfactor)")
