"""Which driver a database needs, where that comes from, and what has to be told it besides.

Spark finds a driver by its class; those that are fetched as connectors it has not seen yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mlsql.session import Run
from mlsql.spans import Span
from mlsql.stages.sources.connecting import need_connector

_STREAMED_ROWS = "1000"
_ROW_BY_ROW = str(-(2**31))
"""With this fetch size, MySQL's driver does not fetch a whole table before it gives the first row."""


@dataclass(frozen=True, slots=True)
class Driver:
    """A driver, the connector that brings it, and the fetch size by which it streams."""

    connector: str
    java_class: str
    fetch: str | None = None


_MARIADB = Driver("mariadb", "org.mariadb.jdbc.Driver", _STREAMED_ROWS)
_DRIVERS: Mapping[str, Driver] = MappingProxyType(
    {
        "mariadb": _MARIADB,
        "mysql": Driver("mysql", "com.mysql.cj.jdbc.Driver", _ROW_BY_ROW),
        "oracle": Driver("oracle", "oracle.jdbc.OracleDriver"),
        "postgresql": Driver("postgresql", "org.postgresql.Driver", _STREAMED_ROWS),
        "sqlite": Driver("sqlite", "org.sqlite.JDBC"),
        "sqlserver": Driver("sqlserver", "com.microsoft.sqlserver.jdbc.SQLServerDriver"),
    }
)


def kind_of(url: str) -> str:
    """Which database it is, in the words of JDBC.

    >>> kind_of("jdbc:postgresql://host/crm")
    'postgresql'
    """
    return f"{url}::".split(":")[1].casefold()


def with_driver(run: Run, options: Mapping[str, str], span: Span) -> dict[str, str]:
    """Spark's *options* with the driver, which Spark knows then when it is a connector that was fetched."""
    driver = _driver_of(options["url"], options.get("driver"))
    if driver is None:
        return dict(options)
    need_connector(run, driver.connector, driver.java_class, span)
    url = _in_mysqls_words(options["url"]) if driver is _MARIADB else options["url"]
    fetch = {} if driver.fetch is None else {"fetchsize": driver.fetch}
    return {**fetch, **options, "url": url, "driver": driver.java_class}


def _driver_of(url: str, given: str | None) -> Driver | None:
    """The driver that the script names, else the one for the address; None when it is not one of these."""
    if given is None:
        return _DRIVERS.get(kind_of(url))
    return next((each for each in _DRIVERS.values() if each.java_class == given), None)


def _in_mysqls_words(url: str) -> str:
    """An address of MariaDB as one of MySQL, which Spark 4.0 knows how to quote names for.

    In an address of MariaDB it quotes columns as texts, so that a table gives their names in each row.
    """
    rest = url.removeprefix("jdbc:mariadb:")
    if rest == url or "permitMysqlScheme" in url:
        return url
    return f"jdbc:mysql:{rest}{'&' if '?' in rest else '?'}permitMysqlScheme"
