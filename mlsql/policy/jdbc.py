"""Which databases may be reached by JDBC where owners are apart: patterns of URLs, harmless parameters.

A driver runs inside the server. What a URL or a property says to it can load a class, read a file or send
one away, so only parameters that are known to be harmless are taken, and only classes that are drivers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from mlsql.errors import Refused
from mlsql.names import words

_PARAMETER = re.compile(r"[?;&]([^?;&=]*)")
_BASE = re.compile(r"[^?;]*")
_ANYTHING = r"[^/@(),#\\\s]*"
"""What ``*`` stands for: within one part of a URL, and nothing that ends a host or begins a list."""

_SPARKS_OWN = words(
    """
    batchsize cascadetruncate createtablecolumntypes createtableoptions customschema dbtable driver
    fetchsize hint isolationlevel lowerbound numpartitions partitioncolumn password prefertimestampntz
    preparequery pushdownaggregate pushdownlimit pushdownoffset pushdownpredicate pushdowntablesample
    query querytimeout sessioninitstatement tablecomment truncate upperbound url user
    """
)
_HARMLESS = words(
    """
    allowmultiqueries applicationname autoreconnect cachepreparedstatements cacheprepstmts
    characterencoding charset collation compress connectionattributes connectiontimeout connecttimeout
    create currentschema defaultfetchsize defaultrowfetchsize encrypt
    jdbccomplianttruncation logintimeout maxallowedpacket maxrows
    multisubnetfailover noaccesstoprocedurebodies nullcatalogmeanscurrent nulldatabasemeanscurrent
    password preparethreshold prepstmtcachesize prepstmtcachesqllimit readonly readonlymode
    requiressl rewritebatchedinserts rewritebatchedstatements schema selectmethod
    sendstringparametersasunicode servertimezone sessionvariables sockettimeout ssl sslmode stringtype
    targetservertype tcpkeepalive tinyint1isbit trustservercertificate useaffectedrows
    usebulkcopyforbatchinsert usecompression usecursorfetch useinformationschema uselegacydatetimecode
    user useserverprepstmts usessl useunicode verifyservercertificate warehouse zerodatetimebehavior
    """
)
_WITH_A_HOST = frozenset(["database", "databasename"])
"""Harmless where a server chooses among its databases; of an embedded one they are paths."""
_DRIVERS = words(
    """
    com.clickhouse.jdbc.ClickHouseDriver com.ibm.db2.jcc.DB2Driver
    com.microsoft.sqlserver.jdbc.SQLServerDriver com.mysql.cj.jdbc.Driver com.mysql.jdbc.Driver
    com.sap.db.jdbc.Driver net.snowflake.client.jdbc.SnowflakeDriver oracle.jdbc.OracleDriver
    oracle.jdbc.driver.OracleDriver org.apache.derby.client.ClientAutoloadedDriver
    org.apache.derby.iapi.jdbc.AutoloadedDriver org.apache.derby.jdbc.ClientDriver
    org.apache.derby.jdbc.EmbeddedDriver org.apache.hive.jdbc.HiveDriver org.h2.Driver
    org.mariadb.jdbc.Driver org.postgresql.Driver org.sqlite.JDBC ru.yandex.clickhouse.ClickHouseDriver
    """
)


def expect_reachable(options: Mapping[str, str], allowed: Iterable[str]) -> None:
    """Refuse unless Spark's *options* reach a database that is *allowed*, in a harmless way."""
    url = options["url"]
    base = _BASE.match(url)
    assert base is not None
    if not any(re.fullmatch(_pattern(each), base[0]) for each in allowed):
        raise Refused(
            "this database may not be connected to here",
            hint="the setting jdbc.allow names those that may, as patterns of their URLs",
        )
    harmless = _HARMLESS | _WITH_A_HOST if "//" in base[0] else _HARMLESS
    for name in _parameters(url, options):
        if name.casefold() not in harmless:
            raise Refused(
                f"the parameter '{name}' of a database is not allowed here: it is not known to be harmless",
                hint="a role with the permission 'jdbc' (security.roles) may say anything to a driver",
            )
    driver = options.get("driver")
    if driver is not None and driver not in _DRIVERS:
        raise Refused(
            f"the class '{driver}' is not known as a JDBC driver here",
            hint="without the option driver, it is found by the URL",
        )


def _parameters(url: str, options: Mapping[str, str]) -> Iterator[str]:
    """The names of what is said to the driver, in the URL and as properties."""
    yield from filter(None, map(str.strip, _PARAMETER.findall(url)))
    yield from (name for name in options if name.casefold() not in _SPARKS_OWN)


def _pattern(written: str) -> str:
    return _ANYTHING.join(map(re.escape, written.split("*")))
