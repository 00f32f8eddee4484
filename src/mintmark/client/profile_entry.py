"""A saved profile: whose tokens are wanted, where they may go, and where each secret is kept; no secret, unless its
owner asked for that. It is plain data that a program can compare and send a digest of.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mintmark.client.errors import Misconfigured
from mintmark.values.secret import Secret

#: What an entry may hold beside secrets, in the order in which it is shown and written.
TEXTS = (
    "dialect",
    "credentials",
    "token_url",
    "client_id",
    "username",
    "subject",
    "scope",
    "form",
    "api_url",
)
LISTS = ("audience", "origins")
SECRETS = ("client_secret", "password", "signature", "signature_key", "private_key", "token")
#: Where a secret is kept: a variable's name, a file's path, a command line, the keyring's service, or here as it is.
KINDS = ("env", "file", "command", "keyring")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_UNSAFE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """`kind`: one of `KINDS`, and `value` names the place; or ``here``, and `text` is the secret itself."""

    kind: str
    value: str = ""
    text: Secret = field(default_factory=lambda: Secret(""))

    def __str__(self) -> str:
        return {
            "env": f"environment variable {self.value}",
            "file": f"file {self.value}",
            "command": f"command {self.value}",
            "keyring": "keyring",
            "here": "profile file",
        }[self.kind]


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """One profile as it is saved. Made by `read_entry` or `made`, which check it."""

    name: str
    texts: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]
    variables: Mapping[str, str]
    secrets: Mapping[str, SecretPlace] = field(repr=False)

    @property
    def origins(self) -> tuple[str, ...]:
        """Where the token may go: the declared origins, and that of the API's address."""
        return (*self.lists.get("origins", ()), *((self.api_url,) if self.api_url else ()))

    @property
    def api_url(self) -> str:
        """The API's address, or empty."""
        return self.texts.get("api_url", "")

    def table(self) -> dict[str, object]:
        """As it is written in the file; a secret that is kept there is a `Secret`."""
        secrets: dict[str, object] = {
            name: place.text if place.kind == "here" else {place.kind: place.value}
            for name, place in self.secrets.items()
        }
        lists = {name: list(values) for name, values in self.lists.items()}
        variables = {"variables": dict(self.variables)} if self.variables else {}
        return {**self.texts, **lists, **secrets, **variables}

    def fingerprint(self) -> str:
        """A digest of everything but secrets: two processes that agree on it mean the same profile."""
        plain = {name: "here" if isinstance(value, Secret) else value for name, value in self.table().items()}
        return hashlib.sha256(json.dumps([self.name, plain], sort_keys=True).encode()).hexdigest()


def checked_name(name: str) -> str:
    """The name of a profile. Raises Misconfigured."""
    if _NAME.fullmatch(name) is None or name.upper() in METHODS:
        raise Misconfigured(
            "a profile's name is up to 64 letters, digits, dots, dashes and underscores, and no HTTP method"
        )
    return name


def read_entry(name: str, table: object) -> ProfileEntry:
    """The entry that stands under `name` in a file. Raises Misconfigured, with the key and never with a value."""
    if not isinstance(table, Mapping):
        raise Misconfigured(f"the profile '{name}' is not a table")
    checked_name(name)
    known = {*TEXTS, *LISTS, *SECRETS, "variables"}
    for key in table:
        if key not in known:
            raise Misconfigured(f"the profile '{name}' has the unknown key '{key}'")
    variables = table.get("variables", {})
    if not isinstance(variables, Mapping):
        raise Misconfigured(f"the profile '{name}': 'variables' must be a table")
    return ProfileEntry(
        name,
        {key: _text(name, key, table[key]) for key in TEXTS if key in table},
        {key: _texts(name, key, table[key]) for key in LISTS if key in table},
        {str(key): _text(name, f"variables.{key}", value) for key, value in variables.items()},
        {key: _place(name, key, table[key]) for key in SECRETS if key in table},
    )


def _text(name: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not value or _UNSAFE.search(value) is not None:
        raise Misconfigured(f"the profile '{name}': '{key}' must be text without control characters")
    return value


def _texts(name: str, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Misconfigured(f"the profile '{name}': '{key}' must be a list of texts")
    return tuple(_text(name, key, item) for item in value)


def _place(name: str, key: str, value: object) -> SecretPlace:
    if isinstance(value, Secret):
        return SecretPlace("here", text=value)
    if isinstance(value, str) and value:
        return SecretPlace("here", text=Secret(value))
    if isinstance(value, Mapping) and len(value) == 1:
        kind, place = next(iter(value.items()))
        if kind in KINDS:
            return SecretPlace(str(kind), _text(name, f"{key}.{kind}", place))
    raise Misconfigured(
        f"the profile '{name}': '{key}' must name its place, as in {key} = {{ env = \"NAME\" }} ({', '.join(KINDS)})"
    )
