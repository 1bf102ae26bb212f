"""What a network makes of a picture is kept, so that similar ones can be found.

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "embeddings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(256), nullable=False),
        sa.Column("revision", sa.String(256), nullable=False),
        sa.Column("vector", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name="fk_embeddings_item_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_embeddings"),
        sa.UniqueConstraint("item_id", "network", name="uq_embeddings_item_id_network"),
        comment="What a network made of an item: half-precision numbers, little-endian, in base64.",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_embeddings_network_id", "embeddings", ["network", "id"])


def downgrade() -> None:
    op.drop_index("ix_embeddings_network_id", "embeddings")
    op.drop_table("embeddings")
