"""What requests and replies hold."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

MOST_ROWS = 1_000_000


class RunScript(BaseModel):
    """The fields of ``POST /run/script``, those of Byzer that have an effect now."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    sql: str = Field(description="The script.")
    owner: str | None = Field(
        default=None, description="Whose session it runs in; by default the login name."
    )
    parameters: dict[str, str] = Field(
        default={}, description="Variables of the script; in a form a JSON object."
    )
    timeout: int = Field(
        default=-1, ge=-1, description="Milliseconds that the script may run; -1 for no limit."
    )
    output_size: int = Field(default=5000, ge=0, le=MOST_ROWS, description="How many rows are given at most.")
    include_schema: bool = Field(default=False, description='Reply `{"schema": …, "data": […]}`.')
    silence: bool = Field(default=False, description="Run the script and give no rows.")
    execute_mode: Literal["query", "check", "analyze"] = Field(
        default="query",
        description="query: run the script. check: run nothing, and give what is wrong or odd in it."
        " analyze: run nothing, and give its statements.",
    )
    dialect: str | None = Field(
        default=None, description="The language of the script: mlsql, or byzer for old ones."
    )
    session_per_request: bool = Field(
        default=False, description="Run in a session of its own, which ends with the script."
    )

    @field_validator("execute_mode", "dialect", "session_per_request", mode="before")
    @classmethod
    def _read_empty(cls, given: Any, info: ValidationInfo) -> Any:
        """What a form sends for a field that nobody filled in is its default."""
        return cls.model_fields[info.field_name or ""].default if given == "" else given

    @field_validator("parameters", mode="before")
    @classmethod
    def _read_parameters(cls, given: Any) -> Any:
        """An object of texts; a form sends its JSON, and numbers and booleans become text."""
        values = json.loads(given or "{}") if isinstance(given, str) else given
        if not isinstance(values, dict):
            raise ValueError("not an object")
        return {
            name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()
        }


class Diagnostic(BaseModel):
    """One error: what is wrong, where in the script, and the way out."""

    kind: str = Field(description="The class of the error, as mlsql.errors names it.")
    message: str
    file: str | None = None
    line: int | None = Field(default=None, description="Counted from 1.")
    column: int | None = Field(default=None, description="In code points, counted from 1.")
    excerpt: str | None = Field(default=None, description="The line with a caret under the place.")
    hint: str | None = None


class ReportedError(Diagnostic):
    """The first error of a request, with every error in ``diagnostics``."""

    job: str = Field(description="The same id as in the header X-Job-Id.")
    diagnostics: list[Diagnostic]


class ErrorReply(BaseModel):
    """The body of every reply that is no success."""

    error: ReportedError


class Liveness(BaseModel):
    """That the server answers."""

    status: Literal["UP"] = "UP"
