"""Wires a token source for a program that calls somebody's API: the real clock, network, randomness and files.

Core dependencies only, and light to import: the HTTP library is loaded when the first token is fetched.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from weakref import WeakSet

from mintmark.client.errors import Misconfigured
from mintmark.client.exchange import Exchange
from mintmark.client.means import AllowanceLedger, Means
from mintmark.client.profile import Profile
from mintmark.client.standing import StandingToken
from mintmark.client.token import Credentials, SecretSource
from mintmark.client.token_source import Obtains
from mintmark.dialect.catalogue import shipped
from mintmark.dialect.keyfile import read_keyfile
from mintmark.dialect.loader import load_dialect, load_table
from mintmark.dialect.model import Dialect, DialectFault
from mintmark.dialect.writing import NamedFunction
from mintmark.transport.allowance_file import AllowanceFile
from mintmark.transport.http_sender import HttpSender
from mintmark.transport.secret_sources import (
    SecretText,
    constant,
    from_environment,
    from_file,
    from_function,
    read_small,
)
from mintmark.transport.source import Source
from mintmark.values.secret import Secret, set_fingerprint_key

SecretValue = str | Secret | Callable[[], str | Secret]
_SOURCES: WeakSet[Source] = WeakSet()
SECRETS = ("client_secret", "password", "signature", "signature_key", "private_key", "token")
#: The functions that dialects may name, see `client.functions`.
FUNCTIONS = ("jwt", "hmac", "rsa-sign", "rsa-encrypt", "hash", "uuid", "now", "mask")
_VARIABLE = "MINTMARK_VARIABLE_"


def source(
    dialect: str | Path | Dialect | Mapping[str, object] | None = None,
    *,
    credentials: str | Path | None = None,
    token_url: str | None = None,
    client_id: str | None = None,
    client_secret: SecretValue | None = None,
    username: str | None = None,
    password: SecretValue | None = None,
    subject: str | None = None,
    signature: SecretValue | None = None,
    signature_key: SecretValue | None = None,
    private_key: SecretValue | None = None,
    token: SecretValue | None = None,
    scope: str | None = None,
    audience: str | Iterable[str] | None = None,
    variables: Mapping[str, str] | None = None,
    form: str | int = 0,
    origins: Iterable[str] = (),
    profile: str | None = None,
) -> Source:
    """A source of tokens of one vendor.

    `dialect`: a name in the catalogue, the path of a TOML file, its content as a dict, or a `Dialect`; RFC 6749 when
    absent. Identity and secret are given here or stand in the file `credentials` that the vendor handed out; with none
    of them given, they come from the environment (``MINTMARK_DIALECT``, ``_TOKEN_URL``, ``_CLIENT_ID``,
    ``_CLIENT_SECRET`` or ``_CLIENT_SECRET_FILE``, ``_AUDIENCE``, ``_SCOPE`` and the like). A secret may be a function,
    asked at each exchange (see `mintmark.secret_sources`). `token`: a token that an administrator made, sent as Bearer;
    legacy id and secret, sent as Basic on each call, are ``dialect="basic"``. `variables` fill the vendor's address
    (``tenant``). `origins`: where tokens may go. `profile`: the name of a saved profile, which says all of this; its
    tokens come from the host's agent while one runs. Raises Misconfigured.
    """
    if profile is not None:
        if (
            dialect
            or credentials
            or token_url
            or client_id
            or client_secret
            or scope
            or audience
            or variables
        ):
            raise Misconfigured("a profile says all of it: give the profile's name, or the values, not both")
        from mintmark.compose.profiles import of_profile

        return of_profile(profile)
    given: dict[str, str | None] = {"client_id": client_id, "username": username, "subject": subject}
    secrets: dict[str, SecretValue | None] = {
        "client_secret": client_secret,
        "password": password,
        "signature": signature,
        "signature_key": signature_key,
        "private_key": private_key,
        "token": token,
    }
    texts: dict[str, SecretText] = {
        name: _secret(value) for name, value in secrets.items() if value is not None
    }
    # A traceback with locals shows this frame, too.
    del client_secret, password, signature, signature_key, private_key, token, secrets
    known = {name: value for name, value in given.items() if value}
    own = dict(variables or {})
    if token_url:
        own["token_url"] = token_url
    wanted = (audience,) if isinstance(audience, str) else tuple(audience or ())
    if not (texts or known or own or credentials):
        environment = os.environ
        dialect = dialect or environment.get("MINTMARK_DIALECT") or None
        credentials = environment.get("MINTMARK_CREDENTIALS") or None
        known = _from_environment(("client_id", "username", "subject"))
        own = _from_environment(("token_url",))
        own |= {
            name.removeprefix(_VARIABLE).lower(): value
            for name, value in environment.items()
            if name.startswith(_VARIABLE) and value
        }
        texts = _secrets_from_environment()
        scope = scope or environment.get("MINTMARK_SCOPE") or None
        wanted = wanted or tuple(environment.get("MINTMARK_AUDIENCE", "").split())
        origins = tuple(origins) or tuple(environment.get("MINTMARK_ORIGINS", "").split())
        if not (texts or known or own or credentials):
            raise Misconfigured(
                "nothing says whose token is wanted: give a client_id and client_secret, a credentials file, or set "
                "MINTMARK_CLIENT_ID and MINTMARK_CLIENT_SECRET"
            )
    means = real_means()
    obtains: Obtains
    if dialect == "basic" or "token" in texts:
        name = dialect.name if isinstance(dialect, Dialect) else str(dialect or "standing-token")
        obtains = StandingToken(_read_all(known, texts), means.clock, name)
    else:
        shape = find_dialect(dialect)
        obtains = Exchange(
            Profile(
                shape,
                _credentials(shape, credentials, known, texts),
                own,
                scope,
                wanted,
                subject,
                form,
                _identity(shape, own, credentials, known),
            ),
            means,
        )
    return register(obtains, means, origins)


def register(
    obtains: Obtains, means: Means, origins: Iterable[str] = (), kind: type[Source] = Source
) -> Source:
    """A source that survives a fork of the process."""
    made = kind(obtains, means)
    made.obtains, made.means = obtains, means
    made.origins = tuple(origins)
    _SOURCES.add(made)
    return made


def real_means(ledger: AllowanceLedger | None = None) -> Means:
    """The means of a real program; allowances are remembered in the user's state directory."""
    if Secret("x").mask() == "***":
        set_fingerprint_key(os.urandom(16))
    return Means(
        send=HttpSender(),
        clock=time.time,
        monotonic=time.monotonic,
        sleep=time.sleep,
        entropy=os.urandom,
        functions={name: _function(name) for name in FUNCTIONS},
        ledger=ledger or AllowanceFile(state_directory() / "allowances.json"),
    )


def _function(name: str) -> NamedFunction:
    """A named function that loads the cryptography it needs when it is first called."""

    def call(arguments: Mapping[str, object]) -> str:
        from mintmark.client.functions import named_functions

        return named_functions(time.time, os.urandom)[name](arguments)

    return call


def state_directory() -> Path:
    """The user's state directory for us (XDG Base Directory Specification: ``$XDG_STATE_HOME``)."""
    home = os.environ.get("XDG_STATE_HOME", "")
    return (Path(home) if home.startswith("/") else Path("~/.local/state").expanduser()) / "mintmark"


def find_dialect(named: str | Path | Dialect | Mapping[str, object] | None) -> Dialect:
    """The dialect of that name or in that file. Raises Misconfigured."""
    if isinstance(named, Dialect):
        return named
    try:
        if isinstance(named, Mapping):
            return load_table(dict(named), "the dialect given")
        if isinstance(named, Path) or (named is not None and named.endswith(".toml")):
            return load_dialect(read_small(Path(named)), str(named))
        return shipped(named or "standard")
    except DialectFault as fault:
        raise Misconfigured(str(fault)) from None
    except KeyError as fault:
        raise Misconfigured(str(fault.args[0])) from None


def _secret(value: SecretValue) -> SecretText:
    return from_function(value) if callable(value) else constant(value)


def _from_environment(names: Iterable[str]) -> dict[str, str]:
    found = {name: os.environ.get(f"MINTMARK_{name.upper()}", "") for name in names}
    return {name: value for name, value in found.items() if value}


def _secrets_from_environment() -> dict[str, SecretText]:
    """Each secret from its variable, or from the file that the variable with ``_FILE`` names."""
    found: dict[str, SecretText] = {}
    for name in SECRETS:
        variable = f"MINTMARK_{name.upper()}"
        path = os.environ.get(f"{variable}_FILE", "")
        if path and os.environ.get(variable):
            raise Misconfigured(f"{variable} and {variable}_FILE are both set: which one holds the secret?")
        if path:
            found[name] = from_file(path)
        elif os.environ.get(variable):
            found[name] = from_environment(variable)
    return found


def _read_all(known: Mapping[str, str], texts: Mapping[str, SecretText]) -> SecretSource:
    def read() -> Credentials:
        return {**known, **{name: text() for name, text in texts.items()}}

    return read


def _credentials(
    dialect: Dialect,
    path: str | Path | None,
    known: Mapping[str, str],
    texts: Mapping[str, SecretText],
) -> SecretSource:
    """What is given, over what stands in the vendor's credentials file."""
    given = _read_all(known, texts)
    if path is None:
        return given
    place = Path(path).expanduser()

    def read() -> Credentials:
        try:
            return {**read_keyfile(dialect, read_small(place)), **given()}
        except ValueError as fault:
            raise Misconfigured(f"{place}: {fault}") from None

    return read


def _identity(
    dialect: Dialect, own: Mapping[str, str], path: str | Path | None, known: Mapping[str, str]
) -> str:
    """Whom a vendor counts: address and client. A credentials file is one client's."""
    parts = {"dialect": dialect.name, "file": str(path or ""), **own, **known}
    return "\n".join(f"{name}={parts[name]}" for name in sorted(parts))


def _after_fork() -> None:
    for made in list(_SOURCES):
        made.after_fork()


os.register_at_fork(after_in_child=_after_fork)
