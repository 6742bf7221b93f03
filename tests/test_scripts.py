"""Whole scripts as text, with what comes of them beside them.

``errors/NAME.mlsql`` ends with the error ``errors/NAME.err``, as ``mlsql run`` prints it, and
with exit code 1; models of earlier statements stay, a failed train leaves none.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mlsql.cli import exit_code
from mlsql.errors import MlsqlError, ScriptError
from mlsql.grammar import parse
from mlsql.spans import Script

ERRORS = Path(__file__).parent / "scripts" / "errors"


def is_known_from_the_text(text):
    """Whether the parser alone tells the error."""
    try:
        parse(Script("x", text))
    except ScriptError:
        return True
    return False


def named(*, from_the_text):
    """The names of the scripts whose error the parser tells, or of the others."""
    scripts = sorted(ERRORS.glob("*.mlsql"))
    return [each.stem for each in scripts if is_known_from_the_text(each.read_text()) == from_the_text]


def expected(name):
    """The text fixture."""
    return (ERRORS / f"{name}.err").read_text()


@pytest.mark.parametrize("name", named(from_the_text=True))
def test_a_wrong_text_is_told_without_running_it(name):
    """Every syntax error at once, before Spark is needed."""
    script = Script(f"{name}.mlsql", (ERRORS / f"{name}.mlsql").read_text())
    with pytest.raises(ScriptError) as told:
        parse(script)
    assert f"{told.value}\n" == expected(name)
    assert exit_code(told.value) == 1


@pytest.mark.spark
@pytest.mark.parametrize("name", named(from_the_text=False))
def test_a_wrong_script_is_told_where_it_is_wrong(name, engine, tmp_path, monkeypatch):
    """With its place and the way out; no model is left by a train that failed."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MlsqlError) as told:
        engine.run((ERRORS / f"{name}.mlsql").read_text(), name=f"{name}.mlsql")
    assert f"{told.value}\n".replace(str(tmp_path), "…") == expected(name)
    assert exit_code(told.value) == 1
    left = [each.name for each in tmp_path.rglob("_model_*")]
    assert left == (["_model_0"] if name == "wrong_number_of_columns" else [])


def test_every_bad_input_has_its_error_text():
    """No script without a fixture, no fixture without a script."""
    assert {each.stem for each in ERRORS.glob("*.mlsql")} == {each.stem for each in ERRORS.glob("*.err")}
