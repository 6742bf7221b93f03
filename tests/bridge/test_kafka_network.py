"""The client of Kafka reads in large pieces."""

import socket

from mlsql.bridge.transports.kafka_network import LargeReads


def test_all_that_has_come_is_read_at_once():
    """However little is asked for; all else is the socket's own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = socket.create_connection(server.getsockname())
        receiver, _ = server.accept()
        with sender, receiver:
            sender.sendall(b"a" * 20_000)
            receiver.recv(20_000, socket.MSG_PEEK | socket.MSG_WAITALL)
            reading = LargeReads(receiver)
            assert reading.fileno() == receiver.fileno()
            assert len(reading.recv(4096)) == 20_000
