"""What a database, its driver or Spark says, told without passwords."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from mlsql.errors import ConfigError, DataError, MlsqlError, RunError, ScriptError
from mlsql.spans import mask_secrets
from mlsql.spark.errors import is_a, java_causes, spark_errors, sql_error

SECRET_NAME = re.compile(
    r"password|passwd|passphrase|secret|token|credential|access[._-]?key|private[._-]?key", re.IGNORECASE
)
_IN_URL = re.compile(r"(?:password|passwd|secret|token)=([^;&]+)|://[^/:@]+:([^@]+)@", re.IGNORECASE)
_SQL_EXCEPTION = "java.sql.SQLException"
_CLASS_MISSING = "java.lang.ClassNotFoundException"
_DATA_STATES = ("07", "0A", "21", "22", "23", "3D", "3F", "42", "44", "S0", "X0")
"""SQLSTATE classes of what the script or its data can mend; Derby says X0Y32, SQL Server S0002."""
_LOGIN_STATES = ("28",)
_REQUIREMENT = "requirement failed: "
_NO_DRIVER = "No suitable driver"


class DriverFailure(Exception):
    """The text of the Java exception behind an error, without the secrets that the exception could tell."""


def secrets_of(options: Mapping[str, str]) -> tuple[str, ...]:
    """The values in *options* that nobody may see, credentials in the address among them."""
    named = [value for key, value in options.items() if SECRET_NAME.search(key)]
    in_url = [one or other for one, other in _IN_URL.findall(options.get("url", ""))]
    return tuple(sorted({each for each in (*named, *in_url) if each}, key=len, reverse=True))


def masked(text: str, secrets: Iterable[str]) -> str:
    """*text* with the *secrets*, and whatever else looks like one, starred out.

    >>> masked("no user pa$s at jdbc:x://ann:hidden@host", ["pa$s"])
    'no user *** at jdbc:x://ann:******@host'
    """
    for secret in secrets:
        text = text.replace(secret, "***")
    return mask_secrets(text)


@contextmanager
def told_without(secrets: Iterable[str], driver: str | None) -> Iterator[None]:
    """A block around calls of a database whose errors are ours and hold no secret."""
    try:
        yield
    except spark_errors() as error:
        failure = _error_of(error, driver)
        failure.message = masked(failure.message.removeprefix(_REQUIREMENT), secrets)
        failure.hint = failure.hint and masked(failure.hint, secrets)
        failure.args = (failure.message,)
        raise failure from DriverFailure(masked(str(error), secrets))


def _error_of(error: Exception, driver: str | None) -> MlsqlError:
    for each in java_causes(error):
        if is_a(each, _CLASS_MISSING):
            return _missing_driver(driver)
        if is_a(each, _SQL_EXCEPTION):
            return _of_database(each.getMessage() or each.toString(), each.getSQLState() or "", driver)
    return sql_error(error, {})


def _of_database(message: str, state: str, driver: str | None) -> MlsqlError:
    sentence = f"the database says: {' '.join(message.split()).rstrip('.')}"
    if message.startswith(_NO_DRIVER):
        return _missing_driver(driver)
    if state.startswith(_DATA_STATES):
        return DataError(sentence)
    if state.startswith(_LOGIN_STATES):
        return ScriptError(sentence, hint="are user and password of the connect right?")
    return RunError(sentence, retriable=state.startswith("08"))


def _missing_driver(driver: str | None) -> ConfigError:
    what = f"the JDBC driver '{driver}' is not there" if driver else "no JDBC driver takes this url"
    return ConfigError(
        what,
        hint="`mlsql connectors list` shows those that can be fetched; the jar of another belongs to Spark's:"
        " --conf spark.jars=/path/to/driver.jar, or jars under [spark] of mlsql.toml; the option driver names"
        " its class",
    )
