"""Environments: one issuer each, with its hosts, mounts, client id template and limits; nothing crosses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import get_args

from mintmark.authorization_server.administration import checked, lookup, mounts
from mintmark.authorization_server.administration.act import Act, AdministrationFault, audited, insert, update
from mintmark.authorization_server.ports import Transaction
from mintmark.dialect import Catalogue
from mintmark.values.tenancy import Environment, HostAlias, HostRole, Mount

MOST_LIVE_SECRETS = 20
LONGEST_OVERLAP = 366 * 86400
DAY = 86400


def create(
    tx: Transaction,
    act: Act,
    *,
    tenant: str,
    name: str,
    issuer: str,
    dialects: Catalogue,
    mounts: Iterable[Mount] = (),
    hosts: Iterable[HostAlias] = (),
    client_id_template: str = "{id}",
    live_secrets: int = 5,
    overlap: int = 7 * DAY,
    rate_limit: int = 600,
    address_rate_limit: int = 0,
    address_rate_watched: bool = False,
    reissue_seconds: int = 0,
    variables: Mapping[str, str] | None = None,
) -> Environment:
    """A new environment of a tenant.

    `issuer`: its identifier for ever, an https URL (http on loopback). `dialects`: those that its mounts may
    name. `overlap`: seconds that an old secret lives on. `rate_limit`: token requests per client and minute,
    `address_rate_limit` those per address and minute (0: no limit), which may be only watched.
    `reissue_seconds`: the same request is given the same JWT again while so much of it is left, 0 for never.
    Raises AdministrationFault.
    """
    lookup.tenant(tx, tenant)
    environment = Environment(
        tenant=tenant,
        name=checked.handle(name, "name of the environment"),
        issuer=checked.url(issuer, "issuer"),
        mounts=tuple(mounts),
        hosts=tuple(hosts),
        client_id_template=client_id_template,
        live_secrets=live_secrets,
        overlap=overlap,
        rate_limit=rate_limit,
        address_rate_limit=address_rate_limit,
        address_rate_watched=address_rate_watched,
        reissue_seconds=reissue_seconds,
        variables=dict(variables or {}),
        created_at=act.now,
    )
    _checked(environment, dialects)
    insert(tx, act, environment)
    audited(tx, act, "environment.create", environment=environment.id, detail=issuer)
    return environment


def listing(tx: Transaction, tenant: str | None = None) -> list[Environment]:
    """All environments, or a tenant's, by tenant and name."""
    if tenant is None:
        return tx.find(Environment)
    return tx.find(Environment, tenant=lookup.tenant(tx, tenant).handle)


def show(tx: Transaction, environment: str) -> Environment:
    """One environment. Raises AdministrationFault (not_found)."""
    return lookup.environment(tx, environment)


def change(
    tx: Transaction,
    act: Act,
    environment: str,
    *,
    dialects: Catalogue,
    hosts: Iterable[HostAlias] | None = None,
    client_id_template: str | None = None,
    live_secrets: int | None = None,
    overlap: int | None = None,
    rate_limit: int | None = None,
    address_rate_limit: int | None = None,
    address_rate_watched: bool | None = None,
    reissue_seconds: int | None = None,
    variables: Mapping[str, str] | None = None,
) -> Environment:
    """Change what is given; None leaves it. `hosts` and `variables` replace them all, `address_rate_limit` 0 lifts it.
    The issuer stays.

    Fewer live secrets end none that lives; they bind when the next one is added.
    """
    given = {
        "hosts": None if hosts is None else tuple(hosts),
        "client_id_template": client_id_template,
        "live_secrets": live_secrets,
        "overlap": overlap,
        "rate_limit": rate_limit,
        "address_rate_limit": address_rate_limit,
        "address_rate_watched": address_rate_watched,
        "reissue_seconds": reissue_seconds,
        "variables": None if variables is None else dict(variables),
    }
    changes = {field: value for field, value in given.items() if value is not None}
    changed = replace(lookup.environment(tx, environment), **changes)  # type: ignore[arg-type]
    _checked(changed, dialects)
    update(tx, act, changed)
    audited(tx, act, "environment.change", environment=environment, detail=", ".join(sorted(changes)))
    return changed


def disable(tx: Transaction, act: Act, environment: str) -> Environment:
    """Stop everything of an environment at once; nothing is deleted."""
    return _switch(tx, act, environment, enabled=False)


def enable(tx: Transaction, act: Act, environment: str) -> Environment:
    """Let a disabled environment work again. What was disabled below it stays disabled."""
    return _switch(tx, act, environment, enabled=True)


def _switch(tx: Transaction, act: Act, environment: str, *, enabled: bool) -> Environment:
    changed = replace(lookup.environment(tx, environment), enabled=enabled)
    tx.put(changed, now=act.now)
    audited(tx, act, f"environment.{'enable' if enabled else 'disable'}", environment=environment)
    return changed


def delete(tx: Transaction, act: Act, environment: str) -> None:
    """Delete an environment with everything in it. The audit trail stays."""
    tx.remove(lookup.environment(tx, environment), now=act.now)
    audited(tx, act, "environment.delete", environment=environment)


def _checked(environment: Environment, dialects: Catalogue) -> None:
    for alias in environment.hosts:
        checked.host(alias.host)
        if alias.role not in get_args(HostRole):
            raise AdministrationFault("The role of a host alias must be api, auth or manager.")
    mounts.check_template(environment.client_id_template)
    checked.number(environment.live_secrets, "number of live secrets", most=MOST_LIVE_SECRETS)
    checked.number(environment.overlap, "overlap in seconds", least=0, most=LONGEST_OVERLAP)
    checked.number(environment.rate_limit, "rate limit per minute")
    checked.number(environment.address_rate_limit, "rate limit per address and minute", least=0)
    checked.number(
        environment.reissue_seconds,
        "seconds for a token to be given out again",
        least=0,
        most=LONGEST_OVERLAP,
    )
    checked.constants(environment.variables, "variable")
    mounts.check(environment, dialects)
