"""Jobs, the keys that make submitting idempotent, and the deliveries that tell of their ends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "jobs",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("script", sa.Text, nullable=False),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("submitted", sa.Double, nullable=False),
        sa.Column("started", sa.Double),
        sa.Column("ended", sa.Double),
        sa.Column("error", sa.JSON(none_as_null=True)),
        sa.Column("result", sa.JSON(none_as_null=True)),
        sa.Column("progress", sa.JSON(none_as_null=True)),
        sa.Column("expired", sa.Boolean, nullable=False),
    )
    op.create_index("jobs_by_owner", "jobs", ["owner", "number"])
    op.create_index("jobs_by_state", "jobs", ["state", "number"])
    op.create_index("jobs_by_end", "jobs", ["expired", "ended"])
    op.create_table(
        "submission_keys",
        sa.Column("owner", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("body", sa.String(64), nullable=False),
        sa.Column("job", sa.String(64), sa.ForeignKey("jobs.id"), nullable=False),
        sa.Column("made", sa.Double, nullable=False, index=True),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("job", sa.String(64), sa.ForeignKey("jobs.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_try", sa.Double, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.UniqueConstraint("job", "number", name="one_delivery_a_number"),
    )
    op.create_index("deliveries_by_due", "deliveries", ["state", "next_try"])


def downgrade() -> None:
    """Drop them, with what is in them."""
    for table in ("deliveries", "submission_keys", "jobs"):
        op.drop_table(table)
