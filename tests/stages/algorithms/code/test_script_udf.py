"""Functions of SQL written in Python, in the script itself: ``register ScriptUDF.`` as f``."""

from __future__ import annotations

import dataclasses

import pytest

from mlsql.errors import DataError, Refused, ScriptError, SqlError, UndefinedVariable
from mlsql.stages.algorithms.code.text import WrittenCode
from mlsql.udf.scripts import Code

pytestmark = pytest.mark.spark


def value(scripts, query):
    """The one value of the one row of *query*."""
    (row,) = scripts.rows(f"select {query} as value as answers;")
    return row["value"]


def refused(scripts, text, kind=ScriptError):
    """The error that the script *text* is told."""
    with pytest.raises(kind) as told:
        scripts(text)
    return told.value


def test_a_function_of_a_row_is_called_in_sql(scripts):
    """With None where SQL has null, and old scripts' ``self``."""
    scripts("""
register ScriptUDF.`` as halves where lang="python" and dataType="array(double)" and code='''
def apply(self, a):
    "Half and whole."
    return None if a is None else [a / 2, a]
''';
""")
    rows = scripts.rows("select halves(if(id = 1, null, id)) as h from range(3) as t;")
    assert rows == [{"h": [0.0, 0.0]}, {"h": None}, {"h": [1.0, 2.0]}]
    (shown,) = [row for row in scripts.rows("!show functions;") if row["function"] == "halves"]
    assert (shown["signature"], shown["doc"]) == ("halves(a any) -> array<double>", "Half and whole.")


def test_values_come_as_python_has_them(scripts):
    """A long with a null beside it stays a long, a struct is a row, bytes are bytes."""
    scripts("""
register ScriptUDF.`` as told where dataType="string" and code='''
def apply(value):
    return f"{type(value).__name__} {value}"
''';
register ScriptUDF.`` as parts where dataType="st(field(a,long),field(b,map(string,date)))" and code='''
import datetime

def apply(n: int, day):
    return {"a": n + 1, "b": {"next": day + datetime.timedelta(days=1)}}
''';
""")
    rows = scripts.rows("select told(if(id = 0, null, 9007199254740993)) as v from range(2) as t;")
    assert [row["v"] for row in rows] == ["NoneType None", "int 9007199254740993"]
    assert value(scripts, "told(array(1, null))") == "list [1, None]"
    assert value(scripts, "told(struct(1 as a))") == "Row Row(a=1)"
    assert value(scripts, "told(1.5)") == "Decimal 1.5"
    assert value(scripts, "parts(day => date'2026-01-31', n => 1.0).b['next']").isoformat() == "2026-02-01"
    assert value(scripts, "parts(1, date'2026-01-31').a") == 2


def test_times_are_those_of_sql(scripts):
    """Whatever zone the machine is in: the clock of Python on executors goes by UTC, too."""
    scripts("""
register ScriptUDF.`` as clock where dataType="st(field(zone,string),field(time,timestamp))" and code='''
import time

def apply(moment):
    return time.tzname[0], moment
''';
""")
    query = "(select clock(timestamp'2026-01-31 12:00:00'))"
    assert value(scripts, f"{query}.zone") == "UTC"
    assert value(scripts, f"string({query}.time)") == "2026-01-31 12:00:00"


def test_a_wrong_call_fails_before_anything_runs(scripts):
    """The number of arguments is that of the function, types are those that it notes."""
    scripts("""
register ScriptUDF.`` as times where dataType="double" and code='''
def apply(a: float, b: float):
    return a * b
''';
""")
    assert value(scripts, "times(2, '1.5')") == 3.0
    number = refused(scripts, "select times(1) as t from range(3) as u;", SqlError)
    assert "times takes 2 arguments, not 1: times(a double, b double) -> double" in str(number)
    kind = refused(scripts, "select times(1, array(1)) as t from range(3) as u;", SqlError)
    assert "takes double for b, not array<int>" in str(kind)


def test_a_vectorised_function_takes_and_gives_series(scripts):
    """And must give as many values as it got."""
    scripts("""
register ScriptUDF.`` as scaled where dataType="double" and vectorized="true" and code='''
def apply(a, b):
    return a * 10 + b
''';
register ScriptUDF.`` as short where dataType="double" and vectorized="true" and code='''
def apply(a):
    return a[:1]
''';
""")
    assert [row["v"] for row in scripts.rows("select scaled(id, 1) as v from range(3) as t;")] == [1, 11, 21]
    told = refused_at_work(scripts, "select short(id) as v from range(0, 3, 1, 1) as t;")
    assert told.message == "short fails: TypeError: it answers 1 values for 3 rows"


def refused_at_work(scripts, text):
    """The error of a script whose rows are read."""
    with pytest.raises(DataError) as told, scripts.run.guard():
        scripts(text).collect()
    return told.value


def test_an_aggregate_is_a_function_of_the_group(scripts):
    """Also of no rows, beside Spark's own, in having, and in other expressions."""
    scripts("""
register ScriptUDF.`` as spread where dataType="long" and udfType="udaf" and code='''
def apply(values):
    return values.max() - values.min() if len(values) else None
''';
select id % 2 as half, id from range(10) as numbers;
""")
    rows = scripts.rows("""
select half, spread(id) as s, sum(id) as n
from numbers group by half having spread(id) > 0 order by half as t;
""")
    assert rows == [{"half": 0, "s": 8, "n": 20}, {"half": 1, "s": 8, "n": 25}]
    assert value(scripts, "(select spread(id) + spread(half) from numbers)") == 10
    assert value(scripts, "(select spread(id) from numbers where id > 99)") is None


def test_an_aggregate_may_see_its_group_as_a_frame(scripts):
    """Of the fields of a struct, under the name ``frame``."""
    scripts("""
register ScriptUDF.`` as weighted where dataType="double" and udfType="udaf" and code='''
def apply(frame):
    return (frame["value"] * frame["weight"]).sum() / frame["weight"].sum()
''';
""")
    query = "select weighted(struct(id as value, id + 1 as weight)) as v from range(3) as t;"
    assert [row["v"] for row in scripts.rows(query)] == [pytest.approx(8 / 6)]


def test_an_aggregate_may_go_from_row_to_row(scripts):
    """As older engines have it, in a class; a long beside a null stays exact, no row is a state too."""
    scripts("""
register ScriptUDF.`` as longest where dataType="map(string,long)" and udfType="udaf" and className="Longest"
  and code='''
class Longest:
    def initialize(self):
        return {}

    def update(self, state, word, number):
        return state if word is None else {**state, word: max(number, state.get(word, 0))}

    def merge(self, one, other):
        return {**one, **other}

    def evaluate(self, state):
        return state
''';
""")
    query = """
select longest(if(id = 3, null, concat('w', id % 2)), if(id = 3, null, 9007199254740993 + id)) as v
from range(5) as t;
"""
    assert scripts.rows(query) == [{"v": {"w0": 9007199254740997, "w1": 9007199254740994}}]
    assert scripts.rows("select longest('w', id) as v from range(0) as t;") == [{"v": {}}]
    by_group = "select id % 2 as k, longest('w', id)['w'] + 1 as v from range(4) group by k order by k as t;"
    assert [row["v"] for row in scripts.rows(by_group)] == [3, 4]


def test_old_scripts_name_their_code_by_a_variable_or_a_table(scripts):
    """With the class and the method that are meant."""
    scripts("""
set tools='''
class Tools:
    def twice(self, a):
        return a + a

def thrice(self, a):
    return a * 3
''';
load script.`tools` as toolsTable;
register ScriptUDF.`toolsTable` as twice where className="Tools" and methodName="twice" and dataType="string";
register ScriptUDF.`tools` as thrice where methodName="thrice" and dataType="string";
""")
    assert value(scripts, "concat(twice('a'), thrice('b'))") == "aabbb"
    assert isinstance(
        refused(scripts, 'register ScriptUDF.`nothing` as f where dataType="string";'), UndefinedVariable
    )


def test_a_mistake_in_the_code_is_told_at_its_line_of_the_script(scripts):
    """Before anything runs; of a variable, with its own line."""
    text = """
register ScriptUDF.`` as f where dataType="string" and code='''
def apply(a):
    retrun a
''';
"""
    told = str(refused(scripts, text))
    assert told.startswith("test.mlsql:4:5: no Python: invalid syntax\n        retrun a\n        ^^^^^^^^")
    scripts.run.scope.define("broken", "x = 1\nreturn x")
    told = str(refused(scripts, 'register ScriptUDF.`broken` as f where dataType="string";'))
    assert "broken:2: no Python: 'return' outside function in `return x`" in told


def test_what_fails_at_work_is_told_with_the_line_of_the_code(scripts):
    """By its function, without the noise of Spark and its workers."""
    scripts("""
register ScriptUDF.`` as ratio where dataType="double" and code='''
def apply(a, b):
    return divided(a, b)

def divided(a, b):
    return a / b
''';
register ScriptUDF.`` as wrong where dataType="long" and code='''
def apply(a):
    return "many"
''';
register ScriptUDF.`` as missing where dataType="long" and code='''
import no_such_package

def apply(a):
    return 1
''';
""")
    told = refused_at_work(scripts, "select ratio(1, id) as r from range(1) as t;")
    place = "ratio fails in divided, test.mlsql:7, at `return a / b`"
    assert told.message == f"{place}: ZeroDivisionError: division by zero"
    told = refused_at_work(scripts, "select wrong(id) as r from range(1) as t;")
    assert told.message == "wrong fails: TypeError: it answers 'many' (str), which is no bigint"
    told = refused_at_work(scripts, "select missing(id) as r from range(1) as t;")
    assert (
        "at `import no_such_package`: ModuleNotFoundError: No module named 'no_such_package'" in told.message
    )


def test_a_function_is_replaced_and_forgotten(scripts):
    """By the next of its name, and by unregister; those of Spark stay."""
    define = 'register ScriptUDF.`` as f where dataType="long" and code="def apply({0}): return {1}";'
    scripts(define.format("", 1))
    assert value(scripts, "f()") == 1
    scripts(define.format("a", 2))
    assert value(scripts, "f(0)") == 2
    scripts("unregister f;")
    assert "no function is called 'f'" in str(refused(scripts, "select f(0) as v;"))
    told = refused(scripts, define.format("", 1).replace(" f ", " upper "))
    assert told.message == "'upper' is a function of Spark"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('dataType="sting"', "no type is called 'sting'"),
        ('dataType="map(string)"', "option 'dataType' takes a type such as double"),
        ('dataType="long" and lang="scala"', "ScriptUDF compiles Python, not 'scala'"),
        ('dataType="long" and methodName="aply"', "test.mlsql defines no function 'aply'"),
        ('dataType="long" and className="A"', "test.mlsql defines no class 'A'"),
        ('dataType="long" and udftype="udaf"', "ScriptUDF has no option 'udftype'"),
        ('lang="python"', "ScriptUDF needs the option 'dataType'"),
    ],
)
def test_a_wrong_statement_is_told_with_the_way_out(scripts, options, message):
    """The nearest name, or what else to do."""
    told = refused(scripts, f'register ScriptUDF.`` as f where {options} and code="def apply(a): return 1";')
    assert told.message.startswith(message)
    assert told.span is not None


@pytest.mark.parametrize(
    "code", ["def apply(a:Double,b:Double)={\n   a + b\n}", "def apply(n: Int): Map[String, Int] = new Map()"]
)
def test_scala_is_told_what_it_is(code):
    """Older engines took it where no language was named."""
    with pytest.raises(ScriptError) as told:
        WrittenCode(Code(code, "code")).tree()
    assert told.value.hint.startswith("it looks like Scala")


def test_parameters_that_sql_cannot_give_are_refused(scripts):
    """SQL gives each argument, and only those that have names."""
    told = refused(
        scripts, 'register ScriptUDF.`` as f where dataType="long" and code="def apply(*a): return 1";'
    )
    assert told.message == "apply(*a) has parameters that SQL cannot give"


def test_code_is_refused_where_scripts_may_bring_none(scripts):
    """Functions, classes and steps alike."""
    scripts.run.policy = dataclasses.replace(scripts.run.policy, allows_python=False)
    code = 'code="def apply(a): return a"'
    for text in (
        f'register ScriptUDF.`` as f where dataType="long" and {code};',
        "register JavaUDF.`java.lang.String` as f;",
        f'run command as PythonStep.`` where schema="a int" and {code} as t;',
    ):
        assert refused(scripts, text, Refused).hint == "the setting security.python allows it"
