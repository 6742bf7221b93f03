"""``!if … !elif … !else … !fi`` and ``!for … !done``: which statements run next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlsql.errors import ScriptError
from mlsql.grammar.conditions import compile_condition, parse_condition, variables
from mlsql.grammar.nodes import Literal
from mlsql.options import is_filled
from mlsql.plan import ForStep, IfStep, render_query
from mlsql.session import Outcome, Passage, Run, Splice
from mlsql.stages.texts import text_rows
from mlsql.templates import Rendered
from mlsql.variables import render

MOST_ROWS = 1000
"""How often a ``!for`` runs its block unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class IfStage:
    """The statements of the first branch whose condition holds; later ones are not evaluated."""

    def run(self, step: IfStep, run: Run, /) -> Outcome:
        """What stands in the place of the block; the variables that the condition selects hold in it."""
        for branch in step.branches:
            bindings = _answer(branch.condition, run)
            if bindings is not None:
                return Splice((Passage(branch.statements, bindings),))
        return Splice((Passage(step.otherwise),) if step.otherwise else ())


@dataclass(frozen=True, slots=True)
class ForStage:
    """The block once for each row of a query."""

    def run(self, step: ForStep, run: Run, /) -> Outcome:
        """The block again and again, with the row's columns as variables."""
        limit = step.limit
        most = MOST_ROWS if limit is None else _limit(render(limit.text, limit.span, run.scope))
        frame = run.sql(render_query(step.query, run.scope))
        rows = text_rows(frame, most + 1)
        if len(rows) > most:
            raise ScriptError(
                f"the query gives more than {most:,} rows",
                span=step.query.span,
                hint=f"a `!for` may say how many it takes: … limit {most * 10};",
            )
        return Splice(tuple(_turns(step, frame.columns, rows)))

    def check(self, step: ForStep, /) -> Iterable[ScriptError]:
        """What is wrong with the limit."""
        if step.limit is not None and is_filled(step.limit.text):
            _limit(step.limit)
        return ()


def _answer(condition: Literal, run: Run) -> dict[str, str] | None:
    """The variables that a condition selects when it holds, None when it does not (or is null)."""
    rendered = render(condition.text, condition.span, run.scope)
    parsed = parse_condition(rendered)
    values = {each.name: run.scope.value(each.name, span=each.span) for each in variables(parsed)}
    compiled = compile_condition(parsed, values)
    (row,) = text_rows(run.sql(Rendered(compiled.query, condition.span)), 1)
    *selected, holds = row
    names = (name for name, _ in compiled.bindings)
    return dict(zip(names, selected, strict=True)) if holds == "true" else None


def _turns(step: ForStep, columns: list[str], rows: list[tuple[str, ...]]) -> Iterator[Passage]:
    for row in rows:
        named = dict(zip(columns, row, strict=True))
        yield Passage(step.statements, {**named, step.variable.text: row[0]})


def _limit(limit: Literal | Rendered) -> int:
    if not limit.text.isdecimal() or int(limit.text) == 0:
        raise ScriptError(f"a limit is a whole number of at least 1, not '{limit.text}'", span=limit.span)
    return int(limit.text)
