"""All implementations of a contract, one after the other, by fixture."""

from itertools import count

import pytest

from mlsql.bridge.transports import open_transport

TRANSPORTS = ["memory", "spool", pytest.param("kafka", marks=pytest.mark.kafka)]


@pytest.fixture(scope="module", params=TRANSPORTS)
def transport(request, tmp_path_factory):
    """Every transport there is; Kafka is a real broker."""
    folder = tmp_path_factory.mktemp(request.param)
    settings = {
        "memory": dict,
        "spool": lambda: {"folder": str(folder)},
        "kafka": lambda: _kafka(request, folder),
    }
    return open_transport(request.param, **settings[request.param]())


@pytest.fixture(scope="module")
def jobs():
    """Names that no job of this module had before."""
    return (f"contract-{number}" for number in count())


def _kafka(request, folder):
    servers = request.getfixturevalue("kafka")
    return {"bootstrap_servers": servers, "records": str(folder), "partitions": 3, "timeout": 10.0}
