"""One check: the statements of a script one after the other, includes and macros in their places."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import singledispatchmethod

from mlsql.check.advice import Advice
from mlsql.check.definitions import Asking, Definitions, Missing, Value
from mlsql.check.surroundings import Checks, Language, Surroundings
from mlsql.diagnostics import Diagnostic
from mlsql.errors import ConfigError, ScriptError, ScriptErrors, UnknownName, UnknownOption
from mlsql.grammar import parse
from mlsql.grammar.conditions import parse_condition, variables
from mlsql.grammar.macros import call_bindings, expand, expansion, is_script
from mlsql.grammar.nodes import Literal, Statement, Word
from mlsql.grammar.query_names import column_words
from mlsql.options import is_filled
from mlsql.plan import (
    CommandStep,
    ForStep,
    IfStep,
    IncludeStep,
    SelectStep,
    SetStep,
    SqlStep,
    Step,
    render_query,
    resolve,
)
from mlsql.spans import Script
from mlsql.templates import Reference, Rendered, segments
from mlsql.variables import Scope, render

_MOST_PASSAGES = 1000
"""How many includes and macro calls are followed; what is behind them is left to the run."""
_SELECTED = re.compile(r":(\w+)")
_TEXT, _DEFAULT, _QUERY, _SETTING = "text", "defaultparam", "sql", "conf"
_THROWS = "throw"
_DEFINES = {"lasttablename": ("__last_table_name__",)}
_RUNS = ("SCRIPT",)
"""The forms of the command that runs its argument."""


class Inspection:
    """What is found in the statements seen so far; they are seen in source order, those of all branches."""

    def __init__(self, language: Language, around: Surroundings) -> None:
        self._language = language
        self._around = around
        self._found: list[Diagnostic] = []
        self._names = Definitions(around.variables, around.texts)
        self._advice = Advice(around.tables, around.holds_model, language.names_model)
        if not around.advises:
            self._advice.open()
        self._unknown: list[CommandStep] = []
        self._depth = 0
        self._passages: set[tuple[str, str, frozenset[str]]] = set()

    def see(self, statements: Sequence[Statement]) -> None:
        """Look at each; what follows a ``!throw`` in its block never runs."""
        thrown = False
        for statement in statements:
            with self._asking() as scope:
                step = resolve(statement, scope)
            if thrown:
                self._warn(ScriptError("this never runs: `!throw` stands before it", span=step.span))
            thrown = isinstance(step, CommandStep) and step.name.text.casefold() == _THROWS
            self._follow(step)
            with self._failing():
                self._advice.see(step)

    def diagnostics(self) -> Iterator[Diagnostic]:
        """What was found, and what only the end of the script shows."""
        yield from self._found
        for missing in self._names.missing():
            yield Diagnostic("warning" if self._may_be_missing(missing) else "error", missing.error)
        for step in self._unknown:
            if not self._names.could_be_macro(step.name.text):
                yield Diagnostic("error", self._unknown_command(step))
        for warning in (*self._names.too_early(), *self._advice.warnings):
            yield Diagnostic("warning", warning)

    def _may_be_missing(self, missing: Missing) -> bool:
        kept = self._around.dialect.keeps_undefined and not missing.in_condition
        return self._around.more_variables or kept

    @contextmanager
    def _asking(self) -> Iterator[Scope]:
        """A block with a scope; the names that it is asked for are used here."""
        scope = Asking(self._around.dialect)
        yield scope
        for reference in scope.asked:
            self._names.use(reference)

    def _warn(self, error: ScriptError) -> None:
        self._found.append(Diagnostic("warning", error))

    def _fail(self, error: ScriptError) -> None:
        for each in error.errors if isinstance(error, ScriptErrors) else (error,):
            tolerated = self._around.dialect.tolerates_unknown_options and isinstance(each, UnknownOption)
            self._found.append(Diagnostic("warning" if tolerated else "error", each))

    @contextmanager
    def _failing(self, *, openly: bool = False) -> Iterator[None]:
        """A block whose errors are findings; *openly*: then nobody knows what it would have defined.

        A plug-in that cannot be loaded is the run's affair.
        """
        try:
            yield
        except ScriptError as error:
            self._fail(error)
            if openly:
                self._open()
        except ConfigError:
            self._open()

    def _judge(self, step: Step) -> None:
        with self._failing():
            self._around.permits(step)
        stage: Checks | None = self._language.judges.get(type(step))
        if stage is not None:
            with self._failing():
                for error in stage.check(step):
                    self._fail(error)

    def _query(self, written: Word | Literal) -> None:
        """A query that a statement hands to Spark."""
        if self._around.parse_query is None:
            return
        query = self._names.filled(written)
        if query is not None:
            with self._failing():
                self._around.parse_query(query)

    def _open(self) -> None:
        """What happens here shows in the run only."""
        self._names.open()
        self._advice.open()

    def _passage(self, statements: Sequence[Statement], names: Collection[str] | None = ()) -> None:
        """Statements inside others, in which *names* have a value; too deep ones are left to the run."""
        if self._depth == self._language.deepest:
            self._open()
            return
        self._depth += 1
        with self._names.bound(names):
            self.see(statements)
        self._depth -= 1

    def _splice(self, script: Script, bindings: Collection[str]) -> None:
        """A script in the place of a statement; the same again says nothing new."""
        passage = (script.name, script.text, frozenset(bindings))
        if len(self._passages) == _MOST_PASSAGES:
            self._open()
        elif passage not in self._passages:
            self._passages.add(passage)
            self._passage(parse(script), bindings)

    @singledispatchmethod
    def _follow(self, step: Step) -> None:
        """Judge *step*, and see what it defines and stands for."""
        self._judge(step)

    @_follow.register
    def _(self, step: SelectStep | SqlStep) -> None:
        self._query(Word(step.query.span.text, step.query.span))

    @_follow.register
    def _(self, step: SetStep) -> None:
        self._judge(step)
        kind = step.options["type"].text.casefold() if "type" in step.options else _TEXT
        if kind == _TEXT or (kind == _DEFAULT and self._names.value(step.name.text) is None):
            self._define_text(step)
        elif kind != _DEFAULT:
            self._define_answer(step, kind)

    def _define_text(self, step: SetStep) -> None:
        parts = segments(step.value.text, step.value.span, bare=self._around.dialect.dollar_names)
        references = tuple(part for part in parts if not isinstance(part, str))
        value = Value(step.value.text, references, step.name.span, "visible" not in step.options)
        self._names.define(step.name.text, value)
        if step.name.text in self._language.commands and is_script(step.value.text):
            self._warn(ScriptError(f"the macro hides the command `!{step.name.text}`", span=step.name.span))

    def _define_answer(self, step: SetStep, kind: str) -> None:
        """What is worked out at once, by Spark or otherwise; a setting of Spark is no variable."""
        with self._asking() as scope:
            if kind == _QUERY:
                self._read(step.value, render_query(step.value, scope))
            else:
                render(step.value.text, step.value.span, scope)
        if kind != _SETTING:
            self._names.define(step.name.text, Value(span=step.name.span))

    def _read(self, written: Word | Literal, query: Rendered) -> None:
        """A query whose rows are read at once."""
        self._query(written)
        self._advice.query(query)

    @_follow.register
    def _(self, step: IncludeStep) -> None:
        self._judge(step)
        if not is_filled(step.format.text) or not is_filled(step.path.text):
            self._open()
            return
        with self._failing(openly=True):
            script = self._around.open_script(step)
            if script is None:
                self._open()
            else:
                self._splice(script, step.options)

    @_follow.register
    def _(self, step: CommandStep) -> None:
        value = self._names.value(step.name.text)
        if value is not None and value.template is None:
            self._open()
        elif value is not None and value.template is not None and is_script(value.template):
            self._expand(step, value.template)
        elif step.name.text in self._language.commands:
            self._call(step)
        else:
            self._unknown.append(step)

    def _call(self, step: CommandStep) -> None:
        """A built-in command; one may run a script that it is given, one defines a variable."""
        self._judge(step)
        with self._failing(openly=True):
            forms: Sequence[str] = self._language.commands.get(step.name.text).forms
            self._advice.call(step, forms)
            if forms == _RUNS and step.arguments:
                self._run_text(step.name, step.arguments[0])
        for name in _DEFINES.get(step.name.text.casefold(), ()):
            self._names.define(name, Value(span=step.span))

    def _run_text(self, command: Word, text: Word) -> None:
        if is_filled(text.text):
            self._splice(Script(f"!{command.text}", text.text, origin=text.span), ())
        else:
            self._open()

    def _expand(self, step: CommandStep, template: str) -> None:
        """The macro *template* in the place of a call."""
        arguments = [each.text for each in step.arguments]
        with self._failing(openly=True):
            try:
                bindings = call_bindings(arguments)
            except ScriptError as error:
                raise error.at(step.span) from error.__cause__
            text = template if bindings is not None else expand(template, arguments)
            if all(map(is_filled, arguments)) or is_script(text):
                self._splice(expansion(text, step.name.text, step.span), bindings or ())
            else:
                self._open()  # an argument may stand for more than one word

    @_follow.register
    def _(self, step: IfStep) -> None:
        for branch in step.branches:
            selected = self._condition(branch.condition)
            with self._names.perhaps():
                self._passage(branch.statements, selected)
        with self._names.perhaps():
            self._passage(step.otherwise)

    def _condition(self, condition: Literal) -> Collection[str]:
        """The names that *condition* selects; those that it asks for are used."""
        with self._asking() as scope:
            rendered = render(condition.text, condition.span, scope)
        if is_filled(rendered.text):
            with self._failing():
                parsed = parse_condition(rendered)
                for each in variables(parsed):
                    reference = Reference(each.name, f":{each.name}", each.span)
                    self._names.use(reference, in_condition=True)
                return [binding.name for binding in parsed.bindings]
        return _SELECTED.findall(rendered.text)

    @_follow.register
    def _(self, step: ForStep) -> None:
        self._judge(step)
        with self._asking() as scope:
            query = render_query(step.query, scope)
            if step.limit is not None:
                render(step.limit.text, step.limit.span, scope)
        self._read(step.query, query)
        columns = column_words(query.text) if is_filled(query.text) else None
        with self._names.perhaps():
            self._passage(step.statements, None if columns is None else {*columns, step.variable.text})

    def _unknown_command(self, step: CommandStep) -> ScriptError:
        known = [*self._names.macros(), *self._language.commands]
        return UnknownName("command", step.name.text, known, span=step.name.span)
