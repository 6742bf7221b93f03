"""Python of the user's own in train statements, what workers are started with, and names of old scripts."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.launcher import LocalLauncher
from mlsql.bridge.trainer import builtins
from mlsql.errors import MissingPath, Refused, ScriptError, UndefinedVariable
from mlsql.events import Log
from mlsql.models.store import DirectoryModelStore
from mlsql.options import OptionText
from mlsql.stages.algorithms.external import External

SCRIPT = """
import os

def train(data, params, run):
    words = run.resources["words"].read_text()
    names = sorted(each.name for each in run.resources["folder"].iterdir())
    run.metric("secret_length", len(os.environ["SECRET"]))
    print(words, names, os.environ["WRAPPED"], os.listdir("resources") != [])
    x, y = data.arrays()
    return x.sum(axis=1).mean(), params.text("high")

def predict(model, matrix):
    return [model[1] if each > model[0] else "low" for each in matrix.sum(axis=1)]
"""
PAIRS = """
def train(data, params, run):
    return len(data.rows * [0])

def predict(model, frame):
    return [[each, model] for each in frame["a"]]
"""


@pytest.fixture
def allowed(scripts):
    """A function that changes what the policy of the scripts allows."""

    def allow(**changes):
        scripts.run.policy = dataclasses.replace(scripts.run.policy, **changes)

    return allow


def logged(scripts):
    """(candidate, message) of each line of the log."""
    return [(each.candidate, each.message) for each in scripts.events if isinstance(each, Log)]


@pytest.mark.spark
def test_a_script_is_run_by_the_program_and_with_the_files_that_the_statement_names(
    scripts, allowed, tmp_path
):
    """Each candidate has its own files; a secret is in no log, no result and no stored file."""
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f'#!/bin/sh\nWRAPPED=wrapped exec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    for name in ("one.txt", "two.txt", "folder/a.csv", "folder/b.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "train.py").write_text(SCRIPT)
    allowed(programs=(str(wrapper),))
    scripts.table(
        "t", [([float(n), 1.0], "high" if n > 9 else "low") for n in range(20)], "v array<double>, y string"
    )
    rows = scripts.rows(
        f"""train t as PythonAlg.`m` where pythonScriptPath="train.py" and featuresCol="v" and labelCol="y"
        and evaluateTable="t" and systemParam.pythonPath="{wrapper}"
        and systemParam.envs='''{{"SECRET": "s3cret",
          "OTHER": "s3cret"}}'''
        and `fitParam.0.high`="high" and `fitParam.0.resource.words`="one.txt"
        and `fitParam.0.resource.folder`="folder"
        and `fitParam.1.high`="High" and `fitParam.1.resource.words`="two.txt"
        and `fitParam.1.resource.folder`="folder" as models;"""
    )
    assert [row["status"] for row in rows] == ["success", "success"], rows
    metrics = [{each["name"]: each["value"] for each in row["metrics"]} for row in rows]
    assert [each["accuracy"] for each in metrics] == [1.0, 0.5]
    assert metrics[0]["secret_length"] == 6
    told = "['a.csv', 'b.csv'] wrapped True"
    assert {(0, f"one.txt {told}"), (1, f"two.txt {told}")} <= set(logged(scripts))
    assert "script" not in rows[0]["trainParams"]
    files = [each.read_bytes() for each in (tmp_path / "m").rglob("*") if each.is_file()]
    assert not any(b"s3cret" in each for each in files)
    assert "s3cret" not in repr(scripts.events) + repr(rows)
    assert Path(rows[0]["modelPath"], "script.py").read_text() == SCRIPT
    (scored,) = scripts.rows('run t as Evaluate.`m` where metrics="accuracy";')
    assert scored == {"accuracy": 1.0}
    (row,) = scripts.rows(
        """register PythonAlg.`m` as level options algIndex="0" and pythonScriptPath="predict.py";
        select level(vec_dense(array(12, 1))) as x, level(array(1D, 1D)) as y, level(null) as z as s;"""
    )
    assert row == {"x": "high", "y": "low", "z": None}
    assert any("'pythonScriptPath' has no effect" in message for _, message in logged(scripts))


@pytest.mark.spark
def test_a_model_may_answer_with_numbers(scripts):
    """An array a row; null for a row with a null; a call by name; without a label there is no metric."""
    scripts.run.scope.define("pairs", PAIRS, template=False)
    scripts.table("t", [(1.0, 2), (3.0, 4)], "a double, b int")
    (row,) = scripts.rows('train t as pythonalg.`m` where scripts="pairs" and inputCols="a,b";')
    assert (row["status"], row["metrics"], row["alg"]) == ("success", [], "PythonAlg")
    registered = scripts.rows("register PythonAlg.`m` as f;")
    assert registered[0]["signature"] == "f(a double, b double) -> array<double>"
    assert scripts.rows(
        "select f(b => 1, a => 5) as x, f(1, null) as y, f_all(2, 2)[0].answer as z as w;"
    ) == [{"x": [5.0, 2.0], "y": None, "z": [2.0, 2.0]}]
    (predicted,) = scripts.rows("select * from t where a = 3 as u; predict u as PythonAlg.`m`;")
    assert predicted == {"a": 3.0, "b": 4, "prediction": [3.0, 2.0]}


@pytest.mark.spark
@pytest.mark.parametrize(
    ("options", "error", "span", "message"),
    [
        ('pythonScriptPath="no.py"', MissingPath, 'pythonScriptPath="no.py"', "nothing lies at"),
        ('pythonScriptPath="code"', Refused, 'pythonScriptPath="code"', "'code' is a folder"),
        ('scripts="cod"', UndefinedVariable, 'scripts="cod"', "the variable 'cod' is not defined"),
        ('scripts="a,b"', OptionFault, 'scripts="a,b"', "'a,b' names several variables"),
        ('scripts="bad"', OptionFault, 'scripts="bad"', "bad:1: no Python: "),
        ('scripts="none"', OptionFault, 'scripts="none"', "none defines no train(data, params, run)"),
        (
            'scripts="good" and pythonScriptPath="x.py"',
            OptionFault,
            'scripts="good"',
            "a script comes from pythonScriptPath or from scripts, not from both",
        ),
        (
            'scripts="good" and `fitParam.0.resource.w`="no.txt"',
            OptionFault,
            '`fitParam.0.resource.w`="no.txt"',
            "nothing lies at 'no.txt'",
        ),
        (
            'scripts="good" and systemParam.pythonPath="/usr/bin/perl"',
            Refused,
            'systemParam.pythonPath="/usr/bin/perl"',
            "workers may not be run with '/usr/bin/perl'",
        ),
        (
            'scripts="good" and `fitParam.kind`="classifier"',
            OptionFault,
            "PythonAlg",
            "the training needs a label column",
        ),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_is_sent(scripts, tmp_path, options, error, span, message):
    """In its place; no model is begun."""
    (tmp_path / "code").mkdir()
    for name, text in (("good", PAIRS), ("bad", "def train(:"), ("none", "x = 1")):
        scripts.run.scope.define(name, text, template=False)
    scripts.table("t", [(1.0,)], "a double")
    with pytest.raises(error) as told:
        scripts(f'train t as PythonAlg.`m` where inputCols="a" and {options};')
    assert told.value.message.startswith(message)
    assert told.value.span.text == span
    assert not (tmp_path / "m").exists()
    assert not (tmp_path / "spool").exists()


@pytest.mark.spark
@pytest.mark.parametrize(
    "options", ['scripts="code"', '`fitParam.alg`="SVC" and systemParam.envs=\'{"A": "b"}\'']
)
def test_code_is_refused_where_the_operator_forbids_it(scripts, allowed, options):
    """Also an environment, which can bring some."""
    allowed(allows_python=False)
    scripts.run.scope.define("code", PAIRS, template=False)
    scripts.table("t", [(1.0, 1)], "a double, label int")
    algorithm = "PythonAlg" if "scripts" in options else "SKLearn"
    with pytest.raises(Refused, match="Python of their own") as told:
        scripts(f'train t as {algorithm}.`m` where inputCols="a" and {options};')
    assert told.value.hint == "the setting security.python allows it"


def check(algorithm, *, takes_script=False, **options):
    """What an algorithm says before it is given a table."""
    given = {key: OptionText(text) for key, text in options.items()}
    store = DirectoryModelStore()
    External(algorithm, store, builtins(), LocalLauncher(), takes_script=takes_script).check(given)


@pytest.mark.parametrize(
    ("algorithm", "options", "fault", "option"),
    [
        ("SKLearn", {"pythonScriptPath": "x.py"}, "SKLearn takes no script", "pythonScriptPath"),
        ("SKLearn", {"fitParam.moduleName": "sklearn.svm"}, "a module alone", "fitParam.moduleName"),
        (
            "SKLearn",
            {"fitParam.0.moduleName": "sklearn.svm", "fitParam.0.className": "SVX"},
            "no estimator",
            "fitParam.0.className",
        ),
        ("PythonAlg", {}, "PythonAlg needs a script", "pythonScriptPath"),
        ("PythonAlg", {"fitParam.script": "import os"}, "no parameter is called", "fitParam.script"),
        ("PythonAlg", {"scripts": "x", "fitParam.kind": "cluster"}, "kind takes one of", "fitParam.kind"),
    ],
)
def test_what_can_be_known_without_a_table_is_told_without_one(algorithm, options, fault, option):
    """At the option that the script has."""
    with pytest.raises(OptionFault, match=fault) as told:
        check(algorithm, takes_script=algorithm == "PythonAlg", **options)
    assert told.value.option == option


def test_a_script_that_is_not_there_yet_is_not_judged():
    """Nor is the metric, since nobody knows of what kind the models are."""
    folds = {"crossValidate": "3", "metric": "rmse", "fitParam.0.a": "1", "fitParam.1.kind": "regressor"}
    check("PythonAlg", takes_script=True, scripts="later", **folds)
    check("PythonAlg", takes_script=True, pythonScriptPath="${later}", **folds)


@pytest.mark.spark
def test_columns_of_old_parameters_are_those_of_the_statement(scripts):
    """Unless the groups disagree."""
    scripts.table("t", [(1.0, 1)], "a double, y int")
    with pytest.raises(ScriptError, match="the groups name different columns: 'a' and 'b'") as told:
        scripts(
            """train t as SKLearn.`m` where `fitParam.0.inputCol`="a" and `fitParam.0.alg`="SVC"
            and `fitParam.1.inputCol`="b" and `fitParam.1.alg`="SVC";"""
        )
    assert told.value.span.text == '`fitParam.1.inputCol`="b"'
    with pytest.raises(ScriptError, match="no column 'z'"):
        scripts('train t as SKLearn.`m` where inputCols="a" and fitParam.label="z" and fitParam.alg="SVC";')
