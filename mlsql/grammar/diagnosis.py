"""What is wrong where the parser of a statement with options stops.

:data:`DIAGNOSES` are asked in order, and the first that recognises a :class:`Mistake` tells the
error and how to read on. They speak of roles, the terminals of mlsql.lark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlsql.grammar.errors import (
    Finding,
    missing_semicolon,
    shortened,
    shown,
    swallowed,
    typographic,
    unclosed,
)
from mlsql.grammar.mistaken_names import NAME_DIAGNOSES
from mlsql.grammar.mistaken_options import BEFORE_NAMES, OPTION_DIAGNOSES
from mlsql.grammar.mistaken_words import WORD_DIAGNOSES
from mlsql.grammar.mistakes import OPENS_OPTION, PATHS, VALUES, WORDLIKE, Diagnosis, Mistake
from mlsql.grammar.scanner import KEYWORDS, is_statement
from mlsql.names import nearest

_IN_WORDS: Mapping[str, str] = {
    "TABLE": "the name of a table",
    "FUNCTION": "the name of a function",
    "ALIAS": "a name",
    "COLUMN": "the name of a column",
    "FORMAT": "format.`path`",
    "PATH": "a path in backquotes",
    "PATH_NAME": "a path in backquotes",
    "KEY": 'an option key="value"',
    "VALUE": "a value",
    "SET_VALUE": "a value",
    "DOT": "`.`",
    "EQUAL": "`=`",
    "COMMA": "`,`",
    "$END": "`;`",
    "PARTITIONBY": "`partitionBy`",
    "ERRORIFEXISTS": "`errorIfExists`",
}
_AFTER_AS: Mapping[str, str] = {
    "load": "<table>",
    "save": "<format>.<path>",
    "train": "<Algorithm>.<path>",
    "run": "<Algorithm>.<path>",
    "predict": "<Algorithm>.<path>",
    "register": "<function>",
}
_SAVE_MODES = ("overwrite", "append", "errorIfExists", "ignore")


def diagnose(mistake: Mistake) -> Finding:
    """What the first diagnosis that recognises *mistake* says of it."""
    found = (diagnosis(mistake) for diagnosis in DIAGNOSES)
    return next(finding for finding in found if finding is not None)


def _unclosed(mistake: Mistake) -> Finding | None:
    quoted = swallowed(mistake.script, mistake.before, mistake.token)
    if quoted is None and mistake.token.kind == "unclosed":
        quoted = mistake.token
    return quoted and unclosed(mistake.script, quoted)


def _next_statement(mistake: Mistake) -> Finding | None:
    if "$END" in mistake.expected and is_statement(mistake.script.text, mistake.token.start):
        return missing_semicolon(mistake.script, mistake.before, mistake.token)
    return None


def _typographic(mistake: Mistake) -> Finding | None:
    is_value = bool(mistake.expected & VALUES)
    finding = typographic(mistake.script, mistake.token, quote='"' if is_value else "`")
    if finding and mistake.role in VALUES and finding.insert[0].is_symbol(","):
        return replace(finding, insert=mistake.inserted("and"))
    return finding


def _missing_as(mistake: Mistake) -> Finding | None:
    """``save t csv.`x` ``, ``load csv.`x` where a="b" t``."""
    comes_last = mistake.after.kind == "stop" or (mistake.role == "TABLE" and mistake.after.is_symbol("."))
    if "AS" not in mistake.expected or mistake.token.kind not in WORDLIKE or not comes_last:
        return None
    error = mistake.missing(f"missing `as` before {shown(mistake.token.text)}")
    return Finding(error, mistake.inserted("as"))


def _missing_as_before_key(mistake: Mistake) -> Finding | None:
    """``load csv.`x` t``: the name behind the missing ``as`` was taken for a key."""
    taken = mistake.role == "KEY" and mistake.earlier_role in PATHS and mistake.verb != "include"
    if not taken or not mistake.at_end:
        return None
    message = f"missing `as` before {shown(mistake.last.text)}"
    return Finding(mistake.missing(message, after=mistake.earlier))


def _misspelt_before_key(mistake: Mistake) -> Finding | None:
    """``load csv.`x` whre a="b" ``: the misspelt word was taken for a key."""
    if mistake.role != "KEY" or mistake.earlier_role in (*OPENS_OPTION, "SET"):
        return None
    keywords = ["where", "options", "as", *(["partitionBy"] if mistake.verb == "save" else [])]
    near = nearest(mistake.last.text, keywords)
    if near is None and not mistake.key_follows:
        return None
    hint = f"did you mean `{near}`?" if near else "options begin with `where`"
    error = mistake.before_here(f"unexpected {shown(mistake.last.text)}", hint)
    return Finding(error, mistake.inserted("=", '""', "and") if mistake.key_follows else ())


def _misplaced_mode(mistake: Mistake) -> Finding | None:
    """``save overwrit t as …``: the misspelt mode was taken for the table; ``save t overwrite as …``."""
    modes = [each.lower() for each in _SAVE_MODES]
    if mistake.verb == "save" and mistake.role == "FORMAT" and mistake.last.is_word(*modes):
        hint = f"write save {mistake.last.text} {shortened(mistake.taken_for('TABLE')[0].text)} as …"
        return Finding(mistake.before_here("the mode stands before the table", hint))
    if mistake.verb != "save" or mistake.role != "TABLE" or not mistake.after.is_word("as"):
        return None
    if mistake.token.is_word(*modes):
        table, mode = mistake.last.text, mistake.token.text
        error = mistake.here("the mode stands before the table", f"write save {mode} {shortened(table)} as …")
    elif mistake.last.is_word(*modes):
        error = mistake.before_here(f"a second mode after `{mistake.earlier.text}`", "keep one of them")
    else:
        near = nearest(mistake.last.text, _SAVE_MODES)
        hint = f"did you mean `{near}`?" if near else f"the modes are {', '.join(_SAVE_MODES)}"
        error = mistake.before_here(f"unexpected {shown(mistake.last.text)}", hint)
    return Finding(error, resume=mistake.token.end)


def _misspelt_keyword(mistake: Mistake) -> Finding | None:
    """``load csv.`x` where a="b" ass t``."""
    keywords = [role.lower() for role in mistake.expected if role.lower() in KEYWORDS]
    near = nearest(mistake.token.text, keywords) if mistake.token.kind == "word" else None
    if near is None:
        return None
    error = mistake.here(
        f"unexpected {shown(mistake.token.text)}", f"did you mean {_in_words(near.upper())}?"
    )
    return Finding(error, mistake.inserted(near), resume=mistake.token.end)


def _missing_part(mistake: Mistake) -> Finding | None:
    """The statement ends too early, or has something else where one thing alone may stand."""
    expected, after = mistake.expected, f"after {shown(mistake.last.text)}"
    if "$END" in expected:
        return None
    if mistake.role == "FORMAT":
        hint = f"write {mistake.last.text}.`…`, with the path in backquotes"
        return Finding(mistake.missing(f"missing `.<path>` {after}", hint))
    if "AS" in expected:
        return Finding(mistake.missing(f"missing `as {_AFTER_AS[mistake.verb]}`"))
    if mistake.role == "SET":
        return Finding(mistake.missing(f"missing the name of a variable {after}"))
    wanted = {_in_words(role) for role in expected if role.lower() not in KEYWORDS}
    return Finding(mistake.missing(f"missing {wanted.pop()} {after}")) if len(wanted) == 1 else None


def _unexpected(mistake: Mistake) -> Finding:
    wanted = " or ".join(sorted({_in_words(role) for role in mistake.expected}))
    return Finding(mistake.here(f"unexpected {shown(mistake.token.text)}", f"expected {wanted}"))


def _in_words(role: str) -> str:
    return _IN_WORDS.get(role, f"`{role.lower()}`")


DIAGNOSES: tuple[Diagnosis, ...] = (
    _unclosed,
    _next_statement,
    _typographic,
    *BEFORE_NAMES,
    *NAME_DIAGNOSES,
    *WORD_DIAGNOSES,
    _missing_as_before_key,
    _misspelt_before_key,
    _misplaced_mode,
    *OPTION_DIAGNOSES,
    _missing_as,
    _misspelt_keyword,
    _missing_part,
    _unexpected,
)
"""Asked in this order; the last recognises everything."""
