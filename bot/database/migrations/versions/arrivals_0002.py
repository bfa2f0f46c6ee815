"""Arrivals are saved before they are acknowledged; photos know the message that brought them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "arrivals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("came_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrivals")),
        sa.UniqueConstraint("source", "digest", name=op.f("uq_arrivals_source_digest")),
    )
    op.create_index(op.f("ix_arrivals_came_at"), "arrivals", ["came_at"], unique=False)
    op.add_column("photos", sa.Column("origin", sa.JSON(none_as_null=True), nullable=True))
