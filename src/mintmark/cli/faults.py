"""The two ways in which a command ends badly; light to import, for the commands that must start fast."""

from __future__ import annotations


class UsageFault(Exception):
    """Bad configuration, arguments or surroundings: one sentence with the place; the command exits with 2."""


class Failure(Exception):
    """The command was understood and could not be done: one sentence; the command exits with 1."""
