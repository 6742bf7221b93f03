"""What is kept of a register statement, and how its function comes back in a later session."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from mlsql.errors import MlsqlError, RunStopped, ScriptError
from mlsql.events import Log
from mlsql.forms import answers_as_data
from mlsql.grammar.nodes import Word
from mlsql.models.cache import local_folder
from mlsql.models.manifest import CandidateRecord, StoredModel
from mlsql.options import Kind, Options, OptionText
from mlsql.plan import RegisterStep, Step
from mlsql.registrations import Registration
from mlsql.roles import expect_owner
from mlsql.session import FunctionSignature, Run, Session
from mlsql.spans import Script
from mlsql.stages.algorithms.choice import INDEX, VERSION
from mlsql.stages.base import Stage

log = logging.getLogger(__name__)


@runtime_checkable
class Restores(Protocol):
    """A stage that makes what was registered earlier callable again."""

    def restore(self, registration: Registration, run: Run, /) -> None:
        """Make it callable in the session of *run*."""
        ...


def _read_owners(text: str) -> tuple[str, ...]:
    try:
        return tuple(expect_owner(each.strip()) for each in text.split(",") if each.strip())
    except ScriptError as error:
        raise ValueError(text) from error


OWNERS: Kind[tuple[str, ...]] = Kind("names of owners with commas between them", _read_owners)


def model_registration(
    signature: FunctionSignature,
    stored: StoredModel,
    candidate: CandidateRecord,
    session: Session,
    callers: Sequence[str] | None,
) -> Registration:
    """What is kept of a function of a stored model; without *callers*, those that there were stay."""
    manifest = stored.manifest
    before = session.registrations.find(session.owner, signature.name)
    return Registration(
        owner=session.owner,
        function=signature.name,
        algorithm=manifest.algorithm,
        path=stored.ref.path,
        version=stored.ref.version,
        index=candidate.index,
        signature=str(signature),
        inputs=signature.parameters,
        output=signature.output,
        kind=manifest.kind,
        companions=_companions(signature.name, session),
        metrics={name: value for name, value in candidate.metrics.items() if math.isfinite(value)},
        created=time.time(),
        grants=tuple(callers) if callers is not None else before.grants if before else (),
        runs_code=_runs_code(stored, candidate),
    )


def definition_registration(
    step: RegisterStep, signature: FunctionSignature, session: Session
) -> Registration:
    """What is kept of a function that the statement itself says, which Spark alone answers."""
    return Registration(
        owner=session.owner,
        function=signature.name,
        algorithm=step.algorithm.text,
        path=step.path.text,
        signature=str(signature),
        inputs=signature.parameters,
        output=signature.output,
        companions=_companions(signature.name, session),
        created=time.time(),
        options={name: each.text for name, each in step.options.items()},
        trouble=f"functions of {step.algorithm.text} are answered by Spark alone",
    )


def step_of(registration: Registration) -> RegisterStep:
    """The statement that registers the same once more: the very model, or the same definition."""
    text = f"register {registration.algorithm}.`{registration.path}` as {registration.function}"
    span = Script("<registered>", text).span(0, len(text))

    def word(name: str) -> Word:
        return Word(name, span, "`")

    options: Options = {name: OptionText(each) for name, each in _told(registration).items()}
    algorithm, path = word(registration.algorithm), word(registration.path)
    return RegisterStep(algorithm, path, word(registration.function), options, span)


def restore_functions(stages: Mapping[type[Step], Stage[Any]], run: Run) -> None:
    """Make what the owner registered earlier callable in a session that is new.

    What cannot be, because its model is gone, is a warning: the script may not need it.
    """
    session = run.session
    with session.restoring:
        stage = stages[RegisterStep]
        if session.is_restored or not isinstance(stage, Restores):
            return
        for each in session.registrations.of(session.owner):
            if each.function not in session.functions:
                _restore(each, stage, run)
        session.is_restored = True


def _restore(registration: Registration, stage: Restores, run: Run) -> None:
    try:
        stage.restore(registration, run)
    except RunStopped:
        raise
    except MlsqlError as error:
        told = f"the function '{registration.function}' is not there: {error.message}"
        log.warning("%s: %s", registration.owner, told)
        run.emit(Log(told, "warning"))


def _told(registration: Registration) -> Mapping[str, str]:
    if registration.version is None:
        return registration.options
    return {VERSION: str(registration.version), INDEX: str(registration.index)}


def _companions(name: str, session: Session) -> tuple[str, ...]:
    return tuple(each.name for each in session.functions.values() if each.companion_of == name)


def _runs_code(stored: StoredModel, candidate: CandidateRecord) -> bool:
    """Whether only its library answers it, which unpickles or runs what the owner may have put there."""
    return not answers_as_data(candidate.forms, local_folder(stored.directory(candidate.index)))
