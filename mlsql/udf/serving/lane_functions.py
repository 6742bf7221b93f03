"""The functions that give the same in DuckDB as in Spark: templates of SQL, and rows in Python.

What is not here is not carried over. Left out on purpose: whatever prints or parses doubles, powers
and logarithms (their last bit differs), regular expressions, dates, rounding.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mlsql.udf.serving import lane_rows as rows

_V, _VECTORS, _MATRIX = "array<double>", "array<array<double>>", "matrix"
_NULLS = "list_aggregate({0}, 'count') < len({0})"
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


@dataclass(frozen=True, slots=True)
class RowFunction:
    """A function of ours that Python computes; the parameters have the names of its declaration."""

    parameters: Mapping[str, str]
    output: str
    compute: Callable[..., Any]
    refuses_nulls: bool = False
    """Whether a null argument is for Spark: it gives something else than null, or an error."""


def _ascii(call: str) -> str:
    """Beyond ASCII, upper and lower case are a matter of the version of Unicode."""
    return f"if(strlen({{0}}) = length({{0}}), {call}, error('beyond ASCII'))"


AGREED: Mapping[str, Agreed] = {
    "abs": Agreed((NUMBER,), NUMBER, "abs({0})"),
    "sqrt": Agreed(("double",), "double", "sqrt({0})"),
    "ceil": Agreed(("double",), "bigint", "cast(ceil({0}) as BIGINT)"),
    "floor": Agreed(("double",), "bigint", "cast(floor({0}) as BIGINT)"),
    "isnan": Agreed(("double",), "boolean", "coalesce(isnan({0}), false)"),
    "isnull": Agreed((ANY,), "boolean", "({0} is null)"),
    "isnotnull": Agreed((ANY,), "boolean", "({0} is not null)"),
    "coalesce": Agreed((ANY,), ANY, "coalesce({all})", repeats=True),
    "nvl": Agreed((ANY, ANY), ANY, "coalesce({all})"),
    "ifnull": Agreed((ANY, ANY), ANY, "coalesce({all})"),
    "greatest": Agreed((NUMBER, NUMBER), NUMBER, "greatest({all})", repeats=True),
    "least": Agreed((NUMBER, NUMBER), NUMBER, "least({all})", repeats=True),
    "length": Agreed(("string",), "int", "cast(length({0}) as INTEGER)"),
    "upper": Agreed(("string",), "string", _ascii("upper({0})")),
    "lower": Agreed(("string",), "string", _ascii("lower({0})")),
    "trim": Agreed(("string",), "string", "trim({0}, ' ')"),
    "concat": Agreed(("string", "string"), "string", "({joined})", repeats=True),
    "startswith": Agreed(("string", "string"), "boolean", "starts_with({0}, {1})"),
    "endswith": Agreed(("string", "string"), "boolean", "ends_with({0}, {1})"),
    "contains": Agreed(("string", "string"), "boolean", "contains({0}, {1})"),
    "array": Agreed((ANY,), f"array<{ANY}>", "list_value({all})", repeats=True),
    "size": Agreed((f"array<{ANY}>",), "int", "cast(len({0}) as INTEGER)"),
    "array_max": Agreed((f"array<{NUMBER}>",), NUMBER, "list_max({0})"),
    "array_min": Agreed((f"array<{NUMBER}>",), NUMBER, "list_min({0})"),
    "vec_dense": Agreed((_V,), "vector", f"if({_NULLS}, error('a vector holds no null'), {{0}})"),
    "vec_array": Agreed((_V,), _V, "{0}"),
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
    "vec_cosine": _of("double", rows.cosine, a=_V, b=_V),
    "vec_concat": _of("vector", rows.flat, vectors=_VECTORS),
    "vec_slice": _strict("vector", rows.chosen, v=_V, indices="array<int>"),
    "vec_range": _strict("vector", rows.ranged, v=_V, bounds="array<int>"),
    "vec_wise_mul": _of("vector", rows.paired(operator.mul), a=_V, b=_V),
    "vec_wise_add": _of("vector", rows.paired(operator.add), a=_V, b=_V),
    "vec_wise_dif": _of("vector", rows.paired(operator.sub), a=_V, b=_V),
    "vec_wise_mod": _of("vector", rows.paired(math.fmod), a=_V, b=_V),
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
"""By their names in lower case."""
