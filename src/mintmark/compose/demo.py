"""`mintmark demo`: a server with sample tenants in a directory of its own, the same at every start.

The directory holds ``demo.json`` (port and plain credentials, mode 0600), ``demo.db``, ``demo.key``, the
operators' client (``operators.json``) and the credentials files of service accounts. Only a demo keeps plain
credentials, so it listens on loopback alone.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mintmark.authorization_server.administration import environments
from mintmark.authorization_server.administration.access import OPERATORS, admin_audience
from mintmark.authorization_server.administration.service_accounts import credentials_file
from mintmark.authorization_server.ports import Transaction
from mintmark.cli.services import DemoOptions, UsageFault
from mintmark.compose import demo_data, demo_history, demo_people, operators
from mintmark.compose.demo_examples import examples
from mintmark.compose.installation import Installation, open_installation
from mintmark.compose.private_files import private_directory, write_private
from mintmark.compose.running import listening_socket, run
from mintmark.config import Settings
from mintmark.dialect.keyfile import write_keyfile
from mintmark.storage import key_encryption_key, schema
from mintmark.values.secret import Secret
from mintmark.values.tenancy import Environment
from mintmark.web.loopback import is_loopback

FIRST_PORT = 8080
STATE, DATABASE, KEY, LOCK = "demo.json", "demo.db", "demo.key", "demo.lock"
OPERATORS_FILE = "operators.json"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoState:
    """What ``demo.json`` holds. `stored`: ``tenant/environment`` -> plain credentials. `people`: their passwords."""

    port: int
    stored: Mapping[str, demo_data.Stored] = field(default_factory=dict, repr=False)
    people: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, directory: Path) -> DemoState | None:
        """The kept state, or None at the first start. Raises UsageFault when the file is damaged."""
        path = directory / STATE
        try:
            kept = json.loads(path.read_text("utf-8"))
            stored = {str(key): dict(value) for key, value in kept["stored"].items()}
            return cls(int(kept["port"]), stored, dict(kept.get("people", {})))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise UsageFault(
                f"{path}: this is not what a demo writes; remove {directory} to start anew"
            ) from None

    def write(self, directory: Path) -> None:
        """Keep it, for the owner alone."""
        kept = {"port": self.port, "stored": self.stored, "people": self.people}
        write_private(directory / STATE, json.dumps(kept, indent=2) + "\n")


def is_demo_directory(directory: Path) -> bool:
    """Whether a demo keeps its plain credentials there."""
    return (directory / STATE).exists()


def demo_settings(directory: Path, port: int, host: str = "127.0.0.1") -> Settings:
    """The settings of the demo in `directory`; neither a file nor the environment changes them."""
    shown = f"[{host}]" if ":" in host else host
    base = directory.resolve()
    return Settings.model_construct(
        **{
            **{name: each.get_default() for name, each in Settings.model_fields.items()},
            "public_url": f"http://{shown}:{port}",
            "listen": f"{shown}:{port}",
            "database": base / DATABASE,
            "key_encryption_key": f"file:{base / KEY}",
            "access_requests": True,
        }
    )


def open_demo(directory: Path) -> Settings:
    """The settings of a demo that has run before, for administration. Raises UsageFault."""
    state = DemoState.read(directory)
    if state is None:
        raise UsageFault(f"{directory}: no demo has run here yet; `mintmark demo` starts one")
    return demo_settings(directory, state.port)


def demo(options: DemoOptions, say: Say) -> None:
    """Provision what is missing, show the commands, serve until stopped. Raises UsageFault."""
    if not is_loopback(options.host):
        raise UsageFault(
            f"demo keeps plain credentials and so listens on loopback alone, not on {options.host}; "
            "`mintmark init` and `mintmark serve` are for everything else"
        )
    directory = options.directory
    private_directory(directory)
    lock = _lock(directory)
    try:
        kept = DemoState.read(directory)
        listener = _listen(options, kept)
        port: int = listener.getsockname()[1]
        settings = demo_settings(directory, port, options.host)
        state = replace(kept or DemoState(port), port=port)
        if not (directory / KEY).exists() and not (directory / DATABASE).exists():
            key_encryption_key.create_file(directory / KEY, os.urandom)
        with open_installation(settings, schema.create) as installation:
            state = asyncio.run(_provision(installation, state))
            state.write(directory)
            entries = _entries(installation, state, directory)
            theirs = operators.credentials(dict(state.stored[OPERATORS]), settings.public_url)
            write_private(directory / OPERATORS_FILE, json.dumps(theirs, indent=2) + "\n")
        if options.credentials_out is not None:
            write_private(options.credentials_out, json.dumps(entries, indent=2) + "\n")
        run(
            settings, listener, demo=True, started=lambda: _announce(entries, state, settings, directory, say)
        )
    finally:
        os.close(lock)


def _lock(directory: Path) -> int:
    """Held until the demo ends, however it ends."""
    descriptor = os.open(directory / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise UsageFault(
            f"{directory}: another `mintmark demo` runs in this directory; stop it first"
        ) from None
    return descriptor


def _listen(options: DemoOptions, kept: DemoState | None) -> socket.socket:
    """On the port that was asked for, else the kept one, else 8080 or, the first time, any that is free."""
    wanted = options.port if options.port is not None else (kept.port if kept else FIRST_PORT)
    try:
        return listening_socket(options.host, wanted)
    except UsageFault as fault:
        if options.port is None and kept is None:
            return listening_socket(options.host, 0)
        raise UsageFault(
            f"{fault}: stop that program, or choose another port with --port"
            + (
                ""
                if options.port is not None
                else f" (the demo's credentials name port {wanted}; --port changes that)"
            )
        ) from None


async def _provision(installation: Installation, state: DemoState) -> DemoState:
    """Make the environments that are missing, and move all of them when the address has changed."""
    act, public_url = installation.act("demo"), installation.settings.public_url
    wanted = [(tenant, name) for tenant in demo_data.TENANTS for name in demo_data.ENVIRONMENTS]

    def standing(tx: Transaction) -> set[str]:
        return {environment.id for environment in tx.find(Environment)}

    existing = await installation.store.read(standing)
    missing = [
        demo_data.prepare(act, tenant, name)
        for tenant, name in wanted
        if f"{tenant}/{name}" not in state.stored or f"{tenant}/{name}" not in existing
    ]

    persons = demo_people.prepare(act, state.people)

    def work(tx: Transaction) -> tuple[dict[str, demo_data.Stored], dict[str, str]]:
        made = {
            f"{one.tenant}/{one.name}": demo_data.provision(
                tx, act, one, public_url, state.port, installation.dialects
            )
            for one in missing
        }
        for tenant, name in wanted:
            _move(tx, installation, tenant, name, state.port)
        theirs = operators.make_with_client(tx, act, public_url, installation.dialects)
        people = demo_people.provision(tx, act, persons)
        if not state.stored:
            demo_history.write(tx, act, _busy(installation, made))
        return made if theirs is None else made | {OPERATORS: theirs}, people

    made, people = await installation.store.write(work)
    return replace(state, stored={**state.stored, **made}, people=people)


def _busy(
    installation: Installation, made: Mapping[str, demo_data.Stored]
) -> dict[str, tuple[str, str, str]]:
    """Production environments, each with its client, token endpoint and dialect."""
    found = {}
    for tenant, facts in demo_data.TENANTS.items():
        dialect = next(iter(facts.mounts))
        place = f"{tenant}/production"
        found[place] = (made[place]["client_id"], installation.dialects.get(dialect).path, dialect)
    return found


def _move(tx: Transaction, installation: Installation, tenant: str, name: str, port: int) -> None:
    """Give an environment the issuer and hosts of the demo's present address. Only a demo ever does that."""
    found = tx.get(Environment, tenant, name)
    issuer = demo_data.issuer_of(installation.settings.public_url, tenant, name)
    if found is None or found.issuer == issuer:
        return
    act = installation.act("demo")
    tx.put(replace(found, issuer=issuer), now=act.now)
    environments.change(
        tx,
        act,
        found.id,
        dialects=installation.dialects,
        hosts=demo_data.hosts_of(tenant, name, port),
    )


def _entries(installation: Installation, state: DemoState, directory: Path) -> dict[str, Any]:
    """The credentials file: an object per tenant, its production with `staging` inside."""
    entries: dict[str, Any] = {}
    for tenant in demo_data.TENANTS:
        of: dict[str, dict[str, Any]] = {}
        for name in demo_data.ENVIRONMENTS:
            stored = state.stored[f"{tenant}/{name}"]
            public_url = installation.settings.public_url
            of[name] = demo_data.credentials(tenant, name, stored, public_url, installation.dialects)
            if tenant == "omnissa":
                path = directory.resolve() / f"{tenant}-{name}.json"
                asyncio.run(_write_service_account(installation, f"{tenant}/{name}", stored, path))
                of[name]["credentials_file"] = str(path)
        entries[tenant] = {**of["production"], "staging": of["staging"]}
    return entries


async def _write_service_account(
    installation: Installation, environment: str, stored: demo_data.Stored, path: Path
) -> None:
    """The JSON file that the vendor's console would let one download."""
    file = await installation.store.read(
        lambda tx: credentials_file(
            tx,
            environment=environment,
            client_id=stored["client_id"],
            secret=Secret(stored["client_secret"]),
            public_url=installation.settings.public_url,
        )
    )
    values: dict[str, str | Secret] = {
        "name": file.name,
        "token_url": file.token_endpoint,
        "client_id": file.client_id,
        "client_secret": file.client_secret,
        "audience": " ".join(file.audiences),
    }
    write_private(path, write_keyfile(installation.dialects.get(file.dialect), values))


def _announce(
    entries: Mapping[str, Any], state: DemoState, settings: Settings, directory: Path, say: Say
) -> None:
    say(f"# Mintmark's demo runs at {settings.public_url}; its data is in {directory}. Ctrl-C stops it.")
    say("# Every curl block below can be pasted into a shell as it is.")
    for tenant, entry in entries.items():
        name = demo_data.TENANTS[tenant].name
        label = tenant if tenant == "standard" else name
        say("")
        say(f"# ==== {label}: issuer {entry['issuer']}")
        say(f"# hosts api, auth and manager.{tenant}.mintmark.localhost:{settings.port}")
        if "credentials_file" in entry:
            say(f"# service account file {entry['credentials_file']}")
        for example in examples(tenant, entry):
            say("")
            say(f"# {example.tenant} | {example.form} | {example.title}")
            say(example.text)
    say("")
    say(f"# The admin API is at {admin_audience(settings.public_url)} (/openapi.json describes it); the")
    say(f"# operators' client for it is in {directory / OPERATORS_FILE}.")
    say(f"# Swagger UI: {settings.public_url}/docs/admin, and for example")
    say(f"# {settings.public_url}/docs/e/standard/production")
    say("")
    say(
        f"# The console is at {settings.public_url}/console; sign in as one of these (user name, password, role):"
    )
    for username, password in state.people.items():
        _, role, tenant = demo_people.PEOPLE[username]
        say(f"#   {username:18} {password}  {role}{f' of {tenant}' if tenant else ''}")
    say(f"# Ready: {settings.public_url}")
