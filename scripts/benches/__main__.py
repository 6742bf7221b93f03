"""What we cost, one module a bench: against a limit or a named peer, measured in the same run, in turns.

scripts/bench overhead            a script and the same steps in PySpark
scripts/bench statements          a hundred trivial statements and the same calls in PySpark
scripts/bench parse               parsing, and sqlglot on as many statements
scripts/bench bridge              tables to numpy by spool and Kafka, against toArrow; memory, first rows
scripts/bench scoring             a model in SQL, against mapInArrow by hand and mlflow's spark_udf
scripts/bench pipeline            a script from a CSV to saved predictions, against both libraries by hand
scripts/bench algorithms          models of Spark ML, vector functions and texts, against Spark's own ways
scripts/bench serve               predictions embedded, by socket, HTTP, SQL; against mlflow models serve
scripts/bench service             submits, look-ups and lists over HTTP; a round trip against PySpark
scripts/bench cancel              until nothing of a cancelled run lives any more, wherever it was
scripts/bench load                50 owners for 5 minutes: errors, memory, shares; --quick 30 seconds
scripts/bench tensorflow          an epoch of a network, against Keras by hand on the same arrays
scripts/bench bridge --quick      a tenth of the rows, few rounds: to try it out
scripts/bench bridge --rows N     other than 1,000,000
scripts/bench NAME --json         a list of objects, for a program
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from .algorithms import algorithms
from .bridge import bridge
from .cancelling import cancelling
from .load import load
from .measures import Row, Scale
from .overhead import overhead
from .parse import parse
from .pipeline import pipeline
from .scoring import scoring
from .serve import serve
from .service import service
from .statements import statements
from .tensorflow import tensorflow

BENCHES: Mapping[str, Callable[[Scale], Iterator[Row]]] = {
    "algorithms": algorithms,
    "bridge": bridge,
    "cancel": lambda _: cancelling(),
    "load": lambda scale: load(quick=scale.rounds < Scale.rounds),
    "overhead": lambda _: overhead(),
    "parse": lambda _: parse(),
    "pipeline": pipeline,
    "scoring": scoring,
    "serve": lambda scale: serve(quick=scale.rounds < Scale.rounds),
    "service": lambda _: service(),
    "statements": lambda _: statements(),
    "tensorflow": lambda _: tensorflow(),
}
_HEAD = ("", "ours", "peer", "ratio", "target", "")
_WIDTHS = (66, 14, 20, 32, 7, 7)


def as_line(cells: Sequence[str]) -> str:
    """The cells below each other from line to line, though nobody knows yet what comes."""
    name, *others = cells
    return "".join([name.ljust(_WIDTHS[0]), *map(str.rjust, others, _WIDTHS[1:])])


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=sorted(BENCHES), help="what to measure")
    parser.add_argument("--rows", type=int, default=Scale.rows, help="rows of bridge, pipeline and scoring")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows and fewer rounds")
    parser.add_argument("--json", action="store_true", help="print a list of objects instead of a table")
    given = parser.parse_args()
    scale = Scale(given.rows // 10, rounds=3) if given.quick else Scale(given.rows)
    measures = BENCHES[given.name](scale)
    if given.json:
        print(json.dumps([each.as_json() for each in measures], indent=2))
        return 0
    print(as_line(_HEAD))
    for each in measures:
        print(as_line(each.as_cells()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
