"""A program with NumPy alone loads a stored model by its address, and asks it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mlsql
from mlsql.errors import DataError, MissingModel, ScriptError
from mlsql.models.remote import RemoteModelStore
from mlsql.udf.predictors.ready import open_ready
from tests.s3_server import environment_for, s3_server
from tests.udf.predictors.conftest import TABLE

ANSWER = """
import sys
before = set(sys.modules)
import mlsql
mlsql.load_predictor
loading = set(sys.modules) - before
predictor = mlsql.load_predictor(sys.argv[1])
assert predictor.predict([50.0, "Rome", 3, True]) in (0, 1)
assert len(predictor.probabilities({"age": 50.0, "city": "Bonn", "visits": 3, "member": True})) == 2
for found in (loading, set(sys.modules) - before):
    print(*sorted({each.partition(".")[0] for each in found} - set(sys.stdlib_module_names)))
"""


def stored_at(uri, trained):
    """A model as a train stores it at an address of another file system."""
    with RemoteModelStore().begin(uri) as draft:
        shutil.copytree(trained.folder, draft.directory / "model" / "0")
        draft.commit(trained.stored.manifest)
    return uri


def test_a_program_that_answers_imports_numpy_alone(mixed):
    """Neither to have the function nor to load a model and ask it."""
    command = [sys.executable, "-c", ANSWER, mixed.path]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.stdout.splitlines() == ["mlsql numpy", "mlsql numpy"], run.stderr


def test_a_predictor_is_loaded_by_its_path(mixed):
    """Rows by position or by name, one or many, columns, and frames of pandas."""
    predictor = mlsql.load_predictor(mixed.path)
    rows = TABLE.head(4).to_dict("records")
    wanted = mixed.library.predict(TABLE.head(4)).tolist()
    assert [predictor.predict(each) for each in rows] == wanted
    assert predictor.predict_many(rows) == predictor.predict_many(TABLE.head(4)) == wanted
    assert predictor.predict_many(TABLE.head(4).to_dict("list")) == wanted
    assert predictor.probabilities(rows[0]) == predictor.probabilities_many(rows)[0]
    assert predictor.predict_many([]) == []
    assert [each.name for each in predictor.inputs] == [*TABLE.columns]


def test_a_path_is_a_text_an_object_or_a_uri_of_this_machine(mixed, tmp_path):
    """Also of a folder whose name a URI has to escape."""
    odd = tmp_path / "the models"
    shutil.copytree(mixed.path, odd)
    predictors = [mlsql.load_predictor(each) for each in (str(odd), odd, odd.as_uri())]
    assert {each.model.form for each in predictors} == {"plain"}
    assert not Path(odd, "files.json").exists()


def test_a_path_without_a_model_is_told(tmp_path, mixed):
    """What lies there instead; a version and a candidate that are not there too."""
    for path in (str(tmp_path), tmp_path.as_uri(), "memory://nothing"):
        with pytest.raises(MissingModel):
            mlsql.load_predictor(path)
    with pytest.raises(MissingModel):
        mlsql.load_predictor(mixed.path, version=7)
    with pytest.raises(DataError, match="no candidate 3"):
        mlsql.load_predictor(mixed.path, index=3)
    with pytest.raises(DataError, match="is no version of a model"):
        open_ready(str(tmp_path), 0)


def test_a_model_in_a_bucket_is_loaded_by_its_address(mixed, tmp_path, monkeypatch):
    """From a copy on this machine, which is fetched once; the answers are the same."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with s3_server() as (address, bucket):
        for name, value in environment_for(address).items():
            monkeypatch.setenv(name, value)
        uri = stored_at("s3://bucket/models/mixed", mixed)
        bucket.requests.clear()
        found = [mlsql.load_predictor(uri).predict_many(TABLE.head(9)) for _ in "ab"]
    fetched = [each for each in bucket.requests if each.startswith("GET") and each.endswith("arrays.npz")]
    assert len(fetched) == 1
    assert found[0] == found[1] == mixed.library.predict(TABLE.head(9)).tolist()


def test_a_model_in_a_file_system_of_fsspec_is_loaded_too(mixed, tmp_path, monkeypatch):
    """What was copied there by other means has no checksums: the error says what to do."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    uri = stored_at("memory://embedded/mixed", mixed)
    assert mlsql.load_predictor(uri).predict_many(TABLE.head(9)) == [*mixed.library.predict(TABLE.head(9))]
    RemoteModelStore().opens(f"{uri}/_model_0").delete("files.json")
    with pytest.raises(DataError, match=r"has no files\.json, which a train writes there") as caught:
        mlsql.load_predictor(uri)
    assert "copy the model to this machine" in caught.value.hint


def test_an_address_that_no_file_system_has_is_told():
    """With what may be missing."""
    with pytest.raises(ScriptError, match="no file system is known for 'nowhere://b/m'") as caught:
        mlsql.load_predictor("nowhere://b/m")
    assert "pip install fsspec" in caught.value.hint
