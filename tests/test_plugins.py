"""Packages add sources, algorithms, trainers, functions and commands by being installed."""

from __future__ import annotations

import logging
import shutil
import sys
from pathlib import Path

import pytest

from mlsql.bridge.launcher import LocalLauncher
from mlsql.config.settings import PathSettings, Settings
from mlsql.engine import Engine
from mlsql.errors import UnknownName

SAMPLE = Path(__file__).parent / "sample_package"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The sample package as an installer leaves it, in a folder that Python imports from."""
    site = tmp_path_factory.mktemp("site")
    shutil.copy(SAMPLE / "sample_package.py", site)
    described = site / "sample_package-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: sample-package\nVersion: 1.0\n")
    shutil.copy(SAMPLE / "entry_points.txt", described)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        yield site
    sys.modules.pop("sample_package", None)


@pytest.fixture(scope="module")
def engine(spark, installed, tmp_path_factory):
    """An engine that is started with the package there, and workers that find it."""
    spark.sparkContext.addPyFile(str(installed / "sample_package.py"))
    settings = Settings(paths=PathSettings(root=tmp_path_factory.mktemp("root")))
    launcher = LocalLauncher()
    with Engine(spark, settings, launcher=launcher) as engine:
        yield engine
    launcher.close()


def rows(engine, text):
    """The rows of the last table that a script makes."""
    with engine.run(text, owner="plugins").reading() as frame:
        return [row.asDict() for row in frame.collect()]


@pytest.mark.spark
def test_each_kind_is_used_as_if_it_came_with_mlsql(engine):
    """In one script, from the source to the model."""
    script = """
load numbers.`200` where step="2" as numbers;
select id, id % 10 as x, int(id % 10 > 4) as label from numbers as points;
train points as Bayes.`models/bayes` where inputCols="x" and labelCol="label" as trained;
register Bayes.`models/bayes` as is_high;
run points as Head.`` where rows="3" as few;
select twice(x) as t, backwards(concat('n', id)) as b, is_high(8) as high from few as told;
"""
    assert rows(engine, script) == [
        {"t": 0.0, "b": "0n", "high": 1},
        {"t": 4.0, "b": "2n", "high": 1},
        {"t": 8.0, "b": "4n", "high": 1},
    ]
    assert rows(engine, "!count points;") == [{"rows": 200}]


@pytest.mark.spark
def test_each_kind_is_listed_with_what_it_is_for(engine):
    """Among those that come with mlsql."""
    functions = {row["function"]: row for row in rows(engine, "!show functions;")}
    assert functions["backwards"] == {
        "function": "backwards",
        "kind": "mlsql",
        "signature": "backwards(text string) -> string",
        "doc": "The text from its end to its beginning.",
        "example": "backwards('abc')",
    }
    assert {"Head", "Bayes"} <= {row["name"] for row in rows(engine, "!show et;")}
    assert "numbers" in {row["name"] for row in rows(engine, "!show datasources;")}
    assert "!count TABLE" in {row["call"] for row in rows(engine, "!show commands;")}


@pytest.mark.spark
def test_options_of_a_plugin_are_checked_before_anything_runs(engine):
    """By its declarations."""
    told = engine.check('load numbers.`5` where stp="2" as t; run t as Head.`` where rows="-1" as u;')
    assert [each.error.message for each in told] == [
        "numbers has no option 'stp'",
        "option 'rows' takes a whole number of at least 0, not '-1'",
    ]


@pytest.mark.spark
def test_what_cannot_be_imported_hurts_only_those_who_use_it(spark, installed, caplog):
    """It is told in the log, by its name and that of the package."""
    with caplog.at_level(logging.WARNING, "mlsql"), Engine(spark) as engine:
        with pytest.raises(UnknownName):
            engine.run("select nothing_like_it(1) as a as t;", owner="plugins")
        assert rows(engine, "select twice(2) as t as u;") == [{"t": 4.0}]
    assert "the function 'missing' cannot be loaded" in caplog.text
