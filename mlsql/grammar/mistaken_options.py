"""What is wrong with ``key="value"`` and with what joins options."""

from __future__ import annotations

import re

from mlsql.grammar.errors import Finding, shortened, shown
from mlsql.grammar.mistakes import OPENS_OPTION, QUOTED, VALUES, WORDLIKE, Diagnosis, Mistake
from mlsql.grammar.scanner import KEYWORDS
from mlsql.names import nearest

_BARE = ("word", "number")
_JOINS = ("and", "as", "where", "options", "partitionBy")
_WORDS_RUN = re.compile(rf"[^;\n]+?(?=\s*(?:[;\n]|$)|\s(?:{'|'.join(_JOINS)})\s)", re.IGNORECASE)
_WHERE = re.compile(r"\s+(?:where|options)\b", re.IGNORECASE)
_VALUE_RUN = re.compile(r"(?:[^\s;,]|,(?!\s|[\w`.]+\s*=))+")  # a comma before a key ends the value


def _doubled_equal(mistake: Mistake) -> Finding | None:
    if not (mistake.token.is_symbol("=") and mistake.last.is_symbol("=")):
        return None
    return Finding(mistake.here("an option is set with one `=`"), resume=mistake.token.end)


def _comma(mistake: Mistake) -> Finding | None:
    between = mistake.token.is_symbol(",") and mistake.role in VALUES
    if not between or mistake.after.kind not in (*WORDLIKE, "stop"):
        return None
    error = mistake.here("option values are joined by `and`, not `,`")
    return Finding(error, mistake.inserted("and"), resume=mistake.token.end)


def _or(mistake: Mistake) -> Finding | None:
    if not (mistake.token.is_word("or") and mistake.role in VALUES and mistake.after.kind in WORDLIKE):
        return None
    error = mistake.here(f"options are joined by `and`, not `{mistake.token.text}`")
    return Finding(error, mistake.inserted("and"), resume=mistake.token.end)


def _missing_and(mistake: Mistake) -> Finding | None:
    if not (mistake.key_follows and "AND" in mistake.expected and mistake.role in VALUES):
        return None
    return Finding(mistake.missing("missing `and` between two options"), mistake.inserted("and"))


def _value_left_out(mistake: Mistake) -> Finding | None:
    """``a= as t``, ``a= and b="c"``: the keyword was taken for the value."""
    keyword = mistake.role in VALUES and mistake.last.is_word("as", "and", "where")
    if not keyword or mistake.token.kind not in WORDLIKE or mistake.touches:
        return None
    key = mistake.taken_for("KEY")[-1].text
    error = mistake.missing(f"missing a value after {shown(f'{key} =')}", after=mistake.earlier)
    return Finding(error, mistake.inserted(mistake.last.text))


def _option_left_out(mistake: Mistake) -> Finding | None:
    """``where as t``: the keyword was taken for a key."""
    keyword = mistake.role == "KEY" and mistake.last.is_word("as") and mistake.token.kind in WORDLIKE
    if not keyword or mistake.earlier_role not in OPENS_OPTION - {"DOT"}:
        return None
    error = mistake.missing(f"missing an option after `{mistake.earlier.text}`", after=mistake.earlier)
    return Finding(error, mistake.inserted("=", '""', mistake.last.text))


def _unquoted_value(mistake: Mistake) -> Finding | None:
    """``a=/x``, or ``a=b/x`` with its beginning taken for the value."""
    begun = mistake.role in VALUES and mistake.last.kind in ("word", "number") and mistake.touches
    wanted = mistake.expected & VALUES and mistake.token.kind == "symbol"
    if not (begun or wanted):
        return None
    start = mistake.last.start if begun else mistake.token.start
    end = mistake.end_of(_VALUE_RUN, start)
    hint = f'write "{shortened(mistake.script.text[start:end])}"'
    error = mistake.between(start, end, "a value other than a number or one name must be quoted", hint)
    return Finding(error, () if begun else mistake.inserted('""'), resume=end)


def _words_unquoted(mistake: Mistake) -> Finding | None:
    """``a=b c``, and ``set a = b c``, where the second word was taken for a key."""
    taken = mistake.role == "KEY" and mistake.earlier_role == "SET_VALUE"
    value, word, follower = (
        (mistake.earlier, mistake.last, mistake.token)
        if taken
        else (mistake.last, mistake.token, mistake.after)
    )
    if not taken and mistake.role not in VALUES:
        return None
    if value.kind not in _BARE or word.kind not in _BARE or word.is_word(*KEYWORDS):
        return None
    if follower.kind != "stop" and nearest(word.text, _JOINS):
        return None
    words = _WORDS_RUN.match(mistake.script.text, value.start)
    end = max(word.end, words.end() if words else 0)
    hint = f'write "{shortened(mistake.script.text[value.start : end])}"'
    error = mistake.between(value.start, end, "a value of several words must be quoted", hint)
    if not taken:
        return Finding(error, resume=end)
    where = _WHERE.match(mistake.script.text, end)
    mended = mistake.inserted("=", '""', *(["and"] if where else []))
    return Finding(error, mended, resume=where.end() if where else end)


def _backquoted_value(mistake: Mistake) -> Finding | None:
    """``a=`b` ``: only ``set`` takes a value in backquotes."""
    if mistake.token.kind != "backquoted" or "VALUE" not in mistake.expected:
        return None
    hint = f'write "{shortened(mistake.token.text[1:-1])}"'
    error = mistake.here("the value of an option stands in quotes, not in backquotes", hint)
    return Finding(error, mistake.inserted('""'), resume=mistake.token.end)


def _missing_value(mistake: Mistake) -> Finding | None:
    if not mistake.last.is_symbol("=") or not mistake.expected & VALUES:
        return None
    hint = f'it stands in quotes: {mistake.earlier.text}="…"'
    return Finding(mistake.missing("missing a value after `=`", hint))


def _quote_inside(mistake: Mistake) -> Finding | None:
    """``a="say "x""``: the string ends where the author did not mean it to."""
    as_key = mistake.role == "KEY" and mistake.earlier_role in VALUES
    string, follower = (mistake.earlier, mistake.last) if as_key else (mistake.last, mistake.token)
    if string.kind != "string" or string.end != follower.start or follower.kind in ("symbol", "stop"):
        return None
    quote = string.text[0]
    hint = f"inside, {quote} is written \\{quote}; or put other quotes around the whole"
    return Finding(mistake.between(string.end - 1, string.end, "the string ends here", hint))


def _missing_equal(mistake: Mistake) -> Finding | None:
    if not (mistake.role == "KEY" and "EQUAL" in mistake.expected):
        return None
    hint = None if mistake.verb == "set" else 'an option is written key="value"'
    error = mistake.missing(f"missing `=` after {shown(mistake.last.text)}", hint)
    has_value = mistake.token.kind in ("number", *QUOTED)
    return Finding(error, mistake.inserted("=") if has_value else mistake.inserted("=", '""'))


def _late_options(mistake: Mistake) -> Finding | None:
    """``load … as t where …``."""
    ends = mistake.taken_for("AS", "PARTITIONBY")
    if not ends or "$END" not in mistake.expected or not mistake.token.is_word("where", "options", "and"):
        return None
    what = mistake.script.text[ends[-1].start : mistake.last.end]
    return Finding(mistake.here(f"options stand before {shown(what)}"))


OPTION_DIAGNOSES: tuple[Diagnosis, ...] = (
    _doubled_equal,
    _comma,
    _or,
    _value_left_out,
    _missing_and,
    _option_left_out,
    _unquoted_value,
    _words_unquoted,
    _backquoted_value,
    _missing_value,
    _quote_inside,
    _missing_equal,
    _late_options,
)
