"""What scripts may reach and do, and how they are understood."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mlsql.config.kinds import FILE, FOLDER, LIST, some_of
from mlsql.dialect import DIALECTS
from mlsql.options import BOOLEAN, integer, one_of, option

PERMISSIONS = ("shell", "python", "include", "jdbc")
"""What a role can be given: shell commands, own Python, scripts from http and git, any JDBC URL."""
PERMISSIONS_OF_A_ROLE = some_of(*PERMISSIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSettings:
    """What of the file systems a script may see."""

    root: Path | None = option(
        "root",
        FOLDER,
        "Folder that paths of scripts are below; without it they may lie anywhere.",
        default=None,
    )
    allow: tuple[str, ...] = option(
        "allow",
        LIST,
        "Folders and URI prefixes outside the root that scripts may use all the same.",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JdbcSettings:
    """Which databases scripts of the profile ``service`` may connect to."""

    allow: tuple[str, ...] = option(
        "allow",
        LIST,
        "Patterns of JDBC URLs, such as 'jdbc:postgresql://warehouse:5432/*'.",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """Which formats of Spark scripts may name besides the sources that are known."""

    allow: tuple[str, ...] = option(
        "allow",
        LIST,
        "Further formats of Spark that scripts may load from and save to, by their short names.",
        default=(),
    )
    topics: tuple[str, ...] = option(
        "topics",
        LIST,
        "Topics on the brokers of bridge.kafka.bootstrap_servers that scripts of the profile service may"
        " use, as patterns such as 'sales.*'.",
        default=(),
    )
    hosts: tuple[str, ...] = option(
        "hosts",
        LIST,
        "Addresses, networks (CIDR), hosts or host:port of this network that `rest` may ask in the"
        " profile service, besides public addresses.",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSettings:
    """Where the connectors of sources come from, and in which versions."""

    repositories: tuple[str, ...] = option(
        "repositories",
        LIST,
        "Maven repositories, the first that has an artifact gives it; by default Maven Central, or"
        " what DEFAULT_ARTIFACT_REPOSITORY names.",
        default=(),
    )
    packages: tuple[str, ...] = option(
        "packages",
        LIST,
        "Connectors in other versions, or further ones, as `name=group:artifact:version`.",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageSettings:
    """How scripts are understood."""

    dialect: str = option(
        "dialect", one_of(*DIALECTS), "The language of scripts that do not say theirs.", default="mlsql"
    )
    include_depth: int = option(
        "include_depth",
        integer(1, 64),
        "How deep includes, macros and blocks may lie in each other.",
        default=16,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IncludeSettings:
    """Where scripts may come from that a script includes, besides files."""

    hosts: tuple[str, ...] = option(
        "hosts",
        LIST,
        "Hosts that `include http` may read, with their port unless it is usual; '*' is any.",
        default=(),
    )
    repositories: tuple[str, ...] = option(
        "repositories",
        LIST,
        "What the git addresses of `include lib` may begin with, such as 'https://github.com/ours/'.",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSettings:
    """What each role may beyond tables and models in the profile ``service``."""

    analyst: tuple[str, ...] = option(
        "analyst",
        PERMISSIONS_OF_A_ROLE,
        "What a token of the role analyst may: shell, python, include, jdbc.",
        default=(),
    )
    operator: tuple[str, ...] = option(
        "operator",
        PERMISSIONS_OF_A_ROLE,
        "What a token of the role operator may: shell, python, include, jdbc.",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuritySettings:
    """What scripts may do beyond tables and models."""

    profile: str = option(
        "profile",
        one_of("auto", "local", "service"),
        "local: what this machine lets its user do. service: owners are apart, and paths, SQL and code are"
        " judged. auto: service for `mlsql serve`, else local.",
        default="auto",
    )
    policy: Path | None = option(
        "policy", FILE, "YAML file that says which owners may use which tables.", default=None
    )
    shell: bool = option(
        "shell",
        BOOLEAN,
        'Whether `set … where type="shell"` may run a command on this machine, in the profile local.',
        default=False,
    )
    python: bool = option(
        "python",
        BOOLEAN,
        "Whether scripts may bring Python of their own to train with, in the profile local.",
        default=True,
    )
    programs: tuple[str, ...] = option(
        "programs",
        LIST,
        "Python programs that `systemParam.pythonPath` may name besides the engine's own.",
        default=(),
    )
    roles: RoleSettings = field(default_factory=RoleSettings)
