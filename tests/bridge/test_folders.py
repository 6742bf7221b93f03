"""Temporary folders."""

from __future__ import annotations

import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlsql.bridge.folders import shared_folder, temporary_folder
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


def test_a_shared_folder_is_there_for_as_long_as_somebody_uses_it(place):
    """Whoever asks for the name gets the same one; the last to leave removes it."""
    with shared_folder("j") as first:
        with shared_folder("j") as second, shared_folder("other") as other:
            assert first == second != other
            (first / "data").write_text("rows")
        assert (first / "data").read_text() == "rows"
        assert list(place.iterdir()) == [first]
    assert list(place.iterdir()) == []


def test_a_shared_folder_outlives_those_who_are_killed(place):
    """One who dies does not take it from the others; what all have left goes with the next one."""
    program = (
        "import os; from mlsql.bridge.folders import shared_folder\n"
        "with shared_folder('{}') as folder: (folder / 'data').touch(); os._exit(0)"
    )
    with shared_folder("j") as used:
        for name in ("j", "forgotten"):
            subprocess.run([sys.executable, "-c", program.format(name)], timeout=60, check=True)
        assert (used / "data").exists()
        assert len(list(place.iterdir())) == 2
        with shared_folder("k") as next_one:
            assert sorted(place.iterdir()) == sorted([used, next_one])
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("users", [8])
def test_users_that_come_and_go_at_once_always_have_a_folder(place, users):
    """Nobody's folder is removed while it is used."""

    def visit(number):
        for _ in range(20):
            with shared_folder("busy") as folder:
                (folder / str(number)).touch()
                assert (folder / str(number)).exists()

    with ThreadPoolExecutor(users) as pool:
        list(pool.map(visit, range(users)))
    assert list(place.iterdir()) == []
