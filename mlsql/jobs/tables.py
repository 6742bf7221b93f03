"""The tables of the service, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

JOBS = Table(
    "jobs",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),  # the order of submission
    Column("id", String(64), nullable=False, unique=True),
    Column("owner", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("script", Text, nullable=False),
    Column("request", JSON, nullable=False),  # the rest of the submission
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("submitted", Double, nullable=False),
    Column("started", Double),
    Column("ended", Double),
    Column("error", JSON(none_as_null=True)),
    Column("result", JSON(none_as_null=True)),
    Column("progress", JSON(none_as_null=True)),
    Column("expired", Boolean, nullable=False),
    Index("jobs_by_owner", "owner", "number"),
    Index("jobs_by_state", "state", "number"),
    Index("jobs_by_end", "expired", "ended"),
)

SUBMISSION_KEYS = Table(
    "submission_keys",
    METADATA,
    Column("owner", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("body", String(64), nullable=False),  # a digest of what was sent with it
    Column("job", String(64), ForeignKey("jobs.id"), nullable=False),
    Column("made", Double, nullable=False, index=True),
)

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("job", String(64), ForeignKey("jobs.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try", Double, nullable=False),
    Column("last_error", Text),
    UniqueConstraint("job", "number", name="one_delivery_a_number"),
    Index("deliveries_by_due", "state", "next_try"),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", String(16), primary_key=True),  # the part of a token that is no secret
    Column("digest", String(64), nullable=False),  # SHA-256 of the whole token
    Column("owner", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("made", Double, nullable=False),
    Column("expires", Double),
    Column("used", Double),
    Column("revoked", Double),
)

FUNCTIONS = Table(
    "functions",
    METADATA,
    Column("owner", String(64), primary_key=True),
    Column("function", String(255), primary_key=True),
    Column("created", Double, nullable=False),
    Column("record", JSON, nullable=False),  # the rest of the registration
)

FUNCTION_GRANTS = Table(
    "function_grants",
    METADATA,
    Column("owner", String(64), primary_key=True),
    Column("function", String(255), primary_key=True),
    Column("caller", String(64), primary_key=True),
)
