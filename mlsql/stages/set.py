"""``set name = value where type = …``: a text, the answer of a query or a command, JSON, a Spark setting."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mlsql.errors import DataError, Refused, ScriptError, UnknownName
from mlsql.options import TEXT, OptionText, is_filled, one_of, option, option_errors
from mlsql.plan import SetStep, render_query
from mlsql.processes import describe_exit, run_process
from mlsql.session import Nothing, Outcome, Run
from mlsql.spans import Span
from mlsql.spark.sessions import SUBSTITUTE
from mlsql.stages.texts import text_rows
from mlsql.variables import render

_GUARDED = (SUBSTITUTE,)
"""Settings on which the language relies, or that would open a door."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOptions:
    """What a variable is and where it is seen."""

    type: str = option("type", TEXT, "text, sql, json, shell, conf or defaultParam.", default="text")
    visible: str | None = option(
        "visible", one_of("un_select"), "un_select: it is not replaced in the text of selects.", default=None
    )
    scope: str = option(
        "scope",
        one_of("request", "session"),
        "Who knows it: this script, or the owner's later ones too.",
        default="request",
    )
    mode: str | None = option(
        "mode", one_of("compile", "runtime"), "Of old scripts; a query runs once, at its turn.", default=None
    )


_SHELL_SECONDS = 600.0

Define = Callable[[SetStep, SetOptions, Run], None]


@dataclass(frozen=True, slots=True)
class SetStage:
    """Define a variable, or change a Spark setting of the session."""

    def run(self, step: SetStep, run: Run, /) -> Outcome:
        """Nothing to show."""
        options = run.read_options(SetOptions, step.options, owner="set", span=step.span)
        define = _definition(step.options.get("type"))
        define(step, options, run)
        if options.scope == "session" and define is not _set_spark:
            run.session.variables[step.name.text] = run.scope.lasting(step.name.text)
        return Nothing()

    def check(self, step: SetStep, /) -> Iterator[ScriptError]:
        """What is wrong with the options, and with a value that is no template."""
        yield from option_errors(SetOptions, step.options, owner="set", span=step.span)
        kind = step.options.get("type")
        if kind is None or not is_filled(kind.text):
            return
        define = _definition(kind)
        if define is _define_json and is_filled(step.value.text):
            _expect_json(step.value.text, step.value.span)
        elif define is _set_spark:
            _refuse_guarded(step)


def _definition(kind: OptionText | None) -> Define:
    """What a ``set`` of the type *kind* does."""
    name = "text" if kind is None else kind.text
    define = TYPES.get(name.casefold())
    if define is None:
        raise UnknownName("type of variable", name, _NAMES, span=kind.span if kind else None)
    return define


def _define_text(step: SetStep, options: SetOptions, run: Run) -> None:
    run.scope.define(step.name.text, step.value.text, span=step.value.span, in_select=options.visible is None)


def _define_default(step: SetStep, options: SetOptions, run: Run) -> None:
    if step.name.text not in run.scope:
        _define_text(step, options, run)


def _define_json(step: SetStep, options: SetOptions, run: Run) -> None:
    """The text, of which ``${name.key.0}`` is a part; what is no JSON is told now."""
    text = render(step.value.text, step.value.span, run.scope).text
    _expect_json(text, step.value.span)
    in_select = options.visible is None
    run.scope.define(step.name.text, text, template=False, in_select=in_select, json=True)


def _expect_json(text: str, span: Span) -> None:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ScriptError(f"the value is no JSON: {error}", span=span) from error


def _define_answer(step: SetStep, options: SetOptions, run: Run) -> None:
    """The first cell of the first row as text, empty when there is none."""
    frame = run.sql(render_query(step.value, run.scope))
    rows = text_rows(frame, 1)
    text = rows[0][0] if rows else ""
    run.scope.define(step.name.text, text, template=False, in_select=options.visible is None)


def _define_output(step: SetStep, options: SetOptions, run: Run) -> None:
    """What a shell command writes to its standard output, without the line break at its end."""
    run.policy.shell(span=step.options["type"].span)
    command = render(step.value.text, step.value.span, run.scope).text
    done = run_process(["/bin/sh", "-c", command], timeout=_SHELL_SECONDS, ending=run.stop.ending)
    if done.exit_code != 0:
        last = done.errors.strip().rpartition("\n")[2] or None
        message = f"the command {describe_exit(done.exit_code)}"
        raise DataError(message, span=step.value.span, hint=last)
    text = done.output.removesuffix("\n")
    run.scope.define(step.name.text, text, template=False, in_select=options.visible is None)


def _set_spark(step: SetStep, options: SetOptions, run: Run) -> None:  # noqa: ARG001 - as its siblings
    _refuse_guarded(step)
    run.policy.spark_setting(step.name.text, span=step.name.span)
    with run.guard(step.span):
        run.spark.conf.set(step.name.text, render(step.value.text, step.value.span, run.scope).text)


def _refuse_guarded(step: SetStep) -> None:
    if step.name.text in _GUARDED:
        raise Refused(f"a script cannot set '{step.name.text}'", span=step.name.span)


_NAMES: Mapping[str, Define] = {
    "text": _define_text,
    "sql": _define_answer,
    "json": _define_json,
    "shell": _define_output,
    "conf": _set_spark,
    "defaultParam": _define_default,
}
TYPES: Mapping[str, Define] = {name.casefold(): define for name, define in _NAMES.items()}
"""What each type of variable does, by its name in lower case."""
