"""Keywords that a query has misspelt, found from the place where Spark's parser stops."""

import pytest

from mlsql.sql.misspelt import misspelt_keyword, way_out


@pytest.mark.parametrize(
    ("query", "keyword"),
    [
        ("select a form ^t", "from"),
        ("selec ^1", "select"),
        ("select a from t wher ^a > 1", "where"),
        ("select a from t gruop ^by a", "group"),
        ("select a from t odrer ^by a limt 5", "order"),
        ("select a from t jion ^u on t.a = u.a", "join"),
        ("select case whn ^1 = 1 then 2 end", "when"),
        ("show tabels^", "tables"),
        ("create ^tabel x (a int)", "table"),
    ],
)
def test_a_slip_is_found(query, keyword):
    """Also one that Spark took for an alias, so that it stops at a later word."""
    stumbled = query.index("^")
    assert misspelt_keyword(query.replace("^", ""), stumbled) == keyword


@pytest.mark.parametrize(
    "query",
    [
        "select a from t where a > ^",
        "select * from orders ^5",
        "select a b ^c from t",
        "select 'form' as x ^y",
        "select `wher` from t as u ^v",
        "select 1 -- limt\n^5 6",
    ],
)
def test_names_and_texts_are_no_slips(query):
    """A plural is a name, and what stands in quotes or comments is nobody's keyword."""
    assert misspelt_keyword(query.replace("^", ""), query.index("^")) is None


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("select ^${ as a", "a variable is written ${name}"),
        ("insert into t select 1\n^select 2 as a", "is the `;` before it missing?"),
        ("select a form ^t", "did you mean 'from'?"),
        ("^select", None),
        ("select a select ^b", None),
    ],
)
def test_the_way_out_is_told(query, hint):
    """Where one can be guessed."""
    assert way_out(query.replace("^", ""), query.index("^")) == hint
