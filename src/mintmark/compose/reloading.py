"""Settings that a running server takes anew at SIGHUP, and the file that they come from.

What is bad is refused as a whole: the old settings stay. Everything else than what `RELOADED` names needs a restart.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from mintmark.cli.services import UsageFault
from mintmark.config import Settings, load_settings

#: The settings that change without a restart. Certificate and key are read again from wherever they now are.
RELOADED = (
    "audit_keep_bytes",
    "audit_keep_days",
    "audit_keep_events",
    "drain_seconds",
    "forwarding_header",
    "log_level",
    "tls_cert",
    "tls_key",
    "trusted_proxies",
)
_served: list[ssl.SSLContext] = []


@dataclass(frozen=True, slots=True)
class Source:
    """Where settings came from: a file, and what the command line put above it."""

    config: Path
    overrides: Mapping[str, object] = field(default_factory=dict)


def reloaded(old: Settings, source: Source) -> tuple[Settings, list[str]]:
    """The settings from now on, and the names of those whose change waits for a restart.

    Raises ConfigFault, UsageFault; nothing has changed then.
    """
    new = load_settings(source.config, source.overrides)
    check_certificate(new)
    changed = [name for name in Settings.model_fields if getattr(old, name) != getattr(new, name)]
    taken = {name: getattr(new, name) for name in changed if name in RELOADED}
    if (old.tls_cert is None) != (new.tls_cert is None):
        taken.pop("tls_cert", None)
        taken.pop("tls_key", None)
    if new.tls_cert is not None and new.tls_key is not None:
        for context in _served:
            context.load_cert_chain(new.tls_cert, new.tls_key)
    return old.model_copy(update=taken), [name for name in changed if name not in taken]


def remembered_context(config: uvicorn.Config, make: object) -> ssl.SSLContext:  # noqa: ARG001 - uvicorn's names
    """uvicorn's own context, kept so that a new certificate can be put into it."""
    assert callable(make)  # noqa: S101 - uvicorn hands in its default
    context: ssl.SSLContext = make()
    _served.append(context)
    return context


def check_certificate(settings: Settings) -> None:
    """Raises UsageFault when the certificate and key cannot be used."""
    if settings.tls_cert is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            settings.tls_cert, settings.tls_key
        )
    except OSError as fault:
        raise UsageFault(
            f"tls_cert {settings.tls_cert} and tls_key {settings.tls_key} cannot be used together: "
            f"{fault.strerror or fault}"
        ) from None
