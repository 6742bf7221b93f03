"""Models in folders: drafts of the dead, processes side by side, what lies there instead, the choice."""

import dataclasses
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlsql.errors import DataError, MissingModel, RunError, ScriptError
from mlsql.models import store as model_store
from mlsql.models.choice import choose
from mlsql.models.manifest import (
    METRICS,
    CandidateRecord,
    Column,
    DataRecord,
    Manifest,
    ModelRef,
    StoredModel,
)
from mlsql.models.store import DirectoryModelStore

MANIFEST = Manifest(
    algorithm="SKLearn",
    kind="classifier",
    form="columns",
    inputs=(Column("长度", "double"),),
    features=1,
    output="string",
    candidates=(),
    data=DataRecord(rows=3, bytes=72, checksum="0a1b2c3d", transport="memory"),
)

TRAIN = """
import sys
from mlsql.models.store import DirectoryModelStore
from mlsql.models.manifest import Manifest

path, manifest, count = sys.argv[1], Manifest.from_json(sys.argv[2]), int(sys.argv[3])
for _ in range(count):
    with DirectoryModelStore().begin(path) as draft:
        (draft.directory / "owner").write_text(str(draft.ref.version))
        draft.commit(manifest)
"""
DIE = """
import os, signal, sys
from mlsql.models.store import DirectoryModelStore

with DirectoryModelStore().begin(sys.argv[1]) as draft:
    (draft.directory / "model").mkdir()
    print(draft.directory, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
WAIT = """
import sys
from mlsql.models.store import DirectoryModelStore

with DirectoryModelStore().begin(sys.argv[1]) as draft:
    print(draft.directory, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    """A path at which nothing lies."""
    return str(tmp_path / "models" / "wine")


def python(code, *arguments, **options):
    """A process that runs *code*."""
    return subprocess.Popen([sys.executable, "-c", code, *arguments], text=True, **options)


def store_one(path, manifest=MANIFEST):
    """A new version."""
    with DirectoryModelStore().begin(path) as draft:
        return draft.commit(manifest)


def test_processes_at_once_get_different_numbers(path):
    """Three processes store ten versions each: thirty versions, none written by two."""
    trains = [python(TRAIN, path, MANIFEST.to_json(), "10") for _ in range(3)]
    assert [train.wait(60) for train in trains] == [0, 0, 0]
    versions = DirectoryModelStore().versions(path)
    assert list(versions) == list(range(30))
    assert all((_folder(path, each) / "owner").read_text() == str(each) for each in versions)


def test_the_draft_of_a_killed_train_is_swept_by_the_next(path):
    """SIGKILL leaves a draft; it is no version, and the next train removes it."""
    train = python(DIE, path, stdout=subprocess.PIPE)
    assert train.communicate(timeout=60)[0].strip() == str(_folder(path, 0))
    assert train.returncode == -signal.SIGKILL
    with pytest.raises(MissingModel) as caught:
        DirectoryModelStore().open(path)
    assert "1 unfinished version" in caught.value.hint
    with DirectoryModelStore().begin(path) as draft:
        assert sorted(each.name for each in _folder(path, 0).parent.iterdir()) == [draft.directory.name]
        assert not (draft.directory / "model").exists()


def test_the_draft_of_a_living_train_stays(path):
    """Whoever begins meanwhile takes the next number."""
    train = python(WAIT, path, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    folder = train.stdout.readline().strip()
    assert store_one(path).ref == ModelRef(path, 1)
    assert folder == str(_folder(path, 0))
    assert _folder(path, 0).is_dir()
    train.communicate("", timeout=60)
    assert not _folder(path, 0).exists()


def test_an_interrupted_train_leaves_nothing(path):
    """Ctrl-C in another process removes its draft and the folders made for it."""
    train = python(WAIT, path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    train.stdout.readline()
    train.send_signal(signal.SIGINT)
    train.communicate(timeout=60)
    assert not _folder(path, 0).parent.parent.exists()


def test_a_failed_train_leaves_folders_that_were_there(tmp_path):
    """An empty folder of the user's stays."""
    with DirectoryModelStore().begin(str(tmp_path)):
        pass
    assert tmp_path.is_dir()


def test_a_folder_that_nobody_marked_as_a_draft_is_left_alone(path):
    """What has neither manifest nor mark is not ours to remove; its number is taken."""
    _folder(path, 4).mkdir(parents=True)
    assert store_one(path).ref.version == 5
    assert _folder(path, 4).is_dir()
    assert list(DirectoryModelStore().versions(path)) == [5]


def test_the_manifest_is_readable_text(path):
    """``manifest.json`` is JSON for people: indented, with their characters, and ends with a newline."""
    text = (_folder(path, store_one(path).ref.version) / "manifest.json").read_text("utf-8")
    assert json.loads(text)["inputs"] == [{"name": "长度", "type": "double"}]
    assert "长度" in text
    assert text.endswith("}\n")


def test_a_version_holds_nothing_but_what_its_train_wrote(path):
    """No lock and no temporary file stays behind."""
    store_one(path)
    assert [each.name for each in _folder(path, 0).iterdir()] == ["manifest.json"]
    assert [each.name for each in _folder(path, 0).parent.iterdir()] == ["_model_0"]


@pytest.mark.parametrize("text", ["", "{", "{}", '{"inputs": 3}', "[]"])
def test_a_damaged_manifest_is_named(path, text):
    """The error says which manifest; the version can still be deleted."""
    ref = store_one(path).ref
    (_folder(path, 0) / "manifest.json").write_text(text)
    with pytest.raises(DataError, match=r"the manifest of .*_model_0 cannot be read"):
        DirectoryModelStore().open(path)
    DirectoryModelStore().delete(ref)
    assert not _folder(path, 0).exists()


def test_a_path_that_is_no_model_is_told_with_what_lies_there(tmp_path):
    """A file, an empty folder, other files, one version: each has its words."""
    for name in ("empty", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "a.csv").write_text("")
    (tmp_path / "file").write_text("")
    store_one(str(tmp_path / "model"))
    found = {
        "nowhere": "nothing lies there",
        "file": "a file lies there",
        "empty": "the folder is empty",
        "data": "the folder holds 'a.csv'",
        "model/_model_0": "it is one version of a model: name the folder above it",
    }
    for name, words in found.items():
        with pytest.raises(MissingModel) as caught:
            DirectoryModelStore().open(str(tmp_path / name))
        assert caught.value.hint.startswith(words)


def test_a_place_where_no_folder_can_be_made_is_an_error_of_the_script(tmp_path):
    """A file in the way is told with its path."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "model"):
        with (
            pytest.raises(ScriptError, match=f"no model can be stored at '{path}'"),
            DirectoryModelStore().begin(str(path)),
        ):
            pass


def test_a_draft_that_somebody_removed_is_not_committed(path):
    """The disk may be full as well: the run fails, and says what could not be stored."""
    with DirectoryModelStore().begin(path) as draft:
        shutil.rmtree(draft.directory)
        with pytest.raises(RunError, match="_model_0 cannot be stored: No such file"):
            draft.commit(MANIFEST)


def test_nobody_waits_for_ever_for_a_number(tmp_path, monkeypatch):
    """Whoever holds the lock holds it for a moment; else the train fails, and may be tried again."""
    monkeypatch.setattr(model_store, "_LOCK_SECONDS", 0.05)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(RunError, match="another train has locked") as caught:
        store_one(str(tmp_path))
    os.close(descriptor)
    assert caught.value.retriable
    assert store_one(str(tmp_path)).ref.version == 0


def candidate(index, *, failed=None, **metrics):
    """How one candidate went."""
    return CandidateRecord(
        index=index,
        algorithm="RandomForestClassifier",
        params={},
        status="fail" if failed else "success",
        message=failed or "",
        metrics=metrics,
        started="2026-01-01T00:00:00Z",
        ended="2026-01-01T00:00:01Z",
        seconds=1.0,
        rows=3,
    )


def model(kind, *candidates):
    """A stored model with these candidates."""
    manifest = dataclasses.replace(MANIFEST, kind=kind, candidates=candidates)
    return StoredModel(ModelRef("/models/wine", 2), manifest)


@pytest.mark.parametrize(
    ("kind", "metric", "best"),
    [("classifier", "f1", 1), ("regressor", "rmse", 0), ("clusterer", "silhouette", 1)],
)
def test_the_usual_metric_of_the_kind_chooses_in_its_direction(kind, metric, best):
    """More f1 and silhouette is better, less rmse is."""
    candidates = [
        candidate(0, **{metric: 0.2}),
        candidate(1, **{metric: 0.9}),
        candidate(2, failed="no memory"),
    ]
    assert choose(model(kind, *candidates)).index == best


@pytest.mark.parametrize("metric", METRICS)
def test_each_metric_knows_its_direction(metric):
    """The better of two values is chosen, whatever the metric."""
    stored = model(METRICS[metric].kinds[0], candidate(0, **{metric: 0.1}), candidate(1, **{metric: 0.3}))
    assert choose(stored, metric=metric).index == int(METRICS[metric].greater_is_better)


def test_the_first_of_equals_is_chosen():
    """So that the choice does not depend on chance."""
    assert choose(model("classifier", candidate(3, f1=0.5), candidate(4, f1=0.5))).index == 3


def test_a_metric_that_one_candidate_lacks_chooses_among_the_others():
    """A classifier without probabilities has no auc, and is never the best by it."""
    assert choose(model("classifier", candidate(0), candidate(1, auc=0.1)), metric="auc").index == 1


def test_without_evaluation_the_first_success_is_chosen():
    """Nothing was measured, so the first that works answers."""
    assert choose(model("classifier", candidate(0, failed="bad"), candidate(1), candidate(2))).index == 1


def test_a_number_chooses_its_candidate():
    """Even when another is better."""
    assert choose(model("classifier", candidate(0, f1=0.9), candidate(1, f1=0.1)), index=1).index == 1


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        (
            {"metric": "auc"},
            "the metric 'auc' was not computed for /models/wine/_model_2",
            "computed were 'f1'",
        ),
        ({"metric": "F1"}, "the metric 'F1' was not computed", "computed were 'f1'"),
        ({"index": 1}, "candidate 1 of /models/wine/_model_2 failed: no memory", None),
        ({"index": 5}, "/models/wine/_model_2 has no candidate 5", "it has 0, 1"),
    ],
)
def test_a_choice_that_cannot_be_is_told(asked, message, hint):
    """Each error says what there is instead."""
    with pytest.raises(DataError) as caught:
        choose(model("classifier", candidate(0, f1=0.5), candidate(1, failed="no memory")), **asked)
    assert caught.value.message.startswith(message)
    assert caught.value.hint == hint


@pytest.mark.parametrize("status", ["judged", "skipped"])
def test_only_what_is_stored_can_be_chosen(status):
    """A better candidate that was not kept is none; asking for it says which one is."""
    better = dataclasses.replace(candidate(0, f1=0.9), status=status)
    both = model("classifier", better, candidate(1, f1=0.5))
    assert choose(both).index == choose(both, metric="f1").index == 1
    with pytest.raises(DataError, match=f"was {status}, not stored") as caught:
        choose(both, index=0)
    assert caught.value.hint == "stored is 1; train candidate 0 alone to have it"


def test_a_metric_of_a_model_that_was_not_evaluated_names_the_option():
    """The way out is to evaluate."""
    with pytest.raises(DataError) as caught:
        choose(model("classifier", candidate(0)), metric="f1")
    assert "evaluateTable" in caught.value.hint


def test_a_model_of_failures_alone_is_told_with_their_messages():
    """Such a version is not stored by a train, but may have been by hand."""
    with pytest.raises(DataError, match="no candidate of /models/wine/_model_2 succeeded") as caught:
        choose(model("classifier", candidate(0, failed="no memory"), candidate(1, failed="bad value")))
    assert caught.value.hint == "0: no memory; 1: bad value"


def _folder(path, version):
    return Path(path) / f"_model_{version}"
