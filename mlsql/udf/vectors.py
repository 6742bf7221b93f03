"""Functions of vectors, as expressions over arrays: where one takes an array, a vector will do."""

from __future__ import annotations

from types import MappingProxyType

from mlsql.models import Column
from mlsql.session import FunctionSignature

CONVERSIONS = ("vector_to_array", "array_to_vector")
"""What Spark has for PySpark alone; vectors of our functions come out of the second."""

_ARRAY = "array<double>"

VECTOR_FUNCTIONS = MappingProxyType(
    {
        FunctionSignature("vec_dense", (Column("array", _ARRAY),), "vector"): (
            "case when array is null then null"
            " when exists(array, each -> each is null) then raise_error('a vector holds no null')"
            " else array_to_vector(array) end"
        ),
        FunctionSignature("vec_array", (Column("vector", _ARRAY),), _ARRAY): "vector",
        FunctionSignature("vec_argmax", (Column("vector", _ARRAY),), "int"): (
            "cast(array_position(vector, array_max(vector)) - 1 as int)"
        ),
    }
)
"""The functions and their bodies. ``vec_argmax`` is null for what is empty, and the first of equals."""
