"""``!show …``: what there is, from tables and functions to formats, algorithms and these commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from mlsql.grammar.macros import is_script
from mlsql.grammar.nodes import Word
from mlsql.registry import Registry
from mlsql.session import Outcome, Run, Table, quoted
from mlsql.stages import catalog
from mlsql.stages.algorithms.base import Algorithm
from mlsql.stages.catalog import Listing
from mlsql.stages.commands import runs
from mlsql.stages.commands.base import Command
from mlsql.stages.commands.forms import Given, read_arguments
from mlsql.stages.sources.base import Source
from mlsql.templates import Rendered

_ALGORITHM = "et/NAME"
_ALGORITHM_WORDS = 2
"""What has more words is no name of an algorithm, but a misspelt ``params``."""
_BETWEEN_SLASHES = re.compile(r"[^/]+")


@dataclass(frozen=True, slots=True)
class Show:
    """Small tables about what this engine and this session have."""

    sources: Registry[Source]
    algorithms: Registry[Algorithm]
    commands: Registry[Command]
    doc: str = "What there is: tables, functions, formats, algorithms, commands, settings, variables."

    @property
    def forms(self) -> tuple[str, ...]:
        """One for each thing that can be shown."""
        return tuple(_LISTINGS)

    def read(self, name: Word, arguments: Sequence[Word], /) -> Given:
        """What is to be shown; blanks between the words are as good as slashes."""
        words = [part for index, word in enumerate(arguments) for part in _parts(word, first=index == 0)]
        forms = [form for form in self.forms if form != _ALGORITHM or len(words) == _ALGORITHM_WORDS]
        return read_arguments(name, forms, words)

    def run(self, call: Given, run: Run, /) -> Outcome:
        """The table."""
        return Table(None, _LISTINGS[call.form](self, call, run).frame(run.spark))


def _function(_: Show, given: Given, run: Run) -> Listing:
    """What a function does, a row a line, and how one that a model was registered as is called."""
    name = given["NAME"]
    query = f"describe function extended {quoted(name.text)}"
    rows = run.sql(Rendered(query, name.span)).collect()
    lines = [line.rstrip() for row in rows for line in row[0].rstrip().splitlines()]
    functions = run.session.functions.values()
    signatures = [f"Signature: {each}" for each in functions if each.name.casefold() == name.text.casefold()]
    return Listing("description string", tuple((line,) for line in (*signatures, *lines)))


def _commands(show: Show, given: Given, run: Run) -> Listing:  # noqa: ARG001 - as its siblings
    """One row for each way to call a command."""
    commands = ((name, show.commands.get(name)) for name in show.commands)
    rows = (
        (name, f"!{name} {form}".strip(), command.doc) for name, command in commands for form in command.forms
    )
    return Listing("name string, call string, doc string", tuple(rows))


def _macros(show: Show, given: Given, run: Run) -> Listing:  # noqa: ARG001 - as its siblings
    """The variables that can be called."""
    texts = ((name, run.scope.template(name) or "") for name in run.scope.defined_names)
    return Listing("name string, text string", tuple((name, text) for name, text in texts if is_script(text)))


def _parts(word: Word, *, first: bool) -> Iterator[Word]:
    """The words between the slashes of one that stands bare, or of the *first*, also in quotes."""
    if word.quote and not (first and "/" in word.text):
        yield word
        return
    start, script, is_as_written = word.span.start, word.span.script, word.span.text == word.text
    for part in _BETWEEN_SLASHES.finditer(word.text):
        place = script.span(start + part.start(), start + part.end())
        yield Word(part[0], place if is_as_written else word.span)


_LISTINGS: Mapping[str, Callable[[Show, Given, Run], Listing]] = MappingProxyType(
    {
        "tables": lambda _, given, run: catalog.tables(run, given.span),
        "tables from DATABASE": lambda _, given, run: catalog.tables(run, given.span, given["DATABASE"]),
        "functions": lambda _, given, run: catalog.functions(run, given.span),
        "function NAME": _function,
        "et": lambda show, _, __: catalog.algorithms(show.algorithms),
        _ALGORITHM: lambda show, given, _: catalog.algorithm_example(show.algorithms, given["NAME"]),
        "et/params/NAME": lambda show, given, _: catalog.algorithm_options(show.algorithms, given["NAME"]),
        "datasources": lambda show, _, __: catalog.sources(show.sources),
        "datasources/params/NAME": lambda show, given, _: catalog.source_options(show.sources, given["NAME"]),
        "commands": _commands,
        "jobs": lambda _, __, run: runs.jobs(run),
        "jobs/ID": lambda _, given, run: runs.jobs(run, given["ID"]),
        "progress/ID": lambda _, given, run: runs.progress(run, given["ID"]),
        "version": lambda _, __, run: catalog.versions(run),
        "conf/list": lambda _, __, run: catalog.settings(run),
        "variables": lambda _, __, run: catalog.variables(run),
        "macros": _macros,
    }
)
"""What each form shows."""
