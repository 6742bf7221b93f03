"""Positions in a script, and the excerpt with a caret that shows them to its author.

Offsets, lines and columns count code points. Lines end at ``\\n`` alone, so that a position
means the same here, in Spark (which reports code points too) and in an editor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_WIDEST = 200
"""How many characters of a line an excerpt shows at most."""
_SECRET_VALUE = re.compile(
    r"""(?imx)
    (?: (?<! [\w.`-] ) (?= [\w.`-]++ \s*+ = )
        (?= [\w.`-]*? (?: password | passwd | secret | token | credential | access_?key | private_?key
            | (?<=systemparam\.) envs ) )
        [\w.`-]++ \s*+ = \s*+ (?P<quote>'''|\"""|["'`]?) )
    (?P<value> (?: (?<= '{3} | \"{3} ) [\s\S]+? (?= '{3} | \"{3} ) | .+? ) )
    (?: (?P=quote)(?=\s|;|,|$) | $ )
    | ://[^/\s:@"'`]++:(?P<credential>[^@\s"'`]{1,4096}+)@
    """
)
_TOKEN = re.compile(r"(?<=mlsql_[0-9a-f]{12}_)[A-Za-z0-9_-]{43}")
_INK = re.compile(r"[^\n]")


@dataclass(frozen=True, slots=True)
class Script:
    """A text with the name that messages call it by (``churn.mlsql``, ``<stdin>``).

    ``origin`` is the statement that brought the text in (an include, a macro call); None for
    the script that the user submitted.
    """

    name: str
    text: str = field(repr=False)
    origin: Span | None = field(default=None, repr=False, compare=False)

    def span(self, start: int, end: int) -> Span:
        """The span from offset *start* up to, not including, *end*."""
        return Span(self, start, end)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one script: code point offsets, *start* included, *end* not."""

    script: Script = field(repr=False)
    start: int
    end: int

    @property
    def text(self) -> str:
        """What stands there."""
        return self.script.text[self.start : self.end]

    @property
    def line(self) -> int:
        """The line of the first character, counted from 1."""
        return self.script.text.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """The column of the first character, counted from 1."""
        return self.start - self._line_start

    @property
    def end_line(self) -> int:
        """The line just behind the last character, counted from 1."""
        return self.script.text.count("\n", 0, self.end) + 1

    @property
    def end_column(self) -> int:
        """The column just behind the last character, counted from 1."""
        return self.end - self.script.text.rfind("\n", 0, self.end)

    @property
    def place(self) -> str:
        """``file:line:column``, as messages begin.

        >>> Script("a.mlsql", "set a=1;\\nload x").span(9, 13).place
        'a.mlsql:2:1'
        """
        return f"{self.script.name}:{self.line}:{self.column}"

    def to(self, end: Span) -> Span:
        """The span from the start of this one to the end of *end* (of the same script)."""
        return Span(self.script, self.start, end.end)

    def excerpt(self) -> str:
        """The first line of the span with carets under it; secrets on the line are masked.

        The caret line repeats the tabs of the line above, so both stay aligned. Of a very long
        line only the surroundings of the span are shown.

        >>> print(Script("a", "load jbdc.`x` as t").span(5, 9).excerpt())
            load jbdc.`x` as t
                 ^^^^
        """
        line, column = self._shown_line()
        indent = "".join("\t" if char == "\t" else " " * _cells(char) for char in line[:column])
        marked = line[column:][: max(1, self.end - self.start)]
        return f"    {line}\n    {indent}{'^' * max(1, sum(map(_cells, marked)))}"

    def _shown_line(self) -> tuple[str, int]:
        """The first line as an excerpt has it, and where in it the span begins."""
        start = self._line_start + 1
        newline = self.script.text.find("\n", self.start)
        whole = self.script.text[start : newline if newline >= 0 else len(self.script.text)].rstrip("\r")
        line, column = mask_secrets(whole), self.start - start
        first = max(0, min(column - _WIDEST // 2, len(line) - _WIDEST))
        shown = ("…" if first else line[:1]) + line[first + 1 : first + _WIDEST]
        if first + _WIDEST < len(line):
            shown = shown[:-1] + "…"
        return shown, column - first

    @property
    def _line_start(self) -> int:
        """The offset of the newline before the span, -1 on the first line."""
        return self.script.text.rfind("\n", 0, self.start)


def mask_secrets(text: str) -> str:
    """*text* with the values of secret-looking options and credentials in URLs starred out.

    Works on the characters alone, so a line that does not parse leaks nothing either. The
    length is kept, so positions still hold.

    >>> mask_secrets('where user="ann" and password="pa ss"')
    'where user="ann" and password="*****"'
    >>> mask_secrets("jdbc:x://ann:pass@host/db")
    'jdbc:x://ann:****@host/db'
    """

    def stars(match: re.Match[str]) -> str:
        group = "credential" if match["credential"] is not None else "value"
        start, end = match.start(group) - match.start(), match.end(group) - match.start()
        whole = match[0]
        return whole[:start] + _INK.sub("*", whole[start:end]) + whole[end:]

    masked = _SECRET_VALUE.sub(stars, text)
    return _TOKEN.sub(lambda match: "*" * len(match[0]), masked) if "mlsql_" in masked else masked


def _cells(char: str) -> int:
    """How many terminal columns *char* takes: 2 for wide East Asian ones, 0 for combining marks."""
    if char.isascii():
        return 1
    import unicodedata

    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
