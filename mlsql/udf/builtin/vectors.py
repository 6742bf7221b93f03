"""Vectors and matrices: where one is taken, an array of numbers will do.

Spark interprets a lambda for each number; so where a method of a class that Spark brings along says the
same, the body calls that, as ``StatUtils.mean(v)`` (``MethodCall.java``). Such a method knows no nulls:
``holds_null`` comes before it.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlsql.udf.builtin.declaration import SqlFunction, function

_SAME_SIZE = (
    "size(a) <> size(b) then raise_error(concat('vectors of ', size(a), ' and ', size(b), ' numbers'))"
)
_NO_NULL = "raise_error('a vector holds no null')"
_HOLD_NULL = "holds_null(a) or holds_null(b)"
_PAIRED = f"case when {_SAME_SIZE} when {_HOLD_NULL} then {_NO_NULL} else vec_dense({{pairs}}) end"
_NORMS = "Vectors.norm(a, 2D) * Vectors.norm(b, 2D)"
_EACH = "vec_dense(transform(v, each -> {value}))"
_WHOLE = (
    "if(abs(each) < 9e15, double({name}(each)), each)"  # beyond, a double is whole; Spark's give a bigint
)
_SPARSE = "named_struct('type', 0Y, 'size', size, 'indices', {indices}, 'values', {values})"
_OUTSIDE = "exists(map_keys(map), index -> index < 0 or index >= size)"
_NO_SIZE = "when size < 0 then raise_error(concat('a vector has no size of ', size))"
_IN_PLACE = "filter(array(index), place -> place >= 0 and place < size)"
_MATRIX = (
    "named_struct('type', 1Y, 'numRows', size({rows}), 'numCols', {width},"
    " 'colPtrs', cast(null as array<int>), 'rowIndices', cast(null as array<int>),"
    " 'values', flatten({rows}), 'isTransposed', true)"
)
_ONE_HOTS = (
    "transform(indices, index -> transform(sequence(0, size - 1), place -> if(index = place, 1D, 0D)))"
)


def _paired(name: str, pairs: str, doc: str, example: str, gives: str) -> SqlFunction:
    signature = f"{name}(a array<double>, b array<double>) -> vector"
    return function(signature, _PAIRED.format(pairs=pairs), doc, example=example, gives=gives)


FUNCTIONS: Sequence[SqlFunction] = (
    function(
        "vec_dense(array array<double>) -> vector",
        "case when array is null then null"
        f" when holds_null(array) then {_NO_NULL}"
        " else named_struct('type', 1Y, 'size', cast(null as int), 'indices', cast(null as array<int>),"
        " 'values', array) end",
        "The numbers as a dense vector; a null among them is an error.",
        example="vec_dense(array(1, 2.5))",
        gives="[1.0,2.5]",
        wraps="vector",
    ),
    function(
        "vec_array(vector array<double>) -> array<double>",
        "vector",
        "The numbers of a vector as an array.",
        example="vec_array(vec_dense(array(1, 2.5)))",
        gives="[1.0, 2.5]",
    ),
    function(
        "vec_sparse(size int, map map<int,double>) -> vector",
        f"case when size is null or map is null then null {_NO_SIZE}"
        f" when exists(map_values(map), each -> each is null) then {_NO_NULL}"
        f" when {_OUTSIDE} then raise_error(concat('indices of this vector are 0 to ', size - 1))"
        " else "
        + _SPARSE.format(
            indices="array_sort(map_keys(map))",
            values="transform(array_sort(map_keys(map)), index -> map[index])",
        )
        + " end",
        "A sparse vector of this size, from the numbers by their index; a null among them is an error.",
        example="vec_sparse(4, map(1, 2.0, 3, 5.5))",
        gives="(4,[1,3],[2.0,5.5])",
        wraps="vector",
    ),
    function(
        "vec_argmax(vector array<double>) -> int",
        "case when not holds_null(vector)"
        " then cast(array_position(vector, array_max(vector)) - 1 as int) end",
        "The index of the greatest number, the first of equals; null of an empty vector or a null number.",
        example="vec_argmax(array(1, 3, 2))",
        gives="1",
    ),
    function(
        "vec_norm(v array<double>, p double) -> double",
        "case when p < 1 or isnan(p) then raise_error('a norm has p >= 1')"
        " when v is null or holds_null(v) then null"
        " when p = double('infinity') and array_contains(v, double('nan')) then double('nan')"
        " else Vectors.norm(v, p) end",
        "The p-norm; `double('infinity')` gives the greatest absolute number; null when a number is null.",
        example="vec_norm(array(3, 4), 2)",
        gives="5.0",
    ),
    function(
        "vec_sqdist(a array<double>, b array<double>) -> double",
        f"case when {_SAME_SIZE} when holds_null(a) or holds_null(b) then null else Vectors.sqdist(a, b) end",
        "The squared distance of two vectors; null when a number is null.",
        example="vec_sqdist(array(1, 2), array(4, 6))",
        gives="25.0",
    ),
    function(
        "vec_cosine(a array<double>, b array<double>) -> double",
        f"case when {_SAME_SIZE} when {_HOLD_NULL} then null"
        f" when {_NORMS} = 0 then 0D else Vector.dot(a, b) / ({_NORMS}) end",
        "The cosine similarity; 0 when a vector is empty or all zero, null when a number is null.",
        example="vec_cosine(array(1, 0), array(1, 0))",
        gives="1.0",
    ),
    function(
        "vec_concat(vectors array<array<double>>) -> vector",
        "vec_dense(flatten(vectors))",
        "Vectors one behind the other, as one; null when one is null.",
        example="vec_concat(array(vec_dense(array(1, 2)), vec_dense(array(3))))",
        gives="[1.0,2.0,3.0]",
    ),
    function(
        "vec_slice(v array<double>, indices array<int>) -> vector",
        "if(v is null, null, vec_dense(transform(indices, index -> v[index])))",
        "The numbers at these indices, counted from 0; a null among them is an error.",
        example="vec_slice(array(1, 2, 3), array(2, 0))",
        gives="[3.0,1.0]",
    ),
    function(
        "vec_range(v array<double>, bounds array<int>) -> vector",
        "case when size(bounds) <> 2 then raise_error('a range is array(from, until)') else"
        " vec_dense(array_slice(v, bounds[0], if(bounds[1] < 0, 0, bounds[1]))) end",
        "The numbers from the first index up to the second, which is left out; a null is an error.",
        example="vec_range(array(1, 2, 3, 4), array(1, 3))",
        gives="[2.0,3.0]",
    ),
    _paired(
        "vec_wise_mul",
        "MathArrays.ebeMultiply(a, b)",
        "The products of the numbers at the same index; a null among them is an error.",
        "vec_wise_mul(array(1, 2), array(3, 4))",
        "[3.0,8.0]",
    ),
    _paired(
        "vec_wise_add",
        "MathArrays.ebeAdd(a, b)",
        "The sums of the numbers at the same index; a null among them is an error.",
        "vec_wise_add(array(1, 2), array(3, 4))",
        "[4.0,6.0]",
    ),
    _paired(
        "vec_wise_dif",
        "MathArrays.ebeSubtract(a, b)",
        "The differences of the numbers at the same index; a null among them is an error.",
        "vec_wise_dif(array(1, 2), array(3, 5))",
        "[-2.0,-3.0]",
    ),
    _paired(
        "vec_wise_mod",
        "zip_with(a, b, (x, y) -> x % y)",
        "The remainders, with the sign of the first number; a null or a division by 0 is an error.",
        "vec_wise_mod(array(7, 8), array(3, 5))",
        "[1.0,3.0]",
    ),
    function(
        "vec_inplace_add(v array<double>, number double) -> vector",
        f"case when v is null or number is null then null when holds_null(v) then {_NO_NULL}"
        " else vec_dense(MathArrays.ebeAdd(v, array_repeat(number, size(v)))) end",
        "A new vector with the number added to each; a null among these is an error.",
        example="vec_inplace_add(array(1, 2), 0.5)",
        gives="[1.5,2.5]",
    ),
    function(
        "vec_inplace_ew_mul(v array<double>, number double) -> vector",
        f"case when holds_null(v) then {_NO_NULL} else vec_dense(MathArrays.scale(number, v)) end",
        "A new vector with each multiplied by the number; a null among these is an error.",
        example="vec_inplace_ew_mul(array(1, 2), 3)",
        gives="[3.0,6.0]",
    ),
    function(
        "vec_ceil(v array<double>) -> vector",
        _EACH.format(value=_WHOLE.format(name="ceil")),
        "Each number rounded up; a null among them is an error.",
        example="vec_ceil(array(1.2, -1.2))",
        gives="[2.0,-1.0]",
    ),
    function(
        "vec_floor(v array<double>) -> vector",
        _EACH.format(value=_WHOLE.format(name="floor")),
        "Each number rounded down; a null among them is an error.",
        example="vec_floor(array(1.2, -1.2))",
        gives="[1.0,-2.0]",
    ),
    function(
        "vec_mean(v array<double>) -> double",
        "case when size(v) > 0 and not holds_null(v) then StatUtils.sum(v) / size(v) end",
        "The mean of the numbers; null of an empty vector, or when one is null.",
        example="vec_mean(array(1, 2, 6))",
        gives="3.0",
    ),
    function(
        "vec_stddev(v array<double>) -> double",
        "case when size(v) > 1 and not holds_null(v) then sqrt(StatUtils.variance(v)) end",
        "The standard deviation of the numbers as a sample; null of fewer than two, or when one is null.",
        example="vec_stddev(array(1, 3, 5))",
        gives="2.0",
    ),
    function(
        "vec_mk_string(separator string, v array<double>) -> string",
        "array_join(v, separator)",
        "The numbers as one text; nulls are left out.",
        example="vec_mk_string(';', array(1, 2.5))",
        gives="1.0;2.5",
    ),
    function(
        "onehot(index int, size int) -> vector",
        f"case when index is null or size is null then null {_NO_SIZE} else "
        + _SPARSE.format(indices=_IN_PLACE, values=f"transform({_IN_PLACE}, place -> 1D)")
        + " end",
        "A sparse vector with a 1 at the index; all zero for an index outside.",
        example="onehot(0, 3)",
        gives="(3,[0],[1.0])",
        wraps="vector",
    ),
    function(
        "array_onehot(indices array<int>, size int) -> matrix",
        "case when size is null or indices is null then null"
        " when size < 1 or size(indices) = 0 then raise_error('a matrix has a row and a column') else "
        + _MATRIX.format(rows=_ONE_HOTS, width="size")
        + " end",
        "A matrix with a row for each index, a 1 in its place.",
        example="matrix_array(array_onehot(array(1, 0), 2))",
        gives="[[0.0, 1.0], [1.0, 0.0]]",
        wraps="matrix",
    ),
    function(
        "matrix_dense(rows array<array<double>>) -> matrix",
        "case when rows is null then null"
        " when flatten(rows) is null or exists(flatten(rows), each -> each is null)"
        " then raise_error('a matrix holds no null')"
        " when size(rows) = 0 or exists(rows, row -> size(row) <> size(rows[0]) or size(row) = 0)"
        " then raise_error('the rows of a matrix hold equally many numbers, at least one') else "
        + _MATRIX.format(rows="rows", width="size(rows[0])")
        + " end",
        "The rows as a dense matrix; a null among them is an error.",
        example="matrix_dense(array(array(1, 2), array(3, 4)))",
        gives="1.0  2.0  \n3.0  4.0  ",
        wraps="matrix",
    ),
    function(
        "matrix_array(matrix matrix) -> array<array<double>>",
        "case when matrix.type = 0 then raise_error('matrix_array takes dense matrices') else"
        " transform(sequence(0, matrix.numRows - 1), row ->"
        " transform(sequence(0, matrix.numCols - 1), place -> matrix.values["
        "if(matrix.isTransposed, row * matrix.numCols + place, place * matrix.numRows + row)]))"
        " end",
        "The rows of a dense matrix as arrays.",
        example="matrix_array(matrix_dense(array(array(1, 2), array(3, 4))))",
        gives="[[1.0, 2.0], [3.0, 4.0]]",
    ),
    function(
        "matrix_sum(matrix matrix, axis int) -> vector",
        "case when matrix is null or axis is null then null when axis = 0 then"
        " vec_dense(transform(sequence(0, matrix.numCols - 1), place ->"
        " aggregate(matrix_array(matrix), 0D, (total, row) -> total + row[place])))"
        " when axis = 1 then vec_dense(transform(matrix_array(matrix), row ->"
        " aggregate(row, 0D, (total, each) -> total + each)))"
        " else raise_error(concat('the axis of a matrix is 0 or 1, not ', axis)) end",
        "The sums of the columns (axis 0), or of the rows (axis 1).",
        example="matrix_sum(matrix_dense(array(array(1, 2), array(3, 4))), 0)",
        gives="[4.0,6.0]",
    ),
)
