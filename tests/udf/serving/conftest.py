"""Stored models, registrations of them, and a pool of real scorer processes that answer."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mlsql.config.settings import ServingSettings
from mlsql.models.manifest import CandidateRecord, Column, DataRecord, Manifest
from mlsql.models.store import DirectoryModelStore
from mlsql.registrations import MemoryRegistrations, Registration
from mlsql.udf.serving.pool import ScorerPool
from tests.udf.serving.stand_in import PLACE

SECONDS = 60
INPUTS = (Column("a", "double"), Column("b", "double"))


@dataclass(frozen=True)
class Models:
    """Stores stand-ins below *root*."""

    root: Path

    def store(self, name, *weights, nbytes=1000, inputs=INPUTS):
        """A new version with a candidate a weight; its registration as ``name`` of ann."""
        path = str(self.root / name)
        with DirectoryModelStore().begin(path) as draft:
            for index, weight in enumerate(weights):
                folder = draft.directory / "model" / str(index)
                folder.mkdir(parents=True)
                (folder / "weight.json").write_text(json.dumps({"weight": weight, "nbytes": nbytes}))
            stored = draft.commit(_manifest(len(weights), inputs))
        return Registration(
            owner="ann",
            function=name,
            algorithm="SKLearn",
            path=path,
            version=stored.ref.version,
            index=0,
            signature=f"{name}(a double, b double) -> double",
            inputs=inputs,
            output="double",
            kind="classifier",
            created=time.time(),
        )


@pytest.fixture
def models(tmp_path):
    """Stores models."""
    return Models(tmp_path / "models")


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Opens pools that live as long as a block."""

    def opened(*registered, folder=None, doors=None, **settings):
        kept = MemoryRegistrations()
        for each in registered:
            kept.put(each)
        chosen = (
            replace(ServingSettings(), timeout=SECONDS, **settings) if "timeout" not in settings else None
        )
        chosen = chosen or replace(ServingSettings(), **settings)
        return ScorerPool(chosen, folder or tmp_path_factory.mktemp("s"), kept, opens=PLACE, doors=doors)

    return opened


@pytest.fixture(scope="module")
def pool(opened):
    """One scorer of the module."""
    with opened() as pool:
        yield pool


def ask(pool, *asked, **more):
    """What ``predict`` gives, in an event loop of its own."""
    return asyncio.run(pool.predict(*asked, **more))


def _manifest(candidates, inputs):
    done = [
        CandidateRecord(
            index=index,
            algorithm="any",
            params={},
            status="success",
            started="",
            ended="",
            seconds=0.0,
            rows=1,
        )
        for index in range(candidates)
    ]
    return Manifest(
        algorithm="SKLearn",
        kind="classifier",
        form="columns",
        inputs=inputs,
        features=len(inputs),
        output="double",
        candidates=tuple(done),
        data=DataRecord(rows=1, bytes=1, checksum="00000000", transport="memory"),
    )
