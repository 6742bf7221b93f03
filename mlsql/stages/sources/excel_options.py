"""What load and save may say about workbooks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlsql.options import BOOLEAN, TEXT, Kind, integer, option

_CELL = re.compile(r"\$?(?P<column>[A-Za-z]{1,3})\$?(?P<row>[1-9]\d{0,6})")
_ADDRESS = re.compile(
    r"(?:(?:'(?P<quoted>[^']+)'|(?P<sheet>[^'!]+))!)?(?P<first>[^:!]+)(?::(?P<last>[^:!]+))?"
)


@dataclass(frozen=True, slots=True)
class Area:
    """Cells of a sheet; rows and columns count from 1, a None has no end."""

    sheet: str | None = None
    row: int = 1
    column: int = 1
    last_row: int | None = None
    last_column: int | None = None


def _read_area(text: str) -> Area:
    match = _ADDRESS.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    column, row = _read_cell(match["first"])
    last_column, last_row = _read_cell(match["last"]) if match["last"] else (None, None)
    if (last_row or row) < row or (last_column or column) < column:
        raise ValueError(text)
    return Area(match["quoted"] or match["sheet"], row, column, last_row, last_column)


def _read_cell(text: str) -> tuple[int, int]:
    """(column, row) of ``B3``."""
    match = _CELL.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    column = 0
    for letter in match["column"].upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return column, int(match["row"])


AREA: Kind[Area] = Kind("a cell or an area such as 'B3', 'A1:F100' or 'Sheet1!A1'", _read_area)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcelReadOptions:
    """What a ``load excel`` may say."""

    header: bool = option("header", BOOLEAN, "The first row names the columns.", default=True)
    sheet: str | None = option(
        "sheetName", TEXT, "Sheet, by its name or its number from 0; else the first.", default=None
    )
    area: Area = option(
        "dataAddress", AREA, "Where the table begins, or all of it; else the whole sheet.", default=Area()
    )
    infer: bool = option("inferSchema", BOOLEAN, "Find types of columns; else all is text.", default=True)
    most_rows: int = option("maxRows", integer(1), "Most rows that are read.", default=1_048_576)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcelWriteOptions:
    """What a ``save … as excel`` may say."""

    header: bool = option("header", BOOLEAN, "The first row names the columns.", default=True)
    sheet: str = option("sheetName", TEXT, "Name of the sheet.", default="Sheet1")
    area: Area = option("dataAddress", AREA, "Cell that the table begins in.", default=Area())
