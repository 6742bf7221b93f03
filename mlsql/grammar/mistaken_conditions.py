"""What is wrong where a condition stops making sense, in the words of its author.

The diagnoses are asked in order, and the first that recognises the mistake tells the error. They
speak of the terminals of conditions.lark.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from mlsql.grammar.condition_mistakes import (
    CLOSINGS,
    OPENINGS,
    Complaint,
    ConditionMistake,
    end_of,
    start_of,
)
from mlsql.grammar.errors import shortened, shown, typographic
from mlsql.grammar.scanner import Token
from mlsql.names import nearest
from mlsql.spans import Script

_WORDS = ("and", "or", "not", "in", "like", "is", "between", "as", "null")
_OPERATORS = frozenset("<>=!&|*/%+-,;)]")
_MEANT = {
    "=>": ">=",
    "=<": "<=",
    "===": "==",
    "!==": "!=",
    "<=>": "==",
    "=!": "!=",
    "&": "and",
    "|": "or",
    "~": "not",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "×": "*",
    "÷": "/",
    "：": ":",
    "！": "!",
    "＞": ">",
    "＜": "<",
}
_MISTAKEN = re.compile("|".join(map(re.escape, sorted(_MEANT, key=len, reverse=True))))


def diagnose(mistake: ConditionMistake) -> Complaint:
    """What the first diagnosis that recognises *mistake* says of it."""
    found = (diagnosis(mistake) for diagnosis in DIAGNOSES)
    return next(complaint for complaint in found if complaint is not None)


def _unclosed(mistake: ConditionMistake) -> Complaint | None:
    """``:x == 'a``, ``:`a``, ``1 /* a``."""
    rest, start = mistake.text[mistake.position :], mistake.position
    if rest.startswith("/*"):
        return mistake.between(start, start + 2, "unclosed comment", "close it with */")
    if rest.startswith(":`"):
        return mistake.between(start + 1, start + 2, "unclosed backquote", "close it with `")
    if mistake.piece in ("'", '"'):
        return mistake.here("unclosed string", f"close it with {mistake.piece}")
    return None


def _quote_in_text(mistake: ConditionMistake) -> Complaint | None:
    """``'it's'``, ``'it''s'``: the quote inside has ended the text."""
    text = mistake.touches("STRING")
    if text is None or not (mistake.piece.startswith(text[0]) or mistake.piece[:1].isalnum()):
        return None
    hint = f"a {text[0]} inside a text is written \\{text[0]}"
    return mistake.between(end_of(text) - 1, end_of(text), f"the text {shortened(text)} ends here", hint)


def _foreign_character(mistake: ConditionMistake) -> Complaint | None:
    """Typographic quotes, and the punctuation of a Chinese keyboard."""
    start = mistake.position
    token = Token("symbol", mistake.text[start : start + 1], start, start + 1)
    finding = typographic(Script("", mistake.text), token)
    if finding is None or finding.error.span is None:
        return None
    span = finding.error.span
    return mistake.between(span.start, span.end, finding.error.message, finding.error.hint)


def _mistaken_operator(mistake: ConditionMistake) -> Complaint | None:
    """``=>``, ``===``, a single ``&``; the lexer may have taken its first half for an operator."""
    half = mistake.touches("COMPARE", "NOT")
    operator = _MISTAKEN.match(mistake.text, mistake.position if half is None else start_of(half))
    if operator is None or operator.end() <= mistake.position:
        return None
    return mistake.between(*operator.span(), f"unexpected `{operator[0]}`", f"write {_MEANT[operator[0]]}")


def _cast_behind(mistake: ConditionMistake) -> Complaint | None:
    """``:x::int``."""
    return mistake.here("unexpected `::`", "write cast(… as type)") if mistake.piece == "::" else None


def _missing_name(mistake: ConditionMistake) -> Complaint | None:
    """``: x``, ``:[0]``."""
    if mistake.piece != ":":
        return None
    end = mistake.position + 1
    hint = "a variable or column is written :name, without a blank"
    return mistake.between(end, end, "missing the name after `:`", hint)


def _nothing(mistake: ConditionMistake) -> Complaint | None:
    if mistake.before or not mistake.at_end:
        return None
    return mistake.between(0, len(mistake.text), "missing a condition", "such as :n > 1")


def _missing_in_select(mistake: ConditionMistake) -> Complaint | None:
    """``select 1;``, ``select 1 as n;``, ``select 1 as :n`` with nothing behind."""
    if not mistake.before or mistake.before[0].type != "_SELECT":
        return None
    if mistake.expected == {"VARIABLE"}:
        hint = f"write :{mistake.word}" if mistake.word else None
        return mistake.behind("missing `:<name>` after `as`", hint)
    if mistake.before[-1] == ";" and mistake.at_end:
        return mistake.behind("missing the condition after `;`", "a select only names what it tests")
    if "SEMICOLON" in mistake.expected:
        return mistake.behind("missing `;` after the select", "write the condition behind it")
    is_over = mistake.at_end or mistake.piece in (";", ",")
    if is_over and "_AS" in mistake.expected and not mistake.opened:
        return mistake.behind("missing `as :<name>`", "what is selected gets a name: select … as :v;")
    return None


def _missing_in_cast(mistake: ConditionMistake) -> Complaint | None:
    """``cast(:x)``, ``cast(:x int)``, ``cast(:x as)``."""
    if mistake.expected == {"TYPE_NAME"}:
        return mistake.behind(f"missing a type after {shown(mistake.before[-1])}", "such as int or string")
    opened = mistake.opened
    inside = opened and any(
        before.type == "_CAST" and after is opened[-1] for before, after in pairwise(mistake.before)
    )
    if not inside or "_AS" not in mistake.expected or not (mistake.piece == ")" or mistake.word):
        return None
    return mistake.behind("missing `as <type>`", "a cast is written cast(:x as int)")


def _bare_name(mistake: ConditionMistake) -> Complaint | None:
    """``n > 1``."""
    word = mistake.word
    if not mistake.wants_value or not word or word.lower() in _WORDS:
        return None
    if word.lower() == "select":
        return mistake.here("unexpected `select`", "it may only stand first: select … as :v; condition")
    if word.lower() == "case":
        return mistake.here("unexpected `case`", "write if(condition, value, other)")
    hint = f"write :{word} for the variable or column, '{word}' for the text"
    return mistake.here(f"{shown(word)} is no value", hint)


def _missing_value(mistake: ConditionMistake) -> Complaint | None:
    """``:n >``, ``and :n > 1``, ``f(1, )``."""
    operator = mistake.piece[:1] in _OPERATORS or mistake.word
    if not mistake.wants_value or not (mistake.at_end or operator):
        return None
    if mistake.last is None:
        return mistake.here(f"missing a value before {shown(mistake.piece)}")
    return mistake.behind(f"missing a value after {shown(mistake.last)}")


def _missing_keyword(mistake: ConditionMistake) -> Complaint | None:
    """``:x in 1``, ``:x is 1``, ``:x not 1``, ``:x between 1``."""
    if mistake.last is None or mistake.wants_value or "OR" in mistake.expected:
        return None
    after, expected = f"after {shown(mistake.last)}", mistake.expected
    if expected == {"LPAR"}:
        return mistake.behind(f"missing `(` {after}")
    if "NULL" in expected:
        return mistake.behind(f"missing `null` {after}", "other values are compared with ==")
    if "_LIKE" in expected:
        return mistake.behind(f"missing `in`, `like` or `between` {after}")
    if "AND" in expected:
        return mistake.behind(f"missing `and` {after}", "write between low and high")
    return None


def _unclosed_bracket(mistake: ConditionMistake) -> Complaint | None:
    """``(:n > 1``, ``select f(1 as :x; …``."""
    if not mistake.opened or not (mistake.at_end or mistake.piece in (";", "as")):
        return None
    opening = mistake.opened[-1]
    closing = next(each for each, opened in CLOSINGS.items() if opened == opening)
    message = f"unclosed {OPENINGS[opening]}"
    return mistake.between(start_of(opening), end_of(opening), message, f"close it with {closing}")


def _unopened_bracket(mistake: ConditionMistake) -> Complaint | None:
    opening = CLOSINGS.get(mistake.piece)
    if opening is None or mistake.opened[-1:] == [opening]:
        return None
    return mistake.here(f"unexpected `{mistake.piece}`", f"no `{opening}` is open here")


def _misspelt_word(mistake: ConditionMistake) -> Complaint | None:
    """``:a adn :b``."""
    near = nearest(mistake.word, _WORDS)
    if near is None or near == mistake.word.lower():
        return None
    return mistake.here(f"unexpected {shown(mistake.word)}", f"did you mean `{near}`?")


def _missing_operator(mistake: ConditionMistake) -> Complaint | None:
    """``:a 5``."""
    begins_value = mistake.piece[:1].isalnum() or mistake.piece[:1] in tuple("'\"_:(")
    if mistake.wants_value or not begins_value or mistake.word.lower() in _WORDS:
        return None
    return mistake.behind(f"missing an operator before {shown(mistake.piece)}", "such as ==, <, and, or")


def _last_semicolon(mistake: ConditionMistake) -> Complaint | None:
    if mistake.piece != ";":
        return None
    return mistake.here("unexpected `;`", "only select … as :v; has one")


def _unexpected(mistake: ConditionMistake) -> Complaint:
    if mistake.at_end:
        return mistake.behind("the condition is not complete")
    hint = "a name in backquotes is written :`…`" if mistake.piece == "`" else None
    return mistake.here(f"unexpected {shown(mistake.piece)}", hint)


DIAGNOSES: tuple[Callable[[ConditionMistake], Complaint | None], ...] = (
    _unclosed,
    _quote_in_text,
    _foreign_character,
    _mistaken_operator,
    _cast_behind,
    _missing_name,
    _nothing,
    _missing_in_select,
    _missing_in_cast,
    _bare_name,
    _missing_value,
    _missing_keyword,
    _unclosed_bracket,
    _unopened_bracket,
    _misspelt_word,
    _missing_operator,
    _last_semicolon,
    _unexpected,
)
"""Asked in this order; the last recognises everything."""
