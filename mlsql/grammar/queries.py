"""What can be wrong with a query before Spark sees it; its text is otherwise Spark's affair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from mlsql.errors import ScriptError
from mlsql.grammar.builder import split_output
from mlsql.grammar.errors import place, typographic_errors
from mlsql.grammar.foreign_words import DIRECTIVES, VELOCITY
from mlsql.grammar.scanner import MODES, Token, is_statement, starts_line
from mlsql.spans import Script

_SQLFLOW: Mapping[str, str] = {
    "train": 'train data as Algorithm.`{path}` where labelCol="{label}"',
    "predict": "predict data as Algorithm.`{path}` as predicted",
    "evaluate": 'train … where evaluateTable="data"',
    "explain": "!model describe `{path}`",
}


def is_select(tokens: Sequence[Token]) -> bool:
    """Whether the statement of *tokens* is a select, as opposed to one that is passed through."""
    return tokens[0].is_word("select", "with")


def statement_begins(script: Script, tokens: Sequence[Token], token: Token, opened: Sequence[Token]) -> bool:
    """Whether *token* begins the next statement, so that the one of *tokens* lacks its ``;``.

    *opened* are the parentheses that are open there. In a select it is so after an ``as NAME`` that
    ends a line, and wherever a line has the form of a statement that SQL does not know.
    """
    if not tokens or not (token.is_symbol("!") or token.is_word(*MODES)):
        return False
    if not is_statement(script.text, token.start) or not starts_line(script.text, token.start):
        return False
    unknown_to_sql = is_statement(script.text, token.start, ours=True)
    if not is_select(tokens):
        return unknown_to_sql and not token.is_word("set")
    return unknown_to_sql or (not opened and split_output(tokens)[1] is not None)


def query_errors(script: Script, tokens: Sequence[Token], opened: Sequence[Token]) -> list[ScriptError]:
    """What is wrong with the query or pass-through statement of *tokens*, with *opened* left open."""
    odd = (token for token in tokens if token.kind == "symbol" and not token.text.isascii())
    errors = [*typographic_errors(script, odd)]
    if is_select(tokens):
        errors += [*_directives(script, tokens), *_sqlflow(script, tokens)]
        errors += [ScriptError("unclosed parenthesis", span=place(script, each)) for each in opened[-1:]]
    return errors


def keep_open(opened: list[Token], token: Token) -> None:
    """Add *token* to the parentheses that are open, or take off the one that it closes."""
    if token.is_symbol("("):
        opened.append(token)
    elif token.is_symbol(")") and opened:
        opened.pop()


def _directives(script: Script, tokens: Sequence[Token]) -> Iterator[ScriptError]:
    """Errors for what the Velocity templates of older engines understood."""
    for sign, word, bracket in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if sign.is_symbol("#") and word.is_word(*DIRECTIVES) and bracket.is_symbol("("):
            yield ScriptError(
                f"Velocity directives such as `#{word.text}(` are not part of the language",
                span=script.span(sign.start, word.end),
                hint=VELOCITY,
            )


def _sqlflow(script: Script, tokens: Sequence[Token]) -> Iterator[ScriptError]:
    """The error for ``select … to train …`` and its like."""
    for before, to, verb, _ in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):
        if to.is_word("to") and verb.is_word(*_SQLFLOW) and not before.is_word("from", "join", "as"):
            path, label = _behind(script, tokens, "into", "using"), _behind(script, tokens, "label")
            ours = _SQLFLOW[verb.text.lower()].format(path=path, label=label)
            yield ScriptError(
                f"`{to.text} {verb.text}` is SQLFlow's language",
                span=script.span(to.start, verb.end),
                hint=f"name the rows (select … as data;), then: {ours};",
            )
            return


def _behind(script: Script, tokens: Sequence[Token], *words: str) -> str:
    """What stands behind the last of *words*, up to a blank."""
    starts = [name.start for word, name in pairwise(tokens) if word.is_word(*words)]
    return script.text[starts[-1] : tokens[-1].end].split()[0] if starts else "…"
