"""Tries the language front end with texts that nobody would write: nothing but a ScriptError may come.

scripts/fuzz                                10 minutes, texts that were never tried before
scripts/fuzz --seconds 60 --seed 7          the same texts again
scripts/fuzz --seed 7 --first 1234 --scripts 1     one of them
scripts/fuzz --file out/fuzz/7-1234.mlsql   what was kept of a failure
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import SystemRandom

from .laws import LAWS
from .running import Failure, Report, fuzz, smallest, try_text
from .texts import KINDS, Text, Texts

ROOT = Path(__file__).parents[2]
_EVERY_SECONDS = 10


def read_corpus(root: Path = ROOT) -> list[str]:
    """The real scripts of the repository, always in the same order."""
    found = sorted(path for folder in ("tests/scripts", "docs") for path in (root / folder).rglob("*.mlsql"))
    return [path.read_text(encoding="utf-8") for path in found]


def progress() -> Callable[[Report], None]:
    """Tells every now and then how far the run has come."""
    due = time.monotonic() + _EVERY_SECONDS

    def tell(report: Report) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + _EVERY_SECONDS
            _say(
                f"{report.count:,} texts in {report.seconds:.0f} s, slowest {report.slowest[0].seconds:.2f} s"
            )

    return tell


def summary(report: Report) -> str:
    """Counts by kind, which part of them parses as script and as condition, and what took longest."""
    lines = [f"{'':12}{'texts':>10}{'characters':>14}{'script':>9}{'condition':>11}"]
    for kind in KINDS:
        texts = report.texts[kind]
        parsed = [report.right[f"{kind} {law}"] / max(1, texts) for law in ("scripts", "conditions")]
        shares = f"{parsed[0]:>9.0%}{parsed[1]:>11.0%}"
        lines.append(f"{kind:12}{texts:>10,}{report.characters[kind]:>14,}{shares}")
    lines.append(f"{'all':12}{report.count:>10,}{report.characters.total():>14,}   in {report.seconds:.0f} s")
    lines += [
        f"slowest: {each.seconds:.3f} s of {each.law}, {each.characters:,} characters"
        f" ({each.kind}, number {each.number})"
        for each in report.slowest
    ]
    return "\n".join(lines)


def keep(failure: Failure, seed: int, folder: Path) -> Path:
    """Write the smallest text that fails, and the whole one beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{seed}-{failure.text.number}.mlsql"
    _write(path.with_suffix(".whole.mlsql"), failure.text.text)
    _write(path, smallest(failure))
    return path


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")


def _try_file(path: Path) -> Failure | None:
    text = path.read_bytes().decode("utf-8", "surrogatepass")
    return try_text(Text(0, "file", text), LAWS, Report())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """The command line; exit code 1 when a law is broken."""
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600, help="how long (600)")
    parser.add_argument("--scripts", type=int, help="how many texts at most")
    parser.add_argument("--seed", type=int, help="which texts; by default it is drawn, and told")
    parser.add_argument("--first", type=int, default=0, help="the number of the first text (0)")
    parser.add_argument("--file", type=Path, help="try this text alone")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "fuzz", help="where a failure is kept")
    given = parser.parse_args()
    if given.file is not None:
        failure = _try_file(given.file)
        _say(failure.details if failure else "every law holds")
        return int(failure is not None)
    seed = SystemRandom().randrange(10**6) if given.seed is None else given.seed
    _say(f"seed {seed}")
    texts = Texts(seed, read_corpus())
    report = fuzz(texts, seconds=given.seconds, most=given.scripts, first=given.first, tell=progress())
    print(summary(report))
    if report.failure is None:
        return 0
    _say(f"{report.failure.details}\nseed {seed}, text {report.failure.text.number}: making it smaller")
    _say(
        f"{report.failure.law} fails: {report.failure.what}\nkept in {keep(report.failure, seed, given.out)}"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
