"""Credentials that need attention: those that end soon, and those that nothing has used for long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from mintmark.authorization_server.ports import Transaction
from mintmark.values.client import Client
from mintmark.values.credential import ApiToken, LegacyToken, SecretVersion, SignatureKey

#: Seconds ahead in which an end is soon, and seconds back in which no use is long.
SOON, LONG = 14 * 86400, 90 * 86400
Why = Literal["ends", "unused"]


@dataclass(frozen=True, slots=True)
class Needing:
    """`kind`: ``secret``, ``api_token``, ``legacy_token`` or ``signature_key``. `name`: of the client, or its label.

    `ends_at`, `last_used_at`: seconds since the epoch, or None. `owner`: of the client, else empty.
    """

    kind: str
    why: Why
    environment: str
    client_id: str
    credential_id: str
    name: str
    ends_at: int | None
    last_used_at: float | None
    owner: str = ""


def listing(tx: Transaction, environments: Iterable[str], now: int) -> list[Needing]:
    """Those of these environments, what ends first at the top."""
    found = [each for place in environments for each in _of(tx, place, now)]
    return sorted(
        found, key=lambda each: (each.why, each.ends_at or 0, each.last_used_at or 0, each.credential_id)
    )


def _of(tx: Transaction, environment: str, now: int) -> Iterator[Needing]:
    clients = {each.client_id: each for each in tx.find(Client, environment=environment)}
    for version in tx.find(SecretVersion, environment=environment):
        client = clients[version.client_id]
        yield from _judged(tx, "secret", version, now, client.client_name, client.client_id, client.owner)
    for token in tx.find(ApiToken, environment=environment):
        if token.client_id is None:  # those issued to clients come and go by themselves
            yield from _judged(tx, "api_token", token, now, token.label)
    for legacy in tx.find(LegacyToken, environment=environment):
        yield from _judged(tx, "legacy_token", legacy, now, legacy.label)
    for key in tx.find(SignatureKey, environment=environment):
        yield from _judged(tx, "signature_key", key, now, key.label)


def _judged(
    tx: Transaction, kind: str, record: Any, now: int, name: str, client_id: str = "", owner: str = ""
) -> Iterator[Needing]:
    if record.state(now) not in ("active", "retiring"):
        return
    use = tx.last_use(record.environment, record.id)
    used_at = None if use is None else use[0]
    ends_at = min(
        (each for each in (getattr(record, "retires_at", None), record.expires_at) if each is not None),
        default=None,
    )
    why: Why
    if ends_at is not None and ends_at < now + SOON:
        why = "ends"
    elif (used_at or record.created_at) < now - LONG:
        why = "unused"
    else:
        return
    yield Needing(
        kind, why, record.environment, client_id, record.id, name or record.id, ends_at, used_at, owner
    )
