"""Scans of a sample: some photos of a section, to see what an engine would add.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_MODES = ("changed", "force", "decide", "new")


def _allow(*modes: str) -> None:
    name = op.f("ck_scans_mode")
    allowed = ", ".join(f"'{mode}'" for mode in modes)
    with op.batch_alter_table("scans") as scans:
        scans.drop_constraint(name, type_="check")
        scans.create_check_constraint(name, f"mode IN ({allowed})")


def upgrade() -> None:
    _allow(*_MODES, "sample")


def downgrade() -> None:
    """A sample has asked as a scan of what is changed does, of fewer items."""
    op.execute("UPDATE scans SET mode = 'changed' WHERE mode = 'sample'")
    _allow(*_MODES)
