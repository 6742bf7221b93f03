"""Writes the tables of options in docs/sources.md from what the sources declare; all else stays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mlsql.models.store import DirectoryModelStore
from mlsql.options import Declared, declared_options
from mlsql.stages import algorithms, sources
from mlsql.stages.catalog import default_text
from mlsql.stages.sources.base import Connects, Reads, Source, Writes

PAGE = Path(__file__).parents[1] / "docs" / "sources.md"
SECTION = re.compile(r"^## (?P<name>.+)\n(?P<text>(?:(?!^## ).*\n)*)", re.MULTILINE)
TABLE = re.compile(r"^\| option \|.*\n(?:\|.*\n)*\n*", re.MULTILINE)
HEAD = ["| option | in | takes | what it says |", "|---|---|---|---|"]


def main() -> None:
    """Rewrite the page."""
    registry = sources.builtins(algorithms.builtins(DirectoryModelStore()))

    def rewritten(section: re.Match[str]) -> str:
        name, text = section["name"].replace("\\", ""), TABLE.sub("", section["text"]).rstrip("\n")
        table = "\n".join(_table(registry.get(name))) if name in registry else ""
        body = "\n\n".join(part for part in (text.lstrip("\n"), table) if part)
        return f"## {section['name']}\n\n{body}\n\n"

    page = SECTION.sub(rewritten, PAGE.read_text(encoding="utf-8")).rstrip("\n")
    PAGE.write_text(page + "\n", encoding="utf-8")


def _table(source: Source) -> Iterator[str]:
    """The lines of a source's table; none without options."""
    declared: dict[str, Declared] = {}
    statements: dict[str, list[str]] = {}
    for statement, kind in _statements(source):
        for each in declared_options(kind):
            declared.setdefault(each.key, each)
            statements.setdefault(each.key, []).append(statement)
    if declared:
        yield from HEAD
    for key, each in declared.items():
        yield f"| `{key}{'*' * each.prefix}` | {', '.join(statements[key])} | {_taken(each)} | {each.doc} |"


def _statements(source: Source) -> Iterator[tuple[str, type]]:
    if isinstance(source, Reads):
        yield "load", source.read_options
    if isinstance(source, Writes):
        yield "save", source.write_options
    if isinstance(source, Connects):
        yield "connect", source.connect_options


def _taken(declared: Declared) -> str:
    """What values it takes, and its default in parentheses."""
    default = "" if isinstance(declared.default, tuple) else default_text(declared) or ""
    more = "must be given" if declared.required else f"`{default}`" if default else ""
    return f"{declared.kind.expected} ({more})" if more else declared.kind.expected


if __name__ == "__main__":
    main()
