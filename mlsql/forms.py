"""The forms in which a stored model can answer, what was measured of each, and which of them does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

FormName = Literal["plain", "onnx", "library"]
"""``plain``: numbers of NumPy; ``onnx``: by ONNX Runtime; ``library``: by what has fitted it."""
_IMPORTED = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRecord:
    """What a training has found out about one form of a model, by the library's own answers."""

    name: FormName
    exact: bool
    """Whether its labels are the same and its doubles as near as they have to be; if not it never answers."""
    reason: str = ""
    """Why it is not exact, or not there."""
    difference: float | None = None
    """The greatest between its doubles and the library's; None where nothing was compared."""
    microseconds: float | None = None
    """For one row: the median."""
    bulk: float | None = None
    """Microseconds a row, where there are many."""

    @classmethod
    def from_record(cls, raw: Mapping[str, Any]) -> Self:
        """The form that is told in *raw*; what a later version tells besides is left out."""
        return cls(**{name: raw[name] for name in cls.__slots__ if name in raw})

    def __str__(self) -> str:
        """In words: what was measured, or why it does not answer."""
        if not self.exact:
            return f"{self.name} not: {self.reason}"
        taken = self.name if self.microseconds is None else f"{self.name} {_told(self.microseconds)} µs"
        return f"{taken}, differs by {self.difference:.1g}" if self.difference else taken


def _told(microseconds: float) -> str:
    """Three digits, or all in front of the point."""
    return f"{microseconds:.3g}" if microseconds < 1000 else f"{microseconds:,.0f}"  # noqa: PLR2004


def told_forms(forms: Iterable[FormRecord]) -> str | None:
    """The forms in a line, the one that answers first; None where no training has looked for any."""
    told = sorted(forms, key=lambda each: (not each.exact, each.microseconds or 0.0))
    return "; ".join(map(str, told)) or None


def serving_form(forms: Iterable[FormRecord]) -> FormName | None:
    """The fastest exact form for one row; None when no training has measured any."""
    measured = [each for each in forms if each.exact and each.microseconds is not None]
    fastest = min(measured, key=lambda each: each.microseconds or 0.0, default=None)
    return None if fastest is None else fastest.name


def bulk_form(forms: Iterable[FormRecord]) -> FormName | None:
    """The fastest exact form for many rows; None when no training has measured any.

    The library has to be faster by half, since it is to be imported first.
    """
    measured = {each.name: each.bulk for each in forms if each.exact and each.bulk is not None}
    weighed = {name: bulk * (_IMPORTED if name == "library" else 1.0) for name, bulk in measured.items()}
    return min(weighed, key=weighed.__getitem__, default=None)


def data_forms(forms: Iterable[FormRecord]) -> Iterator[FormRecord]:
    """Those that are nothing but numbers: to load the library's unpickles, or runs, what the folder holds."""
    return (each for each in forms if each.name != "library")


def answers_as_data(forms: Sequence[FormRecord], folder: Path) -> bool:
    """Whether the model that is stored in *folder* answers in a form that is nothing but numbers."""
    if forms:
        return any(each.exact for each in data_forms(forms))
    return (folder / "plain").is_dir()  # fitted by Spark, which no library has to be compared with
