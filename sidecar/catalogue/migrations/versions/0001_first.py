"""The first tables: images with their JPEGs and features, models, tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "images",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(255), nullable=False, unique=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("added_at", sa.Float, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "pictures",
        sa.Column("seq", NUMBER, sa.ForeignKey("images.seq"), primary_key=True),
        sa.Column("jpeg", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "models",
        sa.Column("model", sa.Integer, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False, unique=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.Column("in_use", sa.Boolean, nullable=False),
    )
    op.create_table(
        "features",
        sa.Column("model", sa.Integer, sa.ForeignKey("models.model"), primary_key=True),
        sa.Column("seq", NUMBER, sa.ForeignKey("images.seq"), primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "tasks",
        sa.Column("task_id", sa.String(36), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("phase", sa.String(32), nullable=False),
        sa.Column("progress", sa.Float, nullable=False),
        sa.Column("message", sa.String(64)),
        sa.Column("detail", sa.String),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("snapshot", sa.BigInteger),
        sa.Column("lease_until", sa.Float),
        sa.Column("generation", sa.Integer),
        sa.Column("images", sa.Integer),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("finished_at", sa.Float),
    )
