"""Tokens and parse trees into the nodes of nodes.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from lark import Token as Leaf
from lark import Tree

from mlsql.grammar.literals import quote_of, read_literal
from mlsql.grammar.nodes import (
    Command,
    Connect,
    Include,
    Literal,
    Load,
    Option,
    Register,
    Save,
    SaveMode,
    Select,
    Set,
    Sql,
    Statement,
    Train,
    TrainVerb,
    Unregister,
    Word,
)
from mlsql.grammar.scanner import Token
from mlsql.spans import Script, Span

_MODES: dict[str, SaveMode] = {
    "overwrite": "overwrite",
    "append": "append",
    "errorifexists": "errorIfExists",
    "ignore": "ignore",
}
_WRITTEN: dict[str, type[Word | Literal]] = {
    **dict.fromkeys(("FORMAT", "PATH", "PATH_NAME", "TABLE", "ALIAS", "FUNCTION", "COLUMN", "KEY"), Word),
    **dict.fromkeys(("VALUE", "SET_VALUE"), Literal),
}
Options = tuple[Option, ...]


def build_statement(script: Script, tree: Tree[Leaf], tokens: Sequence[Token]) -> Statement:
    """The node of a statement with options, from its parse tree and its tokens."""
    return cast(Statement, _Builder(script, _span(script, tokens)).build(tree))


def build_select(script: Script, tokens: Sequence[Token]) -> Select:
    """The node of a select; its final ``as NAME`` names the table."""
    query, table = split_output(tokens)
    word = None if table is None else build_word(script, table)
    return Select(_raw(script, query), word, _span(script, tokens))


def build_sql(script: Script, tokens: Sequence[Token]) -> Sql:
    """The node of a statement that Spark runs as it is."""
    return Sql(_raw(script, tokens), _span(script, tokens))


def build_command(script: Script, start: int, tokens: Sequence[Token]) -> Command:
    """The node of a command whose ``!`` stands at *start*."""
    name, *arguments = tokens
    return Command(
        build_word(script, name),
        tuple(_literal(script, argument) for argument in arguments),
        script.span(start, tokens[-1].end),
    )


def split_output(tokens: Sequence[Token]) -> tuple[Sequence[Token], Token | None]:
    """The tokens of the query, and the one that names its table when the last two are ``as NAME``."""
    if len(tokens) < len(("select", "as", "name")):
        return tokens, None
    before, keyword, name = tokens[-3:]
    names = keyword.is_word("as") and not before.is_symbol(".") and name.kind in ("word", "backquoted")
    return (tokens[:-2], name) if names else (tokens, None)


def build_word(script: Script, token: Token) -> Word:
    """The name or path that *token* is."""
    return Word(read_literal(token.text), script.span(token.start, token.end), quote_of(token.text))


def _literal(script: Script, token: Token) -> Literal:
    return Literal(read_literal(token.text), script.span(token.start, token.end), quote_of(token.text))


def _raw(script: Script, tokens: Sequence[Token]) -> Word:
    span = _span(script, tokens)
    return Word(span.text, span)


def _span(script: Script, tokens: Sequence[Token]) -> Span:
    return script.span(tokens[0].start, tokens[-1].end)


class _Builder:
    """One method a rule of mlsql.lark, called with what its parts have become."""

    def __init__(self, script: Script, span: Span) -> None:
        self._script = script
        self._span = span

    def build(self, part: Tree[Leaf] | Leaf | None) -> Any:
        """What a part of the parse tree becomes; a keyword stays its text."""
        if isinstance(part, Tree):
            return getattr(self, part.data)(*map(self.build, part.children))
        if part is None or part.type not in _WRITTEN:
            return part
        assert part.start_pos is not None
        assert part.end_pos is not None
        span = self._script.span(part.start_pos, part.end_pos)
        return _WRITTEN[part.type](read_literal(part), span, quote_of(part))

    def statement(self, statement: Statement) -> Statement:
        return statement

    def load(self, source: Word, path: Word, options: Options, table: Word) -> Load:
        return Load(source, path, options, table, self._span)

    def save(
        self,
        mode: SaveMode | None,
        table: Word,
        source: Word,
        path: Word,
        options: Options,
        partition_by: tuple[Word, ...] | None,
    ) -> Save:
        return Save(mode or "errorIfExists", table, source, path, options, partition_by or (), self._span)

    def set(self, name: Word, value: Literal, options: Options) -> Set:
        return Set(name, value, options, self._span)

    def connect(self, source: Word, options: Options, alias: Word | None) -> Connect:
        return Connect(source, options, alias, self._span)

    def train(
        self, verb: TrainVerb, table: Word, algorithm: Word, path: Word, options: Options, output: Word | None
    ) -> Train:
        return Train(verb, table, algorithm, path, options, output, self._span)

    def register(
        self, algorithm: Word, path: Word, options: Options, function: Word, more: Options
    ) -> Register:
        return Register(algorithm, path, function, options + more, self._span)

    def unregister(self, function: Word) -> Unregister:
        return Unregister(function, self._span)

    def include(self, source: Word, path: Word, options: Options) -> Include:
        return Include(source, path, options, self._span)

    def verb(self, word: Leaf) -> TrainVerb:
        return cast(TrainVerb, word.lower())

    def mode(self, word: Leaf) -> SaveMode:
        return _MODES[word.lower()]

    def partition_by(self, *columns: Word) -> tuple[Word, ...]:
        return columns

    def dotted_path(self, *parts: Word) -> Word:
        return _dotted(parts)

    def options(self, *options: Option | None) -> Options:
        return tuple(option for option in options if option)

    def option(self, key: Word, value: Literal) -> Option:
        return Option(key, value)

    def key(self, *parts: Word) -> Word:
        return _dotted(parts)


def _dotted(parts: Sequence[Word]) -> Word:
    """The parts with dots between them; a quote anywhere makes the whole quoted."""
    if len(parts) == 1:
        return parts[0]
    quote = "`" if any(part.quote for part in parts) else ""
    return Word(".".join(part.text for part in parts), parts[0].span.to(parts[-1].span), quote)  # type: ignore[arg-type]
