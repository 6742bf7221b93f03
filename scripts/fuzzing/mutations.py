"""A text with something wrong: a stretch of it left out, doubled, moved, replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from .pieces import SIGNS, TOKENS


def mutated(random: Random, text: str, corpus: Sequence[str], *, times: int) -> str:
    """*text* with so many changes; the others of *corpus* may end it."""
    for _ in range(times):
        start = random.randint(0, len(text))
        end = min(len(text), start + random.choice((1, 2, 5, 10, 40)))
        change = random.choice(_CHANGES)
        text = text[:start] + change(random, text[start:end], text[end:], corpus)
    return text


def _left_out(_random: Random, _cut: str, after: str, _corpus: Sequence[str]) -> str:
    return after


def _doubled(_random: Random, cut: str, after: str, _corpus: Sequence[str]) -> str:
    return cut + cut + after


def _moved(random: Random, cut: str, after: str, _corpus: Sequence[str]) -> str:
    there = random.randint(0, len(after))
    return after[:there] + cut + after[there:]


def _ended(_random: Random, cut: str, _after: str, _corpus: Sequence[str]) -> str:
    return cut


def _continued(random: Random, cut: str, after: str, corpus: Sequence[str]) -> str:
    other = random.choice([*corpus, after])
    return cut + other[random.randint(0, len(other)) :]


def _altered(random: Random, cut: str, after: str, _corpus: Sequence[str]) -> str:
    return random.choice((cut.upper(), cut[::-1], cut.title())) + after


def _without_sign(random: Random, cut: str, after: str, _corpus: Sequence[str]) -> str:
    return (cut + after).replace(random.choice(SIGNS), random.choice(("", " ", "\n", ";", "''")), 1)


def _replaced(random: Random, _cut: str, after: str, _corpus: Sequence[str]) -> str:
    return random.choice(TOKENS) + after


def _inserted(random: Random, cut: str, after: str, _corpus: Sequence[str]) -> str:
    return random.choice(TOKENS) + cut + after


_CHANGES: Sequence[Callable[[Random, str, str, Sequence[str]], str]] = (
    _left_out,
    _doubled,
    _moved,
    _ended,
    _continued,
    _altered,
    _without_sign,
    _replaced,
    _inserted,
)
