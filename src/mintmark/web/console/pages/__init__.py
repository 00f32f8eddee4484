"""The pages, one module per noun; importing them fills the table of `router`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules


def register() -> None:
    """Import every page."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
