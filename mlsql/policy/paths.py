"""The path jail: where a path of a script leads, whatever it could come to mean, and that it may.

At the machine (no root) every path is allowed that the machine allows; below a root, whatever a path
could come to mean — percent-encoding, globs, braces, comma lists, symbolic links — must stay there.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from mlsql.errors import Refused, ScriptError
from mlsql.spans import Span

Purpose = Literal["read", "write", "model", "script"]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_FILE_URI = re.compile(r"file:(?://[^/]*(?=/))?", re.IGNORECASE)
_INNERMOST_BRACES = re.compile(r"\{([^{}]*)\}")
_COMMA_OUTSIDE_BRACES = re.compile(r",(?![^{}]*\})")
_WILD_SEGMENT = re.compile(r"[^/]*[*?\[\]\\^][^/]*")
_MODEL_VERSION = re.compile(r"(?:\A|/)_model_[^/]*(?:/|\Z)")
_MOST_READINGS = 1000
_WAY_OUT = ".."


@dataclass(frozen=True, slots=True)
class PathJail:
    """Which paths may be used: all, or what lies below *root* and in *allow*.

    *allow* holds folders (``/data/shared``), URI prefixes (``s3a://bucket/raw``) and schemes
    (``hdfs:``) that may be used in spite of the root. Relative paths start at the root, else at
    *working_directory*. Below a root an absolute path is taken from there: ``/x`` is ``ROOT/x``.
    """

    root: Path | None = None
    allow: tuple[str, ...] = ()
    working_directory: Path = field(default_factory=Path.cwd)
    guards_models: bool = False
    """Whether only a training writes into stored models: code is loaded from them."""

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
        if purpose == "write" and self.guards_models and any(map(_MODEL_VERSION.search, _decodings(text))):
            message = f"'{text}' is, or lies in, a stored model, into which only a training writes"
            raise Refused(message, span=span, hint="!model delete PATH VERSION removes one")
        local, is_file_uri = _FILE_URI.subn("", text, count=1) if _FILE_URI.match(text) else (text, 0)
        found = self._anywhere(local) if self.root is None else self._below(self.root, local, text, span)
        return f"file://{found}" if is_file_uri and purpose != "model" else found

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
        return next(((each, path[len(each) :]) for each in starts if starts_with(path, each)), None)

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
        return all(any(starts_with(place, each) for each in folders) for place in _places(base, below))


def _has_scheme(text: str) -> bool:
    return _SCHEME.match(text) is not None


def starts_with(path: str, start: str) -> bool:
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
