"""Records, issuances and loaders that the storage tests share."""

from __future__ import annotations

from typing import Any

from mintmark.authorization_server.ports import Allowance, Issuance, Transaction
from mintmark.storage.directory import CachedDirectory
from mintmark.storage.store import SqlStore
from mintmark.values.audit_event import AuditEvent
from mintmark.values.client import Client
from mintmark.values.credential import ApiToken, LegacyToken, MachineUser, SecretVersion, SignatureKey
from mintmark.values.person import Person
from mintmark.values.tenancy import (
    AccessRequest,
    Api,
    Environment,
    HostAlias,
    Mount,
    SigningKey,
    Tenant,
)

NOW = 1_800_000_000.0
AUDIT_KEY = bytes(range(32))
DAY = 20_833
HOME = "acme/production"

TENANT = Tenant("acme", "Acme", daily_token_limit=10, created_at=5)
ENVIRONMENT = Environment(
    "acme",
    "production",
    "https://id.example/t/acme/production",
    mounts=(
        Mount("/oauth/token", "rfc6749"),
        Mount(
            "/login",
            "rfc6749",
            roles=("auth", "api"),
            ends_at=9,
            slow_secrets=True,
            origins=("https://shop",),
        ),
    ),
    hosts=(HostAlias("api.acme.example", "api"), HostAlias("auth.acme.example:8443", "auth")),
    client_id_template="{id}@{tenant}",
    variables={"org_id": "ä 1"},
)
API = Api(
    HOME,
    "https://api.acme.example",
    "Bookings",
    scopes={"read": "Look", "write": "Change"},
    claims={"x": "y"},
)
#: The quota subject of the sample client.
A = f"client:{HOME}/abc"
CLIENT = Client(HOME, "abc", "Nightly import", allowed={API.audience: ("read", "write")}, daily_token_limit=3)
SECRET = SecretVersion(HOME, "abc", "v00001", "hmac", "digest", "laptop", 1, 2, 3, None)
USER = MachineUser(HOME, "u1", "robot@acme", "argon2id", "$argon2id$", scopes=("read",))
API_TOKEN = ApiToken(HOME, "t00001", "digest", API.audience, ("read",), client_id="abc", user_id="u1")
LEGACY_TOKEN = LegacyToken(HOME, "legacy/1", "hmac", "digest", API.audience, ())
SIGNATURE_KEY = SignatureKey(HOME, "k1", "sealed", API.audience, ("profile",))
SIGNING_KEY = SigningKey(HOME, "kid1", "ES256", '{"kty":"EC"}', "sealed", 1, 2)
ACCESS_REQUEST = AccessRequest("r1", "Ada", "Acme", "Reports", "ada@acme.example")
PERSON = Person("ada@acme", "Ada", "developer", "acme", "$argon2id$")

#: Parents before children.
RECORDS: tuple[Any, ...] = (
    TENANT,
    ENVIRONMENT,
    API,
    CLIENT,
    SECRET,
    USER,
    API_TOKEN,
    LEGACY_TOKEN,
    SIGNATURE_KEY,
    SIGNING_KEY,
    ACCESS_REQUEST,
    PERSON,
)
SUBJECTS = (
    "tenant:acme",
    f"environment:{HOME}",
    f"client:{HOME}/abc",
    f"user:{HOME}/u1",
    f"signature_key:{HOME}/k1",
)


def fill(transaction: Transaction) -> int:
    """Add every sample record; the position after it."""
    for record in RECORDS:
        transaction.add(record, now=NOW)
    return transaction.position()


def event(**fields: Any) -> AuditEvent:
    """An issued token's event."""
    values = {"at": NOW, "kind": "token", "outcome": "issued", "environment": HOME, "client_id": "abc"}
    return AuditEvent(**(values | fields))


def issuance(position: int, *allowances: Allowance, **fields: Any) -> Issuance:
    """A token judged at `position` by all of SUBJECTS."""
    values: dict[str, Any] = {"subjects": SUBJECTS, "day": DAY, "event": event()}
    return Issuance(position=position, allowances=allowances, **(values | fields))


def directory_of(store: SqlStore, **options: Any) -> CachedDirectory:
    """A directory whose keyrings are the sorted key ids, and which knows one dialect by its name."""

    def find_dialect(name: str) -> Any:
        return {"rfc6749": "RFC 6749"}[name]

    return CachedDirectory(store, lambda keys: [key.kid for key in keys], find_dialect, **options)  # type: ignore[arg-type,return-value]
