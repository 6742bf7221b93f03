"""The names in a query, found by its tokens: its tables, and the words among which its columns are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlsql.grammar.literals import read_literal
from mlsql.grammar.scanner import Token, scan

_FROM_IS_AN_ARGUMENT = ("extract", "trim", "ltrim", "rtrim", "btrim", "substring", "substr", "overlay")
_NO_ALIAS = frozenset(
    {"where", "group", "order", "having", "limit", "offset", "union", "except", "minus", "intersect", "on"}
    | {"join", "inner", "cross", "left", "right", "full", "semi", "anti", "natural", "lateral", "window"}
    | {"cluster", "distribute", "sort", "using", "pivot", "unpivot", "tablesample", "select", "values"}
)
_NO_TABLE = frozenset({"values", "lateral", "select", "table", "stream", "identifier", "json", "only"})
_NAME_COLUMNS = frozenset(
    {"explode", "explode_outer", "posexplode", "posexplode_outer", "inline", "inline_outer", "stack"}
    | {"json_tuple", "parse_url_tuple", "transform", "map", "values"}
)


@dataclass(frozen=True, slots=True)
class TableName:
    """A table as a query names it, and where it stands in the text."""

    name: str
    start: int
    end: int


def table_names(query: str) -> tuple[TableName, ...]:
    """The tables behind ``from`` and ``join``, without those that ``with`` names and qualified ones.

    >>> [each.name for each in table_names("with a as (select 1) select * from a, b join c on d")]
    ['b', 'c']
    """
    reading = _Reading(_tokens(query))
    own = {name.casefold() for name in reading.common_tables()}
    return tuple(each for each in reading.named() if each.name.casefold() not in own)


def column_words(query: str) -> Collection[str] | None:
    """Words among which are the names of the columns of a query; None when they may be others.

    >>> sorted(column_words("select a as b from t")), column_words("select * from t")
    (['a', 'as', 'b', 'from', 'select', 't'], None)
    """
    tokens = _tokens(query)
    stars = (
        before
        for before, token in pairwise(tokens)
        if token.is_symbol("*") and (before.is_word("select", "distinct", "all") or before.text in (",", "."))
    )
    named_by_spark = any(token.is_word(*_NAME_COLUMNS) for token in tokens)
    if named_by_spark or any(stars) or not tokens[0].is_word("select", "with"):
        return None
    return {read_literal(token.text) for token in tokens if token.kind in ("word", "backquoted")}


def _tokens(query: str) -> list[Token]:
    return [token for token in scan(query, 0, "sql") if token.kind != "comment"]


class _Reading:
    """The tokens of a query, and which of its parentheses belong together."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._opener: dict[int, int] = {}
        """The innermost parenthesis that is open at a ``from`` or ``join``."""
        self._behind: dict[int, int] = {}
        """Where it goes on behind a parenthesis."""
        opened: list[int] = []
        for index, token in enumerate(tokens):
            if token.is_symbol("("):
                opened.append(index)
            elif token.is_symbol(")") and opened:
                self._behind[opened.pop()] = index + 1
            elif token.is_word("from", "join") and opened:
                self._opener[index] = opened[-1]

    def common_tables(self) -> Iterator[str]:
        """The names that ``with name as (…)`` and ``with name (columns) as (…)`` give."""
        tokens = self._tokens
        for index, token in enumerate(tokens[:-2]):
            behind = self._behind.get(index + 1, index + 1)
            if _is_name(token) and tokens[behind].is_word("as") and tokens[behind + 1].is_symbol("("):
                yield read_literal(token.text)

    def named(self) -> Iterator[TableName]:
        """The names behind each ``from`` and ``join``."""
        for index, token in enumerate(self._tokens):
            if index and token.is_word("from", "join") and not self._is_argument(index):
                yield from self._relations(index + 1)

    def _is_argument(self, index: int) -> bool:
        """Whether a ``from`` is that of ``extract(year from day)``, of ``is distinct from``, or a column."""
        before, opener = self._tokens[index - 1], self._opener.get(index, 0)
        function = self._tokens[opener - 1] if opener else before
        return before.is_word("distinct") or before.is_symbol(".") or function.is_word(*_FROM_IS_AN_ARGUMENT)

    def _relations(self, index: int) -> Iterator[TableName]:
        """The names of a list of tables with commas between them, which begins at *index*."""
        tokens = self._tokens
        while True:
            first = tokens[index]
            if _is_table(first, tokens[min(index + 1, len(tokens) - 1)]):
                if "${" not in first.text:
                    yield TableName(read_literal(first.text), first.start, first.end)
                index += 1
            elif index in self._behind:
                index = self._behind[index]
            else:
                return
            index = self._behind_alias(index)
            if not tokens[index].is_symbol(","):
                return
            index += 1

    def _behind_alias(self, index: int) -> int:
        index += self._tokens[index].is_word("as")
        named = _is_name(self._tokens[index]) and not self._tokens[index].is_word(*_NO_ALIAS)
        return self._behind.get(index + 1, index + 1) if named else index


def _is_table(token: Token, behind: Token) -> bool:
    """Whether *token* names a table, as opposed to a database, a function or a subquery."""
    return (
        _is_name(token)
        and not token.is_word(*_NO_TABLE)
        and not behind.is_symbol(".")
        and not behind.is_symbol("(")
    )


def _is_name(token: Token) -> bool:
    return token.kind in ("word", "backquoted") and not token.text[0].isdigit()
