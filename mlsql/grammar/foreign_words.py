"""What other languages begin statements with, and what a script writes instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from mlsql.names import words

VELOCITY = "!for repeats statements, !if branches, and a macro gives a query arguments"
DIRECTIVES = ("set", "foreach", "if")
"""What the templates of older engines began with ``#``."""

_DIRECTIVE = re.compile(rf"(?:{'|'.join(DIRECTIVES)})\s*\(", re.IGNORECASE)
_COMMANDS = words("if elif else fi then for done assert throw cache uncache kill profile split hdfs fs ls")
_PRINTS = 'a text is printed by !println "…";'
_VARIABLES = 'a variable gets its value by set name = "…";'
_QUERIES = "a query begins with select, as in select * from … as t;"
_COMMENTS = "a comment begins with --"
_BEFORE = "the `;` before it ends the statement: take that away"

_WAYS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("print", "println", "printf", "echo"), _PRINTS),
        **dict.fromkeys(("let", "var", "val", "const", "declare"), _VARIABLES),
        **dict.fromkeys(("from", "values", "table", "("), _QUERIES),
        **dict.fromkeys(("#", "/"), _COMMENTS),
        **dict.fromkeys(("as", "and", "where", "options", "partitionby"), _BEFORE),
        "while": "statements are repeated by !for name in '''select …'''; … !done;",
        "import": "another script is read by include file.`…`;",
        "def": "a function in Python is made by register ScriptUDF.`` as name where code='''…''';",
    }
)


def way_out(beginning: str, behind: str) -> str | None:
    """How a script says what *beginning*, with *behind* after it, says in another language.

    >>> way_out("let", " a = 1")
    'a variable gets its value by set name = "…";'
    >>> way_out("a", " = 1")
    'a variable gets its value by set a = …;'
    """
    if beginning == "#" and behind.startswith("%"):
        return "cells of other languages are not run; PythonStep works on a table in Python"
    if beginning == "#" and _DIRECTIVE.match(behind):
        return VELOCITY
    if beginning.casefold() in _COMMANDS:
        return f"it is a command: write !{beginning}"
    if behind.lstrip().startswith("=") and beginning.isidentifier():
        return f"a variable gets its value by set {beginning} = …;"
    return _WAYS.get(beginning.casefold())
