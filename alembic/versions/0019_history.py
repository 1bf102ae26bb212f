"""Retries with growing gaps, and scans whose details were pruned.

Revision ID: 0019
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None

_MODES = ("changed", "force", "decide", "new", "sample")


def _check(*modes: str) -> str:
    allowed = ", ".join(f"'{mode}'" for mode in modes)
    return f"mode IN ({allowed})"


def upgrade() -> None:
    name = op.f("ck_scans_mode")
    no = sa.text("false")
    with op.batch_alter_table("scans") as scans:
        scans.drop_constraint(name, type_="check")
        scans.create_check_constraint(name, _check(*_MODES, "retry"))
        scans.add_column(sa.Column("pruned", sa.Boolean(), nullable=False, server_default=no))
    with op.batch_alter_table("problems") as problems:
        problems.add_column(sa.Column("tries", sa.Integer(), nullable=False, server_default="1"))
        problems.add_column(sa.Column("retry_at", sa.DateTime()))
        problems.add_column(
            sa.Column("fingerprint", sa.String(256), nullable=False, server_default="")
        )
    # What may pass is tried again by the next scan; without a time it never would be.
    op.execute("UPDATE problems SET retry_at = since WHERE again")


def downgrade() -> None:
    """A retry has asked as a scan of what is changed does, of fewer items."""
    name = op.f("ck_scans_mode")
    op.execute("UPDATE scans SET mode = 'changed' WHERE mode = 'retry'")
    with op.batch_alter_table("problems") as problems:
        for column in ("fingerprint", "retry_at", "tries"):
            problems.drop_column(column)
    with op.batch_alter_table("scans") as scans:
        scans.drop_constraint(name, type_="check")
        scans.create_check_constraint(name, _check(*_MODES))
        scans.drop_column("pruned")
