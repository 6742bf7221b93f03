from __future__ import annotations

import uuid

import pytest

from mlsql.errors import DataError, InvalidOption, MissingPath, UndefinedVariable, UnknownName, UnknownOption
from mlsql.spark.sessions import job_group

pytestmark = pytest.mark.spark


@pytest.fixture
def csv(tmp_path):
    """A little CSV file in the folder of the scripts."""
    (tmp_path / "wine.csv").write_text("name;ph\nred;3.5\n'white; dry';3.25\n")
    return "wine.csv"


def test_csv_is_read_as_spark_reads_it(scripts, csv):
    """Without options there is no header and everything is text."""
    frame = scripts(f"load csv.`{csv}` as t;")
    assert frame.dtypes == [("_c0", "string")]
    assert frame.count() == 3


def test_options_reach_spark(scripts, csv):
    """They are Spark's, by Spark's names."""
    rows = scripts.rows(
        f'load csv.`{csv}` where header="true" and inferSchema="true" and sep=";" and quote="\'" as t;'
    )
    assert rows == [{"name": "red", "ph": 3.5}, {"name": "white; dry", "ph": 3.25}]


def test_old_names_of_options_are_understood(scripts, csv):
    """``delimiter`` is Spark's other name of ``sep``."""
    assert scripts(f'load csv.`{csv}` where delimiter=";" as t;').columns == ["_c0", "_c1"]


def test_json_and_parquet_are_read(scripts, tmp_path):
    """Both bring their types along."""
    (tmp_path / "t.json").write_text('{"a": 1}\n{"a": 2, "b": [1.5]}\n')
    frame = scripts(
        "load json.`t.json` as t; save overwrite t as parquet.`t.parquet`; load parquet.`t.parquet` as u;"
    )
    assert frame.dtypes == [("a", "bigint"), ("b", "array<double>")]
    assert frame.count() == 2


def test_a_format_is_found_in_any_case(scripts, csv):
    """As algorithm names are."""
    assert scripts(f"load CSV.`{csv}` as t;").count() == 3


def test_lines_of_json_in_a_variable_are_a_table(scripts):
    """One record a line; blank lines are none; variables in the text are filled in."""
    rows = scripts.rows(
        """
        set n="2";
        set lines='''
        {"a": 1, "b": "x"}

        {"a": ${n}}
        ''';
        load jsonStr.`lines` as t;
        """
    )
    assert rows == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


def test_one_json_value_may_span_lines(scripts):
    """An array gives a row an element."""
    assert scripts.rows("set v='''[{\"a\":\n 1},\n {\"a\": 2}]'''; load jsonStr.`v` as t;") == [
        {"a": 1},
        {"a": 2},
    ]


def test_options_of_json_hold_for_text_too(scripts):
    """They are those of ``json`` that do not concern files."""
    rows = scripts.rows("""set v='{"a": 1}'; load jsonStr.`v` where primitivesAsString="true" as t;""")
    assert rows == [{"a": "1"}]


@pytest.mark.parametrize(
    ("script", "error", "span", "message", "hint"),
    [
        ("load jbdc.`x` as t;", UnknownName, "jbdc", "no source is called 'jbdc'", None),
        ("load cvs.`x` as t;", UnknownName, "cvs", "no source is called 'cvs'", "did you mean 'csv'?"),
        ("load csv.`wine.cvs` as t;", MissingPath, "`wine.cvs`", "nothing lies at", "wine.csv'?"),
        ("load csv.`nowhere/*.csv` as t;", MissingPath, "`nowhere/*.csv`", "nothing lies at", None),
        (
            'load csv.`wine.csv` where heeder="true" as t;',
            UnknownOption,
            "heeder",
            "no option 'heeder'",
            "'header'?",
        ),
        ('load csv.`wine.csv` where path="x" as t;', UnknownOption, "path", "no option 'path'", None),
        (
            'load csv.`wine.csv` where header="yes" as t;',
            InvalidOption,
            '"yes"',
            "takes 'true' or 'false'",
            None,
        ),
        ("load jsonStr.`lines` as t;", UndefinedVariable, "`lines`", "variable 'lines' is not defined", None),
        ("set lines=''; load jsonStr.`lines` as t;", DataError, "`lines`", "holds no JSON", None),
    ],
)
def test_what_cannot_be_loaded_is_an_error_in_its_place(scripts, csv, script, error, span, message, hint):
    """No Spark job has run by then."""
    group = f"{script} {uuid.uuid4()}"
    with job_group(scripts.run.spark, group, ""), pytest.raises(error, match=message) as caught:
        scripts(script)
    assert caught.value.span.text == span
    assert hint is None or (caught.value.hint or "").endswith(hint)
    assert list(scripts.run.spark.sparkContext.statusTracker().getJobIdsForGroup(group)) == []


@pytest.mark.parametrize("source", ["csv", "json", "parquet"])
def test_a_folder_without_files_is_an_error_in_its_place(scripts, tmp_path, source):
    """There is nothing to find columns in."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=f"no {source} file with data lies in") as caught:
        scripts(f"load {source}.`empty` as t;")
    assert caught.value.span.text == "`empty`"


def test_several_wrong_options_are_told_at_once(scripts, csv):
    """In the order of the text."""
    from mlsql.errors import ScriptErrors

    with pytest.raises(ScriptErrors) as caught:
        scripts(f'load csv.`{csv}` where heeder="true" and mode="loose" as t;')
    assert [type(each) for each in caught.value.errors] == [UnknownOption, InvalidOption]
