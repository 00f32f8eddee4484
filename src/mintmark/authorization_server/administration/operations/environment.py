"""Operations on environments: one issuer each, with hosts, mounts and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from mintmark.authorization_server.administration import environments
from mintmark.authorization_server.administration.operation import Call, operation
from mintmark.authorization_server.administration.operations.inputs import EnvironmentId, OfEnvironment
from mintmark.authorization_server.ports import Transaction
from mintmark.values.tenancy import Environment, HostAlias, HostRole, Mount

Hosts = Annotated[Mapping[str, HostRole], "Host aliases, each with its role: api, auth or manager."]
Template = Annotated[str, "Of new client ids, with {id} and {tenant}."]
LiveSecrets = Annotated[int, "Secrets a client may have at once."]
Overlap = Annotated[int, "Seconds that an old secret lives on."]
RateLimit = Annotated[int, "Token requests per client and minute."]
AddressRateLimit = Annotated[int, "Token requests per address and minute; 0: no limit."]
AddressRateWatched = Annotated[
    bool, "Whether what goes beyond the limit per address is only noted, not refused."
]
ReissueSeconds = Annotated[
    int, "The same request is given the same JWT again while so many seconds of it are left; 0: never."
]
Variables = Annotated[Mapping[str, str], "Constants of its answers."]


@dataclass(frozen=True, slots=True)
class NewEnvironment:
    """An environment to be made."""

    environment: EnvironmentId
    issuer: Annotated[str, "Its issuer, for ever; empty: from the public URL."] = ""
    mounts: Annotated[Mapping[str, str], "Token endpoints: path, and name of its dialect."] = field(
        default_factory=dict
    )
    hosts: Hosts = field(default_factory=dict)
    client_id_template: Template = "{id}"
    live_secrets: LiveSecrets = 5
    overlap: Overlap = 7 * 86400
    rate_limit: RateLimit = 600
    address_rate_limit: AddressRateLimit = 0
    address_rate_watched: AddressRateWatched = False
    reissue_seconds: ReissueSeconds = 0
    variables: Variables = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EnvironmentChange:
    """What is given is changed; hosts and variables replace all there were."""

    environment: EnvironmentId
    hosts: Hosts | None = None
    client_id_template: Template | None = None
    live_secrets: LiveSecrets | None = None
    overlap: Overlap | None = None
    rate_limit: RateLimit | None = None
    address_rate_limit: AddressRateLimit | None = None
    address_rate_watched: AddressRateWatched | None = None
    reissue_seconds: ReissueSeconds | None = None
    variables: Variables | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentsOf:
    """All environments, or those of a tenant."""

    tenant: Annotated[str, "Of this tenant only."] = ""


def aliases(hosts: Mapping[str, HostRole]) -> list[HostAlias]:
    """Host aliases of names with roles."""
    return [HostAlias(host, role) for host, role in hosts.items()]


@operation("environment.create", "installation", writes=True)
def create(tx: Transaction, call: Call, given: NewEnvironment) -> Environment:
    """Create an environment of a tenant."""
    tenant, _, name = given.environment.partition("/")
    return environments.create(
        tx,
        call.act,
        tenant=tenant,
        name=name,
        issuer=given.issuer or f"{call.public_url}/t/{tenant}/{name}",
        dialects=call.dialects,
        mounts=[Mount(path, dialect) for path, dialect in given.mounts.items()],
        hosts=aliases(given.hosts),
        client_id_template=given.client_id_template,
        live_secrets=given.live_secrets,
        overlap=given.overlap,
        rate_limit=given.rate_limit,
        address_rate_limit=given.address_rate_limit,
        address_rate_watched=given.address_rate_watched,
        reissue_seconds=given.reissue_seconds,
        variables=given.variables,
    )


@operation("environment.list", "somewhere")
def listing(tx: Transaction, call: Call, given: EnvironmentsOf) -> list[Environment]:
    """List environments."""
    found = environments.listing(tx, given.tenant or None)
    return [place for place in found if call.principal.sees_environment(place.id)]


@operation("environment.show", "environment")
def show(tx: Transaction, call: Call, given: OfEnvironment) -> Environment:
    """Show an environment."""
    return environments.show(tx, given.environment)


@operation("environment.change", "environment", writes=True)
def change(tx: Transaction, call: Call, given: EnvironmentChange) -> Environment:
    """Change what is given; hosts and variables replace all there were."""
    return environments.change(
        tx,
        call.act,
        given.environment,
        dialects=call.dialects,
        hosts=None if given.hosts is None else aliases(given.hosts),
        client_id_template=given.client_id_template,
        live_secrets=given.live_secrets,
        overlap=given.overlap,
        rate_limit=given.rate_limit,
        address_rate_limit=given.address_rate_limit,
        address_rate_watched=given.address_rate_watched,
        reissue_seconds=given.reissue_seconds,
        variables=given.variables,
    )


@operation("environment.disable", "environment", writes=True)
def disable(tx: Transaction, call: Call, given: OfEnvironment) -> Environment:
    """Stop everything of an environment at once; nothing is deleted."""
    return environments.disable(tx, call.act, given.environment)


@operation("environment.enable", "environment", writes=True)
def enable(tx: Transaction, call: Call, given: OfEnvironment) -> Environment:
    """Let a disabled environment work again."""
    return environments.enable(tx, call.act, given.environment)


@operation("environment.delete", "environment", writes=True)
def delete(tx: Transaction, call: Call, given: OfEnvironment) -> None:
    """Delete an environment with everything in it; the audit trail stays."""
    environments.delete(tx, call.act, given.environment)
