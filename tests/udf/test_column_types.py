"""Types as scripts write them, in the form of older engines and in that of Spark."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.errors import UnknownName
from mlsql.udf.column_types import ArrayOf, MapOf, Plain, Struct, read_schema, read_type

PLAIN = ("string", "boolean", "binary", "date", "timestamp", "tinyint", "smallint", "int", "bigint", "float")
NAMES = st.one_of(st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True), st.text("ab `.,<(:é", min_size=1))


def fields(kinds):
    """Some columns whose names differ, also without regard to case."""
    named = st.lists(
        st.tuples(NAMES, kinds), min_size=1, max_size=3, unique_by=lambda each: each[0].casefold()
    )
    return named.map(lambda pairs: Struct(tuple(pairs)))


TYPES = st.recursive(
    st.sampled_from(PLAIN).map(Plain) | st.just(Plain("decimal", (10, 2))),
    lambda kinds: kinds.map(ArrayOf) | st.builds(MapOf, kinds, kinds) | fields(kinds),
    max_leaves=6,
)


def old_form(kind):
    """The type as older engines write it."""
    match kind:
        case ArrayOf():
            return f"array({old_form(kind.element)})"
        case MapOf():
            return f"map({old_form(kind.key)}, {old_form(kind.value)})"
        case Struct():
            names = ["`" + name.replace("`", "``") + "`" for name in kind.columns]
            kinds = [old_form(each) for _, each in kind.fields]
            return f"st({','.join(f'field({name},{each})' for name, each in zip(names, kinds, strict=True))})"
        case _:
            return str(kind).upper()


@given(TYPES)
def test_a_type_is_read_back_from_both_of_its_forms(kind):
    """That of Spark, which its str is, and the old one."""
    assert read_type(str(kind)) == kind
    assert read_type(old_form(kind)) == kind


@given(fields(TYPES))
def test_columns_are_read_back_from_each_of_their_forms(columns):
    """As a schema, as a struct, as an old struct."""
    assert read_schema(columns.schema) == columns
    assert read_schema(str(columns)) == columns
    assert read_schema(old_form(columns)) == columns


@given(st.text("abint(<>),: 1`", max_size=20))
def test_what_is_no_type_is_told_and_nothing_else_happens(text):
    """By a ValueError, or by the name that no type has."""
    for read in (read_type, read_schema):
        try:
            assert read(str(read(text)) if read is read_type else read(text).schema) == read(text)
        except (ValueError, UnknownName):
            continue


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("integer", "int"),
        ("long", "bigint"),
        ("real", "float"),
        ("array(array(double))", "array<array<double>>"),
        ("st(field(a,string),field(b,st(field(c,long))))", "struct<a:string,b:struct<c:bigint>>"),
        ("st(field:int)", "struct<field:int>"),
        ("decimal(5)", "decimal(5,0)"),
        ("MAP<String, Array<Int>>", "map<string,array<int>>"),
    ],
)
def test_the_names_of_older_engines_stand_for_those_of_spark(written, known):
    """And are told apart from columns that have such names."""
    assert str(read_type(written)) == known


def test_a_misspelt_type_has_a_nearest():
    """As every name."""
    with pytest.raises(UnknownName) as told:
        read_type("array(sting)")
    assert told.value.hint == "did you mean 'string'?"


@pytest.mark.spark
def test_spark_reads_what_is_printed(spark):
    """Every plain type, and all of them together."""
    from pyspark.sql.types import StructType

    columns = Struct(tuple((f"c {name}", ArrayOf(MapOf(Plain("string"), Plain(name)))) for name in PLAIN))
    assert StructType.fromDDL(columns.schema).simpleString() == str(columns).replace("`", "")
