"""An issuer's public keys, fetched once for `mintmark inspect`."""

from __future__ import annotations

from mintmark.cli.faults import Failure, UsageFault
from mintmark.jose.jwk import KeyFault
from mintmark.jose.key_set import KeySet, parse_key_set
from mintmark.resource_server.issuer import Issuer
from mintmark.transport.issuer_client import IssuerClient
from mintmark.transport.key_fetch import FetchFault, KeyFetch


def issuer_keys(identifier: str) -> KeySet:
    """The keys that the issuer publishes. Raises UsageFault for an address that is none, and Failure."""
    try:
        issuer = Issuer(identifier)
    except ValueError as fault:
        raise UsageFault(f"--issuer: {fault}.") from None
    client = IssuerClient()
    try:
        return parse_key_set(KeyFetch(issuer, client)().document)
    except (FetchFault, KeyFault) as fault:
        raise Failure(f"The keys of {identifier} cannot be had: {fault}.") from None
    finally:
        client.close()
