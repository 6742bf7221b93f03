"""What parsing costs."""

from __future__ import annotations

import gc
import subprocess
import sys
from time import process_time

import pytest

from mlsql.errors import ScriptErrors
from mlsql.grammar import parse
from mlsql.spans import Script

TEN = """\
load csv.`/data/wine.csv` where header="true" and inferSchema="true" as wine;
select *, cast(quality >= 6 as int) as label from wine as labelled;
run labelled as RateSampler.`` where labelCol="label" and sampleRate="0.8,0.2" as marked;
select * from marked where __split__ = 0 as training;
-- the rest is for the test
select * from marked where __split__ = 1 as holdout;
train training as SKLearn.`/models/wine` where evaluateTable="holdout"
  and inputCols="alcohol,sulphates,pH" and labelCol="label"
  and `fitParam.0.alg`="RandomForestClassifier" and fitParam.0.n_estimators=200
  as trained;
register SKLearn.`/models/wine` as good_wine where autoSelectByMetric="f1";
select *, good_wine(alcohol, sulphates, pH) as guess from holdout as scored;
save overwrite scored as parquet.`/out/scored`;
!show tables;
"""


def least(text, read, *, tries):
    """The least processor time that *read* took for a text, the garbage collector left out."""
    script = Script("test.mlsql", text)
    times = []
    gc.disable()
    try:
        for _ in range(tries):
            start = process_time()
            read(script)
            times.append(process_time() - start)
    finally:
        gc.enable()
    return min(times)


def seconds(tens, *, tries):
    """The least processor time that ten times *tens* statements took."""

    def read(script):
        assert len(parse(script)) == 10 * tens

    return least(TEN * tens, read, tries=tries)


def test_a_hundred_statements_take_less_than_fifty_milliseconds():
    """Once the grammar is loaded."""
    seconds(1, tries=1)
    assert seconds(10, tries=5) < 0.05


def test_a_long_script_is_not_read_again_and_again():
    """Then ten times the script would take a hundred times as long; a busy machine blurs the rest."""
    assert seconds(200, tries=3) < 20 * seconds(20, tries=3)


@pytest.mark.slow
def test_ten_thousand_statements_take_at_most_eleven_times_as_long_as_a_thousand():
    """A statement of a long script costs what one of a short script does."""
    assert seconds(1000, tries=5) <= 11 * seconds(100, tries=5)


@pytest.mark.parametrize(
    "line",
    [
        "load csv.`x` as t\n",
        "set a= ",
        "select ( as t\nselect 1 as t\n",
        "select 1 to train x ",
        "!m a; /*\n",
        "!if 1;!fi;!fi;",
    ],
)
def test_errors_are_found_in_linear_time(line):
    """A script none of whose statements ends, or begins where it should, is not read again and again."""

    def read(script):
        with pytest.raises(ScriptErrors):
            parse(script)

    assert least(line * 4000, read, tries=3) <= 20 * least(line * 400, read, tries=3)


def test_the_language_is_there_without_spark():
    """Importing and parsing loads neither Spark nor any other heavy package."""
    code = (
        "import sys; from mlsql.spans import Script; from mlsql.grammar import parse; import mlsql.plan;"
        "parse(Script('a', 'load csv.`x` as t'));"
        "print(*sorted({'pyspark', 'pyarrow', 'pandas', 'numpy', 'mlflow', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == ""
