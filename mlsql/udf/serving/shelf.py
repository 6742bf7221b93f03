"""The models that a scorer has loaded: within a limit of memory, the longest unused make room."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from threading import Lock

from mlsql.errors import DataError, MlsqlError
from mlsql.models.choice import choose
from mlsql.models.manifest import ModelStore
from mlsql.models.store import PathModelStore
from mlsql.registrations import Registration
from mlsql.udf.serving.functions import ReadyModel

log = logging.getLogger(__name__)

Opens = Callable[[str, int], ReadyModel]
"""Opens candidate I of the version whose folder is given."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which fitted model is wanted; without an index the best by the usual metric."""

    path: str
    version: int
    index: int | None


def wanted_by(registration: Registration) -> Wanted:
    """The model behind a function; DataError with the reason where no scorer answers it."""
    if registration.trouble or registration.version is None:
        reason = registration.trouble or "it has no stored model"
        raise DataError(f"no scorer answers '{registration.function}': {reason}", hint="SQL on Spark does")
    return Wanted(registration.path, registration.version, registration.index)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory, and the candidates beside it that succeeded too."""

    model: ReadyModel
    candidates: tuple[int, ...]
    names: tuple[str, ...]
    """What its inputs are called."""
    width: int
    """How many numbers an array among them holds."""


@dataclass(slots=True)
class Shelf:
    """What is loaded; :meth:`get` never waits, :meth:`load` does. Threads may share it."""

    opens: Opens
    memory: int
    timeout: float
    store: ModelStore = field(default_factory=PathModelStore)
    evictions: int = 0
    """How often a model has made room for another."""
    _chosen: dict[Wanted, Wanted] = field(default_factory=dict)
    """Of those without an index the one that was found to be meant; a version never changes."""
    _loaded: OrderedDict[Wanted, Loaded] = field(default_factory=OrderedDict)
    _loading: dict[Wanted, Future[Loaded]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def nbytes(self) -> int:
        """How much memory the models take."""
        with self._lock:
            return sum(each.model.nbytes for each in self._loaded.values())

    def __len__(self) -> int:
        return len(self._loaded)

    def get(self, wanted: Wanted) -> Loaded | None:
        """The model if it is loaded."""
        with self._lock:
            exact = self._chosen.get(wanted, wanted)
            found = self._loaded.get(exact)
            if found is not None:
                self._loaded.move_to_end(exact)
            return found

    def load(self, wanted: Wanted) -> Loaded:
        """The model, which two who want it at once load once."""
        if wanted.index is None:
            wanted = self._exact(wanted)
        with self._lock:
            if (found := self._loaded.get(wanted)) is not None:
                return found
            mine = Future[Loaded]()
            under_way = self._loading.setdefault(wanted, mine)
        return self._load(wanted, mine) if under_way is mine else under_way.result(self.timeout)

    def _exact(self, wanted: Wanted) -> Wanted:
        """The same with the index of the candidate that is meant."""
        if wanted not in self._chosen:
            stored = self.store.open(wanted.path, wanted.version)
            self._chosen[wanted] = replace(wanted, index=choose(stored).index)
        return self._chosen[wanted]

    def _load(self, wanted: Wanted, outcome: Future[Loaded]) -> Loaded:
        try:
            loaded = self._opened(wanted)
        except BaseException as error:
            outcome.set_exception(error)
            raise
        else:
            self._keep(wanted, loaded)
            outcome.set_result(loaded)
            return loaded
        finally:
            with self._lock:
                del self._loading[wanted]

    def _opened(self, wanted: Wanted) -> Loaded:
        stored = self.store.open(wanted.path, wanted.version)
        candidate = choose(stored, index=wanted.index)
        try:
            model = self.opens(str(stored.ref), candidate.index)
        except MlsqlError:
            raise
        except Exception as error:
            log.exception("%s cannot be loaded", stored.directory(candidate.index))
            what = f"{type(error).__name__}: {error}"
            raise DataError(f"the model of {stored.ref} cannot be loaded: {what}") from error
        if model.nbytes > self.memory:
            raise DataError(
                f"the model of {stored.ref} takes {model.nbytes:,} bytes, and a scorer has {self.memory:,}",
                hint="serving.memory is the limit",
            )
        succeeded = (each.index for each in stored.manifest.candidates if each.status == "success")
        names = tuple(each.name for each in model.inputs)
        return Loaded(model, tuple(sorted(succeeded)), names, stored.manifest.features)

    def _keep(self, wanted: Wanted, loaded: Loaded) -> None:
        with self._lock:
            self._loaded[wanted] = loaded
            size = sum(each.model.nbytes for each in self._loaded.values())
            while size > self.memory:
                unused, dropped = self._loaded.popitem(last=False)
                size -= dropped.model.nbytes
                self.evictions += 1
                log.info("%s version %d makes room", unused.path, unused.version)
