"""A database of Spark for each owner: what ``create table`` makes is his, and his session begins in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsql.sql.owner_databases import database_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def use_own_database(spark: SparkSession, owner: str) -> None:
    """Let *spark*, the session of *owner*, work in his database, which is made when it is not there.

    With Hive it lasts. Spark's own catalog forgets it with the application, but not its files: so
    these lie in a folder that no other application uses, until :func:`drop_own_database`.
    """
    name = database_of(owner)
    where = "" if _lasts(spark) else f" location {_literal(_folder(spark, name))}"
    spark.sql(f"create database if not exists {name}{where}")
    spark.catalog.setCurrentDatabase(name)


def drop_own_database(spark: SparkSession, owner: str) -> None:
    """Remove the database of *owner* with its files, unless it lasts; *spark* may be any session."""
    if not _lasts(spark):
        spark.sql(f"drop database if exists {database_of(owner)} cascade")


def _lasts(spark: SparkSession) -> bool:
    return spark.conf.get("spark.sql.catalogImplementation") == "hive"


def _folder(spark: SparkSession, name: str) -> str:
    warehouse = str(spark.conf.get("spark.sql.warehouse.dir")).rstrip("/")
    return f"{warehouse}/{name}-{spark.sparkContext.applicationId}.db"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
