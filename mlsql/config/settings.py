"""Every setting, declared once: its key, what it takes, its default, and a line of documentation.

The sections stand in the modules beside this one, by their subject; all are given here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlsql.config.script_sections import (
    PERMISSIONS,
    ConnectorSettings,
    IncludeSettings,
    JdbcSettings,
    LanguageSettings,
    PathSettings,
    RoleSettings,
    SecuritySettings,
    SourceSettings,
)
from mlsql.config.server_sections import (
    AuthSettings,
    CallbackSettings,
    JobSettings,
    LoggingSettings,
    ServerSettings,
    ServingSettings,
    SessionSettings,
)
from mlsql.config.training_sections import (
    BridgeSettings,
    KafkaSettings,
    ModelSettings,
    TrainSettings,
)

__all__ = [
    "PERMISSIONS",
    "SECTIONS",
    "AuthSettings",
    "BridgeSettings",
    "CallbackSettings",
    "ConnectorSettings",
    "IncludeSettings",
    "JdbcSettings",
    "JobSettings",
    "KafkaSettings",
    "LanguageSettings",
    "LoggingSettings",
    "ModelSettings",
    "PathSettings",
    "RoleSettings",
    "SecuritySettings",
    "ServerSettings",
    "ServingSettings",
    "SessionSettings",
    "Settings",
    "SourceSettings",
    "TrainSettings",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting in effect; ``spark`` holds Spark's own by their full names."""

    server: ServerSettings = field(default_factory=ServerSettings)
    paths: PathSettings = field(default_factory=PathSettings)
    jobs: JobSettings = field(default_factory=JobSettings)
    callbacks: CallbackSettings = field(default_factory=CallbackSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    sessions: SessionSettings = field(default_factory=SessionSettings)
    jdbc: JdbcSettings = field(default_factory=JdbcSettings)
    sources: SourceSettings = field(default_factory=SourceSettings)
    connectors: ConnectorSettings = field(default_factory=ConnectorSettings)
    bridge: BridgeSettings = field(default_factory=BridgeSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    serving: ServingSettings = field(default_factory=ServingSettings)
    language: LanguageSettings = field(default_factory=LanguageSettings)
    include: IncludeSettings = field(default_factory=IncludeSettings)
    security: SecuritySettings = field(default_factory=SecuritySettings)
    logging: LoggingSettings = field(default_factory=LoggingSettings)
    spark: Mapping[str, str] = field(default_factory=dict)


SECTIONS: Mapping[str, type[Any]] = {
    "server": ServerSettings,
    "paths": PathSettings,
    "jobs": JobSettings,
    "callbacks": CallbackSettings,
    "auth": AuthSettings,
    "sessions": SessionSettings,
    "jdbc": JdbcSettings,
    "sources": SourceSettings,
    "connectors": ConnectorSettings,
    "bridge": BridgeSettings,
    "bridge.kafka": KafkaSettings,
    "train": TrainSettings,
    "models": ModelSettings,
    "serving": ServingSettings,
    "language": LanguageSettings,
    "include": IncludeSettings,
    "security": SecuritySettings,
    "security.roles": RoleSettings,
    "logging": LoggingSettings,
}
