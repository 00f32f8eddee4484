"""The operators' own environment: clients that obtain tokens there act as operators in the admin API.

`mintmark init` makes it with the API and its scopes, and without a client; a demo makes a client as well.
"""

from __future__ import annotations

from mintmark.authorization_server.administration import apis, clients, environments, tenants
from mintmark.authorization_server.administration.access import (
    OPERATORS,
    RESERVED_TENANT,
    SCOPES,
    admin_audience,
)
from mintmark.authorization_server.administration.act import Act
from mintmark.authorization_server.ports import Transaction
from mintmark.dialect import Catalogue
from mintmark.values.tenancy import Environment, Mount, Tenant

MOUNT = "/oauth/token"
LIFETIME = 900


def token_url(public_url: str) -> str:
    """Where an operator's client obtains tokens."""
    return f"{public_url}/t/{OPERATORS}{MOUNT}"


def make(tx: Transaction, act: Act, public_url: str, dialects: Catalogue) -> None:
    """The tenant, its environment with one token endpoint, and the admin API with every scope."""
    if tx.get(Tenant, RESERVED_TENANT) is None:
        tenants.create(tx, act, handle=RESERVED_TENANT, name="Operators of this server")
    environments.create(
        tx,
        act,
        tenant=RESERVED_TENANT,
        name=OPERATORS.partition("/")[2],
        issuer=f"{public_url}/t/{OPERATORS}",
        dialects=dialects,
        mounts=[Mount(MOUNT, "standard")],
    )
    apis.create(
        tx,
        act,
        environment=OPERATORS,
        audience=admin_audience(public_url),
        name="Admin API",
        scopes=SCOPES,
        token_lifetime=LIFETIME,
    )


def make_with_client(
    tx: Transaction, act: Act, public_url: str, dialects: Catalogue
) -> dict[str, str] | None:
    """As `make`, with a client of every scope, whose id and secret are answered; None when all of it stands.

    What stands for another address is made anew: only a demo moves.
    """
    found = tx.get(Environment, *OPERATORS.split("/"))
    if found is not None and found.issuer == f"{public_url}/t/{OPERATORS}":
        return None
    if found is not None:
        environments.delete(tx, act, OPERATORS)
    make(tx, act, public_url, dialects)
    audience = admin_audience(public_url)
    made = clients.create(tx, act, environment=OPERATORS, name="demo", allowed={audience: tuple(SCOPES)})
    assert made.secret is not None  # noqa: S101 - a created client has a generated secret
    return {"client_id": made.client.client_id, "client_secret": made.secret.reveal()}


def credentials(stored: dict[str, str], public_url: str) -> dict[str, str]:
    """The operators' entry of a demo's credentials file."""
    return {
        "token_url": token_url(public_url),
        "api_url": admin_audience(public_url),
        "audience": admin_audience(public_url),
        **stored,
    }
