"""``save overwrite table as format.path where … partitionby …``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlsql.errors import ScriptError
from mlsql.options import is_filled, option_errors
from mlsql.plan import SaveStep
from mlsql.registry import Registry
from mlsql.session import Outcome, Run, Table
from mlsql.stages.faults import placed_at_options
from mlsql.stages.sources.base import Source, Target, Writes
from mlsql.stages.sources.foreign import source_of

_ROW = "format string, path string, mode string, rows bigint, files int"


@dataclass(frozen=True, slots=True)
class SaveStage:
    """Write a table to a source; the result is one row that says what was written."""

    sources: Registry[Source]

    def run(self, step: SaveStep, run: Run, /) -> Outcome:
        """One row: format, path, mode, rows, files."""
        source = self._source(step)
        options = run.read_options(
            source.write_options, step.options, owner=step.format.text, span=step.format.span
        )
        target = Target(step.path, step.mode, step.partition_by)
        frame = run.table(step.table)
        with placed_at_options(step.options, step.path.span):
            written = source.write(run, frame, target, options)
        row = (step.format.text, written.place, step.mode, written.rows, written.files)
        return Table(None, run.spark.createDataFrame([row], _ROW))

    def check(self, step: SaveStep, /) -> Iterator[ScriptError]:
        """What is wrong with the format and the options."""
        if is_filled(step.format.text):
            declared = self._source(step).write_options
            yield from option_errors(declared, step.options, owner=step.format.text, span=step.format.span)

    def _source(self, step: SaveStep) -> Writes:
        source = source_of(self.sources, step.format, step.options)
        if not isinstance(source, Writes):
            raise ScriptError(f"'{step.format.text}' cannot be saved to", span=step.format.span)
        return source
