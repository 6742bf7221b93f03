"""What requests and replies hold of callbacks."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, field_validator

from mlsql.jobs.states import DeliveryState

MOST_RETRIES = 100


def _read_headers(given: Any) -> Any:
    """An object of texts; a form sends its JSON."""
    values = json.loads(given or "{}") if isinstance(given, str) else given
    if not isinstance(values, dict):
        raise ValueError("not an object")
    return values


class CallbackFields(BaseModel):
    """Who is told how a job ended: fields of every request that makes one."""

    callback: str | None = Field(
        default=None,
        description="URL that is sent a POST when the job has ended.",
        examples=["https://hooks.example.com/mlsql"],
    )
    callback_header: Annotated[dict[str, str], BeforeValidator(_read_headers)] = Field(
        default={},
        description="Headers of the callback; in a form a JSON object.",
        examples=[{"Authorization": "Bearer receiver"}],
    )
    callback_format: Literal["json", "form"] | None = Field(
        default=None,
        description="json: one object. form: the fields that receivers of Byzer read; the default for its"
        " dialect.",
    )
    max_retries: int | None = Field(
        default=None,
        ge=-1,
        le=MOST_RETRIES,
        description="How often the callback is tried again; -1 for the default of the server.",
    )

    @field_validator("callback", "callback_format", "max_retries", mode="before")
    @classmethod
    def _read_nothing(cls, given: Any) -> Any:
        """What a form sends for a field that nobody filled in is its default."""
        return None if given == "" else given


class CallbackReply(BaseModel):
    """A callback of a job that has ended."""

    number: int = Field(description="Counted from 1 within the job.")
    id: str = Field(description="What its header X-Mlsql-Delivery says, on each try.")
    url: str = Field(description="Who is told; what stands behind a question mark is not shown.")
    state: DeliveryState = Field(
        description="pending: a try is to come. delivered: the receiver said so. dead: given up."
    )
    tries: int = Field(description="Since the end of the job, or since it was sent once more.")
    nextTry: str | None = Field(  # noqa: N815 -- as it is replied
        default=None, description="In ISO 8601; only of one that is pending."
    )
    error: str | None = Field(default=None, description="Why the last try failed.")


class CallbackList(BaseModel):
    """The callbacks of a job, which has none before its end."""

    callbacks: list[CallbackReply]
