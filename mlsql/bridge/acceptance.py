"""Whether anything can be learnt from the rows that have come: there are some, without forbidden nulls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlsql.bridge.errors import DataFault
from mlsql.bridge.feeder import Fetched
from mlsql.bridge.request import Columns

_TABLES: Mapping[str, tuple[str, str | None]] = {
    "train": ("table to train on", None),
    "evaluate": ("table to evaluate on", "evaluateTable"),
}
"""What a table is for, by its stream, and the option that named it."""


def count_left_out(fetched: Fetched, columns: Columns) -> int:
    """How many of the rows that came are not used."""
    from mlsql.bridge.dataset import Dataset

    if columns.invalid != "skip" or not any(fetched.nulls.values()):
        return 0
    return fetched.rows - Dataset.open(fetched.file, columns).rows


def check_some(rows: int, stream: str) -> None:
    """Raise DataFault for a table without rows; *stream* is ``train`` or ``evaluate``."""
    if rows == 0:
        table, option = _TABLES[stream]
        raise DataFault(f"the {table} has no rows", option=option)


def check_rows(fetched: Fetched, columns: Columns, stream: str) -> None:
    """Raise DataFault for a table that nothing can be learnt from; *stream* is ``train`` or ``evaluate``."""
    check_some(fetched.rows, stream)
    table, option = _TABLES[stream]
    if fetched.left_out == fetched.rows:
        hint = 'handleInvalid="skip" leaves them out; choose other columns or fill them (coalesce) before'
        raise DataFault(f"every row of the {table} has a null", option=option, hint=hint)
    if fetched.left_out:
        return
    bad = [
        (name, role, count)
        for name, role in _roles(columns)
        if (count := fetched.nulls.get(name, 0) + fetched.nulls.get(f"{name}[]", 0))
    ]
    if bad:
        name, role, _ = bad[0]
        told = ", ".join(f"'{name}' ({count:,} in {fetched.rows:,} rows)" for name, _, count in bad)
        raise DataFault(
            f"the {table} has nulls in {told}",
            option=option or role,
            hint=f"leave them out (where {name} is not null) or fill them (coalesce) in a select before",
        )


def _roles(columns: Columns) -> Iterator[tuple[str, str]]:
    """Every column in which no null may be, and the option that gave it."""
    if columns.invalid != "keep":
        features = "inputCols" if columns.form == "columns" else "featuresCol"
        yield from ((column.name, features) for column in columns.features)
    if columns.label:
        yield columns.label.name, "labelCol"
    if columns.weight:
        yield columns.weight.name, "weightCol"
