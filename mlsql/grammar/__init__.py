"""Scripts into trees and back: :func:`parse`, :func:`print_statement`, :func:`print_script`."""

from __future__ import annotations

from mlsql.grammar.parser import parse
from mlsql.grammar.printer import print_script, print_statement

__all__ = ["parse", "print_script", "print_statement"]
