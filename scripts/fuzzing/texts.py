"""Every kind of text that the language has to bear, from what is nearly right to plain noise.

The text of a number is always the same for a seed, whatever was made before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from .grammar import Writer
from .mutations import mutated
from .pieces import NESTINGS, TOKENS, UNICODE

SMALL, BIG, HUGE = 300, 10_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Text:
    """A text to try: its number in the run and its kind tell where it came from."""

    number: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The endless row of texts of a *seed*; some are made from the real scripts of *corpus*."""

    seed: int
    corpus: Sequence[str]

    def text(self, number: int) -> Text:
        """The text of that number."""
        random = Random(f"{self.seed}:{number}")  # noqa: S311 - no secrets, but the same again
        kind = random.choices(list(KINDS), weights=[share for _, share in KINDS.values()])[0]
        make, _ = KINDS[kind]
        return Text(number, kind, make(random, self.corpus))


Make = Callable[[Random, Sequence[str]], str]


def _grammar(random: Random, _: Sequence[str]) -> str:
    return Writer(random).script()


def _mutated(random: Random, corpus: Sequence[str]) -> str:
    """A real script, or one by the grammar, with some things wrong."""
    text = random.choice([*corpus, Writer(random).script()])
    return mutated(random, text, corpus, times=random.choice((1, 1, 2, 3, 8)))


def _soup(random: Random, _: Sequence[str]) -> str:
    tokens = random.choices(TOKENS, k=random.randint(1, 40))
    return random.choice(("", " ", " ", "\n")).join(tokens)


def _bytes(random: Random, _: Sequence[str]) -> str:
    raw = random.randbytes(random.randint(0, SMALL))
    return raw.decode(random.choice(("utf-8", "latin-1", "utf-16-le")), "replace")


def _unicode(random: Random, _: Sequence[str]) -> str:
    ranges = random.choices(UNICODE, k=random.randint(0, 60))
    return "".join(chr(random.randrange(*each)) for each in ranges)


def _condition(random: Random, _: Sequence[str]) -> str:
    return mutated(random, Writer(random).condition(), (), times=random.choice((0, 0, 1)))


def _template(random: Random, _: Sequence[str]) -> str:
    return Writer(random).template()


def _nested(random: Random, _: Sequence[str]) -> str:
    return _nest(random, random.choice((5, 5, 10, 30, 30, 70, 70, 120, 120, 300, 300, 1100)))


def _nest(random: Random, depth: int) -> str:
    """Up to three things in each other, *depth* deep, closed or not, in a statement or alone."""
    forms = random.choices(NESTINGS, k=random.choice((1, 1, 2, 3)))
    opening, closing = ("".join(parts) for parts in zip(*forms, strict=True))
    closed = random.choice((depth, depth, 0, depth - 1))
    head = random.choice(
        ("", "", "select ", "set a=", "load csv.`", "!m ", "!if ", "select 1 as t;\n", "'", "/*")
    )
    return (
        head
        + opening * depth
        + random.choice(("", "1", "a", ";"))
        + closing * closed
        + random.choice((";", ""))
    )


def _huge(random: Random, corpus: Sequence[str]) -> str:
    """From 10 kB, mostly, up to 1 MB: pieces that are all the same, all different, or nested."""
    size = int(BIG * (HUGE / BIG) ** (random.random() ** 4))
    text = random.choice((_repeated, _many, _deep))(random, corpus, size)
    return random.choice(("", "", "", "'''", "/*", "select (", "!if 1;\n", '"')) + text[:size]


def _repeated(random: Random, corpus: Sequence[str], size: int) -> str:
    make = random.choice((_grammar, _mutated, _soup, _unicode, _condition, _template, _token))
    piece = make(random, corpus) or " "
    return piece * (size // len(piece) + 1)


def _token(random: Random, _: Sequence[str]) -> str:
    return random.choice(TOKENS)


def _many(random: Random, corpus: Sequence[str], size: int) -> str:
    make, parts, done = random.choice((_grammar, _mutated, _soup)), [], 0
    while done < size:
        parts.append(make(random, corpus) + "\n")
        done += len(parts[-1])
    return "".join(parts)


def _deep(random: Random, _: Sequence[str], size: int) -> str:
    return _nest(random, size // random.choice((2, 10)))


KINDS: Mapping[str, tuple[Make, float]] = {
    "grammar": (_grammar, 24),
    "mutated": (_mutated, 24),
    "soup": (_soup, 12),
    "condition": (_condition, 16),
    "template": (_template, 10),
    "bytes": (_bytes, 5),
    "unicode": (_unicode, 5),
    "nested": (_nested, 3.8),
    "huge": (_huge, 0.2),
}
"""How each kind is made, and how many of a hundred texts are of it."""
