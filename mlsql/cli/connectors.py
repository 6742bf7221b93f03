"""``mlsql connectors``: what sources need beside Spark, fetched from Maven repositories."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from mlsql.cli.exits import exit_codes
from mlsql.cli.manual import Command, GroupCommand
from mlsql.cli.options import settings_of, with_settings
from mlsql.cli.output import tell, write_lines
from mlsql.spans import mask_secrets

if TYPE_CHECKING:
    from mlsql.spark.connectors import Connector, Connectors


@click.group(cls=GroupCommand, exits=(0, 2, 3, 70), examples=["mlsql connectors list"])
def connectors() -> None:
    """List, fetch and remove what sources need beside Spark: Kafka, Avro, Delta, JDBC drivers.

    They come from Maven Central, or from connectors.repositories, into a cache of ours. A script
    uses what was fetched, also when it runs already; delta and iceberg at the next start of Spark.
    """


@connectors.command(
    name="list",
    cls=Command,
    exits=(0, 2, 70),
    examples=["mlsql connectors list", "mlsql connectors list --json"],
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON array to standard output.")
@with_settings
def list_connectors(*, as_json: bool, **given: Any) -> None:
    """Show the connectors that there are: version, licence, and whether it is fetched."""
    with _connectors(given) as known:
        rows = [_row(each, known) for each in known.known.values()]
        write_lines(_as_json(rows) if as_json else _as_table(rows))


@connectors.command(
    cls=Command,
    exits=(0, 2, 3, 70),
    examples=[
        "mlsql connectors add kafka",
        "mlsql connectors add postgresql --conf connectors.repositories=https://maven.example.org/public/",
    ],
)
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@with_settings
def add(names: tuple[str, ...], **given: Any) -> None:
    """Fetch connectors with all that they need, but for what Spark has itself; once."""
    with _connectors(given) as known:
        for connector in _named(names, known):
            if known.jars(connector):
                tell(f"{connector.name} {connector.version} is there already")
                continue
            source = f" from {' and '.join(known.repositories)}" if connector.package else ""
            tell(mask_secrets(f"fetching {connector.package or connector.name}{source}"))
            jars = known.fetch(connector)
            size = sum(each.stat().st_size for each in jars) / 1e6
            tell(f"{connector.name} {connector.version} is there: {_counted(len(jars))}, {size:.1f} MB")


@connectors.command(cls=Command, exits=(0, 2, 70), examples=["mlsql connectors remove delta"])
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@with_settings
def remove(names: tuple[str, ...], **given: Any) -> None:
    """Remove connectors that were fetched, in all versions; a Spark that uses one has to be started again."""
    with _connectors(given) as known:
        for connector in _named(names, known):
            found = known.remove(connector)
            tell(f"{connector.name} {'is removed' if found else 'was not there'}")


@contextmanager
def _connectors(given: dict[str, Any]) -> Iterator[Connectors]:
    with exit_codes():
        settings = settings_of({}, **given)
        from mlsql.spark.connectors import Connectors

        yield Connectors.from_settings(settings)


def _named(names: tuple[str, ...], known: Connectors) -> list[Connector]:
    """All of them, before anything is done with one; a wrong name is a wrong command line."""
    from mlsql.errors import UnknownName

    try:
        return [known.get(name) for name in names]
    except UnknownName as error:
        raise click.UsageError(f"{error.message} ({error.hint})") from error


def _row(connector: Connector, known: Connectors) -> dict[str, Any]:
    return {
        "connector": connector.name,
        "version": connector.version or None,
        "fetched": bool(known.jars(connector)),
        "licence": connector.licence,
        "package": connector.package or None,
        "what": connector.doc,
    }


def _as_json(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield json.dumps(rows, ensure_ascii=False, indent=2)


def _as_table(rows: list[dict[str, Any]]) -> Iterator[str]:
    from mlsql.cli.terminal import table_lines, terminal_width

    headings = ("connector", "version", "fetched", "licence", "what")
    cells = [
        (
            each["connector"],
            each["version"] or "-",
            "yes" if each["fetched"] else "no",
            each["licence"],
            each["what"],
        )
        for each in rows
    ]
    yield from table_lines(headings, cells, terminal_width(sys.stdout))


def _counted(jars: int) -> str:
    return "1 jar" if jars == 1 else f"{jars} jars"
