"""Whole scripts as text, with what comes of them beside them.

``run/NAME.mlsql`` gives the table ``run/NAME.out``, as ``mlsql run --result table`` prints it
(nothing when it makes none). ``errors/NAME.mlsql`` ends with the error ``errors/NAME.err``, as
``mlsql run`` prints it, and with exit code 1; models of earlier statements stay, a failed train
leaves none. ``old/NAME.mlsql`` is written for older engines: it gives ``old/NAME.out`` in their
dialect, and ``old/NAME.err`` in ours, or the same table where there is no such file.

Scripts run in a folder in which ``data`` is ``tests/scripts/data``. ``UPDATE_SCRIPTS=1`` writes
what comes instead of comparing; look at it before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlsql.cli import exit_code
from mlsql.cli.result_lines import table_output
from mlsql.errors import MlsqlError, ScriptError
from mlsql.grammar import parse
from mlsql.spans import Script

SCRIPTS = Path(__file__).parent / "scripts"
ERRORS = SCRIPTS / "errors"


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


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with the data of the scripts in it."""
    (tmp_path / "data").symlink_to(SCRIPTS / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(engine, script, **how):
    """The last table as text, empty when there is none."""
    with engine.run(
        script.read_text(), name=script.name, owner="scripts", fresh=True, **how
    ).reading() as frame:
        return "" if frame is None else "".join(f"{line}\n" for line in table_output(frame))


def compare(came, file, folder):
    """Check what came of a script against the text beside it."""
    came = came.replace(str(folder), "…")
    if os.environ.get("UPDATE_SCRIPTS"):
        file.write_text(came)
    assert came == file.read_text()


def scripts(kind):
    """The scripts of one folder, each by its name."""
    return [pytest.param(each, id=each.stem) for each in sorted((SCRIPTS / kind).glob("*.mlsql"))]


@pytest.mark.spark
@pytest.mark.parametrize("script", scripts("run"))
def test_a_script_gives_its_table(script, engine, folder):
    """From the first statement to the last."""
    compare(shown(engine, script), script.with_suffix(".out"), folder)


@pytest.mark.spark
@pytest.mark.parametrize("script", scripts("old"))
def test_an_old_script_runs_in_its_dialect(script, engine, folder):
    """Unchanged."""
    compare(shown(engine, script, dialect="byzer"), script.with_suffix(".out"), folder)


@pytest.mark.spark
@pytest.mark.parametrize("script", scripts("old"))
def test_an_old_script_runs_in_ours_or_is_told_what_to_change(script, engine, folder):
    """With the place and the way out."""
    told = script.with_suffix(".err")
    if not told.exists():
        compare(shown(engine, script), script.with_suffix(".out"), folder)
        return
    with pytest.raises(ScriptError) as caught:
        shown(engine, script)
    compare(f"{caught.value}\n", told, folder)


@pytest.mark.spark
@pytest.mark.parametrize("name", named(from_the_text=False))
def test_a_wrong_script_is_told_where_it_is_wrong(name, engine, folder):
    """With its place and the way out; no model is left by a train that failed."""
    script = ERRORS / f"{name}.mlsql"
    with pytest.raises(MlsqlError) as told:
        shown(engine, script)
    compare(f"{told.value}\n", script.with_suffix(".err"), folder)
    assert exit_code(told.value) == 1
    trained = "train" in script.read_text() and name.startswith(("register", "wrong_number"))
    assert [each.name for each in folder.rglob("_model_*")] == ["_model_0"] * trained


def test_every_bad_input_has_its_error_text():
    """No script without a fixture, no fixture without a script."""
    assert {each.stem for each in ERRORS.glob("*.mlsql")} == {each.stem for each in ERRORS.glob("*.err")}
