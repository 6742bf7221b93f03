"""What owners have registered: functions, the models behind them, and who else may call them.

A session tells its :class:`Registrations` of each ``register`` and ``unregister``. The service keeps
them in its database (``registration_store``): an owner's functions come back in his next session, and
scorers answer them. A caller names a function as ``f``, ``f@3`` for version 3 of the model at the same
path, or ``ann.f`` for one that ann lets him call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from mlsql.errors import ScriptError
from mlsql.models.manifest import Column, ModelRef
from mlsql.names import listed, nearest

_VERSION_MARK = "@"


class UnknownFunction(ScriptError):
    """A name of no function that the caller may call; one of somebody else's is as unknown."""

    def __init__(self, function: str, known: Iterable[str] = ()) -> None:
        self.function, names = function, tuple(known)
        near = nearest(function, names)
        hint = f"did you mean '{near}'?" if near else "register one: register SKLearn.`/m` as f"
        if near is None and names:
            hint = f"known: {listed(names)}"
        super().__init__(f"no function is registered as '{function}'", hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A function as its owner registered it."""

    owner: str
    function: str
    algorithm: str
    path: str
    """Where the model lies, or what the statement says between its backquotes."""
    version: int | None = None
    """None of a function that has no stored model."""
    index: int | None = None
    """Which candidate of the version answers; None: the best by the usual metric."""
    signature: str
    """As written: ``f(a double) -> string``."""
    inputs: tuple[Column, ...]
    output: str
    kind: str = ""
    """classifier, regressor, clusterer, transformer; empty without a model."""
    companions: tuple[str, ...] = ()
    """What stands beside it in SQL: ``f_all``, ``f_proba``."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    created: float
    """Seconds of the epoch."""
    grants: tuple[str, ...] = ()
    """The other owners who may call it."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Those of the statement, of a function that has no stored model."""
    runs_code: bool = False
    """Whether to answer runs what its owner wrote, so that it shares no process with others."""
    trouble: str = ""
    """Why no scorer answers it; empty when one does."""

    def allows(self, caller: str) -> bool:
        """Whether *caller* may call it."""
        return caller == self.owner or caller in self.grants

    @property
    def model(self) -> ModelRef | None:
        """The version that answers."""
        return None if self.version is None else ModelRef(self.path, self.version)

    def record(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Registration:
        """The inverse of :meth:`record`."""
        told = dict(record)
        told["inputs"] = tuple(Column(**each) for each in record["inputs"])
        told["companions"], told["grants"] = tuple(record["companions"]), tuple(record["grants"])
        return cls(**told)


class Registrations(Protocol):
    """The functions of all owners."""

    def put(self, registration: Registration) -> None:
        """Keep it instead of what its owner had under that name."""
        ...

    def remove(self, owner: str, function: str) -> None:
        """Forget one; nothing happens where there is none."""
        ...

    def of(self, owner: str) -> Sequence[Registration]:
        """Those of *owner*, in the order in which they were registered."""
        ...

    def find(self, owner: str, function: str) -> Registration | None:
        """The one that *owner* has under that name."""
        ...

    def listed(self) -> Sequence[Registration]:
        """Those of all owners."""
        ...


@dataclass(frozen=True, slots=True)
class NoRegistrations:
    """Keeps nothing: a session's functions end with it."""

    def put(self, registration: Registration) -> None:
        """Nothing."""

    def remove(self, owner: str, function: str) -> None:
        """Nothing."""

    def of(self, owner: str) -> Sequence[Registration]:  # noqa: ARG002 -- the protocol's
        """None."""
        return ()

    def find(self, owner: str, function: str) -> Registration | None:  # noqa: ARG002 -- the protocol's
        """None."""
        return None

    def listed(self) -> Sequence[Registration]:
        """None."""
        return ()


@dataclass(frozen=True, slots=True)
class MemoryRegistrations:
    """Keeps them as long as it lives; also finds the function that a caller means."""

    kept: dict[tuple[str, str], Registration] = field(default_factory=dict)

    def put(self, registration: Registration) -> None:
        """Keep it instead of what its owner had under that name."""
        self.kept[registration.owner, registration.function] = registration

    def remove(self, owner: str, function: str) -> None:
        """Forget one; nothing happens where there is none."""
        self.kept.pop((owner, function), None)

    def of(self, owner: str) -> Sequence[Registration]:
        """Those of *owner*."""
        return [each for each in self.listed() if each.owner == owner]

    def find(self, owner: str, function: str) -> Registration | None:
        """The one that *owner* has under that name."""
        return self.kept.get((owner, function))

    def listed(self) -> Sequence[Registration]:
        """Those of all owners."""
        return [*self.kept.values()]

    def callable_by(self, caller: str) -> dict[str, Registration]:
        """What *caller* may call, by the name that he calls it: his own ``f``, others' ``ann.f``."""
        allowed = [each for each in self.listed() if each.allows(caller)]
        return {_called(each, caller): each for each in allowed}

    def called(self, caller: str, name: str) -> Registration:
        """The function that *caller* means by ``f``, ``f@3`` or ``ann.f``; UnknownFunction if none."""
        plain, mark, version = name.partition(_VERSION_MARK)
        found = self.kept.get((caller, plain)) or self._granted(caller, plain)
        if found is None or (mark and not version.isdecimal()):
            raise UnknownFunction(name, self.callable_by(caller))
        return at_version(found, int(version)) if mark else found

    def _granted(self, caller: str, name: str) -> Registration | None:
        owner, _, function = name.rpartition(".")
        found = self.kept.get((owner, function))
        return found if found is not None and found.allows(caller) else None


def at_version(registration: Registration, version: int) -> Registration:
    """The same function of another version of its model; of the registered one, the candidate stays."""
    if registration.version is None:
        raise UnknownFunction(f"{registration.function}{_VERSION_MARK}{version}", [registration.function])
    if version == registration.version:
        return registration
    return replace(registration, version=version, index=None, metrics={})


def _called(registration: Registration, caller: str) -> str:
    is_own = registration.owner == caller
    return registration.function if is_own else f"{registration.owner}.{registration.function}"


@dataclass(slots=True)
class CurrentRegistrations:
    """Those that *kept* has, which may be exchanged while sessions hold on to this."""

    kept: Registrations = field(default_factory=NoRegistrations)

    def put(self, registration: Registration) -> None:
        """Keep it instead of what its owner had under that name."""
        self.kept.put(registration)

    def remove(self, owner: str, function: str) -> None:
        """Forget one; nothing happens where there is none."""
        self.kept.remove(owner, function)

    def of(self, owner: str) -> Sequence[Registration]:
        """Those of *owner*, in the order in which they were registered."""
        return self.kept.of(owner)

    def find(self, owner: str, function: str) -> Registration | None:
        """The one that *owner* has under that name."""
        return self.kept.find(owner, function)

    def listed(self) -> Sequence[Registration]:
        """Those of all owners."""
        return self.kept.listed()


@dataclass(slots=True, kw_only=True)
class ToldRegistrations(CurrentRegistrations):
    """Registrations whose every change is told when it was kept: owner, function, and what stands now."""

    told: Callable[[str, str, Registration | None], object]

    def put(self, registration: Registration) -> None:
        """Keep it and tell."""
        self.kept.put(registration)
        self.told(registration.owner, registration.function, registration)

    def remove(self, owner: str, function: str) -> None:
        """Forget one and tell."""
        self.kept.remove(owner, function)
        self.told(owner, function, None)
