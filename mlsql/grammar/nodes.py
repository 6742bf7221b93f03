"""The tree of a script: one frozen node a statement, every part with its span.

A :class:`Word` or :class:`Literal` holds what was written, quotes and escapes resolved but
``${…}`` not yet replaced. Spans take no part in equality, so that ``parse(print(x)) == x``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal as Either

from mlsql.spans import Span

SaveMode = Either["overwrite", "append", "errorIfExists", "ignore"]
TrainVerb = Either["train", "run", "predict"]
Quote = Either["", "`", '"', "'", '"""', "'''"]


@dataclass(frozen=True, slots=True)
class Word:
    """A name or a path, without its quotes; *quote* tells whether it stood in backquotes."""

    text: str
    span: Span = field(compare=False, repr=False)
    quote: Quote = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value, escapes resolved; *quote* is empty for numbers, booleans, names and ``${x}``."""

    text: str
    span: Span = field(compare=False, repr=False)
    quote: Quote = field(default='"', compare=False)


@dataclass(frozen=True, slots=True)
class Option:
    """``key = value``; the key's backquotes are gone, its dots are not."""

    key: Word
    value: Literal


@dataclass(frozen=True, slots=True)
class Load:
    """``LOAD format.path [options] AS table``."""

    format: Word
    path: Word
    options: tuple[Option, ...]
    table: Word
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Select:
    """``SELECT … AS table``; *query* is Spark's text untouched, *table* None when left out."""

    query: Word
    table: Word | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Save:
    """``SAVE [mode] table AS format.path [options] [PARTITIONBY …]``."""

    mode: SaveMode
    table: Word
    format: Word
    path: Word
    options: tuple[Option, ...]
    partition_by: tuple[Word, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Set:
    """``SET key = value [options]``."""

    name: Word
    value: Literal
    options: tuple[Option, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Connect:
    """``CONNECT format [options] [AS alias]``."""

    format: Word
    options: tuple[Option, ...]
    alias: Word | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Train:
    """``(TRAIN|RUN|PREDICT) table AS Algorithm.path [options] [AS table]``."""

    verb: TrainVerb
    table: Word
    algorithm: Word
    path: Word
    options: tuple[Option, ...]
    output: Word | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Register:
    """``REGISTER Algorithm.path AS function [options]``."""

    algorithm: Word
    path: Word
    function: Word
    options: tuple[Option, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unregister:
    """``UNREGISTER function``."""

    function: Word
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Include:
    """``INCLUDE format.path [options]``."""

    format: Word
    path: Word
    options: tuple[Option, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sql:
    """A pass-through statement: any text that Spark runs and that makes no table of ours."""

    query: Word
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Command:
    """``!name arguments``; an argument keeps its quote, since ``named`` and ``"named"`` differ."""

    name: Word
    arguments: tuple[Literal, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Branch:
    """``!if condition; statements``; a bare condition is the text as written, and has no quote."""

    condition: Literal
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class If:
    """``!if …; … !elif …; … !else; … !fi``; *otherwise* are the statements behind ``!else``."""

    branches: tuple[Branch, ...]
    otherwise: tuple[Statement, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class For:
    """``!for variable in '''query''' [limit n]; … !done``."""

    variable: Word
    query: Literal
    limit: Literal | None
    statements: tuple[Statement, ...]
    span: Span = field(compare=False, repr=False)


Statement = (
    Load | Select | Save | Set | Connect | Train | Register | Unregister | Include | Sql | Command | If | For
)
