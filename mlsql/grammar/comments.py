"""The comments inside one statement: where they stand, and the printed statement with them put back.

Each stays behind the name or value that it stood behind, at the next place that has a blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlsql.grammar.nodes import Command, Literal, Select, Sql, Statement, Word
from mlsql.grammar.scanner import Mode, Token, scan

INDENT = "  "
Piece = Word | Literal


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, and whether it begins and ends a line in the script."""

    text: str
    start: int
    begins_line: bool
    ends_line: bool

    @property
    def end(self) -> int:
        """Where it ends; what follows on its line is part of it when it begins with ``--``."""
        return self.start + len(self.text)


def read_statement(text: str, start: int, statement: Statement) -> tuple[list[Comment], Token]:
    """The comments of the *statement* that begins at *start*, and the token that ends it."""
    mode = _mode_of(statement)
    tokens = _tokens(text, start, mode)
    around = zip(tokens, tokens[1:], tokens[2:], strict=False)
    comments = [
        comment
        for before, token, after in around
        if token.kind == "comment"
        for comment in _comments(text, token, mode, (before.end, after.start))
    ]
    return comments, tokens[-1]


def _mode_of(statement: Statement) -> Mode:
    if isinstance(statement, Command):
        return "command"
    return "sql" if isinstance(statement, Select | Sql) else "options"


def _tokens(text: str, start: int, mode: Mode) -> list[Token]:
    return [*scan(text, start + (mode == "command"), mode)]


def _comments(text: str, token: Token, mode: Mode, around: tuple[int, int]) -> Iterator[Comment]:
    """The comments that *token* is: one that Spark continues behind a backslash becomes several."""
    lines = [*_lines_of(token, mode)]
    for index, (line, start) in enumerate(lines):
        begins_line = index > 0 or "\n" in text[around[0] : token.start]
        ends_line = line.startswith("--") or "\n" in text[token.end : around[1]]
        yield Comment(line, start, begins_line, ends_line)


def _lines_of(token: Token, mode: Mode) -> Iterator[tuple[str, int]]:
    if not token.text.startswith("--"):
        yield token.text, token.start
    elif mode != "sql":
        yield token.text.rstrip(), token.start
    else:
        for line in re.finditer(r"[^\n]+", token.text):
            words = line[0].strip("\\ \t\r")
            if words:
                yield words if words.startswith("--") else f"-- {words}", token.start + line.start()


@dataclass(frozen=True, slots=True)
class Printed:
    """A statement in canonical form: its lines, and where each of its pieces ends in them."""

    statement: Statement
    lines: Sequence[str]
    ends: Sequence[int]

    def with_comments(
        self, comments: Sequence[Comment], pieces: Sequence[Piece]
    ) -> tuple[list[str], list[Comment]]:
        """The lines with *comments* in them, and the comments that come behind all *pieces*."""
        gaps = self._gaps()
        placed: dict[int, list[Comment]] = {}
        behind: list[Comment] = []
        for comment in comments:
            end = self._end_before(comment, pieces)
            gap = next((gap for gap in gaps if gap >= end), None)
            (behind if gap is None else placed.setdefault(gap, [])).append(comment)
        return self._woven(placed), behind

    def _gaps(self) -> list[int]:
        """Where the blanks between tokens begin."""
        tokens = _tokens("\n".join(self.lines), 0, _mode_of(self.statement))
        return [before.end for before, token in pairwise(tokens) if before.end < token.start]

    def _end_before(self, comment: Comment, pieces: Sequence[Piece]) -> int:
        """The end of the piece that *comment* stands behind; 0 when it stands before the first."""
        ends = zip(pieces, self.ends, strict=True)
        before = [(piece.span.start, end) for piece, end in ends if piece.span.start < comment.start]
        return max(before, default=(0, 0))[1]

    def _woven(self, placed: Mapping[int, Sequence[Comment]]) -> list[str]:
        """The lines, cut where comments are *placed*."""
        woven: list[str] = []
        start = 0
        for line in self.lines:
            cuts = [gap - start for gap in sorted(placed) if start <= gap <= start + len(line)]
            _weave(woven, line, {cut: placed[start + cut] for cut in cuts})
            start += len(line) + 1
        return woven


def _weave(lines: list[str], line: str, placed: Mapping[int, Sequence[Comment]]) -> None:
    """Add *line* to *lines*, with comments at the given places in it."""
    lines.append("")
    joined, done = True, 0
    for cut, comments in placed.items():
        _add_text(lines, line[done:cut], joined=joined)
        joined, done = _add_comments(lines, comments), cut
    _add_text(lines, line[done:], joined=joined)


def _add_text(lines: list[str], text: str, *, joined: bool) -> None:
    if joined:
        lines[-1] += text
    elif text:
        lines.append(INDENT + text.lstrip())


def _add_comments(lines: list[str], comments: Sequence[Comment]) -> bool:
    """Add *comments* to the last line or below it; whether more may stand behind them."""
    joined = True
    for comment in comments:
        if comment.begins_line or not joined:
            lines.append(INDENT + comment.text)
        else:
            lines[-1] += f" {comment.text}"
        joined = not comment.text.startswith("--")
    return joined and not any(comment.ends_line for comment in comments[-1:])
