"""The core: items, answers, scans, the ledger and the rules.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "engines",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=256), nullable=False),
        sa.Column("min_confidence", sa.Float(), nullable=False),
        sa.Column("max_tags", sa.Integer(), nullable=False),
        sa.Column("prefix", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engines")),
        comment="The last settings of each engine: one that is gone keeps the tags it gave.",
    )
    op.create_table(
        "rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("word", sa.String(length=512), nullable=False),
        sa.Column("engine", sa.String(length=64), server_default="", nullable=False),
        sa.Column("value", sa.String(length=512), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "action IN ('deny', 'allow', 'rename', 'threshold')", name=op.f("ck_rules_action")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rules")),
        sa.UniqueConstraint("action", "word", "engine", name=op.f("uq_rules_action_word_engine")),
        comment="The user's rules; they override the environment's.",
    )
    op.create_table(
        "sections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("library", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=1024), nullable=False),
        sa.Column("title", sa.String(length=1024), nullable=False),
        sa.Column("canary", sa.String(length=16), server_default="none", nullable=False),
        sa.Column("canary_until", sa.Float(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "canary IN ('none', 'claimed', 'passed')", name=op.f("ck_sections_canary")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sections")),
        sa.UniqueConstraint("library", "key", name=op.f("uq_sections_library_key")),
        comment="A part of a library that has been scanned. canary: the state of its first write.",
    )
    op.create_table(
        "items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("section_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=2048), nullable=False),
        sa.Column("revision", sa.String(length=256), nullable=False),
        sa.Column("stamp", sa.String(length=256), nullable=True),
        sa.Column("media", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=1024), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("settled", sa.String(length=64), server_default="", nullable=False),
        sa.Column("refreshed", sa.String(length=256), server_default="", nullable=False),
        sa.Column("seen_scan", sa.Integer(), server_default="0", nullable=False),
        sa.Column("gone", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["section_id"], ["sections.id"], name=op.f("fk_items_section_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items")),
        sa.UniqueConstraint("section_id", "key", name=op.f("uq_items_section_id_key")),
        comment="A photo or video. settled: the signature with which nothing is left to be done.",
    )
    op.create_table(
        "scans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("section_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("write", sa.String(length=16), nullable=False),
        sa.Column("engines", sa.Text(), server_default="", nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("listed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("resumed_at", sa.DateTime(), nullable=True),
        sa.Column("resumed_from", sa.Integer(), server_default="0", nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('scan', 'apply', 'undo', 'redo')", name=op.f("ck_scans_kind")),
        sa.CheckConstraint("mode IN ('changed', 'force', 'decide')", name=op.f("ck_scans_mode")),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'paused', 'done', 'failed', 'cancelled')",
            name=op.f("ck_scans_state"),
        ),
        sa.CheckConstraint("write IN ('preview', 'apply')", name=op.f("ck_scans_write")),
        sa.ForeignKeyConstraint(
            ["section_id"], ["sections.id"], name=op.f("fk_scans_section_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["scans.id"], name=op.f("fk_scans_source_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scans")),
        comment="One run over a section. At most one is active a section.",
    )
    op.create_index(
        "ix_scans_active",
        "scans",
        ["section_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('queued', 'running', 'paused')"),
        postgresql_where=sa.text("state IN ('queued', 'running', 'paused')"),
    )
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.String(length=256), nullable=False),
        sa.Column("engine", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=256), nullable=False),
        sa.Column("sampler", sa.String(length=64), nullable=False),
        sa.Column("round", sa.Integer(), server_default="0", nullable=False),
        sa.Column("model", sa.String(length=256), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("remainder", sa.Float(), nullable=True),
        sa.Column("cost_usd", sa.Float(), nullable=False),
        sa.Column("took_s", sa.Float(), nullable=False),
        sa.Column("answered_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_answers_item_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
        sa.UniqueConstraint(
            "item_id",
            "engine",
            "revision",
            "fingerprint",
            "sampler",
            "round",
            name="uq_answers_once",
        ),
        comment="All that an engine said of an item; immutable. round: the forced scan, or 0.",
    )
    op.create_table(
        "chunks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scan_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="queued", nullable=False),
        sa.Column("owner", sa.String(length=128), server_default="", nullable=False),
        sa.Column("token", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.Float(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("kind IN ('list', 'items')", name=op.f("ck_chunks_kind")),
        sa.CheckConstraint("state IN ('queued', 'leased', 'done')", name=op.f("ck_chunks_state")),
        sa.ForeignKeyConstraint(
            ["scan_id"], ["scans.id"], name=op.f("fk_chunks_scan_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chunks")),
        comment="Items that are worked on together, or the listing; leased by token.",
    )
    op.create_index(
        op.f("ix_chunks_scan_id_state_id"), "chunks", ["scan_id", "state", "id"], unique=False
    )
    op.create_table(
        "edits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scan_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("adds", sa.Text(), nullable=False),
        sa.Column("removes", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("planned_at", sa.DateTime(), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        sa.Column("verified_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'sent', 'verified', 'failed')", name=op.f("ck_edits_state")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_edits_item_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["scan_id"], ["scans.id"], name=op.f("fk_edits_scan_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edits")),
        comment="The ledger: each edit, with what the library showed before and after it.",
    )
    op.create_index(op.f("ix_edits_item_id_state"), "edits", ["item_id", "state"], unique=False)
    op.create_index(op.f("ix_edits_scan_id"), "edits", ["scan_id"], unique=False)
    op.create_table(
        "standing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=16), nullable=False),
        sa.Column("word", sa.String(length=512), nullable=False),
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "state IN ('ours', 'kept', 'held', 'tombstone')", name=op.f("ck_standing_state")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_standing_item_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing")),
        sa.UniqueConstraint(
            "item_id", "field", "word", name=op.f("uq_standing_item_id_field_word")
        ),
        comment="How tags of ours stand on an item, after all edits of the ledger.",
    )
    op.create_index(op.f("ix_standing_state"), "standing", ["state"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scan_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("chunk_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="todo", nullable=False),
        sa.Column("revision", sa.String(length=256), server_default="", nullable=False),
        sa.Column("settles", sa.String(length=64), server_default="", nullable=False),
        sa.Column("tags", sa.Text(), server_default="[]", nullable=False),
        sa.Column("adds", sa.Text(), server_default="[]", nullable=False),
        sa.Column("removes", sa.Text(), server_default="[]", nullable=False),
        sa.Column("add_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("remove_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("state IN ('todo', 'done', 'failed')", name=op.f("ck_decisions_state")),
        sa.ForeignKeyConstraint(
            ["chunk_id"], ["chunks.id"], name=op.f("fk_decisions_chunk_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_decisions_item_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["scan_id"], ["scans.id"], name=op.f("fk_decisions_scan_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("scan_id", "item_id", name=op.f("uq_decisions_scan_id_item_id")),
        comment="What a scan decided of an item: its tags, and the edit that they ask for.",
    )
    op.create_index(op.f("ix_decisions_chunk_id"), "decisions", ["chunk_id"], unique=False)
    op.create_index(op.f("ix_decisions_item_id"), "decisions", ["item_id"], unique=False)
    op.create_table(
        "work",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scan_id", sa.Integer(), nullable=False),
        sa.Column("chunk_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("engine", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.String(length=256), nullable=False),
        sa.Column("fingerprint", sa.String(length=256), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="queued", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'done', 'failed', 'retryable', 'waiting')",
            name=op.f("ck_work_state"),
        ),
        sa.ForeignKeyConstraint(
            ["chunk_id"], ["chunks.id"], name=op.f("fk_work_chunk_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_work_item_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["scan_id"], ["scans.id"], name=op.f("fk_work_scan_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work")),
        sa.UniqueConstraint(
            "scan_id", "item_id", "engine", name=op.f("uq_work_scan_id_item_id_engine")
        ),
        comment="One item that one engine has to be asked about.",
    )
    op.create_index(op.f("ix_work_chunk_id"), "work", ["chunk_id"], unique=False)
    op.create_index(op.f("ix_work_item_id"), "work", ["item_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_work_item_id"), table_name="work")
    op.drop_index(op.f("ix_work_chunk_id"), table_name="work")
    op.drop_table("work")
    op.drop_index(op.f("ix_decisions_item_id"), table_name="decisions")
    op.drop_index(op.f("ix_decisions_chunk_id"), table_name="decisions")
    op.drop_table("decisions")
    op.drop_index(op.f("ix_standing_state"), table_name="standing")
    op.drop_table("standing")
    op.drop_index(op.f("ix_edits_scan_id"), table_name="edits")
    op.drop_index(op.f("ix_edits_item_id_state"), table_name="edits")
    op.drop_table("edits")
    op.drop_index(op.f("ix_chunks_scan_id_state_id"), table_name="chunks")
    op.drop_table("chunks")
    op.drop_table("answers")
    op.drop_index(
        "ix_scans_active",
        table_name="scans",
        sqlite_where=sa.text("state IN ('queued', 'running', 'paused')"),
        postgresql_where=sa.text("state IN ('queued', 'running', 'paused')"),
    )
    op.drop_table("scans")
    op.drop_table("items")
    op.drop_table("sections")
    op.drop_table("rules")
    op.drop_table("engines")
