"""Temporary folders."""

from __future__ import annotations

import stat
import subprocess
import sys
import tempfile

import pytest

from mlsql.bridge.folders import temporary_folder
from mlsql.errors import RunError


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where temporary folders are made."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_a_folder_ends_with_its_block(place):
    """Also when the block fails; meanwhile it is its user's alone."""
    with temporary_folder("test") as folder:
        assert folder.parent == place
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(place.iterdir()) == []
    with pytest.raises(RuntimeError, match="failed"), temporary_folder("test"):
        raise RuntimeError("failed")
    assert list(place.iterdir()) == []


def test_what_a_killed_process_left_goes_with_the_next_folder(place):
    """What a living one uses stays."""
    program = "import os; from mlsql.bridge.folders import temporary_folder as t\nwith t('old'): os._exit(0)"
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)
    assert [folder.name[:9] for folder in place.iterdir()] == ["mlsql-old"]
    with temporary_folder("one") as one, temporary_folder("two") as two:
        assert sorted(place.iterdir()) == sorted([one, two])


def test_a_place_that_is_not_there_is_named(monkeypatch):
    """The error says where no folder can be made."""
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/place")
    with pytest.raises(RunError, match="/no/such/place"), temporary_folder("test"):
        pass
