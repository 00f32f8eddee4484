"""The sample tenants of `mintmark demo`: their facts as data, and their making through the administration functions.

Credentials are made once and kept in plain text by the demo alone; a tenant's entry in its credentials file is
derived from them and from the address it is reached at.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mintmark.authorization_server.administration import (
    api_tokens,
    apis,
    clients,
    environments,
    imported_secrets,
    legacy_tokens,
    machine_users,
    signature_keys,
    tenants,
)
from mintmark.authorization_server.administration.act import Act
from mintmark.authorization_server.issuance import uuid4
from mintmark.authorization_server.ports import Transaction
from mintmark.dialect import Catalogue
from mintmark.jose.jwk import generate
from mintmark.values.secret import Secret, new_identifier
from mintmark.values.tenancy import Environment, HostAlias, HostRole, Mount, Tenant
from mintmark.web.console.services import SampleCall
from mintmark.web.demo_apis import OLERIA_SCOPE, SAMPLES

ENVIRONMENTS = ("production", "staging")
CUSTOMER = "207119551"
#: The web origins from which a browser may call Omneo's two endpoints that take no client secret.
ORIGINS = ("https://shop.omneo.example", "http://localhost:3000")
MACHINE_USER, PROXY_USER = "shopify-integration@brand.com", "sfcc-proxy@brand.com"
Stored = dict[str, str]
"""What has to be kept of an environment: its plain credentials."""


@dataclass(frozen=True, slots=True)
class DemoTenant:
    """`mounts`: dialect -> host roles. `api`, `client`, `environment`: beyond the defaults of their `create`."""

    name: str
    mounts: Mapping[str, tuple[HostRole, ...]]
    call: tuple[str, str, str | None]
    api: Mapping[str, Any] = field(default_factory=dict)
    client: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)


TENANTS: Mapping[str, DemoTenant] = {
    "omnilab": DemoTenant(
        "OmniLab",
        {"omnilab": ("api",)},
        ("GET", "/v1/bookings/1001", None),
        states={"audience": SAMPLES["omnilab"].audience},
    ),
    "oleria": DemoTenant(
        "Oleria",
        {"oleria": ("auth", "api")},
        ("POST", "/v1/downloads", '{ "context": "accessInventoryIdentitiesV2" }'),
        api={"required_scope": OLERIA_SCOPE, "algorithm": "RS256"},
        client={"name": "BI nightly export"},
        states={"scope": OLERIA_SCOPE},
    ),
    "fyma": DemoTenant(
        "Fyma",
        {"fyma": ("auth", "api")},
        ("GET", "/v1/projects", None),
        api={"token_lifetime": 86400},
        client={"daily_token_limit": 100},
        states={"audience": SAMPLES["fyma"].audience},
    ),
    "omneo": DemoTenant(
        "Omneo",
        {"omneo": ("api",), "omneo-shopify": ("api",), "omneo-proxy": ("api",)},
        ("GET", "/api/v3/profiles", None),
        client={"needs_user": True},
        states={"scope": "*"},
    ),
    "omnissa": DemoTenant(
        "Omnissa Intelligence",
        {"omnissa": ("auth",)},
        ("GET", "/v2/reports", None),
        api={"token_lifetime": 3599, "token_type_header": "JWT", "algorithm": "RS256"},
        client={"kind": "service_account", "name": "reportscript"},
        environment={"client_id_template": "{id}@{tenant}", "live_secrets": 1},
    ),
    "standard": DemoTenant(
        "Standard", {"standard": ("auth", "api")}, ("GET", "/v1/things", None), client={"name": "example"}
    ),
}


def sample_call(tenant: str) -> SampleCall | None:
    """A call of the sample API of a tenant that its token is good for."""
    facts = TENANTS.get(tenant)
    if facts is None:
        return None
    method, path, body = facts.call
    return SampleCall(method, path, body or "")


def issuer_of(public_url: str, tenant: str, name: str) -> str:
    """The issuer, and the path URL that everything of the environment stands below."""
    return f"{public_url}/t/{tenant}/{name}"


def hosts_of(tenant: str, name: str, port: int) -> tuple[HostAlias, ...]:
    """The host aliases: ``{role}.{tenant}.mintmark.localhost``, of staging ``{role}.staging.{tenant}...``."""
    label = tenant if name == "production" else f"{name}.{tenant}"
    roles: tuple[HostRole, ...] = ("api", "auth", "manager")
    return tuple(HostAlias(f"{role}.{label}.mintmark.localhost:{port}", role) for role in roles)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What takes long and so is made before the transaction."""

    tenant: str
    name: str
    key: Any
    user_password: Secret
    user_digest: str
    proxy_password: Secret
    proxy_digest: str
    legacy_secret: Secret
    legacy_digest: str


def prepare(act: Act, tenant: str, name: str) -> Prepared:
    """Generate the signing key and hash what is hashed slowly, as far as this tenant has it."""
    nothing = Secret("")
    user = proxy = legacy = nothing
    digests = ["", "", ""]
    if tenant == "omneo":
        user, proxy = imported_secrets.new_password(act), imported_secrets.new_password(act)
        digests[:2] = [imported_secrets.password_digest(act, one) for one in (user, proxy)]
    if tenant == "fyma":
        legacy = Secret(new_identifier(act.entropy, 32))
        digests[2] = imported_secrets.digest(act, legacy)
    key = generate(TENANTS[tenant].api.get("algorithm", "ES256"))
    return Prepared(tenant, name, key, user, digests[0], proxy, digests[1], legacy, digests[2])


def provision(
    tx: Transaction, act: Act, made: Prepared, public_url: str, port: int, dialects: Catalogue
) -> Stored:
    """Make an environment with everything in it, in place of a half-made one; answer its plain credentials."""
    facts, sample = TENANTS[made.tenant], SAMPLES[made.tenant]
    audience, scopes = sample.audience, tuple(sample.scopes)
    if tx.get(Tenant, made.tenant) is None:
        tenants.create(tx, act, handle=made.tenant, name=facts.name)
    if tx.get(Environment, made.tenant, made.name) is not None:
        environments.delete(tx, act, f"{made.tenant}/{made.name}")
    mounts = [
        Mount(
            dialects.get(dialect).path,
            dialect,
            roles,
            slow_secrets=made.tenant in ("omneo", "standard"),
            origins=ORIGINS if dialects.get(dialect).admits_cors else (),
        )
        for dialect, roles in facts.mounts.items()
    ]
    variables = {"org_id": uuid4(act.entropy)} if made.tenant == "omnissa" else {}
    place = environments.create(
        tx,
        act,
        tenant=made.tenant,
        name=made.name,
        issuer=issuer_of(public_url, made.tenant, made.name),
        dialects=dialects,
        mounts=mounts,
        hosts=hosts_of(made.tenant, made.name, port),
        variables=variables,
        **facts.environment,
    ).id
    apis.create(
        tx,
        act,
        environment=place,
        audience=audience,
        name=f"{facts.name} API",
        scopes=sample.scopes,
        key=made.key,
        **facts.api,
    )
    client = clients.create(
        tx, act, environment=place, allowed={audience: scopes}, **{"name": "integration", **facts.client}
    )
    assert client.secret is not None  # noqa: S101 - a created client has a generated secret
    stored = {"client_id": client.client.client_id, "client_secret": client.secret.reveal()}
    if made.tenant == "fyma":
        stored |= _legacy(tx, act, place, made, audience, scopes)
    if made.tenant == "omneo":
        stored |= _omneo(tx, act, place, made, audience)
    return stored


def _legacy(
    tx: Transaction, act: Act, place: str, made: Prepared, audience: str, scopes: tuple[str, ...]
) -> Stored:
    token_id = new_identifier(act.entropy, 12, lower=True)
    legacy_tokens.import_token(
        tx,
        act,
        environment=place,
        token_id=token_id,
        digest=made.legacy_digest,
        audience=audience,
        scopes=scopes,
        label="from before",
    )
    return {"legacy_token_id": token_id, "legacy_token_secret": made.legacy_secret.reveal()}


def _omneo(tx: Transaction, act: Act, place: str, made: Prepared, audience: str) -> Stored:
    staff = ("profiles:read", "profiles:write", "orders:read")
    machine_users.create(
        tx, act, environment=place, username=MACHINE_USER, digest=made.user_digest, scopes=staff
    )
    machine_users.create(
        tx,
        act,
        environment=place,
        username=PROXY_USER,
        digest=made.proxy_digest,
        scopes=("profiles:read",),
        proxy_login=True,
        proxy_audience=audience,
    )
    token = api_tokens.create(
        tx,
        act,
        environment=place,
        audience=audience,
        scopes=("profiles:read",),
        label="demo",
        username=MACHINE_USER,
    )
    key = signature_keys.create(
        tx, act, environment=place, audience=audience, scopes=("profile:own",), label="storefront"
    )
    return {
        "username": MACHINE_USER,
        "password": made.user_password.reveal(),
        "api_token": token.token.reveal(),
        "signature_key": key.key.reveal(),
        "proxy_username": PROXY_USER,
        "proxy_password": made.proxy_password.reveal(),
    }


def credentials(
    tenant: str, name: str, stored: Stored, public_url: str, dialects: Catalogue
) -> dict[str, str | None]:
    """An environment's entry of the credentials file. `api_body` is None where the call has no body."""
    facts = TENANTS[tenant]
    issuer = issuer_of(public_url, tenant, name)
    paths = [dialects.get(dialect).path for dialect in facts.mounts]
    method, path, body = facts.call
    entry: dict[str, str | None] = {
        "environment": name,
        "token_url": issuer + paths[0],
        "api_url": issuer + path,
        "api_method": method,
        "api_body": body,
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks.json",
        **{key: value for key, value in stored.items() if key != "signature_key"},
        **facts.states,
    }
    if tenant == "omneo":
        entry["shopify_token_url"] = issuer + paths[1]
        entry["shopify_customer_id"] = CUSTOMER
        key = stored["signature_key"].encode("ascii")
        entry["shopify_signature"] = hmac.new(key, CUSTOMER.encode("ascii"), hashlib.sha256).hexdigest()
        entry["proxy_login_url"] = issuer + paths[2]
    return entry
