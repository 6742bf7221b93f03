"""A request as a submission: what it asks for, within the limits, and its script without static errors."""

from __future__ import annotations

import hashlib
import json

from mlsql.check.check import errors_of
from mlsql.config.settings import JobSettings
from mlsql.errors import ScriptError
from mlsql.grammar import parse
from mlsql.jobs.states import Callback, Submission
from mlsql.jobs.store import SubmissionKey
from mlsql.jobs.sweeper import KEY_SECONDS
from mlsql.rest.callbacks import asked_callback
from mlsql.rest.callers import Caller
from mlsql.rest.schemas import RunScript, SubmitJob
from mlsql.rest.service import Service
from mlsql.spans import Script

_LONGEST_KEY = 255


def script_submission(given: RunScript, caller: Caller, service: Service) -> Submission:
    """What a request to ``/run/script`` asks for."""
    settings = service.settings.jobs
    expect_within_limits(given.sql, settings)
    return Submission(
        owner=caller.acting_for(given.owner),
        role=caller.role,
        script=given.sql,
        name=given.job_name,
        parameters=given.parameters,
        timeout=given.timeout / 1000 if given.timeout >= 0 else settings.timeout,
        dialect=given.dialect,
        fresh=given.session_per_request,
        silent=given.silence,
        rows=given.output_size,
        callback=_callback(given, service),
    )


def job_submission(given: SubmitJob, caller: Caller, service: Service) -> Submission:
    """What a request to ``/api/v1/jobs`` asks for."""
    settings = service.settings.jobs
    expect_within_limits(given.script, settings)
    return Submission(
        owner=caller.acting_for(given.owner),
        role=caller.role,
        script=given.script,
        name=given.name,
        parameters=given.parameters,
        timeout=settings.timeout if given.timeout is None else given.timeout / 1000,
        priority=given.priority,
        callback=_callback(given, service),
        retry_on_restart=given.retry_on_restart,
        dialect=given.dialect,
        fresh=given.session_per_request,
    )


def expect_sound(submission: Submission, service: Service) -> None:
    """Raise all errors that the text of the script shows."""
    found = service.check(
        submission.script,
        owner=submission.owner,
        parameters=submission.parameters,
        dialect=submission.dialect,
        role=submission.role,
    )
    error = errors_of(found)
    if error is not None:
        raise error


def submission_key(key: str | None, given: SubmitJob) -> SubmissionKey | None:
    """The Idempotency-Key of a request, with a digest of its fields."""
    if key is None:
        return None
    if not key or len(key) > _LONGEST_KEY or not key.isprintable():
        raise ScriptError(f"an Idempotency-Key has 1 to {_LONGEST_KEY} printable characters")
    body = json.dumps(given.model_dump(), sort_keys=True)
    return SubmissionKey(key, hashlib.sha256(body.encode()).hexdigest(), KEY_SECONDS)


def _callback(given: RunScript | SubmitJob, service: Service) -> Callback | None:
    dialect = given.dialect or service.settings.language.dialect
    return asked_callback(given, dialect, service.callbacks.targets)


def expect_within_limits(script: str, settings: JobSettings) -> None:
    """Raise when *script* is too long, or holds what no database keeps."""
    if "\0" in script:
        raise ScriptError("the script holds the character NUL")
    size = len(script.encode())
    if size > settings.script_limit:
        raise ScriptError(
            f"the script has {size:,} bytes, and at most {settings.script_limit:,} are taken",
            hint="jobs.script_limit is the limit",
        )
    if script.count(";") < settings.statements:  # there cannot be more statements than that and one
        return
    count = len(parse(Script("<script>", script)))
    if count > settings.statements:
        raise ScriptError(
            f"the script has {count:,} statements, and at most {settings.statements:,} are taken",
            hint="jobs.statements is the limit",
        )
