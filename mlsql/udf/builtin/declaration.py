"""How a function is declared: its signature as it is shown, its body in SQL, what it is for.

The body is an expression over the names of the parameters, which differ from the names of its
lambda variables. Null in gives null out unless the body says otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlsql.models.manifest import Column
from mlsql.session import FunctionSignature

_SIGNATURE = re.compile(r"(?P<name>\w+)\((?P<parameters>.*)\) -> (?P<output>.+)")
_PARAMETER = re.compile(r"(?P<name>\w+) (?P<type>(?:[^,<]|<[^>]*>+)+)(?:, )?")


@dataclass(frozen=True, slots=True)
class SqlFunction:
    """A function as an SQL expression over Spark's own functions and those declared here."""

    signature: FunctionSignature
    body: str
    doc: str
    example: str
    """A call, as it stands in a query."""
    gives: str
    """What the example gives, as ``cast(… as string)`` shows it."""
    wraps: str | None = None
    """``vector`` or ``matrix``: the body makes the struct that one is stored as."""

    @property
    def text(self) -> str:
        """The body as ``TypedFunction.java`` reads it."""
        return f"{self.wraps}:{self.body}" if self.wraps else self.body


def function(
    signature: str, body: str, doc: str, *, example: str, gives: str, wraps: str | None = None
) -> SqlFunction:
    """A declaration whose *signature* is written ``name(a array<double>, b int) -> double``."""
    return SqlFunction(read_signature(signature), body, doc, example, gives, wraps)


def read_signature(text: str) -> FunctionSignature:
    """The signature that *text* shows.

    >>> str(read_signature("f(a map<int,double>, b int) -> vector"))
    'f(a map<int,double>, b int) -> vector'
    """
    match = _SIGNATURE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    parameters = _PARAMETER.finditer(match["parameters"])
    columns = tuple(Column(each["name"], each["type"]) for each in parameters)
    return FunctionSignature(match["name"], columns, match["output"])
