"""One copy of a table on a machine, and the facts that machines tell of theirs."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import uuid
from pathlib import Path

import pyarrow as pa
import pytest

from mlsql.bridge import codec
from mlsql.bridge.arrivals import Arrivals
from mlsql.bridge.depot import Depot
from mlsql.bridge.errors import InexactData
from mlsql.bridge.feeder import Fetched
from mlsql.bridge.messages import Header, Ledger
from mlsql.bridge.publisher import send_all
from mlsql.bridge.reports import Shipment
from mlsql.bridge.request import Columns
from mlsql.bridge.transport import opened
from mlsql.bridge.transports import open_transport
from mlsql.bridge.transports.spool import SpoolTransport
from mlsql.models.manifest import Column

TABLE = pa.table({"x": [1.0, None, 3.0], "y": [1.0, 2.0, 3.0]})
COLUMNS = Columns("columns", (Column("x", "double"),), Column("y", "double"), invalid="skip")
FETCH = """
import json, sys
from pathlib import Path
from mlsql.bridge.reports import Shipment
from mlsql.bridge.depot import Depot
from mlsql.bridge.request import Columns
from mlsql.models.manifest import Column
columns = Columns("columns", (Column("x", "double"),), Column("y", "double"))
heard = []
fetched = Depot(Path(sys.argv[1]), columns).bring(Shipment(**json.loads(sys.argv[2])), heard.append)
print(json.dumps([fetched.checksum, heard]))
"""


def shipped(stream):
    """The table sent through *stream*, as a worker on another machine is told of it."""
    blank = Header(stream.job, "train", 0, 1, 0, 0, 0, codec.fingerprint(TABLE.schema))
    with stream.writer(0, 1) as writer:
        part = send_all([(3, codec.encode(TABLE))], writer, blank)
    schema = codec.write_schema(TABLE.schema)
    ledger = Ledger(stream.job, "train", codec.fingerprint(TABLE.schema), schema, (part,))
    return Shipment(stream.to_dict(), ledger.to_dict())


@pytest.fixture
def shipment(tmp_path):
    """The table in a spool."""
    return shipped(SpoolTransport(str(tmp_path / "spool")).open("job", "train", partitions=1))


def test_a_table_is_fetched_once_by_whoever_comes_first(tmp_path, shipment):
    """Workers that come at the same time map the same file; one of them has read the stream."""
    depot = tmp_path / "depot"
    depot.mkdir()
    plain = json.dumps(dataclasses.asdict(shipment))
    workers = [
        subprocess.Popen([sys.executable, "-c", FETCH, depot, plain], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    told = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]
    assert len({checksum for checksum, _ in told}) == 1
    assert sorted(heard for _, heard in told) == [[], [], [3]]


@pytest.mark.kafka
def test_a_table_comes_from_kafka_too(tmp_path, shipment, kafka):
    """To another process, which knows of it what the driver sends: the same facts as through the spool."""
    transport = open_transport("kafka", bootstrap_servers=kafka, records=str(tmp_path / "topics"))
    folders = [tmp_path / "spooled", tmp_path / "streamed"]
    with opened(transport, uuid.uuid4().hex, "train", partitions=1) as stream:
        told = []
        for folder, each in zip(folders, [shipment, shipped(stream)], strict=True):
            folder.mkdir()
            plain = json.loads(json.dumps(dataclasses.asdict(each)))
            told.append(Depot(folder, COLUMNS).bring(Shipment(**plain)))
    assert told[0].checksum == told[1].checksum
    assert told[0].nulls == told[1].nulls


def test_what_has_been_fetched_needs_no_stream(tmp_path, shipment):
    """And the second one is told the same facts, with the rows that are left out."""
    depot = Depot(tmp_path, COLUMNS)
    first = depot.bring(shipment)
    assert (first.rows, first.left_out, first.nulls["x"]) == (3, 1, 1)
    for file in (tmp_path / "spool").rglob("*.arrow"):
        file.unlink()
    assert depot.bring(shipment) == first


def test_a_fetch_that_failed_is_tried_again(tmp_path, shipment, monkeypatch):
    """Nothing of it counts."""
    monkeypatch.setattr("mlsql.bridge.depot.SILENCE_SECONDS", 0.1)
    (part,) = (tmp_path / "spool").rglob("*.arrow")
    hidden = part.rename(tmp_path / "hidden")
    with pytest.raises(InexactData):
        Depot(tmp_path, COLUMNS).bring(shipment)
    hidden.rename(part)
    assert Depot(tmp_path, COLUMNS).bring(shipment).rows == 3


def test_machines_that_disagree_are_an_error(tmp_path, shipment):
    """It names them, and what came to each; that they agree is no news."""
    fetched = Depot(tmp_path, COLUMNS).bring(shipment)
    arrivals = Arrivals()
    arrivals.add("train", fetched, "one")
    arrivals.add("train", dataclasses.replace(fetched, file=Path("/other"), seconds=9.0), "two")
    arrivals.check()
    with pytest.raises(InexactData, match=r"3 rows .* to one, but 2 with 00000000 to three"):
        arrivals.add("train", dataclasses.replace(fetched, rows=2, checksum="00000000"), "three")
    with pytest.raises(InexactData, match="'train'"):
        arrivals.check()
    assert arrivals.of("train") == fetched


def test_of_a_table_that_nobody_fetched_it_is_known_what_was_sent(shipment):
    """Its rows and bytes, and no checksum."""
    arrivals = Arrivals()
    ledger = Ledger.from_dict(shipment.ledger)
    assert arrivals.of("train") is None
    arrivals.announce(ledger)
    known = arrivals.of("train")
    assert (known.rows, known.bytes, known.checksum) == (3, ledger.bytes, "")


def test_facts_travel_as_plain_values(tmp_path, shipment):
    """From the worker that fetched to the driver."""
    fetched = Depot(tmp_path, COLUMNS).bring(shipment)
    assert Fetched.from_dict(json.loads(json.dumps(fetched.to_dict()))) == fetched
