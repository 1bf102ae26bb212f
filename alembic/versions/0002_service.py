"""The service: tags by word, rules for a section, counts of ended scans, and who may sign in.

Every item is unsettled, so that the next scan decides it again, from its answers: that fills the
tags, and asks no engine.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CHANGES = sa.text("add_count + remove_count > 0")


def upgrade() -> None:
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=16), nullable=False),
        sa.Column("word", sa.String(length=512), nullable=False),
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_tags_item_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        comment="A tag that the newest scan decided for an item, found by its case-folded word.",
    )
    op.create_index(op.f("ix_tags_item_id"), "tags", ["item_id"])
    op.create_index(op.f("ix_tags_word_field_item_id"), "tags", ["word", "field", "item_id"])
    op.create_table(
        "credentials",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('password', 'api_key')", name=op.f("ck_credentials_kind")),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_credentials")),
        comment="What lets a user in, hashed.",
    )
    op.create_table(
        "links",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_links")),
        comment="Sign-in links that were not used yet, hashed; each is good once.",
    )
    op.create_table(
        "sessions",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_sessions")),
        comment="Who is signed in, by hashed session ids.",
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        comment="Sign-ins that failed lately; too many from one address are made to wait.",
    )
    op.create_index(op.f("ix_attempts_address_at"), "attempts", ["address", "at"])
    op.create_index(op.f("ix_attempts_at"), "attempts", ["at"])
    op.create_index(
        "ix_decisions_changes",
        "decisions",
        ["scan_id", "item_id"],
        sqlite_where=_CHANGES,
        postgresql_where=_CHANGES,
    )
    op.drop_index(op.f("ix_standing_state"), table_name="standing")
    op.create_index(op.f("ix_standing_state_word_field"), "standing", ["state", "word", "field"])
    op.add_column("scans", sa.Column("summary", sa.Text(), server_default="", nullable=False))
    # A rule's number is never given to another one.
    with op.batch_alter_table(
        "rules", recreate="auto", table_kwargs={"sqlite_autoincrement": True}
    ) as rules:
        rules.add_column(
            sa.Column("section", sa.String(length=1100), server_default="", nullable=False)
        )
        rules.drop_constraint(op.f("uq_rules_action_word_engine"), type_="unique")
        rules.create_unique_constraint(
            op.f("uq_rules_action_word_engine_section"), ["action", "word", "engine", "section"]
        )
    op.add_column("items", sa.Column("sought", sa.Text(), server_default="", nullable=False))
    op.execute("UPDATE items SET settled = '', sought = lower(title || ' ' || key)")


def downgrade() -> None:
    op.execute("DELETE FROM rules WHERE section <> ''")
    with op.batch_alter_table("rules") as rules:
        rules.drop_constraint(op.f("uq_rules_action_word_engine_section"), type_="unique")
        rules.create_unique_constraint(
            op.f("uq_rules_action_word_engine"), ["action", "word", "engine"]
        )
        rules.drop_column("section")
    op.drop_column("items", "sought")
    op.drop_column("scans", "summary")
    op.drop_index(op.f("ix_standing_state_word_field"), table_name="standing")
    op.create_index(op.f("ix_standing_state"), "standing", ["state"])
    op.drop_index("ix_decisions_changes", table_name="decisions")
    op.drop_table("attempts")
    op.drop_table("sessions")
    op.drop_table("links")
    op.drop_table("credentials")
    op.drop_table("tags")
