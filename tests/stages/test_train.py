from __future__ import annotations

import pytest

from mlsql.errors import ScriptError, UnknownName, UnknownOption

pytestmark = pytest.mark.spark


def test_run_and_train_are_the_same(scripts):
    """Both give the table to whatever the algorithm can do with it."""
    scripts("select 1 as n as t; run t as RateSampler.`` as a; train t as ratesampler.`` as b;")
    assert scripts("select * from a;").collect() == scripts("select * from b;").collect()


def test_without_a_name_the_table_is_only_the_result(scripts):
    """No temporary table is left."""
    assert scripts("run command as RateSampler.``;").columns == ["command", "__split__"]
    assert [table for table in scripts.run.spark.catalog.listTables() if table.isTemporary] == []


@pytest.mark.parametrize(
    ("script", "error", "span", "hint"),
    [
        ("train t as SKlern.`/m`;", UnknownName, "SKlern", "did you mean 'SKLearn'?"),
        ("train tt as SKLearn.`/m`;", UnknownName, "tt", "did you mean 't'?"),
        (
            'run t as RateSampler.`` where labelcol="n";',
            UnknownOption,
            "labelcol",
            "did you mean 'labelCol'?",
        ),
        ("predict t as RateSampler.``;", ScriptError, "RateSampler", None),
    ],
)
def test_what_cannot_be_done_is_an_error_in_its_place(scripts, script, error, span, hint):
    """With the nearest that is known."""
    scripts("select 1 as n as t;")
    with pytest.raises(error) as caught:
        scripts(script)
    assert caught.value.span.text == span
    assert hint is None or caught.value.hint == hint
