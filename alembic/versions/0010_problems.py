"""Problems of items, which last until they are solved; who makes a section's first write.

Revision ID: 0010
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

_OF_ENGINES = """
INSERT INTO problems
    (item_id, engine, revision, reason, again, writing, ignored, scan_id, since)
SELECT w.item_id, w.engine, w.revision, w.reason, w.state = 'retryable', {no}, {no}, w.scan_id,
    s.created_at
FROM work w JOIN scans s ON s.id = w.scan_id JOIN items i ON i.id = w.item_id
WHERE w.state IN ('failed', 'retryable') AND NOT i.gone AND i.revision = w.revision
    AND w.id = (SELECT max(x.id) FROM work x WHERE x.item_id = w.item_id AND x.engine = w.engine)
"""
_OF_LIBRARIES = """
INSERT INTO problems
    (item_id, engine, revision, reason, again, writing, ignored, scan_id, since)
SELECT d.item_id, '', d.revision, d.reason, {yes}, s.write = 'apply', {no}, d.scan_id, s.created_at
FROM decisions d JOIN scans s ON s.id = d.scan_id JOIN items i ON i.id = d.item_id
WHERE d.state = 'failed' AND NOT i.gone AND i.revision = d.revision
    AND d.id = (SELECT max(x.id) FROM decisions x
                WHERE x.item_id = d.item_id AND x.state <> 'todo')
    AND NOT EXISTS (SELECT 1 FROM work w WHERE w.scan_id = d.scan_id AND w.item_id = d.item_id
                    AND w.state IN ('failed', 'retryable') AND w.reason = d.reason)
"""


def upgrade() -> None:
    op.add_column(
        "sections",
        sa.Column("canary_by", sa.String(length=64), server_default="", nullable=False),
    )
    op.create_table(
        "problems",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("engine", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.String(length=256), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.Column("writing", sa.Boolean(), nullable=False),
        sa.Column("ignored", sa.Boolean(), nullable=False),
        sa.Column("scan_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["items.id"],
            name=op.f("fk_problems_item_id_items"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problems")),
        sa.UniqueConstraint("item_id", "engine", name=op.f("uq_problems_item_id_engine")),
        comment="What an engine or the library (engine '') could not do for an item.",
    )
    # What failed before the upgrade is a problem as well: nothing has to be asked again to know it.
    literals = {"no": sa.false(), "yes": sa.true()}
    dialect = op.get_bind().dialect
    words = {name: str(one.compile(dialect=dialect)) for name, one in literals.items()}
    for statement in (_OF_ENGINES, _OF_LIBRARIES):
        op.execute(statement.format(**words))


def downgrade() -> None:
    op.drop_table("problems")
    op.drop_column("sections", "canary_by")
