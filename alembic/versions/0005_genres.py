"""Genres: features that are kept in files, where their content was found, thresholds by word.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "features",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("backbone", sa.String(length=256), nullable=False),
        sa.Column("sampler", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=256), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_features")),
        sa.UniqueConstraint(
            "content", "backbone", "sampler", name=op.f("uq_features_content_backbone_sampler")
        ),
        comment="Features that are kept in a file, by what they were made of and with.",
    )
    op.create_table(
        "feature_origins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=1024), nullable=False),
        sa.Column("revision", sa.String(length=256), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feature_origins")),
        sa.UniqueConstraint("origin", name=op.f("uq_feature_origins_origin")),
        comment="Which content was found where: what has not changed is not read again.",
    )
    op.add_column("engines", sa.Column("each", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    """The files of features stay; they are found again by their names when they are wanted."""
    op.drop_column("engines", "each")
    op.drop_table("feature_origins")
    op.drop_table("features")
