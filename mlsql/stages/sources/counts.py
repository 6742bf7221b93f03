"""How many rows and files a save wrote: the rows as Spark writes them, the files by looking afterwards."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsql.grammar.nodes import SaveMode
from mlsql.stop import Stop

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_COUNT_SECONDS = 30.0
_POLL_SECONDS = 0.002
_SUCCESS = "_SUCCESS"


class CountedRows:
    """A *frame* like the one given, whose rows are counted when it is written."""

    def __init__(self, frame: DataFrame) -> None:
        from pyspark.sql import Observation
        from pyspark.sql import functions as sf

        self._observation = Observation()
        self.frame = frame.observe(self._observation, sf.expr("count(1) as rows"))

    def count(self, stop: Stop) -> int | None:
        """How many they were; None when Spark does not tell, as it drops events when it has too many."""
        observation: Any = self._observation._jo  # the public way has no time limit
        deadline = time.monotonic() + _COUNT_SECONDS
        while not observation.future().isCompleted():
            if time.monotonic() > deadline:
                return None
            stop.wait(_POLL_SECONDS)
        rows: int = observation.getAsJava().get("rows")
        return rows


@dataclass(frozen=True, slots=True)
class Folder:
    """A place on whatever file system Spark knows it on; the marks that Spark leaves are no files of it."""

    spark: SparkSession
    place: str

    def exists(self) -> bool:
        """Whether something lies there."""
        path, system = self._opened()
        return bool(system.exists(path))

    def count(self) -> int:
        """How many files lie in it and below."""
        path, system = self._opened()
        if not system.exists(path):
            return 0
        files: int = system.getContentSummary(path).getFileCount()
        return files - bool(system.exists(self._hadoop.Path(path, _SUCCESS)))

    def names(self) -> frozenset[str]:
        """The paths of these files, which takes longer than counting them."""
        path, system = self._opened()
        if not system.exists(path):
            return frozenset()
        statuses = self._jvm.org.apache.spark.deploy.SparkHadoopUtil.get().listLeafStatuses(system, path)
        found = (statuses.apply(index).getPath() for index in range(statuses.size()))
        return frozenset(each.toString() for each in found if each.getName() != _SUCCESS)

    def qualified(self) -> str:
        """Its path with the file system that it is on."""
        path, system = self._opened()
        return str(system.makeQualified(path).toString())

    def write(self, content: bytes) -> None:
        """Make it a file with this *content*, which replaces what is there; nobody sees half of it."""
        path, system = self._opened()
        beside = self._hadoop.Path(path.getParent(), f".{path.getName()}.{uuid.uuid4().hex}")
        stream = system.create(beside, True)
        try:
            stream.write(bytearray(content))
        finally:
            stream.close()
        system.delete(path, True)
        system.rename(beside, path)

    def _opened(self) -> tuple[Any, Any]:
        path = self._hadoop.Path(self.place)
        return path, path.getFileSystem(self.spark._jsparkSession.sessionState().newHadoopConf())

    @property
    def _jvm(self) -> Any:
        return self.spark._jvm

    @property
    def _hadoop(self) -> Any:
        return self._jvm.org.apache.hadoop.fs


class NewFiles:
    """What a save adds to a folder; made before it.

    It ``empties`` the folder first unless that mode is dynamic, and keeps partitions without new rows.
    """

    def __init__(self, folder: Folder, mode: SaveMode) -> None:
        dynamic = folder.spark.conf.get("spark.sql.sources.partitionOverwriteMode") or ""
        self._folder = folder
        self.empties = mode == "overwrite" and dynamic.casefold() != "dynamic"
        self._before = folder.names() if mode == "overwrite" and not self.empties else None
        self._kept = folder.count() if mode == "append" else 0

    def count(self) -> int:
        """How many files there are that were not there before."""
        if self._before is not None:
            return len(self._folder.names() - self._before)
        return self._folder.count() - self._kept
