"""What Python of the user's own may answer for a declared type: taken when it is exact, else refused.

Spark would make a null of an answer that has another type than was declared.
"""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from mlsql.udf.column_types import ArrayOf, ColumnType, MapOf, Plain, Struct

_WIDEST = 80
"""How much of a wrong answer is shown."""
_BITS: Mapping[str, int] = MappingProxyType({"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64})


def exact(answer: Any, kind: ColumnType) -> Any:
    """*answer* as Spark takes it for *kind*; numbers, lists and texts of numpy and pandas are as good.

    >>> exact(3, Plain("double")), exact([1, None], ArrayOf(Plain("int")))
    (3.0, [1, None])

    Raises TypeError for what is no such value.
    """
    if answer is None:
        return None
    match kind:
        case Plain():
            return _plain(answer, kind)
        case ArrayOf():
            return [exact(each, kind.element) for each in _elements(answer, kind)]
        case MapOf():
            if not isinstance(answer, Mapping):
                raise _refusal(answer, kind)
            return {exact(key, kind.key): exact(value, kind.value) for key, value in answer.items()}
        case Struct():
            return tuple(
                exact(value, each)
                for value, (_, each) in zip(_fields(answer, kind), kind.fields, strict=True)
            )


def _plain(answer: Any, kind: Plain) -> Any:
    if hasattr(answer, "dtype") and hasattr(answer, "item"):
        answer = answer.item() if answer.size == 1 else answer
    taken = _READERS[kind.name](answer) if kind.name in _READERS else _whole(answer, _BITS[kind.name])
    if taken is None:
        raise _refusal(answer, kind)
    return taken


def _whole(answer: Any, bits: int) -> int | None:
    is_whole = isinstance(answer, numbers.Integral) or (isinstance(answer, float) and answer.is_integer())
    return int(answer) if is_whole and -(2 ** (bits - 1)) <= answer < 2 ** (bits - 1) else None


def _real(answer: Any) -> float | None:
    return float(answer) if isinstance(answer, numbers.Real | Decimal) else None


def _decimal(answer: Any) -> Decimal | None:
    return Decimal(str(answer)) if isinstance(answer, numbers.Real | Decimal) else None


def _date(answer: Any) -> dt.date | None:
    if isinstance(answer, dt.datetime):
        return answer.date()
    return answer if isinstance(answer, dt.date) else None


def _text(answer: Any) -> str | None:
    return str(answer) if isinstance(answer, str | numbers.Number | dt.date) else None


def _bytes(answer: Any) -> bytearray | None:
    return bytearray(answer) if isinstance(answer, bytes | bytearray | memoryview) else None


def _truth(answer: Any) -> bool | None:
    return answer if isinstance(answer, bool) else None


def _moment(answer: Any) -> dt.datetime | None:
    return answer if isinstance(answer, dt.datetime) else None


_READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "string": _text,
        "boolean": _truth,
        "binary": _bytes,
        "float": _real,
        "double": _real,
        "decimal": _decimal,
        "date": _date,
        "timestamp": _moment,
        "timestamp_ntz": _moment,
    }
)


def _elements(answer: Any, kind: ColumnType) -> Iterable[Any]:
    for method in ("tolist", "toArray"):  # of numpy and pandas; of a vector
        if hasattr(answer, method):
            return list(getattr(answer, method)())
    if isinstance(answer, str | bytes | Mapping) or not isinstance(answer, Iterable):
        raise _refusal(answer, kind)
    return answer


def _fields(answer: Any, kind: Struct) -> list[Any]:
    """The values in the order of the fields: by name, or as many as there are."""
    names = [name for name, _ in kind.fields]
    if isinstance(answer, Mapping) and not set(answer) - set(names):
        return [answer.get(name) for name in names]
    if isinstance(answer, tuple | list) and len(answer) == len(names):
        return list(answer)
    raise _refusal(answer, kind)


def _refusal(answer: Any, kind: ColumnType) -> TypeError:
    shown = repr(answer)
    short = shown if len(shown) <= _WIDEST else f"{shown[: _WIDEST - 1]}…"
    return TypeError(f"it answers {short} ({type(answer).__name__}), which is no {kind}")
