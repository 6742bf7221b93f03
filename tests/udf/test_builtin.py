"""The declared functions: every example, every null, every wrong value, and laws against numpy."""

import re
from pathlib import Path

import numpy as np
import pytest
from pyspark.ml.linalg import DenseMatrix, Vectors

from mlsql.udf.builtin import FUNCTIONS
from mlsql.udf.builtin.declaration import read_signature

ROOT = Path(__file__).parents[2]
BY_NAME = {each.signature.name: each for each in FUNCTIONS}
NULLS = {"any": "cast(null as string)", "array<any>": "cast(null as array<string>)"}


def values(session, *expressions):
    """What each of the expressions gives, in one query."""
    return list(session.sql(f"select {', '.join(expressions)}").first())


def test_a_declaration_is_read_as_it_is_shown():
    """Commas within a type are none between parameters."""
    for each in FUNCTIONS:
        assert str(read_signature(str(each.signature))) == str(each.signature)
    assert len(BY_NAME) == len(FUNCTIONS)


@pytest.mark.parametrize("each", FUNCTIONS, ids=lambda each: each.signature.name)
def test_a_declaration_is_complete(each):
    """A sentence, an example that calls the function, and names that no lambda variable of the body has."""
    assert re.fullmatch(r"[A-Z].*\.", each.doc, re.DOTALL)
    assert each.signature.name in each.example
    variables = set(re.findall(r"(\w+) ->", each.body)) | set(re.findall(r"\((\w+), (\w+)\) ->", each.body))
    assert not variables & {parameter.name for parameter in each.signature.parameters}


def test_each_function_is_documented():
    """With its sentence and its example."""
    lines = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8").splitlines()
    rows = [
        f"| `{each.signature}` | {each.doc} | `{each.example}` | `{' '.join(each.gives.split())}` |"
        for each in FUNCTIONS
    ]
    assert [row for row in rows if row not in lines] == []


@pytest.mark.spark
def test_each_example_gives_what_it_says(session):
    """All in one query."""
    shown = values(session, *(f"cast({each.example} as string)" for each in FUNCTIONS))
    assert dict(zip(BY_NAME, shown, strict=True)) == {each.signature.name: each.gives for each in FUNCTIONS}


@pytest.mark.spark
def test_the_type_is_the_declared_one(session):
    """Where it does not depend on the arguments; vectors and matrices are those of Spark ML."""
    calls = {each.signature.name: each.example for each in FUNCTIONS} | {
        "timeAgo": "timeAgo('1h')",
        "array_onehot": "array_onehot(array(1), 2)",
    }
    shown = session.sql(f"select {', '.join(calls.values())}").schema
    for each, field in zip(FUNCTIONS, shown, strict=True):
        if "any" not in each.signature.output:
            assert field.dataType.simpleString() == each.signature.output, each.signature


def arguments(name, example):
    """Those of the call of *name* in an example: what commas part that stand in no bracket and no text."""
    start = re.search(rf"\b{name}\(", example).end()
    shown = re.sub("'[^']*'", lambda text: "'" * len(text[0]), example)
    depth, given, place = 1, [], start
    while depth:
        depth += {"(": 1, ")": -1}.get(shown[place], 0)
        if depth == 0 or (depth == 1 and shown[place] == ","):
            given.append(example[start:place].strip())
            start = place + 1
        place += 1
    return given


def with_nulls():
    """The example of each function with null in the place of each of its arguments."""
    for name, each in BY_NAME.items():
        given = arguments(name, each.example)
        for place, parameter in enumerate(each.signature.parameters):
            null = NULLS.get(parameter.type, "null")
            if name == "array_concat":
                null = "cast(null as array<array<string>>)"
            yield f"{name}({', '.join([*given[:place], null, *given[place + 1 :]])})"


@pytest.mark.spark
def test_null_gives_null(session):
    """Of every function, whichever of its arguments it is."""
    calls = [*with_nulls()]
    assert dict(zip(calls, values(session, *calls), strict=True)) == dict.fromkeys(calls)


@pytest.mark.spark
@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("vec_sqdist(array(1), array(1, 2))", "vectors of 1 and 2 numbers"),
        ("vec_sparse(2, map(2, 1.0))", "indices of this vector are 0 to 1"),
        ("vec_norm(array(1), 0.5)", "a norm has p >= 1"),
        ("vec_norm(array(1), double('nan'))", "a norm has p >= 1"),
        ("vec_sparse(2, map(1, cast(null as double)))", "a vector holds no null"),
        ("vec_wise_add(array(1, null), array(1, 2))", "a vector holds no null"),
        ("onehot(0, -1)", "a vector has no size of -1"),
        ("matrix_dense(array(array(1, null)))", "a matrix holds no null"),
        ("matrix_dense(array(array(1), null))", "a matrix holds no null"),
        ("vec_range(array(1, 2), array(1))", "a range is array(from, until)"),
        ("matrix_dense(array(array(1), array(1, 2)))", "equally many numbers"),
        ("matrix_sum(matrix_dense(array(array(1))), 2)", "the axis of a matrix is 0 or 1, not 2"),
        ("matrix_array(array(1))", "takes a matrix for matrix"),
        ("array_index('a', 'a')", "takes an array for array"),
        ("ngram(array('a'), 0)", "at least one word"),
        ("byteStringAsBytes('99999999999pb')", "CAST_OVERFLOW"),
        ("byteStringAsMb('12 apples')", "a size is a number and a unit such as 10mb, not 12 apples"),
        ("timeAgo('soon')", "a period is a number and ms, s, m, h, d or w, not soon"),
        ("array_string_to_int(array('x'))", "CAST_INVALID_INPUT"),
        ("vec_slice(array(1, 2), array(5))", "INVALID_ARRAY_INDEX"),
    ],
)
def test_a_wrong_value_is_told(session, call, sentence):
    """In a sentence that says what would be right."""
    with pytest.raises(Exception, match=re.escape(sentence)):
        session.sql(f"select {call}").collect()


@pytest.mark.spark
def test_vector_functions_are_those_of_numpy(session):
    """On vectors and on arrays alike, to 1e-9."""
    random = np.random.default_rng(7)
    rows = [tuple(random.normal(0, 100, (2, size)).tolist()) for size in range(2, 9)]
    session.createDataFrame(rows, "a array<double>, b array<double>").createOrReplaceTempView("numbers")
    names = ("sqdist(a, b)", "norm(a, 1)", "norm(a, 2)", "norm(a, 3)", "mean(a)", "stddev(a)")
    calls = ", ".join(f"vec_{each} as v{place}" for place, each in enumerate(names))
    session.sql("select vec_dense(a) as a, vec_dense(b) as b from numbers").createOrReplaceTempView("vectors")
    wise = "vec_wise_add(a, b) as s, vec_wise_mul(a, b) as p, vec_wise_dif(a, b) as d, vec_floor(a) as f"
    for table in ("numbers", "vectors"):
        found = session.sql(f"select a, b, {calls}, {wise} from {table}").coalesce(1).collect()
        for row in found:
            a, b = np.array(list(row.a)), np.array(list(row.b))
            expected = [
                ((a - b) ** 2).sum(),
                *(np.linalg.norm(a, p) for p in (1, 2, 3)),
                a.mean(),
                a.std(ddof=1),
            ]
            assert np.allclose(row[2:8], expected, rtol=1e-9, atol=1e-9)
            for vector, right in ((row.s, a + b), (row.p, a * b), (row.d, a - b), (row.f, np.floor(a))):
                assert np.allclose(vector.toArray(), right, rtol=1e-12)


@pytest.mark.spark
def test_what_is_sparse_stays_sparse(session):
    """A vector of a million numbers is not written out; Spark ML takes it as its own."""
    sparse, one, none = values(
        session,
        "vec_sparse(1000000, map(999999, 2.0, 5, 1.0))",
        "onehot(999999, 1000000)",
        "onehot(-1, 3)",
    )
    assert sparse == Vectors.sparse(1_000_000, [5, 999_999], [1.0, 2.0])
    assert one == Vectors.sparse(1_000_000, [999_999], [1.0])
    assert none == Vectors.sparse(3, [], [])


@pytest.mark.spark
def test_matrices_are_those_of_spark(session):
    """Whichever way round they are stored."""
    made, sums = values(
        session,
        "matrix_dense(array(array(1, 2, 3), array(4, 5, 6)))",
        "matrix_sum(matrix_dense(array(array(1, 2, 3), array(4, 5, 6))), 1)",
    )
    assert made.toArray().tolist() == [[1, 2, 3], [4, 5, 6]]
    assert sums == Vectors.dense(6, 15)
    by_columns = session.createDataFrame([(DenseMatrix(2, 2, [1, 2, 3, 4]),)], ["m"])
    by_columns.createOrReplaceTempView("matrices")
    assert session.sql("select matrix_array(m) as rows from matrices").first().rows == [[1, 3], [2, 4]]


@pytest.mark.spark
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("array_slice(array(1, 2, 3), 0, 2)", [1, 2]),
        ("array_slice(array(1, 2, 3), 2, 1)", []),
        ("array_slice(array(1, 2, 3), 5, 9)", []),
        ("array_index(array(1.5, 2.5), 9.0)", -1),
        ("ngram(array('a'), 2)", []),
        ("padding_int_array(array(1, 2, 3), 2, 0)", [1, 2]),
        ("vec_cosine(array(0, 0), array(1, 2))", 0.0),
        ("vec_array(vec_ceil(array(1e300)))[0]", 1e300),
        ("vec_mean(array())", None),
        ("vec_mean(array(1, double('infinity')))", np.inf),
        ("vec_stddev(array(1, null))", None),
        ("vec_argmax(array(1, null))", None),
        ("vec_argmax(array(double('-infinity'), -1, double('nan'), 7))", 2),
        ("isnan(vec_norm(array(1, double('nan')), double('infinity')))", True),
        (
            "vec_array(vec_wise_add(cast(array(1, 2) as array<float>), vec_sparse(2, map(1, 1.0))))",
            [1.0, 3.0],
        ),
        ("keepChinese('a你，b', false, array('b'))", "你b"),
        ("keepChinese('a你,]^-', true, array(']', '^', '-'))", "你]^-"),
        ("json_object_array('no')", None),
        ("parseDateAsLong('2020-01-02 03:04', 'yyyy-MM-dd HH:mm')", 1577934240000),
        ("byteStringAsKb('5')", 5),
        ("timePlus(1000, '2 min')", 121000),
    ],
)
def test_at_the_edges(session, expression, expected):
    """Of an array, of an alphabet, of a unit."""
    assert values(session, expression) == [expected]


@pytest.mark.spark
def test_times_do_not_depend_on_the_zone_of_the_session(session):
    """They are in UTC."""
    session.conf.set("spark.sql.session.timeZone", "Asia/Shanghai")
    assert values(
        session, "parseDateAsLong('1970-01-02', 'yyyy-MM-dd')", "parseLongAsDate(0, 'yyyy-MM-dd HH')"
    ) == [86_400_000, "1970-01-01 00"]
