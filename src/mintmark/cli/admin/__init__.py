"""`mintmark admin`: one module per noun, each a list of commands over the administration functions.

A noun's module is loaded when its name is first used, so that other commands need not wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from mintmark.cli.services import Services

#: In the order of the help; `client` lives in the module `client`, `api-token` in `api_token`.
NOUNS = (
    "tenant",
    "environment",
    "mount",
    "api",
    "client",
    "secret",
    "service-account",
    "machine-user",
    "api-token",
    "legacy-token",
    "token",
    "signature-key",
    "quota",
    "signing-key",
    "access-request",
    "hand-over",
    "person",
    "usage",
    "attention",
    "audit",
)


class _Commands(Mapping[str, Any]):
    """Name of a noun -> its commands, bound to services."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in NOUNS:
            raise KeyError(name)
        if name not in self._loaded:
            module = import_module(f"{__name__}.{name.replace('-', '_')}")
            group = typer.main.get_command(module.noun.app(self._services))
            group.name = name
            self._loaded[name] = group
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(NOUNS)

    def __len__(self) -> int:
        return len(NOUNS)


def nouns(services: Services) -> type[TyperGroup]:
    """The group of all nouns on these services."""

    class Nouns(TyperGroup):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.commands = _Commands(services)  # type: ignore[assignment]  # nobody adds to it

    return Nouns
