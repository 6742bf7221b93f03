from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from mlsql.config.settings import Settings
from mlsql.spark.connectors import Connectors

SCRIPT = """
select 1 as id, "ann" as name union all select 2, "bob" as t;
save overwrite t as {format}.`lake/users` where partitionBy="id";
select 3 as id, "名" as name as more;
save append more as {format}.`lake/users`;
load {format}.`lake/users` as users;
select count(*) as n from users as counted;
save counted as json.`counted`;
save overwrite more as {format}.`lake/users`;
load {format}.`lake/users` as users;
select max(name) as one, count(*) as n from users as u;
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["delta", "iceberg"])
def test_a_table_grows_and_is_replaced(tmp_path, name):
    """In a Spark of its own, which starts with the connector."""
    connectors = Connectors.from_settings(Settings())
    if not connectors.jars(connectors.get(name)):
        pytest.skip(f"the connector is not fetched: mlsql connectors add {name}")
    (tmp_path / "lake.mlsql").write_text(SCRIPT.format(format=name), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "mlsql",
        "run",
        "lake.mlsql",
        "--result",
        "json",
        "--conf",
        "spark.master=local[2]",
        "--conf",
        "spark.databricks.delta.snapshotPartitions=2",
    ]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=600, cwd=tmp_path, check=False, env=os.environ
    )
    assert ended.returncode == 0, ended.stderr
    (row,) = json.loads(ended.stdout)
    assert row == {"one": "名", "n": 1}
    (counted,) = (tmp_path / "counted").glob("*.json")
    assert json.loads(counted.read_text()) == {"n": 3}
