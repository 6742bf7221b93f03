"""Workbooks read and written in tasks of Spark, a row at a time, whatever their size: by openpyxl.

Kinds of cells are found here, in words that the driver makes columns of.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mlsql.errors import ConfigError, DataError
from mlsql.names import listed, nearest
from mlsql.stages.sources.excel_options import Area

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook

MOST_ROWS = 1_048_576
_MOST_COLUMNS = 16_384
_MOST_CHARACTERS = 32_767
_MOST_EXACT = 2**53
_NUMBERS = ("bigint", "double")
_KINDS: Mapping[type, str | None] = MappingProxyType(
    {type(None): None, bool: "boolean", int: "bigint", float: "double", date: "date"}
)
_ERRORS = frozenset(["#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"])


@dataclass(frozen=True, slots=True)
class Sheet:
    """Which cells of a workbook are the table."""

    name: str | None
    area: Area
    header: bool
    most_rows: int


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a table: their names and kinds, in Spark's words."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]


def shape_of(content: bytes, sheet: Sheet, *, infer: bool) -> Shape:
    """What the table in a workbook looks like; all of it is read for that, and nothing kept."""
    with closing(_opened(content)) as workbook:
        rows = _rows(workbook, sheet)
        first = next(rows, ())
        names = tuple(map(_name, range(len(first)), first)) if sheet.header else ()
        kinds: list[str | None] = [None] * len(first)
        if infer:
            for row in rows if sheet.header else _and_more(first, rows):
                kinds += [None] * (len(row) - len(kinds))
                kinds = [_common(kind, _kind(value)) for kind, value in _paired(kinds, row)]
    more = tuple(f"_c{number}" for number in range(len(names), len(kinds)))
    return Shape((*names, *more), tuple(kind or "string" for kind in kinds))


def rows_of(content: bytes, sheet: Sheet, shape: Shape, size: int) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of the table in a workbook, at most *size* at a time."""
    with closing(_opened(content)) as workbook:
        rows = _rows(workbook, sheet)
        if sheet.header:
            next(rows, None)
        while several := list(islice(rows, size)):
            yield [
                tuple(_of_kind(value, kind) for kind, value in _paired(shape.kinds, row)) for row in several
            ]


def workbook_of(names: Sequence[str], rows: Iterable[Sequence[Any]], sheet: Sheet) -> bytes:
    """A workbook with one sheet, which holds the table."""
    from openpyxl import Workbook
    from openpyxl.writer.excel import save_workbook

    if len(names) + sheet.area.column - 1 > _MOST_COLUMNS:
        raise DataError(f"a sheet has at most {_MOST_COLUMNS:,} columns")
    workbook = Workbook(write_only=True)
    page = workbook.create_sheet(sheet.name)
    margin = [None] * (sheet.area.column - 1)
    for _ in range(sheet.area.row - 1):
        page.append([])
    written = sheet.area.row - 1
    for row in _and_more(names, rows) if sheet.header else rows:
        written += 1
        if written > MOST_ROWS:
            raise DataError(f"a sheet has at most {MOST_ROWS:,} rows", hint="save several, or another format")
        page.append([*margin, *map(_cell, row)])
    target = io.BytesIO()
    save_workbook(workbook, target)
    return target.getvalue()


def expect_openpyxl() -> None:
    """Raise unless workbooks can be read here."""
    try:
        import openpyxl  # noqa: F401 - whether it is there
    except ImportError as error:
        raise ConfigError("openpyxl is not there", hint="pip install 'mlsql[excel]'") from error


def _opened(content: bytes) -> Workbook:
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        return load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    except (BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise DataError(
            "a file is no workbook of the kind xlsx", hint="older ones (xls) have to be saved as xlsx first"
        ) from error


def _rows(workbook: Workbook, sheet: Sheet) -> Iterator[tuple[Any, ...]]:
    """The rows of the area that hold anything, up to the last cell that does."""
    page: Any = workbook[_sheet_name(workbook.sheetnames, sheet)]
    page.reset_dimensions()  # what other programs write there is often wrong
    area = sheet.area
    rows = page.iter_rows(area.row, area.last_row, area.column, area.last_column, values_only=True)
    filled = (row for row in map(_trimmed, rows) if row)
    most = sheet.most_rows + sheet.header
    yield from islice(filled, most)


def _sheet_name(names: Sequence[str], sheet: Sheet) -> str:
    asked = sheet.name if sheet.name is not None else sheet.area.sheet
    if asked is None:
        return names[0]
    by_number = dict(zip(map(str, range(len(names))), names, strict=True))
    found = asked if asked in names else by_number.get(asked)
    if found is None:
        near = nearest(asked, names)
        hint = f"did you mean '{near}'?" if near else f"its sheets: {listed(names)}"
        raise DataError(f"the workbook has no sheet '{asked}'", hint=hint)
    return found


def _trimmed(row: Sequence[Any]) -> tuple[Any, ...]:
    """*row* without errors of formulas, and without what is empty at its end."""
    values = [None if isinstance(each, str) and each in _ERRORS else each for each in row]
    while values and values[-1] is None:
        values.pop()
    return tuple(values)


def _name(number: int, cell: Any) -> str:
    return f"_c{number}" if cell is None else str(cell).strip()


def _paired(kinds: Sequence[Any], row: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Each kind with its value; what a short row lacks is null."""
    for number, kind in enumerate(kinds):
        yield kind, row[number] if number < len(row) else None


def _kind(value: Any) -> str | None:
    """The kind of one cell; None when it is empty."""
    if isinstance(value, datetime):
        return "date" if value.time() == time() else "timestamp_ntz"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "double"
    return next((kind for known, kind in _KINDS.items() if isinstance(value, known)), "string")


def _common(one: str | None, other: str | None) -> str | None:
    """The kind that takes values of both."""
    if one is None or other is None or one == other:
        return one or other
    if {one, other} == set(_NUMBERS):
        return "double"
    return "timestamp_ntz" if {one, other} == {"date", "timestamp_ntz"} else "string"


def _of_kind(value: Any, kind: str) -> Any:
    """*value* as a column of that kind holds it."""
    if value is None:
        return None
    match kind:
        case "string":
            return _text(value)
        case "double":
            return float(value)
        case "date":
            return value.date() if isinstance(value, datetime) else value
        case "timestamp_ntz":
            return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a sheet has no zones
        case _:
            return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < _MOST_EXACT:
        return str(int(value))
    if isinstance(value, datetime | timedelta):
        return str(value)
    return str(value)


def _cell(value: Any) -> Any:
    """*value* as a cell can hold it: numbers there are doubles, and times have no zones."""
    match value:
        case bool():
            return value
        case int() if abs(value) > _MOST_EXACT:
            return str(value)
        case float() if not math.isfinite(value):
            return None if math.isnan(value) else str(value)
        case datetime():
            return value.replace(tzinfo=None)
        case str() if len(value) > _MOST_CHARACTERS:
            raise DataError(f"a cell holds at most {_MOST_CHARACTERS:,} characters")
        case _:
            return value


def _and_more(first: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    yield first
    yield from rows
