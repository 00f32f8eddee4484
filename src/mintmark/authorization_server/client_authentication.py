"""Client authentication with a secret (RFC 6749 §2.3.1), at equal cost for known and unknown ids.

The shape of what is presented decides the work, never the account: a secret of our own format costs one HMAC
(the id inside it picks one version), anything else costs argon2id, only on mounts that admit it, and the same
number of runs whether the client exists or not.
"""

from __future__ import annotations

from typing import NamedTuple

from mintmark.authorization_server.ports import Ports
from mintmark.crypto.secret_hash import check_secret, dummy_digest
from mintmark.values.client import Client, Registration
from mintmark.values.credential import SecretVersion
from mintmark.values.errors import OAuthError, invalid_client
from mintmark.values.secret import CLIENT_SECRET, Secret, shape_of
from mintmark.values.tenancy import Mount
from mintmark.values.token import TokenRequest

#: Imported secrets of one client that may live at once, while it is being moved off another server.
IMPORTED_VERSIONS = 2
#: Seconds for which a refusal waits for a look at what other nodes have changed.
PATIENCE = 1.0
_DUMMY_DIGEST = "A" * 43
_NOBODY = dummy_digest()


class Authenticated(NamedTuple):
    """A client and the secret version that proved it."""

    registration: Registration
    version: SecretVersion

    @property
    def client(self) -> Client:
        """Who it is."""
        return self.registration.client

    @property
    def credential_id(self) -> str:
        """What proved it, as ``mm_cred`` says it."""
        return self.version.id


def identity_of(request: TokenRequest) -> str:
    """The claimed identity that limits count: the client id, else the user name, else the subject."""
    return request.client_id or request.username or request.subject or ""


async def as_found(request: TokenRequest, environment: str, ports: Ports) -> TokenRequest:
    """The request in the reading of Basic by which a client is found, so that limits, audit and authentication know one
    identity. Where both are admitted the first comes first, and the second is for imported clients only.

    Raises StorageUnavailable.
    """
    if request.other_reading is None or request.client_id is None or request.client_secret is None:
        return request
    client_id, secret = request.other_reading
    if client_id == request.client_id:
        return request
    if await ports.directory.registration(environment, request.client_id) is not None:
        return request
    other = await ports.directory.registration(environment, client_id)
    if other is None or not other.client.imported:
        return request
    first = (request.client_id, request.client_secret)
    return request._replace(client_id=client_id, client_secret=secret, other_reading=first)


async def authenticate(
    request: TokenRequest, environment: str, mount: Mount, ports: Ports, peer: str, now: float
) -> Authenticated:
    """The client that the request, as `as_found` gave it, proves to be. `peer`: the caller's address.

    A client in memory is refused only after a look at what other nodes have changed: a secret is good everywhere as
    soon as whoever added it is told so. Raises OAuthError 401 ``invalid_client`` with one public sentence whatever was
    wrong, `reason` tells the owner; StorageUnavailable where the client cannot be read.
    """
    client_id, secret = request.client_id, request.client_secret
    if client_id is None or secret is None:
        raise invalid_client(reason="no_credentials")

    async def prove(registration: Registration | None) -> Authenticated:
        version, reason = await _match(registration, secret, request, mount, ports, peer, now)
        if version is None or registration is None:
            raise invalid_client(reason=reason)
        _ensure_usable(registration.client, version, now)
        return Authenticated(registration, version)

    known = ports.directory.held(environment, client_id)
    try:
        return await prove(known or await ports.directory.registration(environment, client_id))
    except OAuthError:
        if known is None or not await ports.directory.settle(PATIENCE):
            raise
        latest = await ports.directory.registration(environment, client_id)
        if latest is known:
            raise
    return await prove(latest)


async def _match(
    registration: Registration | None,
    secret: Secret,
    request: TokenRequest,
    mount: Mount,
    ports: Ports,
    peer: str,
    now: float,
) -> tuple[SecretVersion | None, str]:
    versions = registration.secrets if registration is not None else ()
    unknown = "unknown_client" if registration is None else ""
    text = secret.reveal()
    shape = shape_of(text)
    if shape is not None or not mount.slow_secrets:
        wanted = shape.version_id if shape is not None and shape.prefix == CLIENT_SECRET else ""
        found = next((v for v in versions if v.id == wanted and v.hash_kind == "hmac"), None)
        if check_secret(ports.secret_key, text, found.digest if found else _DUMMY_DIGEST) and found:
            return found, ""
        return None, unknown or _why(shape is not None, text, versions)
    readings = [text]
    if request.other_reading is not None and request.other_reading[1].reveal() not in readings:
        readings.append(request.other_reading[1].reveal())
    imported = registration is not None and registration.client.imported
    live = [v for v in reversed(versions) if v.hash_kind == "argon2id" and v.live(now)]
    slots: list[SecretVersion | None] = [*live[:IMPORTED_VERSIONS]]
    slots += [None] * (IMPORTED_VERSIONS - len(slots))
    for index, reading in enumerate(readings):
        for slot in slots:
            digest = slot.digest if slot is not None else _NOBODY
            right = await ports.slow_hash.verify(digest, reading, peer)
            if right and slot is not None and (index == 0 or imported):
                return slot, ""
    return None, unknown or "wrong_secret"


def _why(well_formed: bool, text: str, versions: tuple[SecretVersion, ...]) -> str:
    """Why a secret matched no version, for the client's owner."""
    if well_formed:
        return "wrong_secret"
    if text.startswith(CLIENT_SECRET):
        return "secret_mistyped"
    if any(v.hash_kind == "argon2id" for v in versions):
        return "imported_secret_not_admitted"
    return "wrong_secret"


def _ensure_usable(client: Client, version: SecretVersion, now: float) -> None:
    """Raises OAuthError 401 unless version and client may be used now."""
    state = version.state(now)
    if state in ("revoked", "expired"):
        raise invalid_client(reason=f"secret_{state}", detail=f"secret version {version.id}")
    if not client.enabled:
        raise invalid_client(reason="client_disabled")


def is_authentication_failure(error: OAuthError) -> bool:
    """Whether a refusal counts as a guess and is answered at the fixed moment."""
    return error.code in ("invalid_client", "invalid_grant")
