from __future__ import annotations

import pytest

from mlsql.bridge.errors import DataFault
from mlsql.errors import DataError

pytestmark = pytest.mark.spark


@pytest.fixture
def texts(scripts):
    """Scripts with a table of JSON texts, and one that has a corrupt row."""
    good = [(1, '{"name":"Ann","a.b":{"city":"Bern"}}'), (2, '{"name":"Bob","age":30}'), (3, None)]
    scripts.table("texts", good, "id int, `the text` string")
    scripts.table("corrupt", [*good, (4, "{oops")], "id int, `the text` string")
    return scripts


def test_fields_become_columns(texts):
    """Of their own types; a null text has none of them; what is nested is expanded in turn."""
    frame = texts('run texts as JsonExpandExt.`` where inputCol="the text" as people;')
    assert frame.dtypes == [
        ("id", "int"),
        ("a.b", "struct<city:string>"),
        ("age", "bigint"),
        ("name", "string"),
    ]
    assert [(row.id, row.age, row.name) for row in frame.orderBy("id").collect()] == [
        (1, None, "Ann"),
        (2, 30, "Bob"),
        (3, None, None),
    ]
    nested = texts('run people as JsonExpandExt.`` where inputCol="a.b" as cities;')
    assert nested.columns == ["id", "age", "name", "city"]
    assert nested.where("id = 1").collect()[0].city == "Bern"


def test_the_column_may_stay_one_struct(texts):
    """In its place."""
    frame = texts('run texts as JsonExpandExt.`` where inputCol="the text" and structColumn="true" as t;')
    assert frame.columns == ["id", "the text"]
    assert frame.selectExpr("`the text`.name").where("id = 2").collect()[0].name == "Bob"


def test_a_corrupt_row_is_shown(texts):
    """With the column and what it holds."""
    with pytest.raises(DataFault, match=r"corrupted JSON in column `the text`: \{oops"):
        texts('run corrupt as JsonExpandExt.`` where inputCol="the text" as t;')


def test_a_corrupt_row_that_the_sample_lacked_is_told_when_it_is_read(texts):
    """Not read as a row of nulls."""
    texts.table("many", [(n, '{"a":1}' if n else "{oops") for n in range(50)], "id int, j string")
    frame = texts('run many as JsonExpandExt.`` where inputCol="j" and samplingRatio="0.2" as t;')
    with pytest.raises(DataError, match="corrupted JSON in column `j`"), texts.run.guard():
        frame.collect()


_REFUSED = [
    ("select 1 as j", "'j' is int; it has to hold JSON texts or structs"),
    ("select '{\"a\":1}' as j, 2 as A", "has a column 'a' already"),
    ("select string(null) as j", "there is no JSON object in column `j`"),
]


def test_what_cannot_be_expanded_is_an_error(scripts):
    """Another type, a name that is taken, no texts at all."""
    for query, message in _REFUSED:
        with pytest.raises(DataFault, match=message):
            scripts(f'{query} as t; run t as JsonExpandExt.`` where inputCol="j" as u;')
