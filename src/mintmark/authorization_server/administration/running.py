"""Running an operation: access is decided by what is stored, in the very transaction that does the work.

Whoever acts is read again there: a person who was locked out, a client that lost a scope, has lost it for this call
too. What hashes slowly is hashed before, and only for those who may.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from mintmark.authorization_server.administration import lookup
from mintmark.authorization_server.administration.access import Principal, Subject, admin_audience, decide
from mintmark.authorization_server.administration.act import Act, AdministrationFault, forbidden
from mintmark.authorization_server.administration.key_schedule import KeySchedule
from mintmark.authorization_server.administration.operation import Call, Hashed, Operation
from mintmark.authorization_server.ports import Store, Transaction
from mintmark.dialect import Catalogue
from mintmark.values.client import Client
from mintmark.values.person import Person

Given = TypeVar("Given")
Made = TypeVar("Made")


class NewAct(Protocol):
    """Makes the act of a person at the present time."""

    def __call__(self, actor: str, request_id: str = "", peer: str = "") -> Act:
        """`actor`: for the audit trail. `request_id`, `peer`: of the request that brought it."""
        ...


async def _here(work: Callable[[], Hashed | None]) -> Hashed | None:
    return work()


@dataclass(frozen=True, slots=True)
class Administration:
    """Everything that operations need. `public_url`: without a slash at its end.

    `aside(work)`: runs slow work where it holds nobody up; by default it is run in place.
    """

    store: Store
    act: NewAct = field(repr=False)
    dialects: Catalogue
    public_url: str
    schedule: KeySchedule = field(default_factory=KeySchedule)
    aside: Callable[[Callable[[], Hashed | None]], Awaitable[Hashed | None]] = field(
        default=_here, repr=False
    )

    async def run(
        self,
        operation: Operation[Given, Made],
        principal: Principal,
        given: Given,
        *,
        request_id: str = "",
        peer: str = "",
    ) -> Made:
        """Do it, or raise AdministrationFault: ``forbidden``, ``not_found`` (also for what the principal must not
        know of), ``invalid`` or ``conflict``. Raises StorageUnavailable.
        """
        act = self.act(principal.actor, request_id, peer)
        hashed = await self.hash(operation, principal, given, act)
        if operation.writes:
            return await self.store.write(
                lambda tx: self.within(tx, operation, principal, given, act, hashed)
            )
        return await self.store.read(lambda tx: self.within(tx, operation, principal, given, act, hashed))

    def within(
        self,
        tx: Transaction,
        operation: Operation[Given, Made],
        principal: Principal,
        given: Given,
        act: Act,
        hashed: Hashed | None = None,
    ) -> Made:
        """As `run`, inside a transaction that is open: several operations are done all or none."""
        return operation.work(tx, self.call(tx, operation, principal, given, act, hashed), given)

    async def hash(
        self, operation: Operation[Given, Any], principal: Principal, given: Given, act: Act
    ) -> Hashed | None:
        """What the operation hashes slowly, for a principal that may; None when it hashes nothing."""
        slow = operation.hashed
        if slow is None:
            return None
        await self.store.read(lambda tx: self.admit(tx, operation, principal, given))
        return await self.aside(lambda: slow(act, given))

    def call(
        self,
        tx: Transaction,
        operation: Operation[Given, Any],
        principal: Principal,
        given: Given,
        act: Act,
        hashed: Hashed | None = None,
    ) -> Call:
        """A call that has been admitted in this transaction. Raises AdministrationFault."""
        current = self.admit(tx, operation, principal, given)
        return Call(current, act, self.dialects, self.public_url, self.schedule, hashed)

    def admit(
        self, tx: Transaction, operation: Operation[Any, Any], principal: Principal, given: Any
    ) -> Principal:
        """Decide access by what is stored; the principal as it is now. Raises AdministrationFault."""
        current = self._current(tx, principal)
        match operation.about:
            case "tenant":
                self._decide(operation, current, Subject(given.tenant), lookup.no_tenant(given.tenant))
                if given.tenant:
                    lookup.tenant(tx, given.tenant)
                elif current.tenant:
                    raise _forbidden(operation)
            case "environment":
                self._environment(tx, operation, current, given.environment)
            case "client":
                self._client(tx, operation, current, given.environment, given.client_id)
            case "person":
                self._person(tx, operation, current, given.username)
            case "somewhere":
                self._somewhere(tx, operation, current, given)
            case "everything" | "installation":
                self._decide(operation, current, Subject(), _forbidden(operation))
        return current

    def _environment(
        self, tx: Transaction, operation: Operation[Any, Any], current: Principal, environment: str
    ) -> None:
        subject = Subject(environment.partition("/")[0], environment)
        self._decide(operation, current, subject, lookup.no_environment(environment))
        lookup.environment(tx, environment)

    def _client(
        self,
        tx: Transaction,
        operation: Operation[Any, Any],
        current: Principal,
        environment: str,
        client_id: str,
    ) -> None:
        if not current.sees_environment(environment):
            raise lookup.no_environment(environment)
        lookup.environment(tx, environment)
        client = lookup.client(tx, environment, client_id)
        subject = Subject(environment.partition("/")[0], environment, client.owner)
        self._decide(operation, current, subject, lookup.no_client(environment, client_id))
        if operation.writes and not current.may_grant(
            client.allowed.get(admin_audience(self.public_url), ())
        ):
            raise forbidden(
                f"The client {client_id} may do more of the admin API than you may: ask somebody who has its scopes."
            )

    def _person(
        self, tx: Transaction, operation: Operation[Any, Any], current: Principal, username: str
    ) -> None:
        person = lookup.person(tx, username)
        if current.tenant not in ("", person.tenant):
            raise lookup.no_person(username)
        self._decide(operation, current, Subject(person.tenant), lookup.no_person(username))

    def _somewhere(
        self, tx: Transaction, operation: Operation[Any, Any], current: Principal, given: Any
    ) -> None:
        environment = getattr(given, "environment", "")
        tenant = getattr(given, "tenant", "")
        if environment:
            self._environment(tx, operation, current, environment)
        elif tenant:
            self._decide(operation, current, Subject(tenant), lookup.no_tenant(tenant))
            lookup.tenant(tx, tenant)
        else:
            self._decide(operation, current, Subject(), _forbidden(operation))

    def _decide(
        self,
        operation: Operation[Any, Any],
        principal: Principal,
        subject: Subject,
        absent: AdministrationFault,
    ) -> None:
        match decide(operation.rule, principal, subject):
            case "hidden":
                raise absent
            case "forbidden":
                raise _forbidden(operation)
            case "allowed":
                pass

    def _current(self, tx: Transaction, principal: Principal) -> Principal:
        """The principal with the rights that it has now."""
        if principal.username:
            person = tx.get(Person, principal.username)
            if person is None or not person.enabled:
                raise forbidden("You have been locked out: ask those who administer your organization.")
            if person.tenant and not lookup.tenant(tx, person.tenant).enabled:
                raise forbidden(f"The tenant {person.tenant} is disabled: ask the operators.")
            return replace(Principal.person(person), actor=principal.actor)
        if principal.scopes is None:
            return principal
        client = tx.get(Client, principal.home, principal.client_id)
        if client is None or not client.enabled:
            raise forbidden("The client of this token is disabled or deleted.")
        place = lookup.environment(tx, principal.home)
        if not place.enabled or not lookup.tenant(tx, place.tenant).enabled:
            raise forbidden(f"The environment {place.id} is disabled.")
        allowed = client.allowed.get(admin_audience(self.public_url), ())
        return Principal.client(client, principal.scopes.intersection(allowed))


def _forbidden(operation: Operation[Any, Any]) -> AdministrationFault:
    return forbidden(
        f"You may not do this ({operation.name}); of a client's token it takes the scope {operation.rule.scope}."
    )
