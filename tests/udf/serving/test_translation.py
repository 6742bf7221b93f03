"""What of Spark's SQL is carried over to DuckDB, and what is not, with the reason."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.udf.serving.lane_types import Carried, as_type, becomes, common, duckdb_type, is_told
from mlsql.udf.serving.translation import ModelFunction, NotCarriedOver, translate

COLUMNS = {"n": "bigint", "d": "double", "s": "string", "b": "boolean", "v": "vector", "a": "array<double>"}
MODELS = {"f": ModelFunction({"x": "double", "kind": "string"}, "bigint")}
TYPES = [
    "void",
    "boolean",
    "int",
    "bigint",
    "decimal",
    "double",
    "string",
    "array<int>",
    "array<double>",
    "vector",
]


def carried(sql, columns=COLUMNS):
    """The translation."""
    return translate(sql, columns, MODELS, "ann")


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ("n", "bigint"),
        ("1", "int"),
        ("3000000000", "bigint"),
        ("-2147483648", "int"),
        ("1e3", "double"),
        ("n + 1", "bigint"),
        ("n / 2", "double"),
        ("d * 0.5", "double"),
        ("-7 % 3", "int"),
        ("null", "void"),
        ("'it'", "string"),
        ("array(1, n)", "array<bigint>"),
        ("vec_dense(array(1, 2.5))", "vector"),
        ("vec_array(v)[0]", "double"),
        ("case when b then 1 when n > 2 then n end", "bigint"),
        ("if(b, d, 0.5)", "double"),
        ("f(n, s)", "bigint"),
        ("f(kind => s, x => 1)", "bigint"),
        ("array_index(array('a'), s)", "int"),
        ("cast(n as string)", "string"),
        ("double('infinity')", "double"),
    ],
)
def test_an_expression_has_the_type_that_spark_gives_it(item, kind):
    """It decides how a value is written in the result."""
    assert carried(f"select {item} as p").types == (kind,)


@pytest.mark.parametrize(
    "sql",
    [
        "select n from t",
        "select n as p where n > 1",
        "select distinct n as p",
        "select n as p limit 1",
        "select n as p; select n as p",
        "drop table t",
        "select",
        "select (select 1) as p",
        "select count(n) as p",
        "select sum(n) over () as p",
        "select N",
        "select nothing as p",
        "select t.n as p",
        "select n + 1",
        "select n as p, d as P",
        "select 1.5 as p",
        "select 1 + 1.5 as p",
        "select n > 0.5 + 0.25 as p",
        "select s + 1 as p",
        "select s = 1 as p",
        "select cast(s as smallint) as p",
        "select cast(a as string) as p",
        "select cast(n as decimal(10, 2)) as p",
        "select try_cast(n as int) as p",
        "select round(n, 2) as p",
        "select sin(d) as p",
        "select s rlike '(?i)a' as p",
        "select 'a\\n' as p",
        "select 'it''s' as p",
        "select s like s as p",
        "select v[0] as p",
        "select v + 1 as p",
        "select vec_mk_string(';', v) as p",
        "select transform(a, x -> x + 1) as p",
        "select current_date() as p",
        "select reflect('java.lang.System', 'exit', 1) as p",
        "select read_csv('/etc/passwd') as p",
        "select getenv('HOME') as p",
        "select f(s, n) as p",
        "select f(n) as p",
        "select f(n, s, 1) as p",
        "select f(n, kinds => s) as p",
        "select f_all(n, s) as p",
        "select timestamp'2020-01-01' as p",
        "select interval 1 day as p",
        "select d div 2 as p",
        "select n is true as p",
        "select n / 0.5 as p",
        "select ceil(2.5) as p",
        "select ceil(n) as p",
        "select nullif(n, d) as p",
        "select round(d, length(s)) as p",
        "select round(d, null) as p",
        "select 9223372036854775808 as p",
        "select 0.1234567890123456789 as p",
        "select if(b, 1) as p",
        "select b = n < 3 as p",
        "select b = not b as p",
        "select b = s like 'x' as p",
        "select s not like 'x' = b as p",
        "select n is not null = b as p",
        "select n in (3) is null as p",
        "select n between symmetric 3 and 1 as p",
        "select s rlike 'a{1,3}+a' as p",
        "select array_contains(a, null) as p",
        "select array_concat(null) as p",
        "select case when null then 1 end as p",
        "select array_position(a, 0.5) as p",
        "select null <=> n > 2 as p",
        "select b <=> s like 'x' as p",
        "select cast(null as decimal(10, 2)) as p",
        "select cast(null as vector) as p",
        "select '${x}' as p",
        "select n /*+ x */ as p",
        "select n as p order by n",
        "select " + "(" * 2000 + "n" + ")" * 2000 + " as p",
    ],
)
def test_what_may_differ_is_not_carried_over(sql):
    """With a reason."""
    with pytest.raises(NotCarriedOver) as raised:
        carried(sql)
    assert raised.value.message


def test_a_function_of_the_caller_is_never_taken_for_another():
    """Though it is called as one of ours or of Spark's, in any case, and Spark alone can answer it."""
    for name in ("EXP", "Vec_Norm", "F"):
        with pytest.raises(NotCarriedOver, match=f"function '{name}'"):
            translate(f"select {name}(d) as p", COLUMNS, MODELS, "ann", own=["f", "exp", "VEC_NORM"])


def test_names_are_those_of_the_query():
    """A star stands for all columns in their order."""
    assert carried("select *").names == tuple(COLUMNS)
    assert carried("select s as `odd name`, n;").names == ("odd name", "n")


def test_only_columns_that_are_read_are_asked_for():
    """A wide row costs no more than a narrow one."""
    assert carried("select d + 1.0D as p").reads == {"d": "c1"}
    assert carried("select 1 as p").reads == {}


def test_columns_that_differ_in_case_alone_are_sparks_affair():
    """It refuses them as ambiguous."""
    with pytest.raises(NotCarriedOver, match="case"):
        carried("select a as p", {"a": "int", "A": "int"})


def test_texts_stay_texts():
    """Quotes in them, too; identifiers of DuckDB are made here."""
    (expression,) = carried("""select "a'; drop table x; --" as p""").expressions
    assert expression == "'a''; drop table x; --'"


@given(st.text(max_size=40))
def test_no_text_breaks_the_translation(text):
    """It is carried over or not, whatever it is."""
    for sql in (text, f"select {text} as p", f"select '{text}' as p"):
        with suppress(NotCarriedOver):
            carried(sql)


@given(st.lists(st.sampled_from(TYPES), min_size=1))
def test_the_common_type_is_one_that_all_become(kinds):
    """And it does not depend on their order."""
    kind = common(kinds)
    assert common([*reversed(kinds)]) == kind
    if kind is not None:
        assert all(becomes(each, kind) for each in kinds)


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_has_a_name_in_duckdb(kind):
    """A value that is of the type already is not cast."""
    assert duckdb_type(kind)
    assert as_type(Carried("x", kind), kind).sql == ("cast(x as INTEGER)" if kind == "void" else "x")
    assert is_told(kind) is (kind != "decimal")
