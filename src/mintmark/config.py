"""Settings: a TOML file, overridden by environment variables ``MINTMARK_<SETTING>``, overridden by the command line.

Every setting is a field of `Settings`; an unknown key, a wrong value or an unsafe combination is a
`ConfigFault`: one sentence with the file and line. No setting holds a secret, only where one is found.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, NoDecode, SettingsConfigDict
from pydantic_settings.sources import PydanticBaseSettingsSource

from mintmark.storage.byte_size import byte_size
from mintmark.storage.engines.place import place
from mintmark.storage.valkey_address import ValkeyAddress
from mintmark.web.loopback import is_loopback
from mintmark.web.peer import ForwardingHeader, TrustedProxies

PREFIX = "MINTMARK_"
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+):(\d{1,5})")


class ConfigFault(Exception):
    """A setting is unknown, malformed or unsafe: one sentence with its place and what to do."""


class Settings(BaseSettings):
    """What `mintmark serve` needs to know. Relative paths are relative to the configuration file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    public_url: str = Field(
        "http://127.0.0.1:8080",
        description="Where callers reach this server: every issuer and URL that it emits begins with it. "
        "https, or http on loopback.",
    )
    listen: str = Field("127.0.0.1:8080", description="Address and port to listen on.")
    tls_cert: Path | None = Field(None, description="Certificate chain (PEM) of the listener.")
    tls_key: Path | None = Field(None, description="Private key (PEM) of the listener.")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Addresses and networks of proxies in front; only theirs are the forwarding header and "
        "X-Request-Id believed.",
    )
    forwarding_header: ForwardingHeader = Field(
        "x-forwarded-for",
        description='The one header in which those proxies name the caller: "x-forwarded-for" or "forwarded".',
    )
    operator_listen: str = Field(
        "",
        description="Address and port for operators only: /livez, /readyz with reasons, /metrics, in plain HTTP; "
        "further workers take the ports after it. Empty: none.",
    )
    drain_seconds: int = Field(
        0,
        ge=0,
        le=600,
        description="Seconds between SIGTERM and the end in which /readyz is 503, requests are answered and each "
        "connection is closed after its answer.",
    )
    workers: int = Field(1, ge=1, le=64, description="Worker processes; together they behave as one server.")
    database: Path | str = Field(
        Path("mintmark.db"),
        description="The SQLite database file, or postgresql://USER@HOST/NAME, which several nodes may share.",
    )
    database_password: str = Field(
        "",
        description='Where the password for PostgreSQL comes from: "file:PATH" (mode 0600), "env:NAME" or '
        '"command:PROGRAM ARGUMENTS"; empty: none, or what PGPASSFILE or PGPASSWORD say.',
    )
    key_encryption_key: str = Field(
        "file:mintmark.key",
        description='Where the key that seals private keys at rest comes from: "file:PATH" (mode 0600), "env:NAME" '
        'or "command:PROGRAM ARGUMENTS".',
    )
    valkey: str = Field(
        "",
        description="Valkey server that all nodes share, so that rate limits hold over them together: "
        "valkey://HOST:6379/0, or valkeys:// for TLS; empty: each process counts in memory.",
    )
    valkey_password: str = Field(
        "", description="Where the password there comes from, as above; empty: none."
    )
    valkey_ca: Path | None = Field(
        None, description="Certificates (PEM) that vouch for it, not the system's."
    )
    valkey_prefix: str = Field("mintmark:", max_length=64, description="How its keys begin.")
    valkey_timeout_ms: int = Field(
        250,
        ge=10,
        le=30_000,
        description="Milliseconds after which it counts as away when it has not answered.",
    )
    single_node: bool = Field(
        False, description="With PostgreSQL and without Valkey: this is the only node, and counts alone."
    )
    dialects: Path | None = Field(
        None, description="A directory of further dialect files (*.toml); `mintmark dialect check` reads one."
    )
    signing_key_publish_ahead: int = Field(
        86400, ge=600, description="Seconds that a signing key is published before it signs."
    )
    signing_key_signs_for: int = Field(
        90 * 86400, ge=3600, description="Seconds that a signing key signs before the next one takes over."
    )
    audit_keep_days: int = Field(
        0, ge=0, description="Days that audit events are kept; 0: all stay, as those of two days always do."
    )
    audit_keep_events: int = Field(
        0, ge=0, description="Newest audit events that are kept, some 500 bytes each; 0: however many."
    )
    audit_keep_bytes: Annotated[int, NoDecode, BeforeValidator(byte_size)] = Field(
        0, ge=0, description='Bytes that audit events may take, as in "20GB"; 0: however many.'
    )
    access_requests: bool = Field(
        False, description="Whether anybody may ask for access by the form at /console/request-access."
    )
    oidc_issuer: str = Field(
        "",
        description="Issuer of the OpenID provider by which people may sign in to the console; empty: none.",
    )
    oidc_client_id: str = Field("", description="Client id of the console there.")
    oidc_client_secret_file: Path | None = Field(
        None, description="File (mode 0600) with the console's client secret there."
    )
    oidc_title: str = Field("Company sign-in", description="What the button that leads there says.")
    notify_webhook: str = Field(
        "", description="URL that is told once a day which credentials end soon or lie unused; empty: none."
    )
    notify_webhook_secret_file: Path | None = Field(
        None, description="File (mode 0600) with the key that signs what is sent there."
    )
    notify_smtp: str = Field(
        "",
        description="Mail server for the same: smtp://host:587 (with STARTTLS) or smtps://host:465; empty: none.",
    )
    notify_smtp_user: str = Field("", description="User name there; empty: none is needed.")
    notify_smtp_password_file: Path | None = Field(
        None, description="File (mode 0600) with the password there."
    )
    notify_from: str = Field("mintmark@localhost", description="Sender of these mails.")
    notify_to: Annotated[tuple[str, ...], NoDecode] = Field((), description="Who receives them.")
    otel: bool = Field(
        False, description="Whether requests are traced with OpenTelemetry; its OTEL_* variables say where."
    )
    otel_logs: bool = Field(False, description="Whether log lines are sent there as well.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least level of log line that is written to standard error."
    )

    @field_validator("trusted_proxies", "notify_to", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        TrustedProxies.parse(value)
        return value

    @field_validator("listen", "operator_listen")
    @classmethod
    def _address(cls, value: str, field: ValidationInfo) -> str:
        if not value and field.field_name == "operator_listen":
            return value
        match = _LISTEN.fullmatch(value)
        if match is None or not 0 < int(match[2]) < 65536:
            raise ValueError("it must be an address and a port, as in 127.0.0.1:8080")
        return value

    @field_validator("database", mode="before")
    @classmethod
    def _where(cls, value: object) -> object:
        return place(value) if isinstance(value, str) else value

    @field_validator("valkey")
    @classmethod
    def _valkey(cls, value: str) -> str:
        if value:
            ValkeyAddress.parse(value)
        return value

    @field_validator("public_url")
    @classmethod
    def _url(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            raise ValueError("it must be a URL such as https://auth.example.com") from None
        value = value.rstrip("/")
        if parts.scheme not in ("http", "https") or not host or "@" in value or "?" in value or "#" in value:
            raise ValueError("it must be a URL such as https://auth.example.com, without query or user name")
        if parts.scheme == "http" and not is_loopback(host):
            raise ValueError("it must begin with https:// (http only on loopback)")
        return value

    @model_validator(mode="after")
    def _safe(self) -> Settings:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together: set both or neither")
        if not is_loopback(self.host) and self.tls_cert is None and not self.trusted_proxies:
            raise ValueError(
                f"listen = {self.listen!r} is not a loopback address: set tls_cert and tls_key, or trusted_proxies if "
                "a proxy in front ends TLS"
            )
        if self.signing_key_signs_for <= self.signing_key_publish_ahead:
            raise ValueError("signing_key_signs_for must be longer than signing_key_publish_ahead")
        return self

    @property
    def database_file(self) -> Path | None:
        """The file of an SQLite database, or None."""
        return self.database if isinstance(self.database, Path) else None

    @property
    def host(self) -> str:
        """The host of `listen`, without brackets."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of `listen`."""
        return int(self.listen.rpartition(":")[2])

    @property
    def proxies(self) -> TrustedProxies:
        """The declared proxies."""
        return TrustedProxies.parse(self.trusted_proxies, self.forwarding_header)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic names it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The command line before the environment before the file; nothing else."""
        given: dict[str, Any] = init_settings()
        file = given.pop("_file", {})
        return (
            InitSettingsSource(settings_cls, given),
            env_settings,
            InitSettingsSource(settings_cls, file),
        )


def load_settings(path: Path, overrides: Mapping[str, object] | None = None) -> Settings:
    """The settings of the file at `path`. `overrides`: from the command line. Raises ConfigFault."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigFault(f"{path}: there is no such file; `mintmark init` writes one") from None
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigFault(
            f"{path}: it cannot be read ({getattr(fault, 'strerror', None) or 'not UTF-8'})"
        ) from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise ConfigFault(f"{path}: it is not TOML: {fault}") from None
    for key in values:
        if key not in Settings.model_fields:
            near = get_close_matches(key, Settings.model_fields, 1)
            hint = f"; did you mean {near[0]!r}?" if near else "; `docs/server.md` lists the settings"
            raise ConfigFault(f"{path}, line {_line(text, key)}: there is no setting {key!r}{hint}")
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    try:
        settings = Settings.model_validate({"_file": values, **given})
    except ValidationError as fault:
        raise ConfigFault(_sentence(path, text, fault, given)) from None
    return _resolved(settings, path.resolve().parent)


def _resolved(settings: Settings, base: Path) -> Settings:
    changed: dict[str, object] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, Path):
            changed[name] = base / value.expanduser()
    for name in ("key_encryption_key", "database_password", "valkey_password"):
        kind, _, rest = getattr(settings, name).partition(":")
        if kind == "file":
            changed[name] = f"file:{base / Path(rest).expanduser()}"
    return settings.model_copy(update=changed)


def _line(text: str, key: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*(\[+\s*)?[\"']?{re.escape(key)}\b", line):
            return number
    return 1


def _sentence(path: Path, text: str, fault: ValidationError, given: Mapping[str, object]) -> str:
    error = fault.errors(include_url=False, include_input=False)[0]
    message = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return f"{path}: {message}"
    key = str(error["loc"][0])
    if key in given:
        return f"--{key.replace('_', '-')}: {message}"
    if f"{PREFIX}{key.upper()}" in {name.upper() for name in os.environ}:
        return f"environment variable {PREFIX}{key.upper()}: {message}"
    return f"{path}, line {_line(text, key)}: {key}: {message}"
