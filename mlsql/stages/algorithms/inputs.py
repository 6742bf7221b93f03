"""Which columns ``inputCols`` means: names, ranges as ``a..c``, patterns as ``regex:^ll``, ``*`` for all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlsql.bridge.errors import OptionFault
from mlsql.errors import MissingColumn
from mlsql.names import listed
from mlsql.options import Kind

INPUTS = "inputCols"
_ALL, _PATTERN, _RANGE = "*", "regex:", ".."
_NUMBERED = re.compile(r"(.*?)(\d+)")


def _read(text: str) -> tuple[str, ...]:
    """The parts between commas; those within the brackets of a pattern are its own."""
    parts: list[str] = []
    for part in text.split(","):
        if parts and parts[-1].startswith(_PATTERN) and _is_open(parts[-1]):
            parts[-1] += f",{part}"
        else:
            parts.append(part.strip())
    if not all(parts):
        raise ValueError(text)
    return tuple(part.strip() for part in parts)


def _is_open(pattern: str) -> bool:
    """Whether a bracket of *pattern* has not been closed."""
    plain = re.sub(r"\\.", "", pattern)
    return any(plain.count(left) > plain.count(right) for left, right in ("()", "[]", "{}"))


SELECTORS: Kind[tuple[str, ...]] = Kind(
    "columns with commas between them: names, a range as a..c, a pattern as regex:^x, or *", _read
)


def selected(wanted: Sequence[str], known: Sequence[str], apart: Sequence[str | None]) -> tuple[str, ...]:
    """The columns among *known* that *wanted* means, in its order, each once.

    What has the name of a column is that column. Those set *apart*, as the label, are taken by
    their names alone.
    """
    selection = _Selection(known, [name for name in known if name not in apart])
    return tuple(dict.fromkeys(name for each in wanted for name in selection.meant(each)))


def found(known: Sequence[str], name: str, option: str) -> str:
    """The column as the table writes it; Spark does not tell case apart."""
    written = _written(known, name)
    if written is None:
        raise MissingColumn(name, known, option=option)
    return written


def _written(known: Sequence[str], name: str) -> str | None:
    if name in known:
        return name
    return next((each for each in known if each.casefold() == name.casefold()), None)


@dataclass(frozen=True, slots=True)
class _Selection:
    """All columns of a table, and those of them that need not be named."""

    known: Sequence[str]
    open: Sequence[str]

    def meant(self, text: str) -> Iterator[str]:
        """The columns that one part of ``inputCols`` means, one at least."""
        named = _written(self.known, text)
        if named is not None:
            return iter([named])
        if text == _ALL:
            return self._some(self.open, "nothing is left for '*'")
        if text.startswith(_PATTERN):
            return self._matching(text.removeprefix(_PATTERN))
        first, dots, last = (part.strip() for part in text.partition(_RANGE))
        if dots and first and last:
            return self._between(first, last)
        raise MissingColumn(text, self.known, option=INPUTS)

    def _some(self, names: Sequence[str], otherwise: str) -> Iterator[str]:
        if not names:
            raise OptionFault(otherwise, option=INPUTS, hint=f"there are {listed(self.open) or 'none'}")
        return iter(names)

    def _matching(self, pattern: str) -> Iterator[str]:
        try:
            names = [name for name in self.open if re.search(pattern, name)]
        except re.error as error:
            message = f"'{pattern}' is no regular expression: {error}"
            raise OptionFault(message, option=INPUTS) from error
        return self._some(names, f"no column matches '{pattern}'")

    def _between(self, first: str, last: str) -> Iterator[str]:
        """A numbered run, each number of which must be there, or else what the table has between them."""
        one, other = _NUMBERED.fullmatch(first), _NUMBERED.fullmatch(last)
        if one and other and one[1].casefold() == other[1].casefold():
            return self._run(one[1], one[2], other[2])
        start, end = (self.known.index(found(self.known, name, INPUTS)) for name in (first, last))
        names = [name for name in self.known[start : end + 1] if name in self.open]
        return self._some(names, f"no column lies from '{first}' to '{last}'")

    def _run(self, stem: str, first: str, last: str) -> Iterator[str]:
        if int(first) > int(last):
            raise OptionFault(f"no column lies from '{stem}{first}' to '{stem}{last}'", option=INPUTS)
        names = (f"{stem}{number:0{len(first)}}" for number in range(int(first), int(last) + 1))
        return (name for each in names if (name := found(self.known, each, INPUTS)) in self.open)
