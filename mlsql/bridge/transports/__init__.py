"""Transports by scheme, and the streams that a job file carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlsql.bridge.transport import Stream, Transport
from mlsql.registry import Registry


def builtins() -> Registry[Callable[..., Transport]]:
    """What makes a transport of its settings, by scheme."""
    transports: Registry[Callable[..., Transport]] = Registry("transport")
    transports.add("memory", "mlsql.bridge.transports.memory:MemoryTransport")
    transports.add("spool", "mlsql.bridge.transports.spool:SpoolTransport")
    transports.add("kafka", "mlsql.bridge.transports.kafka:KafkaTransport")
    return transports


def open_transport(scheme: str, **settings: Any) -> Transport:
    """The transport of *scheme* with *settings*, the arguments of its class; nothing is sent yet."""
    return builtins().get(scheme)(**settings)


def stream_from(raw: Mapping[str, Any]) -> Stream:
    """The stream that :meth:`Stream.to_dict` put into plain values."""
    streams: Registry[Callable[..., Stream]] = Registry("stream")
    streams.add("spool", "mlsql.bridge.transports.spool:SpoolStream")
    streams.add("kafka", "mlsql.bridge.transports.kafka:KafkaStream")
    fields = {name: value for name, value in raw.items() if name != "scheme"}
    return streams.get(raw["scheme"])(**fields)
