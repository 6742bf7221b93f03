"""What may well be a mistake: a table that no statement has made, a model that none has trained.

The steps are seen in source order, those of all branches. Behind what is not known before the
run (an include whose path is a variable, a table of that sort), nothing more is said.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import singledispatchmethod
from itertools import pairwise

from mlsql.errors import ScriptError
from mlsql.grammar.nodes import Word
from mlsql.grammar.query_names import table_names
from mlsql.grammar.scanner import scan
from mlsql.names import nearest
from mlsql.options import is_filled
from mlsql.plan import (
    CommandStep,
    LoadStep,
    RegisterStep,
    SaveStep,
    SelectStep,
    SqlStep,
    Step,
    TrainStep,
)
from mlsql.spans import Span
from mlsql.templates import Rendered

_ALWAYS_THERE = "command"
_READ = ("insert", "create")
_CHANGE_THE_CATALOGUE = ("create", "alter", "use")
_TABLE = "TABLE"
"""How the forms of a command call a table."""


class Advice:
    """The tables and models at one point of a script, and what was odd so far.

    *tables* lists those of the catalogue; *holds_model* tells whether a model lies at a path,
    *names_model* whether the path of a register is that of one.
    """

    def __init__(
        self,
        tables: Callable[[], Collection[str]],
        holds_model: Callable[[Word], bool],
        names_model: Callable[[RegisterStep], bool] = lambda _: True,
    ) -> None:
        self.warnings: list[ScriptError] = []
        self._tables = {_ALWAYS_THERE: _ALWAYS_THERE}
        self._catalogue: Callable[[], Collection[str]] | None = tables
        self._trained: set[str] = set()
        self._holds_model = holds_model
        self._names_model = names_model
        self._is_open = False

    def open(self) -> None:
        """From now on, there may be any table and any model."""
        self._is_open = True

    def use(self, name: str, span: Span) -> None:
        """A statement reads the table *name*."""
        if self._is_open or not is_filled(name) or self._knows(name):
            return
        near = nearest(name, self._tables.values())
        hint = f"did you mean '{near}'?" if near else "a table of an earlier script of the session?"
        message = f"no statement before makes the table '{name}'"
        self.warnings.append(ScriptError(message, span=span, hint=hint))

    def _knows(self, name: str) -> bool:
        """Whether there is a table *name*; the catalogue is listed once, and only when it has to be."""
        if name.casefold() not in self._tables and self._catalogue is not None:
            self._tables = {each.casefold(): each for each in self._catalogue()} | self._tables
            self._catalogue = None
        return name.casefold() in self._tables

    def query(self, query: Rendered) -> None:
        """A statement reads the tables that *query* names."""
        for table in () if self._is_open else table_names(query.text):
            self.use(table.name, query.source_span(table.start, table.end))

    def make(self, name: str) -> None:
        """A statement makes the table *name*."""
        if is_filled(name):
            self._tables[name.casefold()] = name
        else:
            self.open()

    @singledispatchmethod
    def see(self, step: Step) -> None:
        """Take in what *step* reads and makes."""

    @see.register
    def _(self, step: LoadStep) -> None:
        self.make(step.table.text)

    @see.register
    def _(self, step: SelectStep) -> None:
        self.query(step.query)
        if step.table is not None:
            self.make(step.table.text)

    @see.register
    def _(self, step: SqlStep) -> None:
        word = next(token.text.lower() for token in scan(step.query.text, 0, "sql") if token.kind == "word")
        if word in _READ:
            self.query(step.query)
        if word in _CHANGE_THE_CATALOGUE:
            self.open()

    @see.register
    def _(self, step: SaveStep) -> None:
        self.use(step.table.text, step.table.span)

    @see.register
    def _(self, step: TrainStep) -> None:
        self.use(step.table.text, step.table.span)
        if step.output is not None:
            self.make(step.output.text)
        if step.verb == "predict":
            self._model(step.path)
        elif is_filled(step.path.text):
            self._trained.add(step.path.text)
        else:
            self.open()

    @see.register
    def _(self, step: RegisterStep) -> None:
        if self._names_model(step):
            self._model(step.path)

    def call(self, step: CommandStep, forms: Sequence[str]) -> None:
        """A statement calls a built-in command, whose *forms* say which arguments are tables."""
        if step.arguments and forms and all(form.startswith(_TABLE) for form in forms):
            self._use_unqualified(step.arguments[0])
        named = {"named": self._make_named}
        if any(f"-i {_TABLE}" in form for form in forms):
            named["-i"] = self._use_unqualified
        if any(f"-o {_TABLE}" in form for form in forms):
            named["-o"] = self._make_named
        for before, argument in pairwise(step.arguments):
            if not before.quote and before.text.casefold() in named:
                named[before.text.casefold()](argument)

    def _make_named(self, table: Word) -> None:
        self.make(table.text)

    def _use_unqualified(self, table: Word) -> None:
        if "." not in table.text:
            self.use(table.text, table.span)

    def _model(self, path: Word) -> None:
        """A statement asks for the model at *path*."""
        if self._is_open or not is_filled(path.text) or path.text in self._trained:
            return
        if not self._holds_model(path):
            message = f"no statement before trains a model at `{path.text}`, and none lies there"
            self.warnings.append(ScriptError(message, span=path.span))
