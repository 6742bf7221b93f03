"""Commands on files and folders: ``!fs`` and its short forms."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from mlsql.errors import DataError, MissingPath, Refused
from mlsql.file_systems import hint_of_near
from mlsql.grammar.nodes import Word
from mlsql.policy.paths import Purpose
from mlsql.session import Outcome, Run, Table
from mlsql.stages.commands.base import Command
from mlsql.stages.commands.calls import FormCommand
from mlsql.stages.commands.file_system import Entry, Files
from mlsql.stages.commands.forms import Given, call_error
from mlsql.stages.rows import local_table

_ENTRY = (
    "name string, path string, is_folder boolean, size bigint, modified timestamp, owner string,"
    " permission string"
)
_FLAG = re.compile(r"-[A-Za-z]")
_MOST_SHOWN = 2**20
"""How many bytes ``-cat`` shows; what is longer is loaded as a table."""


def _list(given: Given, run: Run) -> Outcome:
    """One row a file or folder: what lies in the folders that the paths name, and the files themselves."""
    rows = [
        (each.name, each.path, each.is_folder, each.size, each.modified, each.owner, each.permission)
        for files, entry in _found(given, run)
        for each in _listed(files, entry, recursive="-r" in given.words)
    ]
    return Table(None, local_table(run.spark, rows, _ENTRY))


def _listed(files: Files, entry: Entry, *, recursive: bool) -> Iterator[Entry]:
    if not entry.is_folder:
        yield entry
        return
    for child in files.children(entry):
        yield child
        if recursive and child.is_folder:
            yield from _listed(files, child, recursive=True)


def _show(given: Given, run: Run) -> Outcome:
    """One row a line of the files."""
    lines: list[tuple[str]] = []
    left = _MOST_SHOWN
    for files, entry in _found(given, run):
        content = _content(files, entry, left)
        left -= len(content)
        lines += ((line.rstrip("\r\n"),) for line in StringIO(_text(content, entry, files)))
    return Table(None, local_table(run.spark, lines, "line string"))


def _content(files: Files, entry: Entry, most: int) -> bytes:
    span = files.written.span
    if entry.is_folder:
        raise DataError(f"'{entry.path}' is a folder", span=span, hint="!fs -ls shows what lies in it")
    content = files.read(entry, most + 1)
    if len(content) > most:
        hint = f"load text.`{files.written.text}` as lines; reads any size"
        raise DataError(f"that is more than the {_MOST_SHOWN:,} bytes that are shown", span=span, hint=hint)
    return content


def _text(content: bytes, entry: Entry, files: Files) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"'{entry.path}' is no text in UTF-8", span=files.written.span) from error


def _remove(given: Given, run: Run) -> Outcome:
    """One row for each file or folder that was removed."""
    is_forced, takes_folders = (bool(given.words & words) for words in ({"-f", "-rf"}, {"-r", "-rf", "-rmr"}))
    found = [*_found(given, run, must_exist=not is_forced)]
    for files, entry in found:
        _refuse_precious(entry, files.written, run)
        if entry.is_folder and not takes_folders:
            hint = f"!{given.command.text} -rm -r {files.written.text} removes it with all that lies in it"
            raise DataError(f"'{entry.path}' is a folder", span=files.written.span, hint=hint)
    for files, entry in found:
        files.delete(entry)
    return Table(None, local_table(run.spark, [(entry.path,) for _, entry in found], "removed string"))


def _refuse_precious(entry: Entry, written: Word, run: Run) -> None:
    """Raise for the root of a file system, and for what the working folder, the root or the home lies in."""
    if entry.path.startswith("/"):
        place = Path(os.path.realpath(Path(entry.path).parent)) / entry.name  # a link itself may go
        precious = [run.policy.working_directory, run.policy.root, Path.home(), *run.policy.allow]
        is_precious = any(Path(os.path.realpath(each)).is_relative_to(place) for each in precious if each)
    else:
        is_precious = urlsplit(entry.path).path in ("", "/")
    if is_precious:
        message = f"'{entry.path}' stays where it is: it is, or holds, a folder that scripts start from"
        raise Refused(message, span=written.span, hint="name what lies in it")


def _move(given: Given, run: Run) -> Outcome:
    return _bring(given, run, keep=False)


def _copy(given: Given, run: Run) -> Outcome:
    return _bring(given, run, keep=True)


def _bring(given: Given, run: Run, *, keep: bool) -> Outcome:
    """One row: from where, to where; a target that is a folder takes the source in."""
    source = Files(run, given["SOURCE"], "read" if keep else "write")
    target = Files(run, given["TARGET"], "write")
    entry = source.entry()
    if entry is None:
        raise MissingPath(source.path, span=source.written.span, hint=hint_of_near(source.path))
    if not keep:
        _refuse_precious(entry, source.written, run)
    path = _place(target, entry)
    source.copy(target, path, keep=keep)
    return Table(None, local_table(run.spark, [(entry.path, path)], "source string, target string"))


def _place(target: Files, entry: Entry) -> str:
    """Where *entry* comes to lie: in the folder *target*, or at it when nothing lies there yet."""
    there, path = target.entry(), target.path
    if there is not None and there.is_folder:
        path = f"{path.rstrip('/')}/{entry.name}"
        there = target.entry(path)
    if there is not None:
        raise DataError(f"something lies at '{path}' already", span=target.written.span)
    folder = path.rstrip("/").rpartition("/")[0] or "/"
    if target.entry(folder) is None:
        raise MissingPath(folder, span=target.written.span, hint="!fs -mkdir makes a folder")
    return path


def _make_folder(given: Given, run: Run) -> Outcome:
    """One row a folder, whether it was there before or not."""
    made = [Files(run, written, "write") for written in given.every("PATH")]
    for files in made:
        files.make_folder()
    return Table(None, local_table(run.spark, [(files.path,) for files in made], "path string"))


def _measure(given: Given, run: Run) -> Outcome:
    """One row for each path, or without ``-s`` for each thing in the folders that the paths name."""
    rows = []
    for files, entry in _found(given, run):
        entries = [entry] if given.words & {"-s", "-count"} else _listed(files, entry, recursive=False)
        for each in entries:
            usage = files.usage(each)
            rows.append((each.path, usage.bytes, usage.files, usage.folders))
    return Table(
        None, local_table(run.spark, rows, "path string, bytes bigint, files bigint, folders bigint")
    )


def _tell_forms(given: Given, run: Run) -> Outcome:
    """One row for each way to call it."""
    calls = [(f"!{given.command.text} {form}",) for form in _ACTIONS]
    return Table(None, local_table(run.spark, calls, "call string"))


def _exists(given: Given, run: Run) -> Outcome:
    """One row."""
    files = Files(run, given["PATH"])
    row = (files.path, bool(files.matches()))
    return Table(None, local_table(run.spark, [row], "path string, exists boolean"))


def _found(given: Given, run: Run, *, must_exist: bool = True) -> Iterator[tuple[Files, Entry]]:
    """What the paths of the call name, patterns included."""
    purpose: Purpose = "write" if given.words & {"-rm", "-rmr"} else "read"
    for written in given.every("PATH"):
        files = Files(run, written, purpose)
        entries = files.matches()
        if not entries and must_exist:
            raise MissingPath(files.path, span=written.span, hint=hint_of_near(files.path))
        yield from ((files, entry) for entry in entries)


_ACTIONS: Mapping[str, Callable[[Given, Run], Outcome]] = MappingProxyType(
    {
        "-ls [-R|-h…] PATH…": _list,
        "-cat PATH…": _show,
        "-rm [-r|-R|-f|-rf|-skipTrash…] PATH…": _remove,
        "-rmr PATH…": _remove,
        "-mv SOURCE TARGET": _move,
        "-cp SOURCE TARGET": _copy,
        "-mkdir [-p] PATH…": _make_folder,
        "-du [-s|-h…] PATH…": _measure,
        "-count PATH…": _measure,
        "-help|-usage": _tell_forms,
    }
)


def _act(given: Given, run: Run) -> Outcome:
    return _ACTIONS[given.form](given, run)


def _read_paths(given: Given) -> Given:
    """The same; a flag that is not known is no path, unless it is quoted."""
    for word in (each for words in given.arguments.values() for each in words):
        if not word.quote and _FLAG.match(word.text):
            raise call_error(given.command, [word], 0, [given.form])
    return given


_FS = FormCommand(
    "Lists, shows, moves, copies, measures and removes files and folders.",
    tuple(_ACTIONS),
    _act,
    _read_paths,
)

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "fs": _FS,
        "hdfs": _FS,
        "ls": FormCommand("What lies in a folder.", ("[-R|-h…] PATH…",), _list, _read_paths),
        "exists": FormCommand("Whether something lies at a path.", ("PATH",), _exists),
    }
)
"""By the name behind the ``!``."""
