"""``set name = value where type = …``: text, the answer of a query, a Spark setting, a default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlsql.errors import Refused, UnknownName
from mlsql.options import TEXT, one_of, option, read_options
from mlsql.plan import SetStep, render_query
from mlsql.session import Nothing, Outcome, Run
from mlsql.stages.texts import text_rows
from mlsql.variables import render

_GUARDED = ("spark.sql.variable.substitute",)
"""Settings on which the language relies, or that would open a door."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOptions:
    """What a variable is and where it is seen."""

    type: str = option("type", TEXT, "text, sql, conf or defaultParam.", default="text")
    visible: str | None = option(
        "visible", one_of("un_select"), "un_select: it is not replaced in the text of selects.", default=None
    )
    scope: str = option("scope", one_of("request"), "Who knows it: this script.", default="request")
    mode: str | None = option(
        "mode", one_of("compile", "runtime"), "Of old scripts; a query runs once, at its turn.", default=None
    )


Define = Callable[[SetStep, SetOptions, Run], None]


@dataclass(frozen=True, slots=True)
class SetStage:
    """Define a variable, or change a Spark setting of the session."""

    def run(self, step: SetStep, run: Run, /) -> Outcome:
        """Nothing to show."""
        options = read_options(SetOptions, step.options, owner="set", span=step.span)
        by_folded = {name.casefold(): define for name, define in _TYPES.items()}
        if options.type.casefold() not in by_folded:
            raise UnknownName("type of variable", options.type, _TYPES, span=step.options["type"].span)
        by_folded[options.type.casefold()](step, options, run)
        return Nothing()


def _define_text(step: SetStep, options: SetOptions, run: Run) -> None:
    run.scope.define(step.name.text, step.value.text, span=step.value.span, in_select=options.visible is None)


def _define_default(step: SetStep, options: SetOptions, run: Run) -> None:
    if step.name.text not in run.scope:
        _define_text(step, options, run)


def _define_answer(step: SetStep, options: SetOptions, run: Run) -> None:
    """The first cell of the first row as text, empty when there is none."""
    frame = run.sql(render_query(step.value, run.scope))
    rows = text_rows(frame, 1)
    text = rows[0][0] if rows else ""
    run.scope.define(step.name.text, text, template=False, in_select=options.visible is None)


def _set_spark(step: SetStep, options: SetOptions, run: Run) -> None:  # noqa: ARG001 - as its siblings
    key = step.name.text
    if key in _GUARDED:
        raise Refused(f"a script cannot set '{key}'", span=step.name.span)
    with run.guard(step.span):
        run.spark.conf.set(key, render(step.value.text, step.value.span, run.scope).text)


_TYPES: Mapping[str, Define] = {
    "text": _define_text,
    "sql": _define_answer,
    "conf": _set_spark,
    "defaultParam": _define_default,
}
