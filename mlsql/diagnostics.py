"""What a check finds: errors and warnings, each with its place, as a terminal and as an editor take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlsql.errors import ScriptError
from mlsql.spans import Span, mask_secrets

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding; a *warning* is what may well be meant so."""

    severity: Severity
    error: ScriptError

    def __str__(self) -> str:
        """The text of the error; a warning says that it is one, behind the place."""
        text, span = str(self.error), self.error.span
        if self.severity == "error":
            return text
        place = f"{span.place}: " if span else ""
        return f"{place}warning: {text.removeprefix(place)}"

    def as_json(self) -> dict[str, Any]:
        """What an editor needs; lines and columns count from 1, ``endColumn`` is behind the last character.

        ``origin`` are the places of the includes and macro calls that brought the text in, the nearest first.
        """
        span = self.error.span
        return {
            **_place(span),
            "endLine": span.end_line if span else None,
            "endColumn": span.end_column if span else None,
            "severity": self.severity,
            "message": mask_secrets(self.error.message),
            "hint": self.error.hint,
            "origin": [_place(each) for each in _origins(span)],
        }


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """*diagnostics* in the order of the text, each once; those of an included script at its include."""
    ordered = sorted(diagnostics, key=lambda each: _path(each.error.span))
    first: dict[object, Diagnostic] = {}
    for each in ordered:
        first.setdefault((each.severity, each.error.message, each.error.span), each)
    return tuple(first.values())


def _path(span: Span | None) -> tuple[int, ...]:
    """Where the statement of the submitted script begins, then that of the script it brings in, and so on."""
    return tuple(reversed([each.start for each in (span, *_origins(span)) if each]))


def _origins(span: Span | None) -> Iterator[Span]:
    while span is not None and span.script.origin is not None:
        span = span.script.origin
        yield span


def _place(span: Span | None) -> Mapping[str, str | int | None]:
    return {
        "file": span.script.name if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
    }
