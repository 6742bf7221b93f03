"""Who sent a request, and what he may see and do."""

from __future__ import annotations

from dataclasses import dataclass

from mlsql.errors import Refused
from mlsql.jobs.errors import UnknownJob
from mlsql.jobs.states import Job
from mlsql.rest.service import Service
from mlsql.roles import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: an analyst works for himself, an operator for everybody."""

    owner: str
    role: Role = Role.OPERATOR

    def acting_for(self, owner: str | None) -> str:
        """The owner of what is asked for: the one that is named, by default the caller."""
        if owner and owner != self.owner and self.role is not Role.OPERATOR:
            raise Refused(
                f"'{self.owner}' may not act for '{owner}'", hint="that takes a token of the role operator"
            )
        return owner or self.owner

    def seen(self, owner: str | None) -> str | None:
        """Whose jobs a list holds; None, which only an operator gets, stands for everybody's."""
        return owner if self.role is Role.OPERATOR else self.acting_for(owner)

    def may_see(self, job: Job) -> bool:
        """Whether *job* is there for the caller."""
        return self.role is Role.OPERATOR or job.owner == self.owner

    def expect_operator(self) -> None:
        """Refuse what only operators may."""
        if self.role is not Role.OPERATOR:
            raise Refused("only operators may do that", hint="it takes a token of the role operator")


def find_job(service: Service, caller: Caller, job: str) -> Job:
    """The job with this id; one that the caller may not see is as unknown as one that is not there."""
    found = service.jobs.find(job)
    if not caller.may_see(found):
        raise UnknownJob(job)
    return found
