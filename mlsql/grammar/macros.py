r"""Macros: a template with placeholders, the arguments of a call, and the script that they make.

========================  ==============================================================
``{}``                    the next argument
``{0}``                   by position, counted from 0
``{1:default}``           the same, or *default* when there are not so many
``{:all}``                all arguments as a JSON array
``{-1:next(word,text)}``  the argument that follows *word*, or *text*
``\{``                    a brace
========================  ==============================================================

An argument that is missing and has no default is empty. Other braces, those of ``${name}``
included, stay as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import count

from mlsql.errors import ScriptError, ScriptErrors
from mlsql.grammar.parser import parse
from mlsql.spans import Script, Span

_DEFAULT = r"(?:[^{}]|\$\{[^{}]*\})*"
_PLACEHOLDER = re.compile(
    rf"""(?x)
    \\\{{
    | (?<!\$) \{{ (?:
        (?P<next>)
        | -1:next\( \s* (?P<word>[^(){{}},]+?) \s* (?: , (?P<otherwise>{_DEFAULT}?) )? \)
        | :(?P<all>all)
        | (?P<index>[0-9]+) (?: : (?P<default>{_DEFAULT}) )?
    ) \}}
    """
)
_UNNAMED = "_"
_ANY_NAME = "x"


def expand(template: str, arguments: Sequence[str]) -> str:
    r"""*template* with its placeholders filled by *arguments*.

    What a ``next(word)`` takes, and its word, are not counted by position.

    >>> expand(r"select {} from {1:t} limit {2:5} as {-1:next(named,top)} -- \{}", ["a", "named", "b"])
    'select a from t limit 5 as b -- {}'
    """
    words = {match["word"] for match in _PLACEHOLDER.finditer(template) if match["word"]}
    named, positional = _sorted_out(arguments, words)
    following = count()

    def filled(match: re.Match[str]) -> str:
        if match["word"]:
            return named.get(match["word"], (match["otherwise"] or "").strip())
        if match["all"]:
            return json.dumps([*arguments], ensure_ascii=False)
        if match["next"] is None and match["index"] is None:
            return "{"
        index = int(match["index"]) if match["index"] else next(following)
        return positional[index] if index < len(positional) else match["default"] or ""

    return _PLACEHOLDER.sub(filled, template)


def _sorted_out(arguments: Sequence[str], words: set[str]) -> tuple[Mapping[str, str], Sequence[str]]:
    """The arguments that follow one of *words*, by their word, and the others in order."""
    named: dict[str, str] = {}
    positional: list[str] = []
    rest = iter(enumerate(arguments, start=1))
    for following, argument in rest:
        if argument in words - named.keys() and following < len(arguments):
            named[argument] = next(rest)[1]
        else:
            positional.append(argument)
    return named, positional


def call_bindings(arguments: Sequence[str]) -> Mapping[str, str] | None:
    """What a call ``!name _ -k v -l w`` gives the variables ``k`` and ``l``; None for any other call.

    >>> call_bindings(["_", "-i", "t", "-num", "-4"])
    {'i': 't', 'num': '-4'}
    """
    if not arguments or arguments[0] != _UNNAMED:
        return None
    keys, values = arguments[1::2], arguments[2::2]
    for key in keys:
        if len(key) == 1 or not key.startswith("-"):
            raise ScriptError(f"`{key}` stands where a -name is expected", hint="write !name _ -k value;")
    if len(values) < len(keys):
        raise ScriptError(f"`{keys[-1]}` has no value", hint="write !name _ -k value;")
    return {key.removeprefix("-"): value for key, value in zip(keys, values, strict=True)}


def is_script(text: str) -> bool:
    """Whether *text* is the body of a macro: statements, when names stand for its placeholders.

    >>> is_script("select * from {0} as {1:t};"), is_script("some {0} text")
    (True, False)
    """

    def name(match: re.Match[str]) -> str:
        return "{" if match[0].startswith("\\") else _ANY_NAME

    try:
        return bool(parse(Script("", _PLACEHOLDER.sub(name, text))))
    except ScriptErrors:
        return False


def expansion(text: str, name: str, call: Span) -> Script:
    """The script that the macro *name* became at *call*; errors in it show both places."""
    return Script(f"!{name}", text, origin=call)
