"""Workbooks as tables: ``load excel.`pays.xlsx` where header="true" as pays``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import DataFault
from mlsql.errors import DataError, ScriptError
from mlsql.grammar.nodes import Word
from mlsql.session import Run, quoted
from mlsql.stages.sources.base import Target, Written
from mlsql.stages.sources.counts import Folder
from mlsql.stages.sources.excel_cells import (
    Shape,
    Sheet,
    expect_openpyxl,
    rows_of,
    shape_of,
    workbook_of,
)
from mlsql.stages.sources.excel_options import ExcelReadOptions, ExcelWriteOptions
from mlsql.stages.sources.files import placed

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

_FORMAT = "excel"
_ROWS = 1000
_PLAIN = ("string", "boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "date")
_PLAIN_STARTS = ("decimal", "timestamp", "char", "varchar")


@dataclass(frozen=True, slots=True)
class Excel:
    """Workbooks of the kind xlsx."""

    doc: ClassVar[str] = "Workbooks of Excel (xlsx); one sheet is a table."
    read_options: ClassVar[type[ExcelReadOptions]] = ExcelReadOptions
    write_options: ClassVar[type[ExcelWriteOptions]] = ExcelWriteOptions

    def read(self, run: Run, path: Word, options: ExcelReadOptions, /) -> DataFrame:
        """The table in the workbook at *path*, or in each of several; one look finds columns and types."""
        expect_openpyxl()
        place = run.policy.path(path.text, span=path.span)
        sheet = Sheet(options.sheet, options.area, options.header, options.most_rows)
        with placed(_FORMAT, place, path), run.guard(path.span):
            files = run.spark.read.format("binaryFile").load(place).select("content")
            found = files.mapInArrow(_shapes(sheet, infer=options.infer), "shape string").collect()
        shape = _one_shape([json.loads(row.shape) for row in found], place, path)
        columns = ", ".join(
            f"{quoted(name)} {kind}" for name, kind in zip(shape.names, shape.kinds, strict=True)
        )
        return files.mapInArrow(_tables(sheet, shape), columns)

    def write(self, run: Run, frame: DataFrame, target: Target, options: ExcelWriteOptions, /) -> Written:
        """Write *frame* as one workbook, which one task makes."""
        expect_openpyxl()
        place = run.policy.path(target.path.text, span=target.path.span, purpose="write")
        _expect_possible(frame, target)
        file = Folder(run.spark, place)
        if target.mode != "overwrite" and file.exists():
            if target.mode == "ignore":
                return Written(place, 0, 0)
            hint = "`save overwrite …` replaces it"
            raise DataError(f"something lies at '{place}' already", span=target.path.span, hint=hint)
        sheet = Sheet(options.area.sheet or options.sheet, options.area, options.header, 0)
        with run.guard(target.path.span):
            made = frame.coalesce(1).mapInArrow(
                _workbook(frame.columns, sheet), "content binary, rows bigint"
            )
            for row in made.collect():
                file.write(bytes(row.content))
                return Written(place, row.rows, 1)
            file.write(workbook_of(frame.columns, (), sheet))  # a table without parts has no tasks
        return Written(place, 0, 1)


def _shapes(sheet: Sheet, *, infer: bool) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What a task does first: the shape of each workbook, as JSON."""

    def look(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for content in _contents(batches):
            told = json.dumps(asdict(shape_of(content, sheet, infer=infer)))
            yield pa.RecordBatch.from_pydict({"shape": [told]})

    return look


def _tables(sheet: Sheet, shape: Shape) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What a task does then: the rows of each workbook."""

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        kinds = {
            "string": pa.string(),
            "boolean": pa.bool_(),
            "bigint": pa.int64(),
            "double": pa.float64(),
            "date": pa.date32(),
            "timestamp_ntz": pa.timestamp("us"),
        }
        for content in _contents(batches):
            for rows in rows_of(content, sheet, shape, _ROWS):
                columns = [
                    pa.array(each, kinds[kind])
                    for each, kind in zip(zip(*rows, strict=True), shape.kinds, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(columns, names=list(shape.names))

    return read


def _workbook(
    names: list[str], sheet: Sheet
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What the one task of a save does: make the workbook of all rows."""

    def make(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        count = 0

        def rows() -> Iterator[tuple[object, ...]]:
            nonlocal count
            for batch in batches:
                count += batch.num_rows
                yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

        content = workbook_of(names, rows(), sheet)
        yield pa.RecordBatch.from_pydict({"content": [content], "rows": [count]})

    return make


def _contents(batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    for batch in batches:
        for content in batch.column("content"):
            yield content.as_py()


def _one_shape(found: list[dict[str, list[str]]], place: str, path: Word) -> Shape:
    """The shape of all workbooks, which have the same columns."""
    shapes = [Shape(tuple(each["names"]), tuple(each["kinds"])) for each in found if each["names"]]
    if not shapes:
        raise DataError(
            f"no table lies in '{place}'", span=path.span, hint="is sheetName or dataAddress right?"
        )
    first = shapes[0]
    repeated = {name for name in first.names if [*map(str.casefold, first.names)].count(name.casefold()) > 1}
    if repeated:
        hint = 'header="false" calls them _c0, _c1, …'
        raise DataError(f"several columns are called '{min(repeated)}'", span=path.span, hint=hint)
    if any(each.names != first.names for each in shapes):
        raise DataError(f"the workbooks in '{place}' have different columns", span=path.span)
    kinds = (set(each) for each in zip(*(each.kinds for each in shapes), strict=True))
    return Shape(first.names, tuple(each.pop() if len(each) == 1 else "string" for each in kinds))


def _expect_possible(frame: DataFrame, target: Target) -> None:
    """Raise unless a workbook can hold *frame* in that way."""
    if target.partition_by:
        raise ScriptError("a workbook has no folders to partition by", span=target.partition_by[0].span)
    if target.mode == "append":
        hint = "`save overwrite …` replaces it"
        raise ScriptError("nothing can be added to a workbook", span=target.path.span, hint=hint)
    for each in frame.schema:
        kind = each.dataType.simpleString()
        if kind not in _PLAIN and not kind.startswith(_PLAIN_STARTS):
            hint = f"turn it into text before: select to_json({quoted(each.name)}) …"
            raise DataFault(f"a cell cannot hold the column '{each.name}' of the type {kind}", hint=hint)
