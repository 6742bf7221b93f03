"""What is known of a script without running it.

``scripts/check/NAME.mlsql`` is checked to ``scripts/check/NAME.txt``, as ``mlsql check`` prints it.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given

from mlsql import stages
from mlsql.check.check import check_statements
from mlsql.check.surroundings import Language, Surroundings
from mlsql.config.loading import load_settings
from mlsql.config.settings import Settings
from mlsql.diagnostics import Diagnostic
from mlsql.engine import check_script
from mlsql.errors import ScriptError, ScriptErrors
from mlsql.grammar import parse, print_script
from mlsql.models.store import DirectoryModelStore
from mlsql.plan import CommandStep, TrainStep
from mlsql.spans import Script
from tests.strategies import scripts

ROOT = Path(__file__).parents[2]
CHECKED = ROOT / "tests" / "scripts" / "check"
HEAVY = (
    "pyspark",
    "py4j",
    "pyarrow",
    "pandas",
    "numpy",
    "sklearn",
    "mlflow",
    "tensorflow",
    "fastapi",
    "kafka",
)
HUNDRED = (
    10
    * """\
load csv.`/data/wine.csv` where header="true" and inferSchema="true" as wine;
select *, cast(quality >= 6 as int) as label from wine as labelled;
run labelled as RateSampler.`` where labelCol="label" and sampleRate="0.8,0.2" as marked;
set day="${today}";
select * from marked where __split__ = 0 and day = '${day}' as training;
train training as SKLearn.`/models/wine` where inputCols="alcohol,sulphates,pH" and labelCol="label"
  and `fitParam.0.alg`="RandomForestClassifier" and fitParam.0.n_estimators=200 as trained;
register SKLearn.`/models/wine` as good_wine where autoSelectByMetric="f1";
select *, good_wine(alcohol, sulphates, pH) as guess from marked as scored;
save overwrite scored as parquet.`/out/scored`;
!show tables;
"""
)

STAGES = stages.builtins(DirectoryModelStore())
LANGUAGE = Language.of_stages(STAGES, STAGES[CommandStep].commands)


def found(text, **given_):
    """What a check of *text* finds, given everything that comes from outside."""
    return check_script(Script("a.mlsql", text), Settings(), **{"complete": True, **given_})


def told(text, **given_):
    """The same as (severity, message)."""
    return [(each.severity, each.error.message) for each in found(text, **given_)]


@pytest.mark.parametrize("name", [each.stem for each in sorted(CHECKED.glob("*.mlsql"))])
def test_a_check_tells_everything_at_once(name, monkeypatch):
    """Errors and warnings in the order of the text, those of included scripts and macros with both places."""
    monkeypatch.chdir(CHECKED)
    script = Script(f"{name}.mlsql", Path(f"{name}.mlsql").read_text(encoding="utf-8"))
    lines = "".join(f"{each}\n" for each in check_script(script, Settings(), complete=True))
    assert lines.replace(str(CHECKED), "…") == Path(f"{name}.txt").read_text(encoding="utf-8")


@given(scripts)
def test_a_check_of_any_script_ends_with_diagnostics(statements):
    """Never with an exception, and everything found has a place in the text or in one that it brings in."""
    text = print_script(statements)
    for each in found(text):
        assert isinstance(each, Diagnostic)
        assert isinstance(each.error, ScriptError)
        span = each.error.span
        while span.script.origin is not None:
            span = span.script.origin
        assert span.script.text == text


@given(scripts)
def test_whatever_an_error_names_is_a_stretch_of_its_script(statements):
    """The place of an error lies within its text, also with ``$name`` understood."""
    for each in found(print_script(statements), dialect="byzer"):
        span = each.error.span
        assert 0 <= span.start <= span.end <= len(span.script.text)


def test_a_check_needs_neither_spark_nor_scikit_learn(tmp_path):
    """Nor anything else that is heavy: ``mlsql check`` runs where they are absent."""
    script = tmp_path / "a.mlsql"
    script.write_text(HUNDRED + "train t as SKLearn.`m` where fitParam.0.alg='Ridje';")
    code = f"""
import sys
for name in {HEAVY!r}:
    sys.modules[name] = None
from mlsql.cli import main
main(['check', {str(script)!r}])
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert "did you mean 'Ridge'?" in run.stderr
    assert "Traceback" not in run.stderr


def seconds(text, *, tries):
    """The least processor time that parsing and checking *text* took."""
    script, times = Script("a.mlsql", text), []
    for _ in range(tries):
        start = process_time()
        check_statements(parse(script), LANGUAGE, Surroundings(variables={"today": "x"}))
        times.append(process_time() - start)
    return min(times)


def test_parsing_and_checking_a_hundred_statements_takes_no_time_to_speak_of():
    """Its target is 50 ms on an idle machine, which ``scripts/bench parse`` measures."""
    seconds(HUNDRED, tries=1)
    assert seconds(HUNDRED, tries=20) < 0.2


def test_the_time_of_a_check_grows_with_the_script():
    """Ten times as many statements take at most eleven times as long; the garbage collector is left out."""
    gc.disable()
    try:
        growths = [seconds(HUNDRED * 20, tries=1) / seconds(HUNDRED * 2, tries=1) for _ in range(5)]
    finally:
        gc.enable()
    assert min(growths) < 11


def test_a_variable_that_may_come_from_outside_is_a_warning():
    """A parameter that is declared is none, and where all are given an undefined one is an error."""
    text = "select ${n} as n, ${m} as m as t;"
    missing = "the variable 'm' is not defined"
    assert told(text, parameters={"n": "1"}, complete=False) == [("warning", missing)]
    assert told(text, parameters={"n": "1"}) == [("error", missing)]
    assert told(text, parameters={"n": "1", "m": "2"}) == []


def test_a_parameter_can_be_a_macro():
    """Its text is known."""
    text = "!top t;"
    assert told(text, parameters={"top": "load cvs.`{0}` as t;"}) == [("error", "no source is called 'cvs'")]
    assert told(text) == [("error", "no command is called 'top'")]


def test_the_dialect_byzer_tolerates_what_it_leaves_as_it_is():
    """Undefined variables and unknown options; a condition needs its variables all the same."""
    text = 'load csv.`${x}` where codec="gzip" as t; !if ":n > 1"; !fi;'
    assert told(text, dialect="byzer") == [
        ("warning", "the variable 'x' is not defined"),
        ("warning", "csv has no option 'codec'"),
        ("error", "the variable 'n' is not defined"),
    ]


def test_an_unknown_dialect_is_told():
    """With the nearest."""
    with pytest.raises(ScriptError, match="no dialect is called 'bizer'"):
        found("set a=1", dialect="bizer")


def test_what_a_variable_hides_is_left_to_the_run():
    """A format, an algorithm, a path, a value: all may be right."""
    text = """
        set format="cvs"; set algorithm="SKLaern"; set n="many"; set path="nowhere";
        load ${format}.`x` where odd="1" as t;
        train t as ${algorithm}.`m` where odd="1";
        run t as RateSampler.`` where seed="${n}" as u;
        include file.`${path}`;
        !show ${n};
    """
    assert told(text) == []


def test_a_file_that_is_included_is_judged_by_the_policy_before_it_is_read(tmp_path):
    """What lies outside the root is refused, whether it exists or not."""
    settings = load_settings(overrides={"paths.root": str(tmp_path)})
    script = Script("a.mlsql", "include file.`../../etc/hostname`;")
    (refused,) = check_script(script, settings)
    assert "leads out of" in refused.error.message


def test_the_same_file_included_twice_is_looked_into_once(tmp_path):
    """Files that include each other many times do not take for ever."""
    for number in range(14):
        path = tmp_path / f"{number}.mlsql"
        path.write_text(2 * f"include project.`{number + 1}.mlsql`;")
    (tmp_path / "14.mlsql").write_text("load cvs.`x` as t;")
    text = f"include file.`{tmp_path}/0.mlsql`;"
    assert told(text) == [("error", "no source is called 'cvs'")]


def test_macros_that_call_themselves_again_and_again_end():
    """Their calls differ, so each is looked into, up to a limit."""
    text = "set m='''!m {0}a; !m {0}b; !m {0}c;'''; !m x;"
    assert told(text) == []


def test_a_finding_has_what_an_editor_needs(tmp_path):
    """Place, end, severity, message, hint, and where an included text comes from."""
    (tmp_path / "part.mlsql").write_text("load cvs.`x`\n  as t;")
    (finding,) = found(f"set a=1;\ninclude file.`{tmp_path}/part.mlsql`;")
    assert finding.as_json() == {
        "file": f"{tmp_path}/part.mlsql",
        "line": 1,
        "column": 6,
        "endLine": 1,
        "endColumn": 9,
        "severity": "error",
        "message": "no source is called 'cvs'",
        "hint": "did you mean 'csv'?",
        "origin": [{"file": "a.mlsql", "line": 2, "column": 1}],
    }


def test_secrets_are_masked_in_what_is_told():
    """Also in the form for editors."""
    (finding,) = found('load csv.`x` where password="geheim" as t;')
    assert "geheim" not in f"{finding} {finding.as_json()}"


def test_a_plug_in_that_cannot_be_loaded_is_left_to_the_run():
    """Its name is known, its options are not."""
    known = stages.builtins(DirectoryModelStore())
    known[TrainStep].algorithms.add("Missing", "no_such_package:IT")
    statements = parse(Script("a", "train command as Missing.`m` where a=1 as t; select * from t as u;"))
    assert (
        check_statements(statements, Language.of_stages(known, known[CommandStep].commands), Surroundings())
        == ()
    )


@pytest.mark.spark
def test_a_run_is_refused_before_its_first_statement(engine, spark):
    """All errors at once, and the good statement before them made no table."""
    with pytest.raises(ScriptErrors) as refused:
        engine.run("select 1 as a as unmade_by_check; load cvs.`x` as t; !if 'false'; !nope; !fi;")
    assert [each.message for each in refused.value.errors] == [
        "no source is called 'cvs'",
        "no command is called 'nope'",
    ]
    assert not spark.catalog.tableExists("unmade_by_check")


@pytest.mark.spark
def test_a_check_with_spark_knows_its_tables_and_its_grammar(engine, spark):
    """What Spark cannot parse is placed in the script; nothing runs."""
    spark.range(3).createOrReplaceTempView("there")
    found_ = engine.check("""
        select * from there as t;
        select * form there as u;
        set n="select count(* from there" where type="sql";
        create tabel x as select 1 as a;
        select 1 as ok as v;
    """)
    assert [(each.severity, each.error.span.line) for each in found_] == [
        ("error", 3),
        ("error", 4),
        ("error", 5),
    ]
    assert found_[0].error.span.text == "there"
    assert not spark.catalog.tableExists("v")


@pytest.mark.spark
def test_queries_are_parsed_by_spark_with_the_variables_that_are_known(engine):
    """A text in its place; what a query, a branch or a loop gives shows in the run only."""
    found_ = engine.check("""
        set source="from range(3)";
        select * ${source} as t;
        set source="form range(3)";
        select id ${source} as u;
        set asked="select 1" where type="sql";
        select 1 ${asked} as a as v;
        !if "true"; set source="as anything from t"; !fi;
        select id ${source} as w;
        !for n in "select id as odd from t"; select 1 ${n} ${odd} as x; !done;
        set hidden="not seen" where visible="un_select";
        select '${hidden}' as a as y;
        select "${today}" ${date.toString("yyyy")} as z;
    """)
    assert [(each.severity, each.error.span.line, each.error.span.text) for each in found_] == [
        ("error", 5, "${source}"),
        ("error", 13, '${date.toString("yyyy")}'),
    ]


@pytest.mark.spark
def test_variables_of_the_session_are_known_to_a_check(spark):
    """Those that an earlier script has left."""
    from mlsql.engine import Engine

    with Engine(spark) as engine:
        engine.run('set kept_by_session="1" where scope="session";')
        assert engine.check("select ${kept_by_session} as a;") == ()
        (finding,) = engine.check("select ${not_kept} as a;")
        assert (finding.severity, finding.error.span.text) == ("error", "${not_kept}")
