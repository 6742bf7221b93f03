"""What is wrong with ``key="value"`` and with what joins options."""

from __future__ import annotations

import re

from mlsql.grammar.errors import Finding, shortened, shown
from mlsql.grammar.mistakes import OPENS_OPTION, PATHS, QUOTED, VALUES, WORDLIKE, Diagnosis, Mistake
from mlsql.grammar.scanner import KEYWORDS
from mlsql.names import nearest

_BARE = ("word", "number")
_JOINS = ("and", "as", "where", "options", "partitionBy")
_WORDS_RUN = re.compile(rf"[^;\n]+?(?=\s*(?:[;\n]|$)|\s(?:{'|'.join(_JOINS)})\s)", re.IGNORECASE)
_WHERE = re.compile(r"\s+(?:where|options)\b", re.IGNORECASE)
_KEYED = re.compile(r"\s*[.=]")
_SIGNS = re.compile(r"[&|]+")
_VALUE_RUN = re.compile(r"(?:[^\s;,]|,(?!\s|[\w`.]+\s*=))+")  # a comma before a key ends the value


def _doubled_equal(mistake: Mistake) -> Finding | None:
    if not (mistake.token.is_symbol("=") and mistake.last.is_symbol("=")):
        return None
    return Finding(mistake.here("an option is set with one `=`"), resume=mistake.token.end)


def _colon(mistake: Mistake) -> Finding | None:
    """``key: "value"``, ``set a := 1``; a name may have colons inside."""
    behind = mistake.after
    is_equal = behind.is_symbol("=") and behind.start == mistake.token.end
    inside = behind.kind not in ("number", *QUOTED) and behind.start == mistake.token.end
    if mistake.role != "KEY" or not mistake.token.is_symbol(":") or (inside and not is_equal):
        return None
    end = behind.end if is_equal else mistake.token.end
    written = mistake.script.text[mistake.token.start : end]
    error = mistake.between(mistake.token.start, end, f"a value stands behind `=`, not `{written}`", None)
    return Finding(error, mistake.inserted("="), resume=end)


def _parenthesis(mistake: Mistake) -> Finding | None:
    """``options(a="b")``, ``partitionBy (a, b)``."""
    opens = mistake.role in (*OPENS_OPTION, *PATHS, "PARTITIONBY") and mistake.token.is_symbol("(")
    if not opens:
        return None
    what = "columns" if mistake.role == "PARTITIONBY" else "options"
    return Finding(mistake.here(f"{what} stand without parentheses"))


def _comma(mistake: Mistake) -> Finding | None:
    between = mistake.token.is_symbol(",") and mistake.role in VALUES
    if not between or mistake.after.kind not in (*WORDLIKE, "stop"):
        return None
    if mistake.role == "SET_VALUE" and mistake.after.kind in WORDLIKE:
        hint = f"write set {mistake.after.text} = …; as a statement of its own"
        return Finding(mistake.here("a `set` gives a value to one variable", hint))
    error = mistake.here("option values are joined by `and`, not `,`")
    return Finding(error, mistake.inserted("and"), resume=mistake.token.end)


def _or(mistake: Mistake) -> Finding | None:
    """``a="b" or c="d"``, ``a="b" && c="d"``."""
    sign = _SIGNS.match(mistake.script.text, mistake.token.start)
    if mistake.role not in VALUES or not (sign or mistake.token.is_word("or")):
        return None
    if not sign and mistake.after.kind not in WORDLIKE:
        return None
    end = sign.end() if sign else mistake.token.end
    message = f"options are joined by `and`, not `{mistake.script.text[mistake.token.start : end]}`"
    error = mistake.between(mistake.token.start, end, message, None)
    return Finding(error, mistake.inserted("and"), resume=end)


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
    hint = f"write {_in_quotes(mistake.script.text[start:end])}"
    error = mistake.between(start, end, "a value other than a number or one name must be quoted", hint)
    return Finding(error, () if begun else mistake.inserted('""'), resume=end)


def _in_quotes(text: str) -> str:
    quote = "'" if '"' in text else '"'
    return f"{quote}{shortened(text)}{quote}"


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
    hint = f"write {_in_quotes(mistake.script.text[value.start : end])}"
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
    if (
        mistake.role == "COLUMN"
        and mistake.token.is_word("and")
        and not _KEYED.match(mistake.script.text, mistake.after.end)
    ):
        return Finding(mistake.here("columns are joined by `,`, not `and`"))
    what = mistake.script.text[ends[-1].start : mistake.last.end]
    return Finding(mistake.here(f"options stand before {shown(what)}"))


BEFORE_NAMES: tuple[Diagnosis, ...] = (_colon,)
"""Asked before those of names, which may have colons inside."""

OPTION_DIAGNOSES: tuple[Diagnosis, ...] = (
    _doubled_equal,
    _parenthesis,
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
