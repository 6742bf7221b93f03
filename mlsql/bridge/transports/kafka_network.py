"""The network of the Kafka client with large reads: its own are of 4 kB, and cost a reader half its speed."""

from __future__ import annotations

from typing import Any

from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

_READ_BYTES = 1024 * 1024


def open_network(**configs: Any) -> KafkaNetClient:
    """What a client of Kafka takes as its ``kafka_client``."""
    selector = NetworkSelector(**configs)
    return KafkaNetClient(net=selector, manager=_Connections(selector, **configs))


class _Connections(KafkaConnectionManager):  # type: ignore[misc]  # it ships no types
    async def _build_transport(self, *arguments: Any, **options: Any) -> Any:
        transport = await super()._build_transport(*arguments, **options)
        transport._sock = LargeReads(transport._sock)  # noqa: SLF001 — there is no setting for it
        return transport


class LargeReads:
    """A socket that hands over all that has come, however little is asked for at once."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def recv(self, size: int) -> bytes:
        """What has come, *size* bytes or more."""
        data: bytes = self._socket.recv(max(size, _READ_BYTES))
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)
