"""Libraries of scripts: a folder with a ``package.json``, or a git repository of that kind.

``include lib.`https://git.example.org/ours/lib` where alias="ours"`` makes it known to the session,
``include local.`ours.folder.name` `` runs one of its files.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mlsql.config.loading import cache_folder
from mlsql.errors import DataError, MissingPath, ScriptError, UnknownName
from mlsql.grammar.nodes import Word
from mlsql.names import nearest
from mlsql.options import BOOLEAN, TEXT, option
from mlsql.plan import IncludeStep
from mlsql.processes import Finished, run_process
from mlsql.session import Run

_SUFFIXES = (".mlsql", ".byzer", ".py")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://.+|[\w.-]+@[\w.-]+:.+")
_HOST_USER_NAME = re.compile(r"(?P<host>[\w-]+(?:\.[\w-]+)+)/[\w.-]+/[\w.-]+")
_REVISION = re.compile(r"\w[\w./-]*")
_PACKAGE = "package.json"
_GIT_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryOptions:
    """Which library is meant, and what this session calls it."""

    alias: str = option("alias", TEXT, "The name that `include local` calls it by.")
    commit: str | None = option(
        "commit", TEXT, "Commit, tag or branch; else the branch that git takes by itself.", default=None
    )
    force: bool = option(
        "force", BOOLEAN, "Fetch the repository again, although it has been fetched before.", default=False
    )
    mirror: str | None = option(
        "libMirror", TEXT, "Host to fetch it from instead of the one in its name.", default=None
    )
    only_here: bool | None = option(
        "onlyForCurrentInstance", BOOLEAN, "Of old scripts; has no effect.", default=None
    )


def declare_library(step: IncludeStep, run: Run) -> None:
    """Make a library known under its alias, for as long as the session lives."""
    options = run.read_options(LibraryOptions, step.options, owner="include lib", span=step.format.span)
    url = _repository(step.path.text, options.mirror)
    if url is None:
        folder = Path(run.policy.path(step.path.text, span=step.path.span))
        if not folder.is_dir():
            raise MissingPath(str(folder), span=step.path.span)
    else:
        folder = _clone(run.policy.include_repository(url, span=step.path.span), options, step, run)
    if not (folder / _PACKAGE).is_file():
        raise DataError(f"'{step.path.text}' is no library: it has no {_PACKAGE}", span=step.path.span)
    run.session.libraries[options.alias] = str(folder)


def library_file(path: Word, run: Run) -> Path:
    """The file that ``alias.folder.name`` means, with or without its suffix."""
    alias, *names = path.text.split(".")
    if alias not in run.session.libraries:
        hint = None if nearest(alias, run.session.libraries) else f'include lib.`…` where alias="{alias}";'
        raise UnknownName("library", alias, run.session.libraries, span=path.span, hint=hint)
    folder = Path(run.session.libraries[alias]).resolve()
    suffix = f".{names.pop()}" if names and f".{names[-1]}" in _SUFFIXES else None
    wanted = folder.joinpath(*names)
    candidates = [wanted.with_name(wanted.name + each) for each in ([suffix] if suffix else _SUFFIXES)]
    found = next((each.resolve() for each in candidates if names and each.is_file()), None)
    if found is None or not found.is_relative_to(folder):
        near = nearest("/".join(names), _files(folder))
        hint = f"did you mean `{alias}.{near.replace('/', '.')}`?" if near else None
        raise MissingPath(f"{alias}: {'/'.join(names)}", span=path.span, hint=hint)
    return found


def _files(folder: Path) -> list[str]:
    """The scripts of a library, without their suffixes."""
    found = (each.relative_to(folder) for suffix in _SUFFIXES for each in folder.rglob(f"*{suffix}"))
    return [each.with_suffix("").as_posix() for each in found]


def _repository(text: str, mirror: str | None) -> str | None:
    """The git address that *text* is, or that ``host/user/name`` stands for; None for a folder."""
    if _ADDRESS.fullmatch(text):
        return text
    named = _HOST_USER_NAME.fullmatch(text)
    if named is None:
        return None
    host = mirror or named["host"]
    return f"https://{host}{text.removeprefix(named['host'])}.git"


def _clone(url: str, options: LibraryOptions, step: IncludeStep, run: Run) -> Path:
    """The folder of a repository at a commit, fetched unless that has been done before."""
    commit = options.commit
    if commit is not None and not _REVISION.fullmatch(commit):
        span = step.options["commit"].span
        raise ScriptError(f"'{commit}' is no commit, tag or branch of git", span=span)
    key = hashlib.sha256(f"{url}\n{commit or ''}".encode()).hexdigest()[:16]
    folder = cache_folder() / "libraries" / key
    if options.force or not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as fresh:
            _git(["clone", "--quiet", "--", url, f"{fresh}/clone"], step, run)
            if commit is not None:
                _git(["-C", f"{fresh}/clone", "checkout", "--quiet", commit, "--"], step, run)
            _replace(Path(fresh), folder)
    return folder


def _replace(fresh: Path, folder: Path) -> None:
    """Put ``fresh/clone`` in the place of *folder*; what another script put there meanwhile is as good."""
    if folder.exists():
        folder.rename(fresh / "old")
    try:
        (fresh / "clone").rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _git(arguments: list[str], step: IncludeStep, run: Run) -> Finished:
    quiet = {
        **os.environ,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file",
    }
    done = run_process(["git", *arguments], timeout=_GIT_SECONDS, ending=run.stop.ending, environment=quiet)
    run.stop.check()
    if done.exit_code != 0:
        last = done.errors.strip().rpartition("\n")[2]
        raise DataError(f"the library cannot be fetched: {last}", span=step.path.span)
    return done
