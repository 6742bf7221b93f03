"""What is wrong with the names of tables, formats and keys, and with paths."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlsql.grammar.errors import Finding, shortened, shown
from mlsql.grammar.literals import read_literal
from mlsql.grammar.mistakes import NAMES, OPENS_OPTION, QUOTED, Diagnosis, Mistake

_RUN = re.compile(r"[^\s;]+")
_KEY_RUN = re.compile(r"[^\s;=]+")
_QUOTES = tuple("\"'`(")
_EXAMPLES: Mapping[str, str] = {
    "include": "file",
    **dict.fromkeys(("train", "run", "predict", "register"), "SKLearn"),
}


def _table_left_out(mistake: Mistake) -> Finding | None:
    """``save overwrite as csv.`x` ``: the keyword was taken for the table."""
    keyword = mistake.role == "TABLE" and mistake.last.is_word("as", "into")
    if not keyword or not mistake.after.is_symbol("."):
        return None
    before = mistake.earlier
    error = mistake.missing(f"missing the name of a table after {shown(before.text)}", after=before)
    return Finding(error, mistake.inserted("as"))


def _path_without_format(mistake: Mistake) -> Finding | None:
    """``load /x as t``."""
    if "FORMAT" not in mistake.expected or mistake.token.kind not in ("symbol", *QUOTED):
        return None
    quoted = mistake.token.kind in QUOTED
    end = mistake.token.end if quoted else mistake.end_of(_RUN, mistake.token.start)
    path = read_literal(mistake.script.text[mistake.token.start : end])
    hint = f"as in {_example(mistake)}.`{shortened(path)}`"
    error = mistake.missing(f"missing `<format>.` after {shown(mistake.last.text)}", hint)
    return Finding(error, mistake.inserted("_", ".", "``"), resume=end)


def _path_taken_for_format(mistake: Mistake) -> Finding | None:
    """``load `/x` as t``."""
    if mistake.role != "FORMAT" or mistake.last.kind != "backquoted" or mistake.touches:
        return None
    before = mistake.earlier
    hint = f"as in {_example(mistake)}.{shortened(mistake.last.text)}"
    error = mistake.missing(f"missing `<format>.` after {shown(before.text)}", hint, after=before)
    return Finding(error, mistake.inserted(".", "``"))


def _example(mistake: Mistake) -> str:
    return _EXAMPLES.get(mistake.verb, "csv")


def _dotted_format(mistake: Mistake) -> Finding | None:
    """``load org.apache.x.`path` ``: the last of the dots was meant to end the format."""
    if mistake.token.kind != "backquoted" or mistake.role != "DOT" or mistake.expected != {"PATH_NAME"}:
        return None
    start, end = mistake.taken_for("FORMAT")[0].start, mistake.last.start
    name = shortened(mistake.script.text[start:end])
    hint = f"write `{name}`.{shortened(mistake.token.text)}"
    error = mistake.between(start, end, "a format with dots is written in backquotes", hint)
    return Finding(error, mistake.inserted("_"), resume=mistake.token.end)


def _quoted_path(mistake: Mistake) -> Finding | None:
    """``load csv."/x" as t``."""
    if "PATH_NAME" not in mistake.expected or mistake.token.kind not in QUOTED:
        return None
    path = read_literal(mistake.token.text)
    error = mistake.here("a path is written in backquotes", _in_backquotes(mistake, path))
    return Finding(error, mistake.inserted("_"), resume=mistake.token.end)


def _unquoted_path(mistake: Mistake) -> Finding | None:
    """``load csv./x as t``, or ``load csv.data/x as t`` with its beginning taken for a path."""
    begun = mistake.role == "PATH_NAME" and mistake.touches
    wanted = "PATH_NAME" in mistake.expected and mistake.token.kind in ("symbol", "number")
    if not (begun or wanted):
        return None
    start = mistake.taken_for("FORMAT")[0].end + 1 if begun else mistake.token.start
    end = mistake.end_of(_RUN, start)
    hint = _in_backquotes(mistake, mistake.script.text[start:end])
    error = mistake.between(start, end, "a path is written in backquotes", hint)
    return Finding(error, () if begun else mistake.inserted("_"), resume=end)


def _in_backquotes(mistake: Mistake, path: str) -> str:
    return f"write {mistake.taken_for('FORMAT')[0].text}.`{shortened(path)}`"


def _missing_dot(mistake: Mistake) -> Finding | None:
    """``load csv `x` as t``."""
    if mistake.role != "FORMAT" or "DOT" not in mistake.expected or mistake.token.kind != "backquoted":
        return None
    error = mistake.missing(f"missing `.` between {shown(mistake.last.text)} and the path")
    return Finding(error, mistake.inserted("."))


def _dotted_table(mistake: Mistake) -> Finding | None:
    """``load … as db.t``, ``save db.t as …``."""
    if mistake.role not in ("TABLE", "FUNCTION", "ALIAS") or not mistake.token.is_symbol("."):
        return None
    start = mistake.last.start
    end = mistake.end_of(_RUN, start)
    is_output = mistake.earlier.is_word("as")
    written = shortened(mistake.script.text[start:end])
    hint = f"write {mistake.after.text}" if is_output else f"name {written} by a select first"
    return Finding(mistake.between(start, end, "this name has no dots", hint), resume=end)


def _quoted_name(mistake: Mistake) -> Finding | None:
    """``load … as "t"``, ``where "key"=…``, ``load … as 2026``."""
    misplaced = mistake.expected & NAMES and mistake.token.kind in ("number", *QUOTED)
    if not misplaced or ("KEY" in mistake.expected and mistake.role not in (*OPENS_OPTION, "SET")):
        return None
    name = shortened(read_literal(mistake.token.text))
    error = mistake.here("a name is written without quotes, or in backquotes", f"write `{name}`")
    return Finding(error, mistake.inserted("_"), resume=mistake.token.end)


def _unquoted_name(mistake: Mistake) -> Finding | None:
    """``load … as my-table``, ``where some-key=…``."""
    begun = mistake.role in NAMES and mistake.last.kind == "word" and mistake.touches
    is_quoted = mistake.token.text == "(" or mistake.script.text.startswith(_QUOTES, mistake.token.end)
    if not begun or mistake.token.kind != "symbol" or is_quoted:
        return None
    start = mistake.last.start
    end = mistake.end_of(_KEY_RUN if mistake.role == "KEY" else _RUN, start)
    error = mistake.between(
        start,
        end,
        "a name with other characters than letters, digits and _ is written in backquotes",
        f"write `{shortened(mistake.script.text[start:end])}`",
    )
    return Finding(error, resume=end)


NAME_DIAGNOSES: tuple[Diagnosis, ...] = (
    _table_left_out,
    _path_without_format,
    _path_taken_for_format,
    _dotted_format,
    _quoted_path,
    _unquoted_path,
    _missing_dot,
    _dotted_table,
    _quoted_name,
    _unquoted_name,
)
