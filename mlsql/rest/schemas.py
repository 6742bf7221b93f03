"""What requests and replies hold."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from mlsql.jobs.states import JobState
from mlsql.rest.callback_fields import CallbackFields
from mlsql.rest.examples import ERROR, JOB, RUNNING_JOB, SUBMITTED, with_example

MOST_ROWS = 1_000_000
MOST_NAME = 200
NAME = r"^[^\x00-\x1f\x7f]*$"
"""No line break, and nothing that moves a cursor or that no database keeps."""
MOST_MILLISECONDS = 10**12


def _read_parameters(given: Any) -> Any:
    """An object of texts; a form sends its JSON, and numbers and booleans become text."""
    values = json.loads(given or "{}") if isinstance(given, str) else given
    if not isinstance(values, dict):
        raise ValueError("not an object")
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


Parameters = Annotated[dict[str, str], BeforeValidator(_read_parameters)]


class RunScript(CallbackFields):
    """The fields of ``POST /run/script``, those of Byzer that have an effect now."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    sql: str = Field(description="The script.")
    owner: str | None = Field(
        default=None, description="Whose session it runs in; by default the login name."
    )
    parameters: Parameters = Field(
        default={}, description="Variables of the script; in a form a JSON object."
    )
    timeout: int = Field(
        default=-1,
        ge=-1,
        le=MOST_MILLISECONDS,
        description="Milliseconds that the script may run; -1 for no limit.",
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
    job_name: str = Field(
        default="",
        max_length=MOST_NAME,
        pattern=NAME,
        description="A name that no other active job of the owner has.",
    )
    is_async: bool = Field(
        default=False, alias="async", description="Reply `{job, url}` at once, and let the job run."
    )
    skip_physical_job: bool = Field(default=False, description="The same as `executeMode=check`.")

    @field_validator(
        "execute_mode", "dialect", "session_per_request", "is_async", "skip_physical_job", mode="before"
    )
    @classmethod
    def _read_empty(cls, given: Any, info: ValidationInfo) -> Any:
        """What a form sends for a field that nobody filled in is its default."""
        return cls.model_fields[info.field_name or ""].default if given == "" else given


class SubmitJob(CallbackFields):
    """The body of ``POST /api/v1/jobs``."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    script: str = Field(description="The script.")
    name: str = Field(
        default="",
        max_length=MOST_NAME,
        pattern=NAME,
        description="A label; by default the id of the job.",
    )
    owner: str | None = Field(
        default=None, description="Whose session it runs in; by default the login name."
    )
    parameters: Parameters = Field(default={}, description="Variables of the script.")
    timeout: int | None = Field(
        default=None,
        ge=0,
        le=MOST_MILLISECONDS,
        description="Milliseconds that it may run, counted from when it starts to.",
    )
    priority: int = Field(
        default=0, ge=-1000, le=1000, description="Among the jobs of its owner, the highest runs first."
    )
    retry_on_restart: bool = Field(
        default=False, description="Run it again when the server dies while it runs; else it is lost."
    )
    dialect: str | None = Field(default=None, description="The language of the script: mlsql or byzer.")
    session_per_request: bool = Field(
        default=False, description="Run in a session of its own, which ends with the script."
    )


def _read_data(given: Any) -> Any:
    """An array; a form sends its JSON."""
    return json.loads(given or "[]") if isinstance(given, str) else given


class Predict(BaseModel):
    """The fields of ``POST /model/predict``."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    data: Annotated[list[Any], BeforeValidator(_read_data)] = Field(
        description="The rows; in a form a JSON array."
    )
    data_type: Literal["vector", "string", "row"] = Field(
        default="vector",
        description="vector: each row is an array of numbers. string: each is a text. row: each is an"
        " object of columns. The first two are in the column `feature`.",
    )
    vec_type: Literal["dense"] = Field(default="dense", description="How vectors are written.")
    sql: str | None = Field(
        default=None,
        description="A select without a from, asked of the rows.",
        examples=["select quality(vec_dense(feature)) as p"],
    )
    pipeline: str | None = Field(
        default=None,
        description="Names of functions with commas between them, instead of sql: `t,f` is f(t(feature)).",
    )
    owner: str | None = Field(default=None, description="Whose session has the functions.")


class Submitted(BaseModel):
    """Where a job is found from now on."""

    model_config = with_example(SUBMITTED)

    id: str
    url: str


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

    model_config = with_example(ERROR)

    error: ReportedError


class Statement(BaseModel):
    """The statement that a job runs, or ended in."""

    number: int = Field(description="Counted from 1.")
    total: int
    line: int
    file: str
    title: str = Field(description="The statement in one line, without secrets.")


class Report(BaseModel):
    """How far something that takes long has come."""

    what: str
    doing: str
    share: float | None = Field(description="From 0 to 1; null when that is not known.")


class TrainerMetric(BaseModel):
    """A number that a trainer measured."""

    candidate: int
    name: str
    value: float | None


class SparkTasks(BaseModel):
    """The Spark tasks of the running statement, so far."""

    stages: int
    tasks: int
    completed: int
    failed: int


class ResultReply(BaseModel):
    """What is kept of the rows of a job."""

    rows: int
    bytes: int
    complete: bool = Field(description="Whether the table had no more rows than are kept.")
    url: str
    expires: str


class JobDiagnostics(Diagnostic):
    """Why a job did not succeed: the first error, with all of the script in ``diagnostics``."""

    diagnostics: list[Diagnostic]


class JobReply(BaseModel):
    """A job; times are ISO 8601 in UTC."""

    model_config = with_example(JOB)

    id: str
    url: str
    name: str
    owner: str
    state: JobState
    attempt: int = Field(description="More than 1 when it was run again after a restart.")
    priority: int
    timeout: int | None = Field(description="In milliseconds.")
    cancelRequested: bool  # noqa: N815 -- as it is replied
    submitted: str
    started: str | None
    ended: str | None
    statement: Statement | None
    progress: list[Report]
    metrics: list[TrainerMetric]
    spark: SparkTasks | None = Field(default=None, description="Only of a job that runs.")
    error: JobDiagnostics | None
    result: ResultReply | None


class JobPage(BaseModel):
    """Jobs, the newest first; ``next`` is the cursor of the next page."""

    model_config = with_example({"jobs": [JOB], "next": None})

    jobs: list[JobReply]
    next: str | None


class RunningProgress(BaseModel):
    """The statement that runs, as Byzer names its parts."""

    totalJob: int  # noqa: N815 -- as it is replied
    currentJobIndex: int = Field(description="Counted from 1; 0 when none has begun.")  # noqa: N815
    script: str


class RunningJob(BaseModel):
    """A job that waits or runs, as clients of Byzer read it."""

    model_config = with_example(RUNNING_JOB)

    owner: str
    jobType: str  # noqa: N815 -- as it is replied
    jobName: str  # noqa: N815
    jobContent: str = Field(description="The script, without secrets.")  # noqa: N815
    groupId: str = Field(description="The id of the job.")  # noqa: N815
    state: JobState
    progress: RunningProgress
    startTime: int = Field(description="Milliseconds of the epoch.")  # noqa: N815
    timeout: int = Field(description="In milliseconds; -1 for none.")


class Killed(BaseModel):
    """Which job is being cancelled."""

    model_config = with_example({"job": SUBMITTED["id"]})

    job: str


class Liveness(BaseModel):
    """That the server answers."""

    model_config = with_example({"status": "UP"})

    status: Literal["UP"] = "UP"


class ReadinessReply(BaseModel):
    """Whether the server can do its work."""

    model_config = with_example(
        {"status": "DOWN", "problems": {"spark": "does not answer", "database": None, "state": None}}
    )

    status: Literal["UP", "DOWN"]
    problems: dict[str, str | None] = Field(description="What is wrong with each part; null for nothing.")


class LoggedOut(BaseModel):
    """That a session was closed, in Byzer's words."""

    model_config = with_example({"msg": "success"})

    msg: Literal["success"] = "success"


class Resources(BaseModel):
    """What the cluster has; memory in bytes, that for tables which are kept."""

    model_config = with_example(
        {"totalCores": 8, "totalTasks": 2, "totalUsedMemory": 0, "totalMemory": 455_501_414}
    )

    totalCores: int = 0  # noqa: N815 -- as it is replied
    totalTasks: int = Field(default=0, description="That run now.")  # noqa: N815
    totalUsedMemory: int = 0  # noqa: N815
    totalMemory: int = 0  # noqa: N815
