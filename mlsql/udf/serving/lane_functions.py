"""The functions that give the same in DuckDB as in Spark: templates of SQL, and rows in Python.

What is not here is not carried over. Python computes what DuckDB does otherwise: the last bit of
exponentials and logarithms, rounding half up, doubles as text, texts as numbers, dates. Left out on
purpose is ``vec_cosine``: the last bit of Spark's dot product depends on the machine.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlsql.udf.serving import lane_arrays, lane_dates, lane_math, lane_texts
from mlsql.udf.serving import lane_rows as rows
from mlsql.udf.serving.lane_types import Carried, Direct

_V, _VECTORS, _MATRIX = "array<double>", "array<array<double>>", "matrix"
_NULLS = "list_aggregate({0}, 'count') < len({0})"
_BY_ZERO = "error('division by zero')"
_PMOD = "if({0} % {1} < 0, ({0} % {1} + {1}) % {1}, {0} % {1})"
EXACTLY = "exactly "
"""Before a type: nothing else becomes it."""
ANY, NUMBER = "any", "number"
"""Any type, the same at each place of a call; a number of any type, the same too."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """A function of Spark with DuckDB's words for it: ``{0}`` is its first argument, ``{all}`` are all.

    ``{joined}`` are all with ``||`` between them.
    """

    parameters: tuple[str, ...]
    output: str
    sql: str
    repeats: bool = False
    """Whether the last parameter may be given more than once."""
    compute: Callable[..., Any] | None = None
    """Gives the same for values, where that is plain."""

    def directly(self, given: Sequence[Carried]) -> Direct | None:
        """What gives the same without DuckDB, when all that is *given* has it."""
        compute, directs = self.compute, [each.direct for each in given if each.direct is not None]
        if compute is None or len(directs) < len(given):
            return None
        return lambda ask, row: compute(*(each(ask, row) for each in directs))


@dataclass(frozen=True, slots=True)
class RowFunction:
    """A function that Python computes; of ours the parameters have the names of its declaration."""

    parameters: Mapping[str, str]
    output: str
    compute: Callable[..., Any]
    refuses_nulls: bool = False
    """Whether a null argument is for Spark: it gives something else than null, or an error."""
    optional: int = 0
    """How many parameters at the end may be left out."""


def _ascii(call: str) -> str:
    """Beyond ASCII, upper and lower case are a matter of the version of Unicode."""
    return f"if(strlen({{0}}) = length({{0}}), {call}, error('beyond ASCII'))"


AGREED: Mapping[str, Agreed] = {
    "abs": Agreed((NUMBER,), NUMBER, "abs({0})"),
    "sqrt": Agreed(("double",), "double", "sqrt({0})"),
    "ceil": Agreed((EXACTLY + "double",), "bigint", "cast(ceil({0}) as BIGINT)"),
    "floor": Agreed((EXACTLY + "double",), "bigint", "cast(floor({0}) as BIGINT)"),
    "isnan": Agreed(("double",), "boolean", "coalesce(isnan({0}), false)"),
    "isnull": Agreed((ANY,), "boolean", "({0} is null)"),
    "isnotnull": Agreed((ANY,), "boolean", "({0} is not null)"),
    "coalesce": Agreed((ANY,), ANY, "coalesce({all})", repeats=True),
    "nvl": Agreed((ANY, ANY), ANY, "coalesce({all})"),
    "ifnull": Agreed((ANY, ANY), ANY, "coalesce({all})"),
    "greatest": Agreed((NUMBER, NUMBER), NUMBER, "greatest({all})", repeats=True),
    "least": Agreed((NUMBER, NUMBER), NUMBER, "least({all})", repeats=True),
    "nullif": Agreed((ANY, ANY), ANY, "nullif({all})"),
    "nanvl": Agreed(("double", "double"), "double", "if(isnan({0}), {1}, {0})"),
    "pmod": Agreed((NUMBER, NUMBER), NUMBER, f"if({{1}} = 0, {_BY_ZERO}, {_PMOD})"),
    "mod": Agreed((NUMBER, NUMBER), NUMBER, f"if({{1}} = 0, {_BY_ZERO}, {{0}} % {{1}})"),
    "pi": Agreed((), "double", f"cast('{math.pi!r}' as DOUBLE)"),
    "e": Agreed((), "double", f"cast('{math.e!r}' as DOUBLE)"),
    **dict.fromkeys(
        ("length", "len", "char_length", "character_length"),
        Agreed(("string",), "int", "cast(length({0}) as INTEGER)"),
    ),
    **dict.fromkeys(("upper", "ucase"), Agreed(("string",), "string", _ascii("upper({0})"))),
    **dict.fromkeys(("lower", "lcase"), Agreed(("string",), "string", _ascii("lower({0})"))),
    "trim": Agreed(("string",), "string", "trim({0}, ' ')"),
    "ltrim": Agreed(("string",), "string", "ltrim({0}, ' ')"),
    "rtrim": Agreed(("string",), "string", "rtrim({0}, ' ')"),
    "concat_ws": Agreed(("string", "string"), "string", "concat_ws({all})", repeats=True),
    "md5": Agreed(("string",), "string", "md5({0})"),
    "concat": Agreed(("string", "string"), "string", "({joined})", repeats=True),
    "startswith": Agreed(("string", "string"), "boolean", "starts_with({0}, {1})"),
    "endswith": Agreed(("string", "string"), "boolean", "ends_with({0}, {1})"),
    "contains": Agreed(("string", "string"), "boolean", "contains({0}, {1})"),
    "array": Agreed(
        (ANY,), f"array<{ANY}>", "list_value({all})", repeats=True, compute=lambda *values: [*values]
    ),
    **dict.fromkeys(
        ("size", "cardinality", "array_size"),
        Agreed((f"array<{ANY}>",), "int", "cast(len({0}) as INTEGER)"),
    ),
    "vec_dense": Agreed(
        (_V,), "vector", f"if({_NULLS}, error('a vector holds no null'), {{0}})", compute=rows.dense_or_null
    ),
    "vec_array": Agreed((_V,), _V, "{0}", compute=lambda array: array),
}


def _of(output: str, compute: Callable[..., Any], **parameters: str) -> RowFunction:
    return RowFunction(parameters, output, compute)


def _strict(output: str, compute: Callable[..., Any], **parameters: str) -> RowFunction:
    return RowFunction(parameters, output, compute, refuses_nulls=True)


ROWS: Mapping[str, RowFunction] = {
    "vec_sparse": _of("vector", rows.sparse, size="int", map="map<int,double>"),
    "vec_argmax": _of("int", rows.argmax, vector=_V),
    "vec_norm": _strict("double", rows.norm, v=_V, p="double"),
    "vec_sqdist": _of("double", rows.squared_distance, a=_V, b=_V),
    "vec_concat": _of("vector", rows.flat_vector, vectors=_VECTORS),
    "vec_slice": _strict("vector", rows.chosen, v=_V, indices="array<int>"),
    "vec_range": _strict("vector", rows.ranged, v=_V, bounds="array<int>"),
    "vec_wise_mul": _strict("vector", rows.paired(operator.mul), a=_V, b=_V),
    "vec_wise_add": _strict("vector", rows.paired(operator.add), a=_V, b=_V),
    "vec_wise_dif": _strict("vector", rows.paired(operator.sub), a=_V, b=_V),
    "vec_wise_mod": _strict("vector", rows.paired(math.fmod), a=_V, b=_V),
    "vec_inplace_add": _strict("vector", rows.each(operator.add), v=_V, number="double"),
    "vec_inplace_ew_mul": _strict("vector", rows.each(operator.mul), v=_V, number="double"),
    "vec_ceil": _of("vector", rows.whole(math.ceil), v=_V),
    "vec_floor": _of("vector", rows.whole(math.floor), v=_V),
    "vec_mean": _of("double", rows.mean, v=_V),
    "vec_stddev": _of("double", rows.deviation, v=_V),
    "onehot": _of("vector", rows.onehot, index="int", size="int"),
    "array_onehot": _of(_MATRIX, rows.onehots, indices="array<int>", size="int"),
    "matrix_dense": _of(_MATRIX, rows.matrix, rows=_VECTORS),
    "matrix_array": _of(_VECTORS, list, matrix=_MATRIX),
    "matrix_sum": _of("vector", rows.matrix_sum, matrix=_MATRIX, axis="int"),
    "array_index": _of("int", rows.index_of, array=f"array<{ANY}>", element=ANY),
    "array_slice": _strict(f"array<{ANY}>", rows.part, array=f"array<{ANY}>", start="int", until="int"),
    "array_concat": _of(f"array<{ANY}>", rows.flat, arrays=f"array<array<{ANY}>>"),
    "array_number_concat": _of(_V, rows.flat, arrays=_VECTORS),
    "array_string_to_double": _of(_V, rows.parsed, array="array<string>"),
    "array_string_to_int": _of("array<int>", rows.parsed_whole, array="array<string>"),
    "to_array_double": _of(_V, rows.parsed, array="array<string>"),
    "padding_int_array": _strict("array<int>", rows.padded, array="array<int>", length="int", filler="int"),
    "ngram": _strict("array<string>", rows.ngrams, words="array<string>", n="int"),
    "mkstring": _of("string", rows.joined, separator="string", array="array<string>"),
}
"""Those of MLSQL, by their names in lower case."""


def _on(*parameters: str, gives: str, by: Callable[..., Any], optional: int = 0) -> RowFunction:
    """One that is given its arguments by position."""
    return RowFunction(
        {f"a{place}": each for place, each in enumerate(parameters)}, gives, by, False, optional
    )


_S, _D, _I, _DATE, _ARRAY, _NUMBERS = "string", "double", "int", "date", f"array<{ANY}>", f"array<{NUMBER}>"
COMPUTED: Mapping[str, RowFunction] = {
    "exp": _on(_D, gives=_D, by=lane_math.exp),
    **dict.fromkeys(("ln", "log"), _on(_D, gives=_D, by=lane_math.log)),
    "log2": _on(_D, gives=_D, by=lane_math.log2),
    "log10": _on(_D, gives=_D, by=lane_math.log10),
    **dict.fromkeys(("pow", "power"), _on(_D, _D, gives=_D, by=lane_math.power)),
    **dict.fromkeys(("sign", "signum"), _on(_D, gives=_D, by=lane_math.sign)),
    "round": _on(EXACTLY + _D, _I, gives=_D, by=lane_math.rounded, optional=1),
    "bround": _on(EXACTLY + _D, _I, gives=_D, by=lane_math.rounded_half_even, optional=1),
    **dict.fromkeys(("substring", "substr"), _on(_S, _I, _I, gives=_S, by=lane_texts.substring, optional=1)),
    "left": _on(_S, _I, gives=_S, by=lane_texts.left),
    "right": _on(_S, _I, gives=_S, by=lane_texts.right),
    "instr": _on(_S, _S, gives=_I, by=lane_texts.place_in),
    **dict.fromkeys(("locate", "position"), _on(_S, _S, gives=_I, by=lane_texts.place_of)),
    "replace": _on(_S, _S, _S, gives=_S, by=lane_texts.replaced, optional=1),
    "reverse": _on(_S, gives=_S, by=lane_texts.reversed_text),
    "repeat": _on(_S, _I, gives=_S, by=lane_texts.repeated),
    "lpad": _on(_S, _I, _S, gives=_S, by=lane_texts.padded_left, optional=1),
    "rpad": _on(_S, _I, _S, gives=_S, by=lane_texts.padded_right, optional=1),
    "translate": _on(_S, _S, _S, gives=_S, by=lane_texts.translated),
    "to_date": _on(_S, gives=_DATE, by=lane_dates.date_of),
    "year": _on(_DATE, gives=_I, by=lambda day: day.year),
    "quarter": _on(_DATE, gives=_I, by=lane_dates.quarter),
    "month": _on(_DATE, gives=_I, by=lambda day: day.month),
    **dict.fromkeys(("day", "dayofmonth"), _on(_DATE, gives=_I, by=lambda day: day.day)),
    "dayofweek": _on(_DATE, gives=_I, by=lane_dates.day_of_week),
    "weekday": _on(_DATE, gives=_I, by=lambda day: day.weekday()),
    "dayofyear": _on(_DATE, gives=_I, by=lane_dates.day_of_year),
    "weekofyear": _on(_DATE, gives=_I, by=lane_dates.week),
    "last_day": _on(_DATE, gives=_DATE, by=lane_dates.last_day),
    **dict.fromkeys(("date_add", "dateadd"), _on(_DATE, _I, gives=_DATE, by=lane_dates.days_after)),
    "date_sub": _on(_DATE, _I, gives=_DATE, by=lane_dates.days_before),
    **dict.fromkeys(("datediff", "date_diff"), _on(_DATE, _DATE, gives=_I, by=lane_dates.days_between)),
    "array_max": _on(_NUMBERS, gives=NUMBER, by=lane_arrays.greatest),
    "array_min": _on(_NUMBERS, gives=NUMBER, by=lane_arrays.smallest),
    "array_contains": _on(_ARRAY, ANY, gives="boolean", by=lane_arrays.contains),
    "array_position": _on(_ARRAY, ANY, gives="bigint", by=lane_arrays.place_in_array),
    "element_at": _on(_ARRAY, _I, gives=ANY, by=lane_arrays.element_at),
    "get": _on(_ARRAY, _I, gives=ANY, by=lane_arrays.element_or_null),
    "slice": _on(_ARRAY, _I, _I, gives=_ARRAY, by=lane_arrays.part_of),
    "sort_array": _on(_ARRAY, gives=_ARRAY, by=lane_arrays.ascending),
    "array_distinct": _on(_ARRAY, gives=_ARRAY, by=lane_arrays.distinct),
    "array_join": _on("array<string>", _S, gives=_S, by=lambda array, by: rows.joined(by, array)),
}
"""Spark's own, by their names in lower case."""
CASTS: Mapping[str, RowFunction] = {
    "cast string to double": _on(_S, gives=_D, by=lane_texts.double_of),
    "cast string to int": _on(_S, gives=_I, by=lane_texts.int_of),
    "cast string to bigint": _on(_S, gives="bigint", by=lane_texts.bigint_of),
    "cast string to boolean": _on(_S, gives="boolean", by=lane_texts.boolean_of),
    "cast string to date": _on(_S, gives=_DATE, by=lane_dates.date_of),
    "cast double to string": _on(_D, gives=_S, by=lane_texts.text_of_double),
}
"""The casts that Python computes."""
BY_PYTHON: Mapping[str, RowFunction] = {**ROWS, **COMPUTED, **CASTS}
"""All of these, as calls of the lane name them."""
