"""Videos: answers about frames, groups of items, scans of what is new, items left alone.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_WORK = ("queued", "done", "failed", "retryable", "waiting", "postponed", "deferred", "spared")
_CHUNKS = ("list", "items", "batch")
_MODES = ("changed", "force", "decide")


def _checks(*, work: tuple[str, ...], chunks: tuple[str, ...], modes: tuple[str, ...]) -> None:
    for table, column, values in (
        ("work", "state", work),
        ("chunks", "kind", chunks),
        ("scans", "mode", modes),
    ):
        name = op.f(f"ck_{table}_{column}")
        allowed = ", ".join(f"'{value}'" for value in values)
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(name, type_="check")
            batch.create_check_constraint(name, f"{column} IN ({allowed})")


def upgrade() -> None:
    op.add_column("answers", sa.Column("frames", sa.Text(), server_default="", nullable=False))
    op.add_column("items", sa.Column("within", sa.Text(), server_default="", nullable=False))
    sampler = sa.Column("sampler", sa.String(length=64), server_default="", nullable=False)
    op.add_column("work", sampler)
    source = sa.Column("source", sa.String(length=256), server_default="", nullable=False)
    op.add_column("sections", source)
    _checks(work=(*_WORK, "skipped"), chunks=(*_CHUNKS, "groups"), modes=(*_MODES, "new"))


def downgrade() -> None:
    """Answers about frames are kept; an older TigerTag takes them for those of a picture."""
    op.execute("UPDATE work SET state = 'spared' WHERE state = 'skipped'")
    op.execute("UPDATE chunks SET kind = 'items' WHERE kind = 'groups'")
    op.execute("UPDATE scans SET mode = 'changed' WHERE mode = 'new'")
    _checks(work=_WORK, chunks=_CHUNKS, modes=_MODES)
    op.drop_column("sections", "source")
    op.drop_column("work", "sampler")
    op.drop_column("items", "within")
    op.drop_column("answers", "frames")
