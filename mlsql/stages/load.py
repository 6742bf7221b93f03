"""``load format.path where … as table``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlsql.errors import ScriptError
from mlsql.options import is_filled, option_errors
from mlsql.plan import LoadStep
from mlsql.registry import Registry
from mlsql.session import Outcome, Run
from mlsql.stages.faults import placed_at_options
from mlsql.stages.sources.base import Reads, Source
from mlsql.stages.sources.foreign import source_of


@dataclass(frozen=True, slots=True)
class LoadStage:
    """Read a source into a named table; its rows are not read until the table is used."""

    sources: Registry[Source]

    def run(self, step: LoadStep, run: Run, /) -> Outcome:
        """The table, under the name that the statement gives it."""
        source = self._source(step)
        options = run.read_options(
            source.read_options, step.options, owner=step.format.text, span=step.format.span
        )
        with placed_at_options(step.options, step.path.span):
            frame = source.read(run, step.path, options)
        return run.define(step.table, frame)

    def check(self, step: LoadStep, /) -> Iterator[ScriptError]:
        """What is wrong with the format and the options."""
        if is_filled(step.format.text):
            declared = self._source(step).read_options
            yield from option_errors(declared, step.options, owner=step.format.text, span=step.format.span)

    def _source(self, step: LoadStep) -> Reads:
        source = source_of(self.sources, step.format, step.options)
        if not isinstance(source, Reads):
            raise ScriptError(f"'{step.format.text}' cannot be loaded from", span=step.format.span)
        return source
