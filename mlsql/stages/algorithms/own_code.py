"""Python of the user's own in a train statement: where its text comes from, and what the trainer is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import SCRIPT, SCRIPT_NAME, Candidate
from mlsql.errors import Refused
from mlsql.models.manifest import Column, ModelKind
from mlsql.options import Options
from mlsql.session import Run
from mlsql.stages.algorithms.external_options import SCRIPT_PATH, SCRIPTS, ExternalOptions
from mlsql.stages.faults import span_of

KIND = "kind"
_LOCAL = ("dataLocalFormat", "dataLocalFileNum")
_REAL = ("float", "double", "decimal")


def names_script(given: Options) -> bool:
    """Whether the statement names a script; an empty name is none."""
    return any(key in given and given[key].text.strip() for key in (SCRIPT_PATH, SCRIPTS))


def script_params(options: ExternalOptions, given: Options, run: Run) -> dict[str, str]:
    """What a trainer is told of the script that the statement names: its text, and its name for messages."""
    if SCRIPT_PATH in given and SCRIPTS in given:
        raise OptionFault(
            f"a script comes from {SCRIPT_PATH} or from {SCRIPTS}, not from both", option=SCRIPTS
        )
    run.policy.python(span=span_of(given, SCRIPT_PATH) or span_of(given, SCRIPTS))
    if options.script_path is not None:
        told = {SCRIPT: _read_file(options.script_path, given, run), SCRIPT_NAME: options.script_path}
    else:
        told = {SCRIPT: _read_variable(options.scripts or "", given, run), SCRIPT_NAME: options.scripts or ""}
    files = {} if options.local_files is None else {_LOCAL[1]: str(options.local_files)}
    return told | ({_LOCAL[0]: options.local_format, **files} if options.local else {})


def with_script(
    candidates: Sequence[Candidate], told: dict[str, str], label: Column | None
) -> tuple[Candidate, ...]:
    """The candidates with what the trainer is told; their kind goes by the label unless they name one."""
    usual = {KIND: kind_by(label)}
    return tuple(dataclasses.replace(each, params={**usual, **each.params, **told}) for each in candidates)


def unread_script(candidates: Sequence[Candidate], given: Options) -> tuple[Candidate, ...]:
    """The candidates as they are known before the script and the label are: with its name, and some kind."""
    named = given[SCRIPT_PATH if SCRIPT_PATH in given else SCRIPTS].text
    kind = next((each.params[KIND] for each in candidates if KIND in each.params), "classifier")
    return tuple(
        dataclasses.replace(each, params={KIND: kind, **each.params, SCRIPT_NAME: named})
        for each in candidates
    )


def is_unread(candidates: Sequence[Candidate]) -> bool:
    """Whether they are those of :func:`unread_script`, whose kind nobody knows."""
    return any(SCRIPT_NAME in each.params and SCRIPT not in each.params for each in candidates)


def smuggled_script(candidates: Sequence[Candidate]) -> OptionFault | None:
    """The fault of a script that is given as a parameter, past the policy."""
    for each in candidates:
        for name in (SCRIPT, SCRIPT_NAME):
            if name in each.params:
                hint = f'a script is named by {SCRIPT_PATH}="train.py" or {SCRIPTS}="name"'
                return OptionFault(f"no parameter is called '{name}'", option=each.prefix + name, hint=hint)
    return None


def kind_by(label: Column | None) -> ModelKind:
    """What a model learns from a label: texts, booleans and whole numbers are classes.

    >>> kind_by(Column("y", "int")), kind_by(Column("y", "decimal(10,2)")), kind_by(None)
    ('classifier', 'regressor', 'transformer')
    """
    if label is None:
        return "transformer"
    return "regressor" if label.type.startswith(_REAL) else "classifier"


def placed_at_script(faults: Sequence[OptionFault], given: Options) -> list[OptionFault]:
    """The faults, those of the script's text at the option that names it, each told once."""
    option = SCRIPTS if SCRIPTS in given else SCRIPT_PATH
    placed = (
        OptionFault(each.message, option=option, hint=each.hint)
        if each.option.endswith(f".{SCRIPT}")
        else each
        for each in faults
    )
    return list({(each.option, each.message): each for each in placed}.values())


def _read_file(written: str, given: Options, run: Run) -> str:
    span = span_of(given, SCRIPT_PATH)
    path = run.policy.path(written, span=span, purpose="script")
    if Path(path).is_dir():
        raise Refused(
            f"'{written}' is a folder",
            span=span,
            hint=f'name the file in it: {SCRIPT_PATH}="{written.rstrip("/")}/train.py"; '
            "an MLproject is not run",
        )
    return run.read_text(path, span=span)


def _read_variable(name: str, given: Options, run: Run) -> str:
    if "," in name:
        hint = 'one script trains; modules that it imports come as `fitParam.0.resource.NAME`="FILE"'
        raise OptionFault(f"'{name}' names several variables", option=SCRIPTS, hint=hint)
    return run.scope.value(name, span=span_of(given, SCRIPTS))
