"""Types of columns as scripts write them, in the form of older engines and in that of Spark.

That is ``array(double)`` and ``st(field(a,string))``, or ``array<double>`` and ``struct<a: string>``.
One reader takes both, mixed as one likes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mlsql.errors import UnknownName
from mlsql.session import quoted

_TOKEN = re.compile(r"\s*(?:(?P<name>\w+|`(?:[^`]|``)+`)|(?P<sign>[<>(),:]))\s*")
_CLOSING = {"<": ">", "(": ")"}
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*")
_SPARK_NAMES: Mapping[str, str] = MappingProxyType(
    {
        **{each: each for each in ("string", "boolean", "binary", "date", "timestamp", "timestamp_ntz")},
        **dict.fromkeys(("byte", "tinyint"), "tinyint"),
        **dict.fromkeys(("short", "smallint"), "smallint"),
        **dict.fromkeys(("integer", "int"), "int"),
        **dict.fromkeys(("long", "bigint"), "bigint"),
        **dict.fromkeys(("float", "real"), "float"),
        "double": "double",
    }
)
"""What the plain types are called, and what Spark calls them."""
_OTHERS = ("decimal", "array", "map", "struct", "st")
EXPECTED = "a type such as double, array(string), map(string,long), st(field(a,string)), or one of Spark"


@dataclass(frozen=True, slots=True)
class Plain:
    """A type without parts, by the name that Spark writes; ``decimal`` with its digits."""

    name: str
    digits: tuple[int, int] | None = None

    def __str__(self) -> str:
        return self.name if self.digits is None else f"{self.name}({self.digits[0]},{self.digits[1]})"


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """Elements of one type."""

    element: ColumnType

    def __str__(self) -> str:
        return f"array<{self.element}>"


@dataclass(frozen=True, slots=True)
class MapOf:
    """Values of one type by keys of one type."""

    key: ColumnType
    value: ColumnType

    def __str__(self) -> str:
        return f"map<{self.key},{self.value}>"


@dataclass(frozen=True, slots=True)
class Struct:
    """Named fields, each of its own type."""

    fields: tuple[tuple[str, ColumnType], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the fields."""
        return tuple(name for name, _ in self.fields)

    @property
    def schema(self) -> str:
        """The same as the columns of a table: ``a int, b string``."""
        return ", ".join(f"{quoted(name)} {kind}" for name, kind in self.fields)

    def __str__(self) -> str:
        return "struct<" + ",".join(f"{_name(name)}:{kind}" for name, kind in self.fields) + ">"


ColumnType = Plain | ArrayOf | MapOf | Struct
"""What a column holds; its ``str`` is what Spark reads."""


def read_type(text: str) -> ColumnType:
    """The type that *text* writes; a name that no type has is an UnknownName, else it is a ValueError.

    >>> str(read_type("map(string, array(long))")), str(read_type("st(field(a,string),field(b,int))"))
    ('map<string,array<bigint>>', 'struct<a:string,b:int>')
    """
    reader = _Reader(text)
    found = reader.type()
    reader.expect_end()
    return found


def read_schema(text: str) -> Struct:
    """The columns that *text* writes: ``st(…)``, ``struct<…>``, or ``a int, b string``.

    >>> str(read_schema("a long, `b c` array<string>"))
    'struct<a:bigint,`b c`:array<string>>'
    """
    reader = _Reader(text)
    if reader.opens_struct():
        found = reader.type()
        assert isinstance(found, Struct)
    else:
        found = reader.columns("")
    reader.expect_end()
    return found


class _Reader:
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def opens_struct(self) -> bool:
        """Whether a struct begins here, and not a column with such a name."""
        return re.match(r"\s*(st\s*\(|struct\s*[<(])", self._text, re.IGNORECASE) is not None

    def type(self) -> ColumnType:
        """The type that begins here."""
        name = self._take("name").casefold()
        match name:
            case "array":
                return ArrayOf(*self._parts(1))
            case "map":
                return MapOf(*self._parts(2))
            case "struct" | "st":
                return self.columns(self._open(), in_struct=True)
            case "decimal":
                return Plain(name, self._digits())
            case _:
                return Plain(self._spark_name(name))

    def columns(self, closing: str, *, in_struct: bool = False) -> Struct:
        """Fields up to the sign that closes them, or to the end."""
        fields = [self._field(in_struct=in_struct)]
        while self._skip(","):
            fields.append(self._field(in_struct=in_struct))
        if closing:
            self._expect(closing)
        names = [name.casefold() for name, _ in fields]
        if len(set(names)) < len(names):
            raise ValueError(self._text)
        return Struct(tuple(fields))

    def expect_end(self) -> None:
        """Raise ValueError unless all was read."""
        if self._text[self._at :].strip():
            raise ValueError(self._text)

    def _field(self, *, in_struct: bool) -> tuple[str, ColumnType]:
        name = self._take("name")
        if in_struct and name.casefold() == "field" and self._skip("("):
            name = self._take("name")
            self._expect(",")
            kind = self.type()
            self._expect(")")
        else:
            self._skip(":")
            kind = self.type()
        return _unquoted(name), kind

    def _parts(self, count: int) -> list[ColumnType]:
        closing = self._open()
        parts = [self.type()]
        while len(parts) < count:
            self._expect(",")
            parts.append(self.type())
        self._expect(closing)
        return parts

    def _digits(self) -> tuple[int, int]:
        if not self._skip("("):
            return 10, 0
        precision = int(self._take("name"))
        scale = int(self._take("name")) if self._skip(",") else 0
        self._expect(")")
        return precision, scale

    def _spark_name(self, name: str) -> str:
        if name not in _SPARK_NAMES:
            raise UnknownName("type", name, (*_SPARK_NAMES, *_OTHERS))
        return _SPARK_NAMES[name]

    def _open(self) -> str:
        for opening, closing in _CLOSING.items():
            if self._skip(opening):
                return closing
        raise ValueError(self._text)

    def _take(self, group: str) -> str:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match[group] is None:
            raise ValueError(self._text)
        self._at = match.end()
        return match[group]

    def _skip(self, sign: str) -> bool:
        match = _TOKEN.match(self._text, self._at)
        found = match is not None and match["sign"] == sign
        if match is not None and found:
            self._at = match.end()
        return found

    def _expect(self, sign: str) -> None:
        if not self._skip(sign):
            raise ValueError(self._text)


def _name(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else quoted(name)


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
