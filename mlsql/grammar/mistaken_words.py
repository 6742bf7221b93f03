"""Words of other languages in the middle of a statement with options, and parts that changed places."""

from __future__ import annotations

from mlsql.grammar.errors import Finding, shown
from mlsql.grammar.mistakes import PATHS, WORDLIKE, Diagnosis, Mistake

_LIKE_AS = ("to", "into", "using", "with", "in", "on", "by")
_KINDS = ("table", "model", "function")


def _other_word_for_as(mistake: Mistake) -> Finding | None:
    """``save t to csv.`x` ``; ``load csv.`x` into t``, where the word was taken for a key."""
    if mistake.role == "TABLE" and "AS" in mistake.expected and mistake.token.is_word(*_LIKE_AS):
        error = mistake.here(f"unexpected {shown(mistake.token.text)}", "write `as`")
        return Finding(error, mistake.inserted("as"), resume=mistake.token.end)
    taken = mistake.role == "KEY" and mistake.earlier_role in PATHS and mistake.last.is_word(*_LIKE_AS)
    if not taken or mistake.token.kind not in WORDLIKE or mistake.key_follows or mistake.verb == "include":
        return None
    return Finding(mistake.before_here(f"unexpected {shown(mistake.last.text)}", "write `as`"))


def _needless_word(mistake: Mistake) -> Finding | None:
    """``save overwrite table t as …``, ``load table csv.`x` …``."""
    taken = mistake.role in ("TABLE", "FORMAT", "FUNCTION") and mistake.last.is_word(*_KINDS)
    if not taken or mistake.token.kind not in WORDLIKE or mistake.token.is_word("as", "into"):
        return None
    error = mistake.before_here(f"unexpected {shown(mistake.last.text)}", "leave it out")
    return Finding(error, resume=None if mistake.verb == "register" else mistake.token.end)


def _function_before_model(mistake: Mistake) -> Finding | None:
    """``register f as SKLearn.`m` ``."""
    swapped = mistake.verb == "register" and mistake.role == "FORMAT" and mistake.token.is_word("as")
    if not swapped or mistake.last.is_word(*_KINDS):
        return None
    hint = f"write register Algorithm.`path` as {mistake.last.text}"
    return Finding(mistake.before_here("the model stands before the function", hint))


def _connect_without_format(mistake: Mistake) -> Finding | None:
    """``connect as x``: the keyword was taken for the format."""
    formats = mistake.taken_for("FORMAT")
    if mistake.verb != "connect" or not formats or not formats[0].is_word("as", "where"):
        return None
    verb = mistake.before[0]
    hint = 'as in connect jdbc where url="…" as name'
    return Finding(mistake.missing(f"missing a format after {shown(verb.text)}", hint, after=verb))


WORD_DIAGNOSES: tuple[Diagnosis, ...] = (
    _connect_without_format,
    _other_word_for_as,
    _needless_word,
    _function_before_model,
)
