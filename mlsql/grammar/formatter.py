"""Scripts in canonical form: as printer.py writes them, with comments and single blank lines kept.

A comment inside a statement stays there, unless nothing but its ``;`` follows: then it goes behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from mlsql.grammar.blocks import WITH_CONDITION, condition_of, keyword_of, loop_of
from mlsql.grammar.comments import INDENT, Comment, Piece, Printed, read_statement
from mlsql.grammar.nodes import Command, Literal, Option, Statement, Word
from mlsql.grammar.parser import first_statement, parse_flat
from mlsql.grammar.printer import branch_line, loop_line, statement_lines
from mlsql.grammar.scanner import Token, scan
from mlsql.spans import Script

_OPENS = frozenset({"if", "then", "elif", "else", "for"})
_CLOSES = frozenset({"then", "elif", "else", "fi", "done"})


def format_script(script: Script) -> str:
    """The text of *script* in canonical form: it means the same, and formatting it changes nothing."""
    page = _Page(script.text)
    for statement in parse_flat(script):
        page.take_comments()
        page.take_statement(statement)
    page.take_comments()
    from_windows = 0 < script.text.count("\n") == script.text.count("\r\n")
    line_end = "\r\n" if from_windows else "\n"
    return "".join(line + line_end for line in page.lines)


class _Page:
    """The lines written so far; ``_position`` is where reading the script has come to."""

    def __init__(self, text: str) -> None:
        self.lines: list[str] = []
        self._text = text
        self._position = 0
        self._depth = 0
        self._may_join = False

    def take_comments(self) -> None:
        """Write the comments before the next statement."""
        for token in _comments_between(self._text, self._position):
            self._write_comment(token.text.rstrip(), token.start, token.end)

    def take_statement(self, statement: Statement) -> None:
        """Write *statement* and its comments."""
        start, keyword = statement.span.start, keyword_of(statement)
        comments, stop = read_statement(self._text, start, statement)
        lines, behind = _formatted(statement, comments)
        self._depth -= keyword in _CLOSES
        self._keep_blank_line(start)
        self._write(lines)
        self._depth += keyword in _OPENS
        self._position = statement.span.end
        for comment in behind:
            self._write_comment(comment.text, comment.start, comment.end)
        self._position = stop.end

    def _write(self, lines: Sequence[str]) -> None:
        indent = INDENT * self._depth
        self.lines += (indent + line for line in lines)
        self._may_join = True

    def _write_comment(self, text: str, start: int, end: int) -> None:
        """In the last line when the script has it there, else in its own."""
        if self._may_join and "\n" not in self._text[self._position : start]:
            self.lines[-1] += f" {text}"
        else:
            self._keep_blank_line(start)
            self._write([text])
        self._may_join = not text.startswith("--")
        self._position = end

    def _keep_blank_line(self, start: int) -> None:
        if self.lines and self._text.count("\n", self._position, start) > 1:
            self.lines.append("")


def _comments_between(text: str, position: int) -> Iterator[Token]:
    """The comments from *position* to the next statement."""
    while True:
        for token in scan(text, position, "options"):
            if token.kind not in ("comment", "stop"):
                return
            if token.kind == "comment":
                yield token
            position = token.end
        if position == len(text):
            return


def _formatted(statement: Statement, comments: Sequence[Comment]) -> tuple[list[str], list[Comment]]:
    """The lines of *statement* with *comments* in them, and the comments that go behind it."""
    pieces, lines = _pieces(statement), _lines(statement)
    outside = [comment for comment in comments if not any(_contains(piece, comment) for piece in pieces)]
    if not outside:
        return lines, []
    again = first_statement(Script("", "\n".join(lines)))
    assert again is not None
    printed = Printed(again, lines, [piece.span.end for piece in _pieces(again)])
    return printed.with_comments(outside, pieces)


def _contains(piece: Piece, comment: Comment) -> bool:
    """Whether the comment is part of a text that is kept as written."""
    return piece.span.start <= comment.start < piece.span.end and piece.span.text == piece.text


def _lines(statement: Statement) -> list[str]:
    """The statement without comments; the commands around blocks as the printer writes them."""
    keyword = keyword_of(statement)
    if not isinstance(statement, Command) or not keyword:
        return statement_lines(statement)
    if keyword in WITH_CONDITION:
        return [branch_line(keyword, condition_of(statement))]
    return [loop_line(*loop_of(statement)) if keyword == "for" else f"!{keyword};"]


def _pieces(statement: Statement) -> list[Piece]:
    """What of the statement is found again in its printed text, always in the same order."""
    if isinstance(statement, Command) and keyword_of(statement) in WITH_CONDITION:
        return [statement.name, condition_of(statement)]
    return [*_words_and_literals(statement)]


def _words_and_literals(part: object) -> Iterator[Piece]:
    if isinstance(part, Word | Literal):
        yield part
    elif isinstance(part, tuple):
        for each in part:
            yield from _words_and_literals(each)
    elif isinstance(part, Option | Statement):
        for field in fields(part):
            yield from _words_and_literals(getattr(part, field.name))
