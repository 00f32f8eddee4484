"""Machine-to-machine API authentication: issue access tokens, check them, obtain them.

`source` obtains tokens, `Guard` checks them. Importing the package loads nothing else; each name is loaded when it is
first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mintmark.compose.client import source as source
    from mintmark.compose.guard import Guard as Guard
    from mintmark.resource_server.issuer import Issuer as Issuer
    from mintmark.transport import secret_sources as secret_sources
    from mintmark.values.errors import OAuthError as OAuthError

__version__ = "0.1.0"
#: name -> (module, attribute of it; empty for the module itself)
_LAZY = {
    "Guard": ("mintmark.compose.guard", "Guard"),
    "OAuthError": ("mintmark.values.errors", "OAuthError"),
    "Issuer": ("mintmark.resource_server.issuer", "Issuer"),
    "source": ("mintmark.compose.client", "source"),
    "secret_sources": ("mintmark.transport.secret_sources", ""),
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'mintmark' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    value: object = import_module(module)
    if attribute:
        value = getattr(value, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
