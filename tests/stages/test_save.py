from __future__ import annotations

import pytest

from mlsql.errors import DataError, InvalidOption, MissingColumn, ScriptError, UnknownName
from mlsql.spark.sessions import job_group

pytestmark = pytest.mark.spark


@pytest.fixture
def saved(scripts, tmp_path):
    """Saves a table of six rows in two partitions, and gives the result row and the folder."""
    scripts("select id as n, id % 2 as side from range(0, 6, 1, 2) as t;")

    def save(how, target="parquet.`out`", options=""):
        (row,) = scripts.rows(f"save {how} t as {target} {options};")
        return row, tmp_path / "out"

    return save


def test_the_result_says_what_was_written(saved):
    """One row: format, path, mode, rows, files."""
    row, folder = saved("overwrite")
    assert list(row) == ["format", "path", "mode", "rows", "files"]
    assert row == {"format": "parquet", "path": str(folder), "mode": "overwrite", "rows": 6, "files": 2}


def test_a_table_is_evaluated_once(saved, scripts):
    """Its rows are counted while they are written: one Spark job."""
    context = scripts.run.spark.sparkContext
    with job_group(scripts.run.spark, "one-save", ""):
        saved("overwrite")
    assert len(context.statusTracker().getJobIdsForGroup("one-save")) == 2  # and one to read the row


def test_append_counts_what_is_new(saved, scripts):
    """And keeps what was there."""
    saved("overwrite")
    row, _ = saved("append")
    assert (row["rows"], row["files"]) == (6, 2)
    assert scripts("load parquet.`out` as u;").count() == 12


def test_overwrite_replaces(saved, scripts):
    """The rows of before are gone."""
    saved("overwrite")
    saved("overwrite")
    assert scripts("load parquet.`out` as u;").count() == 6


def test_ignore_writes_only_where_nothing_lies(saved):
    """The second time nothing is written, and the row says so."""
    first, _ = saved("ignore")
    second, _ = saved("ignore")
    assert (first["rows"], second["rows"], second["files"]) == (6, 0, 0)


def test_without_a_mode_what_lies_there_is_safe(saved):
    """The hint names the modes that write all the same."""
    saved("")
    with pytest.raises(DataError, match="already") as caught:
        saved("")
    assert caught.value.span.text == "`out`"
    assert "save overwrite" in caught.value.hint


def test_folders_by_column(saved):
    """The clause names columns whose values become folders."""
    row, folder = saved("overwrite", options="partitionby side")
    assert row["rows"] == 6
    assert {each.name for each in folder.glob("side=*")} == {"side=0", "side=1"}
    assert row["files"] == len(list(folder.glob("side=*/*.parquet")))


def test_folders_by_option(saved):
    """As the option of the same name."""
    _, folder = saved("overwrite", options='where partitionBy="side"')
    assert {each.name for each in folder.glob("side=*")} == {"side=0", "side=1"}


def test_the_number_of_files_can_be_asked_for(saved):
    """The rows are gathered in so many files."""
    row, folder = saved("overwrite", "csv.`out`", 'where fileNum="1" and header="true"')
    assert (row["rows"], row["files"]) == (6, 1)
    (file,) = folder.glob("*.csv")
    assert file.read_text().splitlines()[0] == "n,side"


def test_a_codec_may_be_called_as_in_old_scripts(saved):
    """``codec`` is ``compression``."""
    _, folder = saved("overwrite", "json.`out`", 'where codec="gzip"')
    assert list(folder.glob("*.json.gz"))


def test_an_empty_table_is_saved(scripts):
    """No rows, and the row says so."""
    (row,) = scripts.rows("select 1 as a where false as t; save overwrite t as json.`none`;")
    assert row["rows"] == 0


@pytest.mark.parametrize(
    ("script", "error", "span"),
    [
        ("save tt as parquet.`out`;", UnknownName, "tt"),
        ("save t as jsonStr.`out`;", ScriptError, "jsonStr"),
        ("save t as parquet.`out` partitionby sidee;", MissingColumn, "sidee"),
        ('save t as parquet.`out` where partitionBy="sidee";', MissingColumn, 'partitionBy="sidee"'),
        ('save t as parquet.`out` where fileNum="0";', InvalidOption, '"0"'),
        ("save t as parquet.``;", ScriptError, "``"),
    ],
)
def test_what_cannot_be_saved_is_an_error_in_its_place(scripts, script, error, span):
    """And writes nothing."""
    scripts("select 1 as side as t;")
    with pytest.raises(error) as caught:
        scripts(script)
    assert caught.value.span.text == span
