"""``connect format where … as alias``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlsql.errors import ScriptError
from mlsql.options import is_filled, option_errors, unknown_options
from mlsql.plan import ConnectStep
from mlsql.registry import Registry
from mlsql.session import Connection, Nothing, Outcome, Run
from mlsql.stages.sources.base import Connects, Source


@dataclass(frozen=True, slots=True)
class ConnectStage:
    """Remember how a source is reached, under an alias, for as long as the session lives."""

    sources: Registry[Source]

    def run(self, step: ConnectStep, run: Run, /) -> Outcome:
        """Nothing to show; nothing is opened until a table is loaded."""
        source = self._source(step)
        kind, owner = source.connect_options, step.format.text
        run.read_options(kind, step.options, owner=owner, span=step.format.span)
        unknown = {error.option for error in unknown_options(kind, step.options, owner=owner)}
        options = {key: value for key, value in step.options.items() if key not in unknown}
        alias = step.alias or step.format
        run.session.connections[alias.text] = Connection(owner, options)
        return Nothing()

    def check(self, step: ConnectStep, /) -> Iterator[ScriptError]:
        """What is wrong with the format and the options."""
        if is_filled(step.format.text):
            declared = self._source(step).connect_options
            yield from option_errors(declared, step.options, owner=step.format.text, span=step.format.span)

    def _source(self, step: ConnectStep) -> Connects:
        source = self.sources.get(step.format.text, span=step.format.span)
        if not isinstance(source, Connects):
            raise ScriptError(f"'{step.format.text}' cannot be connected to", span=step.format.span)
        return source
