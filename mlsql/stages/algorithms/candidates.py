"""``fitParam.N.name`` options as candidates: a group is one model, or several by its grids or a search.

Without grids a candidate has the number of its group. Else candidates are counted from 0: group
after group, in a group the product of its grids, of which the one written last changes fastest; the
trials of a search take turns among the groups. ``alg`` comes before the other parameters of a group, and
those of an inner estimator (``estimator__x``) after them, since it depends on them what a list means.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from random import Random

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import Candidate
from mlsql.options import OptionText
from mlsql.stages.algorithms.axes import Axis, Between, read_axis

FAMILY = "fitParam."
MOST = 1000
"""More candidates than these are refused."""
_GROUPED = re.compile(r"(?P<index>0|[1-9]\d*)\.(?P<name>.+)")
_REPEATS = 1000
"""After so many draws in a row that were there before, a group has nothing new to try."""

TakesList = Callable[[Mapping[str, str], str], bool]
"""Whether the parameter of that name takes a list, beside the other parameters."""


@dataclass(frozen=True, slots=True)
class RandomSearch:
    """So many trials of all groups together; the same seed draws the same."""

    trials: int
    seed: int


def read_candidates(
    given: Mapping[str, OptionText], takes_list: TakesList, search: RandomSearch | None = None
) -> tuple[Candidate, ...]:
    """The candidates by number, from keys without ``fitParam.``; without numbers there is one group.

    >>> given = {"alg": OptionText("SVC"), "C": OptionText("[1, 10]")}
    >>> [dict(one.params) for one in read_candidates(given, lambda params, name: False)]
    [{'alg': 'SVC', 'C': '1'}, {'alg': 'SVC', 'C': '10'}]
    """
    groups = read_groups(given)
    if search is not None:
        draws = [_draws(group, takes_list, search.seed) for group in groups]
        return _numbered(islice(_in_turn(draws), search.trials))
    combined = chain.from_iterable(_combined(group, _in_order(group.params), takes_list) for group in groups)
    candidates = tuple(islice(combined, MOST + 1))
    if len(candidates) > MOST:
        passed_at = {group.prefix: group for group in groups}[candidates[-1].prefix]
        raise _too_many(passed_at, takes_list)
    return candidates if len(candidates) == len(groups) else _numbered(candidates)


def read_groups(given: Mapping[str, OptionText]) -> tuple[Candidate, ...]:
    """The groups as they are written, by number."""
    groups: dict[int, dict[str, str]] = {}
    alone: dict[str, str] = {}
    for key, value in given.items():
        grouped = _GROUPED.fullmatch(key)
        if grouped is None:
            alone[key] = value.text
        else:
            groups.setdefault(int(grouped["index"]), {})[grouped["name"]] = value.text
    if not groups:
        return (Candidate(0, alone, FAMILY),)
    if alone:
        name = next(iter(alone))
        raise OptionFault(
            f"'{FAMILY}{name}' belongs to no group, but others do",
            option=FAMILY + name,
            hint=f"write it in each group: `{FAMILY}{min(groups)}.{name}`",
        )
    return tuple(Candidate(index, groups[index], f"{FAMILY}{index}.") for index in sorted(groups))


def _combined(group: Candidate, names: Sequence[str], takes_list: TakesList) -> Iterator[Candidate]:
    """The product of the grids of *names*."""
    if not names:
        yield group
        return
    axis = _axis(group, names[0], takes_list)
    if isinstance(axis, Between) or (axis is not None and axis.drawn):
        raise OptionFault(
            f"'{group.params[names[0]]}' is drawn from, which takes a search",
            option=group.prefix + names[0],
            hint='add search="random", or list the values: [1,10,100]',
        )
    for value in (group.params[names[0]],) if axis is None else axis.values:
        yield from _combined(_with(group, names[0], value), names[1:], takes_list)


def _draws(group: Candidate, takes_list: TakesList, seed: int) -> Iterator[Candidate]:
    """Draws of the group, none of them twice."""
    random, seen, repeats = Random(f"{seed} {group.index}"), set(), 0  # noqa: S311 — no secret
    while repeats < _REPEATS:
        drawn = _drawn(group, takes_list, random)
        key = tuple(drawn.params.items())
        repeats = repeats + 1 if key in seen else 0
        if not repeats:
            seen.add(key)
            yield drawn


def _drawn(group: Candidate, takes_list: TakesList, random: Random) -> Candidate:
    for name in _in_order(group.params):
        axis = _axis(group, name, takes_list)
        if axis is not None:
            group = _with(group, name, axis.draw(random))
    return group


def _axis(group: Candidate, name: str, takes_list: TakesList) -> Axis | None:
    text, option = group.params[name], group.prefix + name
    return read_axis(text, option=option, takes_list=takes_list(group.params, name))


def _with(group: Candidate, name: str, value: str) -> Candidate:
    return dataclasses.replace(group, params={**group.params, name: value})


def _in_order(params: Mapping[str, str]) -> list[str]:
    """As they are written, but what others depend on first."""
    return sorted(params, key=lambda name: (name != "alg", name.count("__")))


def _in_turn(draws: Iterable[Iterator[Candidate]]) -> Iterator[Candidate]:
    """One of each, again and again, as long as there are any."""
    for turn in zip_longest(*draws):
        yield from (each for each in turn if each is not None)


def _numbered(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return tuple(dataclasses.replace(each, index=index) for index, each in enumerate(candidates))


def _too_many(group: Candidate, takes_list: TakesList) -> OptionFault:
    """The fault of the first grid of *group*, at which the limit was passed."""
    grids = (name for name in _in_order(group.params) if _axis(group, name, takes_list) is not None)
    return OptionFault(
        f"the grids make more than {MOST:,} models",
        option=group.prefix + next(grids, next(iter(group.params))),
        hint='try fewer values, or some of them at random: search="random" and trials="100"',
    )
