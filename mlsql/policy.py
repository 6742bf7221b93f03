"""What an owner may: which paths a script may name, and which SQL it may run.

Every path and every SQL text of a script passes here before anything is read. At the machine
(no root) everything is allowed that the machine allows; below a root, whatever a path could
come to mean — percent-encoding, globs, braces, comma lists, symbolic links — must stay there.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

from mlsql.errors import Refused, ScriptError
from mlsql.roles import Role
from mlsql.settings import Settings
from mlsql.spans import Span

Purpose = Literal["read", "write", "model", "script"]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_FILE_URI = re.compile(r"file:(?://[^/]*(?=/))?", re.IGNORECASE)
_INNERMOST_BRACES = re.compile(r"\{([^{}]*)\}")
_COMMA_OUTSIDE_BRACES = re.compile(r",(?![^{}]*\})")
_WILD_SEGMENT = re.compile(r"[^/]*[*?\[\]\\^][^/]*")
_MOST_READINGS = 1000
_WAY_OUT = ".."


@dataclass(frozen=True, slots=True)
class Policy:
    """What the person at this machine may: everything, or what lies below *root* and in *allow*.

    *allow* holds folders (``/data/shared``), URI prefixes (``s3a://bucket/raw``) and schemes
    (``hdfs:``) that may be used in spite of the root. Relative paths start at the root, else at
    *working_directory*. Below a root an absolute path is taken from there: ``/x`` is ``ROOT/x``.
    """

    root: Path | None = None
    allow: tuple[str, ...] = ()
    working_directory: Path = field(default_factory=Path.cwd)
    allows_shell: bool = False
    allows_python: bool = True
    programs: tuple[str, ...] = ()
    include_hosts: tuple[str, ...] = ()
    include_repositories: tuple[str, ...] = ()

    @classmethod
    def from_settings(cls, settings: Settings, owner: str = "", role: Role = Role.OPERATOR) -> Self:  # noqa: ARG003
        """The policy that the settings ask for."""
        root = settings.paths.root
        return cls(
            root.absolute() if root else None,
            settings.paths.allow,
            allows_shell=settings.security.shell,
            allows_python=settings.security.python,
            programs=settings.security.programs,
            include_hosts=settings.include.hosts,
            include_repositories=settings.include.repositories,
        )

    def path(
        self, text: str, *, span: Span | None = None, purpose: Purpose = "read", needed: bool = True
    ) -> str:
        """The absolute local path, or the URI on another file system, that *text* stands for.

        Refused when it could leave the root. An empty text is an error, or with ``needed=False``
        the answer. ``file:`` stays before paths that Spark reads or writes.
        """
        if not text.strip():
            if needed:
                raise ScriptError(
                    "the path is empty", span=span, hint="a path stands in backquotes: `data/a.csv`"
                )
            return ""
        if "\0" in text:
            raise ScriptError("a path cannot hold the character NUL", span=span)
        local, is_file_uri = _FILE_URI.subn("", text, count=1) if _FILE_URI.match(text) else (text, 0)
        found = self._anywhere(local) if self.root is None else self._below(self.root, local, text, span)
        return f"file://{found}" if is_file_uri and purpose != "model" else found

    def sql(self, text: str, *, span: Span | None = None) -> str:  # noqa: ARG002 - judged where owners are apart
        """The SQL text that may be run: at the machine, any."""
        return text

    def shell(self, *, span: Span | None = None) -> None:
        """Refuse unless scripts may run commands on this machine."""
        if not self.allows_shell:
            raise Refused(
                "scripts may not run shell commands here",
                span=span,
                hint="the setting security.shell allows it",
            )

    def python(self, *, span: Span | None = None) -> None:
        """Refuse unless scripts may bring Python of their own."""
        if not self.allows_python:
            raise Refused(
                "scripts may not bring Python of their own here",
                span=span,
                hint="the setting security.python allows it",
            )

    def program(self, name: str, *, span: Span | None = None) -> str:
        """The Python program that a script may run its workers with, besides the engine's own."""
        if name not in self.programs:
            allowed = " or ".join(f"'{each}'" for each in ("python", *self.programs))
            raise Refused(
                f"workers may not be run with '{name}'",
                span=span,
                hint=f"{allowed}; the setting security.programs allows others",
            )
        return name

    def include_url(self, url: str, *, span: Span | None = None) -> str:
        """The address of a script that may be included; only ``http`` and ``https`` can be."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ScriptError(
                f"'{url}' is no http address", span=span, hint="it begins with http:// or https://"
            )
        host = parts.netloc.rpartition("@")[2].casefold()
        if not {"*", host}.intersection(map(str.casefold, self.include_hosts)):
            hint = "the setting include.hosts names the hosts that may be read"
            raise Refused(f"scripts may not be included from '{host}'", span=span, hint=hint)
        return url

    def include_repository(self, url: str, *, span: Span | None = None) -> str:
        """The address of a git repository that may be cloned."""
        if ".." in url or not any(_starts_with(url, each) for each in self.include_repositories):
            hint = "the setting include.repositories says what such addresses may begin with"
            raise Refused(f"libraries may not be cloned from '{url}'", span=span, hint=hint)
        return url

    def _anywhere(self, local: str) -> str:
        if _has_scheme(local):
            return local
        if local.startswith("~/"):
            local = f"{Path.home()}{local[1:]}"
        return _normal(str(self.working_directory / local))

    def _below(self, root: Path, local: str, written: str, span: Span | None) -> str:
        start = self._start(local)
        if start is None and not _has_scheme(local):
            start, local = (str(root), local), f"{root}/{local.lstrip('/')}"
        if start is None or not all(self._may(*reading) for reading in self._readings(*start)):
            raise Refused(
                f"the path '{written}' leads out of '{root}'",
                span=span,
                hint="paths of scripts start there; the setting paths.allow names what else they may use",
            )
        return local if _has_scheme(local) else _normal(local)

    def _start(self, path: str) -> tuple[str, str] | None:
        """(start, rest) of a path that is written from the root or an allowed place on."""
        starts = (str(self.root), *self.allow)
        return next(((each, path[len(each) :]) for each in starts if _starts_with(path, each)), None)

    def _readings(self, base: str, rest: str) -> Iterator[tuple[str, str]]:
        """Every (start, rest) that a path could come to mean to a reader; too many are a way out.

        A reader may decode percent signs, expand braces and split at commas; what follows a
        comma is a path of its own, which Spark would not start at the root.
        """
        for decoded in _decodings(rest):
            first, *others = _COMMA_OUTSIDE_BRACES.split(decoded)
            for part in (decoded, first):
                yield from ((base, each) for each in _expanded(part))
            for other in (each for part in others for each in _expanded(part)):
                is_relative = not other.startswith("/") and not _has_scheme(other)
                yield (str(self.root), other) if is_relative else self._start(other) or ("", _WAY_OUT)

    def _may(self, base: str, rest: str) -> bool:
        """Whether *rest* stays below *base*, and leads to no place that is not allowed."""
        below = os.path.normpath(f"./{rest}")
        if below == _WAY_OUT or below.startswith("../"):
            return False
        if _has_scheme(base):
            return True
        folders = [os.path.realpath(each) for each in (str(self.root), *self.allow) if not _has_scheme(each)]
        return all(any(_starts_with(place, each) for each in folders) for place in _places(base, below))


def _has_scheme(text: str) -> bool:
    return _SCHEME.match(text) is not None


def _starts_with(path: str, start: str) -> bool:
    """Whether *path* is *start* or lies below it (``/a/b`` below ``/a``, ``/ab`` not)."""
    if start.endswith(("/", ":")):
        return path.startswith(start) or path == start.rstrip("/")
    return path == start or path.startswith(start + "/")


def _normal(path: str) -> str:
    """*path* without ``.``, ``..`` and doubled slashes; lists and braces are left as they are."""
    return path if re.search(r"[{},]", path) else os.path.normpath(path)


def _decodings(text: str) -> Iterator[str]:
    yield text
    decoded = unquote(text)
    if decoded != text:
        yield from _decodings(decoded)


def _expanded(text: str) -> Iterator[str]:
    """What braces stand for: ``a{b,c}`` → ``ab``, ``ac``; past a thousand, a way out is assumed."""
    expanded = list(islice(_expand(text), _MOST_READINGS + 1))
    yield from expanded if len(expanded) <= _MOST_READINGS else [_WAY_OUT]


def _expand(text: str) -> Iterator[str]:
    braces = _INNERMOST_BRACES.search(text)
    if braces is None:
        yield text
        return
    for choice in braces[1].split(","):
        yield from _expand(text[: braces.start()] + choice + text[braces.end() :])


def _places(base: str, below: str) -> Iterator[str]:
    """Where a path leads when symbolic links are followed; every match of a pattern.

    Glob dialects differ, so a segment with any special character counts as ``*``.
    """
    yield os.path.realpath(f"{base}/{below}")
    pattern = _WILD_SEGMENT.sub("*", below)
    if "*" in pattern:
        # Path.glob leaves out what starts with a dot.
        matches = glob.iglob(f"{glob.escape(base)}/{pattern}", include_hidden=True)  # noqa: PTH207
        yield from map(os.path.realpath, matches)
