"""What every source must do: one suite, all that come with mlsql."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlsql.errors import DataError, ScriptError, UndefinedVariable, UnknownName, UnknownOption
from mlsql.grammar.nodes import Word
from mlsql.models.store import DirectoryModelStore
from mlsql.spans import Script
from mlsql.stages import algorithms, sources
from mlsql.stages.catalog import source_options
from mlsql.stages.sources.base import Documented, Reads, Writes

REGISTRY = sources.builtins(algorithms.builtins(DirectoryModelStore()))
READERS = [name for name in REGISTRY if isinstance(REGISTRY.get(name), Reads)]
WRITERS = [name for name in REGISTRY if isinstance(REGISTRY.get(name), Writes)]

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
ROWS = """
    select "ann" as name, "1" as `full name`, "中文，é" as `名字`
    union all select "bob, \\"b\\"", cast(null as string), "x"
"""
NO_ROWS = """select "ann" as name, "1" as pay where false"""


@dataclass(frozen=True)
class Round:
    """How a table goes out and comes back, and the tables for which the format has no words."""

    path: str = "`out`"
    save: str = ""
    load: str = ""
    before: str = ""
    rows: str = ROWS


ROUNDS = {
    "csv": Round(save='where header="true"', load='where header="true"'),
    "json": Round(save='where ignoreNullFields="false"', load='where primitivesAsString="true"'),
    "xml": Round(
        save='where rowTag="ROW"',
        load='where rowTag="ROW" and inferSchema="false"',
        rows=ROWS.replace("full name", "full_name"),  # XML has no blanks in names
    ),
    "parquet": Round(),
    "orc": Round(),
    "hive": Round(path="`contract_out`"),
    "excel": Round(path="`out.xlsx`"),
    "jdbc": Round(
        path="`contract.CONTRACT_OUT`",
        before='connect jdbc where url="jdbc:derby:memory:contract;create=true" as contract;',
    ),
}
ONE_SHAPE = {"text", "libsvm"}  # they have tests of their own
ELSEWHERE = {"avro", "delta", "iceberg", "kafka", "es", "mongo", "redis", "hbase", "solr"}
"""They need a connector."""


@pytest.fixture
def run(engine, tmp_path, monkeypatch):
    """Runs a script in a folder of its own, and gives the rows of its last table."""
    monkeypatch.chdir(tmp_path)

    def rows(text):
        frame = engine.run(text, owner="contract").frame
        return [sorted(row.asDict().items()) for row in frame.collect()]

    return rows


def test_every_source_that_can_both_is_tried():
    """A new one has to say how it goes out and back."""
    assert {name for name in WRITERS if name in READERS} == {*ROUNDS, *ONE_SHAPE, *ELSEWHERE}


@pytest.mark.parametrize("name", REGISTRY)
def test_a_source_says_what_it_is(name):
    """In one sentence."""
    source = REGISTRY.get(name)
    assert isinstance(source, Documented)
    assert source.doc.endswith(".")


@pytest.mark.parametrize("name", REGISTRY)
def test_a_source_stands_in_the_documentation(name):
    """With a section of its own, and each option with the sentence that declares it."""
    section = re.search(rf"^## {re.escape(name)}$(?P<text>.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section is not None
    options = source_options(REGISTRY, Word(name, Script("", "").span(0, 0)))
    missing = [
        row[0]
        for row in options.rows
        if not re.search(
            rf"^\| `{re.escape(row[0])}` \|.*\| {re.escape(row[1])} \|$", section["text"], re.MULTILINE
        )
    ]
    assert missing == []


@pytest.mark.spark
@pytest.mark.parametrize("name", ROUNDS)
def test_what_is_saved_can_be_loaded(run, name):
    """Nulls, quotes, names with blanks and Chinese included."""
    way = ROUNDS[name]
    script = f"""
        {way.before}
        {way.rows} as t;
        save overwrite t as {name}.{way.path} {way.save};
        load {name}.{way.path} {way.load} as back;
        select * from back as u;
    """
    assert sorted(map(str, run(script))) == sorted(map(str, run(f"{way.rows} as t;")))


@pytest.mark.spark
@pytest.mark.parametrize("name", ROUNDS)
def test_a_table_without_rows_can_be_saved(run, name):
    """And comes back without rows, where the files hold the names of columns apart from rows."""
    way = ROUNDS[name]
    saved = run(f"{way.before} {NO_ROWS} as t; save overwrite t as {name}.{way.path} {way.save};")
    assert dict(saved[0])["rows"] == 0
    assert run(f"load {name}.{way.path} {way.load} as back; select * from back as u;") == []


@pytest.mark.spark
@pytest.mark.parametrize("name", ["parquet", "hive", "jdbc"])  # the other files are written as parquet is
def test_the_modes_mean_the_same_everywhere(run, name):
    """Without a mode what is there is safe, ignore leaves it, append adds, overwrite replaces."""
    way = ROUNDS[name]

    def save(mode):
        saved = f"save {mode} t as {name}.{way.path} {way.save};"
        (row,) = run(f"{way.before} {way.rows} as t; {saved}")
        loaded = run(
            f"{way.before} load {name}.{way.path} {way.load} as u; select count(*) as n from u as v;"
        )
        return dict(row)["rows"], loaded[0][0][1]

    assert save("overwrite") == (2, 2)
    assert save("append") == (2, 4)
    assert save("ignore") == (0, 4)
    with pytest.raises(DataError, match="already") as caught:
        save("")
    assert caught.value.span.text == way.path
    assert save("overwrite") == (2, 2)


@pytest.mark.spark
@pytest.mark.parametrize("name", [name for name in READERS if name not in ("mongo", "redis", "solr")])
def test_an_unknown_option_is_refused(run, name):
    """At its key, before anything is read."""
    with pytest.raises(ScriptError) as caught:
        run(f'load {name}.`nothing` where noSuchOption="1" as t;')
    errors = getattr(caught.value, "errors", (caught.value,))
    assert any(isinstance(each, UnknownOption) and each.span.text == "noSuchOption" for each in errors)


@pytest.mark.spark
@pytest.mark.parametrize("name", [name for name in READERS if name not in {"modelList", "rest", *ELSEWHERE}])
def test_nothing_there_is_an_error_at_the_path(run, name):
    """Whatever the path is a path of."""
    options = ROUNDS[name].load if name in ROUNDS else ""
    with pytest.raises((DataError, UnknownName, UndefinedVariable)) as caught:
        run(f"load {name}.`nothing_there` {options} as t;")
    assert caught.value.span.text == "`nothing_there`"
