"""The functions that owners registered, and who else may call them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "functions",
        sa.Column("owner", sa.String(64), primary_key=True),
        sa.Column("function", sa.String(255), primary_key=True),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
    )
    op.create_table(
        "function_grants",
        sa.Column("owner", sa.String(64), primary_key=True),
        sa.Column("function", sa.String(255), primary_key=True),
        sa.Column("caller", sa.String(64), primary_key=True),
    )


def downgrade() -> None:
    """Drop them: functions end with the sessions in which they were registered."""
    op.drop_table("function_grants")
    op.drop_table("functions")
