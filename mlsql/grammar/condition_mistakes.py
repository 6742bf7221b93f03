"""The place where a condition stops making sense, as the diagnoses see it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lark import Token as Leaf

_WORD = re.compile(r"[^\W\d][\w.]*")
_PIECE = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|:?[\w.]+|[<>=!&|*:]+|.""", re.DOTALL)
OPENINGS = {"(": "parenthesis", "[": "bracket"}
CLOSINGS = {")": "(", "]": "["}


@dataclass(frozen=True, slots=True)
class Complaint:
    """A sentence, the stretch of the condition that it is about, and the way out."""

    message: str
    start: int
    end: int
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class ConditionMistake:
    """Where a condition stops making sense.

    ``before`` are the tokens that fit, ``position`` is where the trouble begins, ``expected`` are
    the terminals of conditions.lark that would fit there.
    """

    text: str
    before: Sequence[Leaf]
    position: int
    expected: frozenset[str]

    @property
    def last(self) -> Leaf | None:
        """The last token that fits."""
        return self.before[-1] if self.before else None

    @property
    def wants_value(self) -> bool:
        """Whether a value may stand here; otherwise an operator may."""
        return "NUMBER" in self.expected

    @property
    def at_end(self) -> bool:
        """Whether the condition ends here."""
        return self.position >= len(self.text)

    @property
    def piece(self) -> str:
        """What stands here: a word, a string, a run of operator characters or one other character."""
        match = _PIECE.match(self.text, self.position)
        return match[0] if match else ""

    @property
    def word(self) -> str:
        """The word that stands here, empty when something else does."""
        match = _WORD.match(self.piece)
        return match[0] if match else ""

    @property
    def opened(self) -> list[Leaf]:
        """The brackets that are open, the innermost last."""
        opened: list[Leaf] = []
        for token in self.before:
            if token in OPENINGS:
                opened.append(token)
            elif token in CLOSINGS:
                opened.pop()
        return opened

    def touches(self, *types: str) -> Leaf | None:
        """The last token, when no blank stands before this place and it is one of *types*."""
        last = self.last
        return last if last is not None and last.type in types and end_of(last) == self.position else None

    def here(self, message: str, hint: str | None = None) -> Complaint:
        """The sentence *message*, said of what stands here."""
        return Complaint(message, self.position, self.position + len(self.piece), hint)

    def behind(self, message: str, hint: str | None = None) -> Complaint:
        """The sentence *message*, said at the end of the last token, where something is missing."""
        end = end_of(self.last) if self.last is not None else 0
        return Complaint(message, end, end, hint)

    def between(self, start: int, end: int, message: str, hint: str | None = None) -> Complaint:
        """The sentence *message*, said of the text from *start* to *end*."""
        return Complaint(message, start, end, hint)


def start_of(token: Leaf) -> int:
    """The offset of the first character of *token*."""
    assert token.start_pos is not None
    return token.start_pos


def end_of(token: Leaf) -> int:
    """The offset behind *token*."""
    assert token.end_pos is not None
    return token.end_pos
