from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlsql.errors import DataError, UnknownName
from mlsql.events import Log
from mlsql.spark.sessions import _embedded_metastore

ROOT = Path(__file__).parents[3]
WRITES = """
create database if not exists shop;
select 1 as id, "中" as name as t;
save overwrite t as hive.`shop.pays`;
save append t as hive.`shop.pays`;
"""
READS = "load hive.`shop.pays` as t; select count(*) as n from t as u;"
IN_A_JVM_OF_ITS_OWN = """
import sys
from mlsql import Engine, Settings

chosen = {"spark.master": "local[1]", "spark.sql.catalogImplementation": "hive"}
with Engine.local(Settings(spark=chosen)) as engine:
    for text in sys.argv[1:]:
        rows = engine.run(text).frame.collect()
print(rows[0].asDict())
"""


@pytest.mark.spark
def test_a_table_of_the_catalog_is_saved_and_loaded(scripts):
    """The row says how many rows and files were written; without Hive a warning says how long it lasts."""
    (row,) = scripts.rows(
        "select 1 as id, 2 as side as t; save overwrite t as hive.`hive_one` partitionBy side;"
    )
    assert row == {"format": "hive", "path": "hive_one", "mode": "overwrite", "rows": 1, "files": 1}
    assert [each.level for each in scripts.events if isinstance(each, Log)] == ["warning"]
    assert scripts.rows("load hive.`hive_one` as u;") == [{"id": 1, "side": 2}]
    scripts("drop table hive_one;")


@pytest.mark.spark
def test_the_modes_are_those_of_every_save(scripts):
    """An append keeps the format that the table has."""
    scripts('select 1 as id as t; save t as hive.`hive_two` where file_format="orc";')
    with pytest.raises(DataError, match="is there already") as caught:
        scripts("save t as hive.`hive_two`;")
    assert caught.value.span.text == "`hive_two`"
    (kept,) = scripts.rows("save ignore t as hive.`hive_two`;")
    assert (kept["rows"], kept["files"]) == (0, 0)
    (added,) = scripts.rows("save append t as hive.`hive_two`;")
    assert (added["rows"], added["files"]) == (1, 1)
    assert scripts("load hive.`hive_two` as u;").count() == 2
    scripts("drop table hive_two;")


@pytest.mark.spark
def test_an_unknown_table_is_named(scripts):
    """At the path."""
    with pytest.raises(UnknownName, match="hive_nothing'") as caught:
        scripts("load hive.`hive_nothing` as t;")
    assert caught.value.span.text == "`hive_nothing`"


@pytest.mark.spark
def test_a_table_may_be_called_as_a_temporary_one(scripts):
    """The path is always a name of the catalog."""
    scripts("select 1 as id as hive_three; save overwrite hive_three as hive.`hive_three`;")
    rows = scripts.rows(
        "select 2 as id as hive_three; load hive.`hive_three` as kept; select * from kept as u;"
    )
    assert rows == [{"id": 1}]
    scripts(f"drop table {scripts.run.spark.catalog.currentDatabase()}.hive_three;")


def test_the_metastore_lies_where_data_stays(tmp_path, monkeypatch):
    """Not in the working folder, and not among what can be made again."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    chosen = _embedded_metastore()
    folder = tmp_path / "mlsql" / "hive"
    assert chosen["spark.sql.warehouse.dir"] == f"{folder}/warehouse"
    assert f"databaseName={folder}/metastore;" in chosen["spark.hadoop.javax.jdo.option.ConnectionURL"]


@pytest.mark.slow
def test_tables_of_hive_survive_a_restart(tmp_path):
    """They lie below the data folder, and nothing is left in the working folder."""
    working = tmp_path / "working"
    working.mkdir()

    def run(*scripts):
        command = [sys.executable, "-c", IN_A_JVM_OF_ITS_OWN, *scripts]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(tmp_path / "data")}
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=240, env=environment, cwd=working, check=False
        )
        assert ended.returncode == 0, ended.stderr[-2000:]
        return ended.stdout.splitlines()[-1]

    run(WRITES)
    assert run(READS) == "{'n': 2}"
    assert list(working.iterdir()) == []
    assert {each.name for each in (tmp_path / "data" / "mlsql" / "hive").iterdir()} == {
        "metastore",
        "warehouse",
    }
