"""Tables of rows as a terminal shows them."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TextIO

from rich.cells import cell_len, set_cell_size

from mlsql.results.cells import cell

TABLE_ROWS = 50
"""How many rows of a result are shown."""
_WIDEST = 40
_GAP = "  "
_CUT = "…"


@dataclass(frozen=True, slots=True)
class _Column:
    """The texts of a column, its header first."""

    texts: tuple[str, ...]
    is_number: bool = False
    widest: int = sys.maxsize

    @property
    def width(self) -> int:
        return min(max(map(cell_len, self.texts)), self.widest)

    def lines(self) -> list[str]:
        """Header, rule and cells, all equally wide."""
        header, *cells = (_fitted(text, self.width, right=self.is_number) for text in self.texts)
        return [header, "-" * self.width, *cells]


def terminal_width(stream: TextIO) -> int | None:
    """The columns of the terminal that *stream* is; None when it is none, so that nothing is cut."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def table_lines(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None = None) -> list[str]:
    """A table under its header, a row a line, numbers to the right; *rows* as ``results`` reads them.

    What is wider than *width* gets its long cells cut, then loses columns in the middle and says
    how many; a single row stands upright instead, a column a line.

    >>> for line in table_lines(["model", "f1"], [["forest", 0.97], ["linear", 0.9]]):
    ...     print(line)
    model     f1
    ------  ----
    forest  0.97
    linear   0.9
    """
    table = [_column(name, [row[number] for row in rows]) for number, name in enumerate(columns)]
    if width is None or _width(table) <= width:
        return _grid(table)
    if len(rows) == 1:
        return _upright(table)
    narrow = [replace(column, widest=_WIDEST) for column in table]
    if _width(narrow) <= width:
        return _grid(narrow)
    shown = _fitting(narrow, width)
    return [*_grid(_without_middle(narrow, shown)), f"({len(shown)} of {len(table)} columns)"]


def count_line(shown: int, total: int) -> str:
    """What stands below a table of a result: how many rows there are.

    >>> count_line(1, 1), count_line(50, 60)
    ('(1 row)', '(50 of 60 rows; --result csv or json gives all)')
    """
    count = f"{total} row" + "s" * (total != 1)
    return f"({count})" if total == shown else f"({shown} of {count}; --result csv or json gives all)"


def _column(name: str, values: Sequence[Any]) -> _Column:
    texts = (_one_line(name), *(_one_line(cell(value)) for value in values))
    known = [value for value in values if value is not None]
    return _Column(texts, bool(known) and all(isinstance(value, int | float) for value in known))


def _one_line(text: str) -> str:
    """*text* with escapes in the place of what would move the cursor."""
    return "".join(char.encode("unicode_escape").decode() if _moves_cursor(char) else char for char in text)


def _moves_cursor(char: str) -> bool:
    return not char.isprintable() and unicodedata.category(char) != "Zs"


def _width(table: Sequence[_Column]) -> int:
    return sum(column.width for column in table) + len(_GAP) * (len(table) - 1)


def _grid(table: Sequence[_Column]) -> list[str]:
    return [_GAP.join(parts).rstrip() for parts in zip(*(column.lines() for column in table), strict=True)]


def _upright(table: Sequence[_Column]) -> list[str]:
    width = max(cell_len(column.texts[0]) for column in table)
    return [_fitted(column.texts[0], width) + _GAP + column.texts[1] for column in table]


def _fitted(text: str, width: int, *, right: bool = False) -> str:
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + _CUT
    return " " * (width - size) + text if right else text + " " * (width - size)


def _fitting(table: Sequence[_Column], width: int) -> list[int]:
    """The columns that fit into *width* beside the mark of the cut, taken from both ends in turn."""
    from_both_ends = sorted(range(len(table)), key=lambda n: min(2 * n, 2 * (len(table) - n) - 1))
    shown: list[int] = []
    for number in from_both_ends:
        wanted = [table[each] for each in (*shown, number)]
        if shown and _width(wanted) + len(_GAP + _CUT) > width:
            break
        shown.append(number)
    return sorted(shown)


def _without_middle(table: Sequence[_Column], shown: Sequence[int]) -> list[_Column]:
    """The *shown* columns, and one of dots where the others were."""
    gap = next((place for place, number in enumerate(shown) if place != number), len(shown))
    kept = [table[number] for number in shown]
    return [*kept[:gap], _Column((_CUT,) * len(table[0].texts)), *kept[gap:]]
