"""Every operation of administration, one small module per noun; importing this registers them all."""

from mintmark.authorization_server.administration.operation import REGISTRY
from mintmark.authorization_server.administration.operations import (
    access_request,
    api,
    attention,
    audit,
    client,
    environment,
    hand_over,
    key,
    machine_user,
    mount,
    person,
    quota,
    secret,
    service_account,
    tenant,
    token,
    usage,
)

# Registers how records are shown; it needs the modules above.
from mintmark.authorization_server.administration import credential_views, views  # isort: skip

__all__ = [
    "REGISTRY",
    "access_request",
    "api",
    "attention",
    "audit",
    "client",
    "credential_views",
    "environment",
    "hand_over",
    "key",
    "machine_user",
    "mount",
    "person",
    "quota",
    "secret",
    "service_account",
    "tenant",
    "token",
    "usage",
    "views",
]
