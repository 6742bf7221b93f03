"""What a parameter is tried with: ``[3,5,9]``, ``range(2,12)``, ``log(1e-4,1)``, ``choice(a,b)``."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from mlsql.bridge.errors import OptionFault
from mlsql.options import is_filled

_CALL = re.compile(r"(?P<name>range|log|choice)\s*\((?P<inside>.*)\)", re.DOTALL)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|.', re.DOTALL)
_WHOLE = re.compile(r"[+-]?\d+")


@dataclass(frozen=True, slots=True)
class Listed:
    """Values that are given, each as a script would write it alone."""

    values: tuple[str, ...]
    drawn: bool = False
    """Whether they were written as ``choice(…)``, which is for a search."""

    def draw(self, random: Random) -> str:
        """One of them, each as likely as the others."""
        return self.values[int(random.random() * len(self.values))]


@dataclass(frozen=True, slots=True)
class Between:
    """The numbers from *low* to *high*, both among them."""

    low: float
    high: float
    whole: bool
    logarithmic: bool

    def draw(self, random: Random) -> str:
        """One of them; in a logarithmic range each order of magnitude is as likely as the others."""
        end = self.high + 1 if self.whole else self.high
        share = random.random()
        value = (
            self.low * (end / self.low) ** share if self.logarithmic else self.low + share * (end - self.low)
        )
        inside = min(max(value, self.low), self.high)
        return str(math.floor(inside)) if self.whole else repr(float(inside))


Axis = Listed | Between


def read_axis(text: str, *, option: str, takes_list: bool) -> Axis | None:
    """What the parameter is tried with; None when *text* is its one value.

    *takes_list* says that the parameter itself takes a list: then only a list of lists is a grid.
    A fault is that of *option*. A text with ``${…}`` is not judged.
    """
    written = text.strip()
    call = _CALL.fullmatch(written)
    if not is_filled(text):
        return None
    try:
        if call is not None:
            return _CALLS[call["name"]](_split(call["inside"]))
        if written.startswith("[") and written.endswith("]"):
            return _grid(written[1:-1], takes_list=takes_list)
    except ValueError as error:
        hint = "such as [3,5,9], range(2,12), range(0.0,1.0), log(1e-4,1) or choice(a,b)"
        raise OptionFault(f"'{text}' is nothing to try: {error}", option=option, hint=hint) from error
    return None


def _grid(inside: str, *, takes_list: bool) -> Listed | None:
    if takes_list and not inside.lstrip().startswith(("[", "(")):
        return None
    parts = _split(inside)
    if takes_list and not all(part.startswith(("[", "(")) for part in parts):
        return None
    return Listed(tuple(map(_unquoted, parts)))


def _choice(parts: list[str]) -> Listed:
    return Listed(tuple(map(_unquoted, parts)), drawn=True)


def _range(parts: list[str]) -> Between:
    return _between(parts, logarithmic=False)


def _log(parts: list[str]) -> Between:
    axis = _between(parts, logarithmic=True)
    if axis.low <= 0:
        raise ValueError("a logarithmic range begins above 0")
    return axis


def _between(parts: list[str], *, logarithmic: bool) -> Between:
    if len(parts) != 2:  # noqa: PLR2004 — the ends of a range
        raise ValueError(f"a range has two ends, not {len(parts)}")
    whole = all(map(_WHOLE.fullmatch, parts))
    low, high = map(int if whole else _number, parts)
    if not low < high:
        raise ValueError("a range goes from the smaller number to the greater")
    return Between(low, high, whole, logarithmic)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"'{text}' is no number") from None
    if value - value != 0:
        raise ValueError(f"'{text}' is not finite")
    return value


_CALLS: Mapping[str, Callable[[list[str]], Axis]] = MappingProxyType(
    {"range": _range, "log": _log, "choice": _choice}
)


def _split(text: str) -> list[str]:
    """The values between the commas that stand in no brackets and no quotes.

    >>> _split('[4, 5], "a,b", c')
    ['[4, 5]', '"a,b"', 'c']
    """
    parts = [part.strip() for part in _pieces(text)]
    if parts == [""]:
        raise ValueError("it holds no value")
    if not all(parts):
        raise ValueError("a value is missing beside a comma")
    return parts


def _pieces(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for token in _TOKEN.finditer(text):
        depth += (token[0] in ("[", "(", "{")) - (token[0] in ("]", ")", "}"))
        if depth < 0:
            break
        if token[0] == "," and depth == 0:
            yield text[start : token.start()]
            start = token.end()
    if depth:
        raise ValueError("its brackets do not match")
    yield text[start:]


def _unquoted(text: str) -> str:
    """A text in quotes without them, everything else as it is."""
    if text[0] == text[-1] == "'" and len(text) > 1:
        return text[1:-1]
    return str(json.loads(text)) if text[0] == text[-1] == '"' and len(text) > 1 else text
