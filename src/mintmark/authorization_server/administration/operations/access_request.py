"""Operations on access requests: asked, approved, refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mintmark.authorization_server.administration import (
    access_requests,
    apis,
    clients,
    environments,
    lookup,
    tenants,
)
from mintmark.authorization_server.administration.clients import NewClient
from mintmark.authorization_server.administration.operation import Call, operation
from mintmark.authorization_server.administration.operations.inputs import DailyTokenLimit
from mintmark.authorization_server.ports import Transaction
from mintmark.values.tenancy import AccessRequest, Environment, Tenant

RequestId = Annotated[str, "The id of the access request, as listed."]


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody asks for credentials."""

    name: Annotated[str, "Who asks."]
    organization: Annotated[str, "For which organization."]
    use_case: Annotated[str, "What for, in words."]
    contact: Annotated[str, "How to reach them."]


@dataclass(frozen=True, slots=True)
class RequestsIn:
    """All access requests, or those in a state."""

    state: Annotated[str, "asked, approved or refused; empty: all."] = ""


@dataclass(frozen=True, slots=True)
class OfRequest:
    """An access request."""

    request_id: RequestId


@dataclass(frozen=True, slots=True)
class Granted:
    """What an access request is answered by. What is not there yet is made."""

    request_id: RequestId
    tenant: Annotated[str, "The handle of the tenant, new or there already."]
    copy_from: Annotated[
        str, "The environment whose token endpoints, limits and APIs a new one gets, as tenant/name."
    ]
    name: Annotated[str, "Name of the client."]
    daily_token_limit: DailyTokenLimit = None
    environment: Annotated[str, "Name of the tenant's environment."] = "production"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an access request is refused."""

    request_id: RequestId
    reason: Annotated[str, "For the person who asked."]


@operation("access_request.ask", "installation", writes=True)
def ask(tx: Transaction, call: Call, given: Asked) -> AccessRequest:
    """Note a request for credentials."""
    return access_requests.ask(
        tx,
        call.act,
        name=given.name,
        organization=given.organization,
        use_case=given.use_case,
        contact=given.contact,
    )


@operation("access_request.list", "installation")
def listing(tx: Transaction, call: Call, given: RequestsIn) -> list[AccessRequest]:
    """List access requests, oldest first."""
    return access_requests.listing(tx, given.state)


@operation("access_request.show", "installation")
def show(tx: Transaction, call: Call, given: OfRequest) -> AccessRequest:
    """Show an access request."""
    return access_requests.show(tx, given.request_id)


@operation("access_request.approve", "installation", writes=True)
def approve(tx: Transaction, call: Call, given: OfRequest) -> AccessRequest:
    """Approve an access request; the client for it is made by the other operations."""
    return access_requests.approve(tx, call.act, given.request_id)


@operation("access_request.grant", "installation", writes=True, once=True)
def grant(tx: Transaction, call: Call, given: Granted) -> NewClient:
    """Approve an access request: tenant, environment, client and quota are made; the client's secret is shown once."""
    request = access_requests.approve(tx, call.act, given.request_id)
    template = lookup.environment(tx, given.copy_from)
    if tx.get(Tenant, given.tenant) is None:
        tenants.create(tx, call.act, handle=given.tenant, name=request.organization)
    place = f"{given.tenant}/{given.environment}"
    if tx.get(Environment, given.tenant, given.environment) is None:
        _copy(tx, call, template, given.tenant, given.environment)
    return clients.create(
        tx,
        call.act,
        environment=place,
        name=given.name,
        allowed={api.audience: tuple(api.scopes) for api in apis.listing(tx, place) if api.enabled},
        daily_token_limit=given.daily_token_limit,
    )


def _copy(tx: Transaction, call: Call, template: Environment, tenant: str, name: str) -> None:
    made = environments.create(
        tx,
        call.act,
        tenant=tenant,
        name=name,
        issuer=f"{call.public_url}/t/{tenant}/{name}",
        dialects=call.dialects,
        mounts=template.mounts,
        client_id_template=template.client_id_template,
        live_secrets=template.live_secrets,
        overlap=template.overlap,
        rate_limit=template.rate_limit,
        variables=template.variables,
    )
    for api in apis.listing(tx, template.id):
        apis.create(
            tx,
            call.act,
            environment=made.id,
            audience=api.audience,
            name=api.name,
            scopes=api.scopes,
            token_lifetime=api.token_lifetime,
            token_format=api.token_format,
            token_type_header=api.token_type_header,
            algorithm=api.algorithm,
            required_scope=api.required_scope,
            claims=api.claims,
            status_list=api.status_list,
        )


@operation("access_request.refuse", "installation", writes=True)
def refuse(tx: Transaction, call: Call, given: Refusal) -> AccessRequest:
    """Refuse an access request with a reason."""
    return access_requests.refuse(tx, call.act, given.request_id, reason=given.reason)
