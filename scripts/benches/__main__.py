"""What we cost, against a limit or a named peer, measured in the same run, in turns, by medians.

scripts/bench overhead            a script and the same steps in PySpark
scripts/bench statements          a hundred trivial statements and the same calls in PySpark
scripts/bench parse               parsing, and sqlglot on as many statements
scripts/bench NAME --json         a list of objects, for a program
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from .measures import Measure
from .overhead import overhead
from .parse import parse
from .statements import statements

BENCHES: Mapping[str, Callable[[], Iterator[Measure]]] = {
    "overhead": overhead,
    "parse": parse,
    "statements": statements,
}
_HEAD = ("", "ours", "peer", "ratio", "target", "")


def as_table(measures: Sequence[Measure]) -> str:
    """One line a measure, for people."""
    rows = [_HEAD, *(each.as_cells() for each in measures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])]) for name, *cells in rows
    )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=sorted(BENCHES), help="what to measure")
    parser.add_argument("--json", action="store_true", help="print a list of objects instead of a table")
    given = parser.parse_args()
    measures = list(BENCHES[given.name]())
    print(json.dumps([each.as_json() for each in measures], indent=2) if given.json else as_table(measures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
