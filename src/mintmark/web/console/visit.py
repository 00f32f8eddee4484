"""A visit: one request to the console with who makes it, and what a page may answer with.

Pages are functions from a `Visit` to an `Answer`; they read and change things by `Visit.run` alone, which decides
access for every operation as the API does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from mintmark.authorization_server.administration.access import Principal, may_ever
from mintmark.authorization_server.administration.act import AdministrationFault, not_found
from mintmark.authorization_server.administration.operation import REGISTRY, Operation
from mintmark.authorization_server.administration.showing import row
from mintmark.authorization_server.ports import EnvironmentView
from mintmark.values.person import Person
from mintmark.values.session import Session
from mintmark.web.callers import Caller
from mintmark.web.console.forms import Form
from mintmark.wire.http import Headers, HttpRequest, HttpResponse

if TYPE_CHECKING:
    from mintmark.web.console.services import Services

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Page:
    """A page to be rendered: a template and what it shows."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    status: int = 200
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class SeeOther:
    """Go on there (303); `path` is below ``/console``, or a whole URL `elsewhere`.

    `said`: the key of a sentence that the next page shows.
    """

    path: str
    said: str = ""
    headers: Headers = ()
    elsewhere: bool = False


Answer = Page | SeeOther | HttpResponse


@dataclass(frozen=True, slots=True)
class Visit:
    """`where`: what the pattern of the path has found. `csrf`: what every form repeats; empty without a session.

    `fault`: why the form that was sent could not be accepted, where its page is shown again.
    """

    services: Services
    request: HttpRequest
    caller: Caller
    now: float
    where: Mapping[str, str]
    query: Form
    form: Form = field(default=Form(), repr=False)
    person: Person | None = None
    session: Session | None = None
    csrf: str = field(default="", repr=False)
    fault: str = ""

    @property
    def principal(self) -> Principal:
        """Who acts."""
        if self.person is None:
            raise TypeError("nobody has signed in")
        return Principal.person(self.person)

    @property
    def environment(self) -> str:
        """The environment that the page is about, as ``tenant/name``."""
        return f"{self.where['tenant']}/{self.where['name']}"

    @property
    def home(self) -> str:
        """The path below which the pages of the environment stand."""
        return f"/console/e/{self.environment}"

    def at(self, environment: str) -> Visit:
        """The same visit, about another environment."""
        tenant, _, name = environment.partition("/")
        return replace(self, where={**self.where, "tenant": tenant, "name": name})

    def view(self) -> EnvironmentView:
        """All that is in memory of the environment. Raises AdministrationFault when there is none to be seen."""
        found = self.services.directory.environment(self.environment)
        if found is None or not self.principal.sees_environment(self.environment):
            raise not_found(f"There is no environment '{self.environment}'.")
        return found

    def environments(self) -> list[EnvironmentView]:
        """Those that the person sees, in order."""
        principal = self.principal
        found = self.services.environments().items()
        return [view for each, view in sorted(found) if principal.sees_environment(each)]

    async def run(self, operation: Operation[Given, Made], given: Given) -> Made:
        """Run an operation. Raises AdministrationFault, StorageUnavailable."""
        return await self.services.administration.run(
            operation, self.principal, given, request_id=self.caller.request_id, peer=self.caller.peer
        )

    async def rows(self, operation: Operation[Given, list[Any]], given: Given) -> list[Any]:
        """What an operation lists, as it is shown; nothing where the person may not."""
        if not self.may(operation.name):
            return []
        try:
            return [row(each) for each in await self.run(operation, given)]
        except AdministrationFault as fault:
            if fault.kind == "forbidden":
                return []
            raise

    def may(self, name: str) -> bool:
        """Whether there is anything at all that the person may do by the operation of that name."""
        return may_ever(REGISTRY[name].rule, self.principal)
