"""Jars from Maven repositories, with all that they need: resolved and fetched by the Ivy inside PySpark."""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies
from xml.sax.saxutils import quoteattr

from mlsql.errors import ConfigError, RunError
from mlsql.spark.java import find_java

CENTRAL = "https://repo1.maven.org/maven2/"
FETCH_SECONDS = 900.0
_COORDINATE = re.compile(r"(?P<group>[\w.-]+):(?P<artifact>[\w.-]+):(?P<version>[\w.-]+)")
_JAR = re.compile(r"(?P<artifact>.+?)-\d[^/]*\.jar")
_SETTINGS = """\
<ivysettings>
  <settings defaultResolver="all"/>
  <resolvers><chain name="all" returnFirst="true">
{resolvers}
  </chain></resolvers>
</ivysettings>
"""
_RESOLVER = '    <ibiblio name="repository{number}" m2compatible="true" root={root}/>'
_MODULE = """\
<ivy-module version="2.0">
  <info organisation="mlsql" module="connectors"/>
  <configurations><conf name="default"/></configurations>
  <dependencies>
{dependencies}
{exclusions}
  </dependencies>
</ivy-module>
"""
_DEPENDENCY = '    <dependency org={group} name={artifact} rev={version} conf="default->default"/>'
_EXCLUSION = "    <exclude module={artifact}/>"
_STORE_PASSWORD = "trusted"  # noqa: S105 - of a file that holds public certificates
_REASON = re.compile(r"Server access error|: not found$")
_LAST_LINES = 3


def default_repositories() -> tuple[str, ...]:
    """Maven Central, or the mirror that Spark's own DEFAULT_ARTIFACT_REPOSITORY names."""
    return (os.environ.get("DEFAULT_ARTIFACT_REPOSITORY") or CENTRAL,)


def is_coordinate(text: str) -> bool:
    """Whether *text* names an artifact: ``group:artifact:version``."""
    return _COORDINATE.fullmatch(text) is not None


def artifacts_of_spark() -> frozenset[str]:
    """The names of what lies among the jars of PySpark, which a connector need not bring."""
    names = (_JAR.fullmatch(each.name) for each in _spark_jars().glob("*.jar"))
    return frozenset(match["artifact"] for match in names if match)


def fetch_jars(
    coordinates: Sequence[str],
    folder: Path,
    repositories: Sequence[str] = (),
    *,
    without: frozenset[str] = frozenset(),
) -> None:
    """Put the artifacts of *coordinates*, and those that they need, into *folder*, which is not there yet.

    The first of the *repositories* that has an artifact gives it. What is called as one of *without* is
    left out with what only it needs. Raises RunError; nothing half-fetched is left behind.
    """
    repositories = tuple(repositories) or default_repositories()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder.parent) as scratch:
        work = Path(scratch)
        (work / "settings.xml").write_text(_settings(repositories), encoding="utf-8")
        (work / "module.xml").write_text(_module(coordinates, sorted(without)), encoding="utf-8")
        _run_ivy(work, f"'{', '.join(coordinates)}' from {' and '.join(map(_shown, repositories))}")
        try:
            (work / "jars").rename(folder)
        except OSError:  # another fetch was faster
            if not folder.is_dir():
                raise


def _settings(repositories: Sequence[str]) -> str:
    lines = (
        _RESOLVER.format(number=number, root=quoteattr(each.rstrip("/") + "/"))
        for number, each in enumerate(repositories)
    )
    return _SETTINGS.format(resolvers="\n".join(lines))


def _module(coordinates: Sequence[str], without: Sequence[str]) -> str:
    dependencies = "\n".join(map(_dependency, coordinates))
    exclusions = "\n".join(_EXCLUSION.format(artifact=quoteattr(each)) for each in without)
    return _MODULE.format(dependencies=dependencies, exclusions=exclusions)


def _dependency(coordinate: str) -> str:
    match = _COORDINATE.fullmatch(coordinate)
    if match is None:
        raise ConfigError(f"'{coordinate}' names no artifact", hint="it is written group:artifact:version")
    return _DEPENDENCY.format(**{name: quoteattr(value) for name, value in match.groupdict().items()})


def _run_ivy(work: Path, what: str) -> None:
    """Have Ivy put the jars into ``work/jars``."""
    jars = _spark_jars()
    classes = [*sorted(jars.glob("ivy-*.jar")), *sorted(jars.glob("commons-cli-*.jar"))]
    java = [str(find_java() / "bin" / "java"), *_trust(work), *_proxy()]
    ivy = ["-cp", os.pathsep.join(map(str, classes)), "org.apache.ivy.Main", "-warn"]
    where = ["-settings", str(work / "settings.xml"), "-cache", str(work / "cache")]
    # Without the type bundle, what is packed for OSGi is missing: scala-logging, snappy.
    fetch = ["-ivy", str(work / "module.xml"), "-confs", "default", "-types", "jar", "bundle", "-retrieve"]
    pattern = f"{work}/jars/[artifact]-[revision](-[classifier]).[ext]"
    try:
        ended = subprocess.run(
            [*java, *ivy, *where, *fetch, pattern],
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RunError(f"{what} did not come within {FETCH_SECONDS:g} s", retriable=True) from error
    if ended.returncode != 0 or not any((work / "jars").glob("*.jar")):
        raise RunError(f"{what} could not be fetched: {_reason(ended.stdout + ended.stderr)}", retriable=True)


def _reason(output: str) -> str:
    """What Ivy gives as the reason, else the end of what it says."""
    lines = list(dict.fromkeys(line.strip(":= \t") for line in output.splitlines()))
    reasons = [line for line in lines if _REASON.search(line)] or [line for line in lines if line]
    return "; ".join(reasons[-_LAST_LINES:]) or "Ivy does not say why"


def _shown(repository: str) -> str:
    """The address of a repository without credentials."""
    parts = urlsplit(repository)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _spark_jars() -> Path:
    import pyspark

    return Path(pyspark.__file__).parent / "jars"


def _proxy() -> list[str]:
    """Java does not read HTTPS_PROXY."""
    proxy = urlsplit(getproxies().get("https", ""))
    if not proxy.hostname:
        return []
    return [f"-Dhttps.proxyHost={proxy.hostname}", f"-Dhttps.proxyPort={proxy.port or 443}"]


def _trust(folder: Path) -> list[str]:
    """Java trusts the authorities that this Python trusts; a packaged runtime knows none of the machine's."""
    certificates = ssl.create_default_context().get_ca_certs(binary_form=True)
    if not certificates:
        return []
    store = folder / "trusted.jks"
    store.write_bytes(_key_store(certificates))
    names = {"trustStore": store, "trustStorePassword": _STORE_PASSWORD, "trustStoreType": "JKS"}
    return [f"-Djavax.net.ssl.{name}={value}" for name, value in names.items()]


def _key_store(certificates: Sequence[bytes]) -> bytes:
    """A file of Java's type JKS, version 2, as ``sun.security.provider.JavaKeyStore`` writes it."""
    body = struct.pack(">III", 0xFEEDFEED, 2, len(certificates)) + b"".join(_entries(certificates))
    salt = _STORE_PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite"
    return body + hashlib.sha1(salt + body, usedforsecurity=False).digest()


def _entries(certificates: Sequence[bytes]) -> Iterator[bytes]:
    """Each trusted certificate: its tag, alias, date, kind and bytes."""
    for number, certificate in enumerate(certificates):
        alias, kind = f"authority {number}".encode(), b"X.509"
        yield struct.pack(">IH", 2, len(alias)) + alias + struct.pack(">QH", 0, len(kind)) + kind
        yield struct.pack(">I", len(certificate)) + certificate
