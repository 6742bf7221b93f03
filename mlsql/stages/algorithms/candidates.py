"""``fitParam.N.name`` options as candidates: each number is one model to fit."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import Candidate
from mlsql.options import OptionText

FAMILY = "fitParam."
_GROUPED = re.compile(r"(?P<index>0|[1-9]\d*)\.(?P<name>.+)")


def read_candidates(given: Mapping[str, OptionText]) -> tuple[Candidate, ...]:
    """The candidates by number, from keys without ``fitParam.``; without numbers there is one.

    >>> [one.params for one in read_candidates({"alg": OptionText("KMeans")})]
    [{'alg': 'KMeans'}]
    """
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
