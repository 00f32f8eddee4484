"""Hands the client commands what they need; each part is imported when it is first called."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from mintmark import __version__
from mintmark.cli.client.commands import run as run_command
from mintmark.cli.client.services import ClientServices, DoctorOptions, OpenProfile, ProxyOptions

if TYPE_CHECKING:
    from mintmark.client.agent_protocol import Ask, Handed
    from mintmark.client.diagnosis_steps import Step
    from mintmark.client.profile_entry import ProfileEntry
    from mintmark.jose.key_set import KeySet
    from mintmark.transport.profile_file import ProfileFile
    from mintmark.values.secret import Secret


def run(arguments: Sequence[str]) -> int:
    """Run a client command with the real world around it; returns the exit code."""
    return run_command(arguments, services())


def services() -> ClientServices:
    """Everything that a client command may need."""
    return ClientServices(
        version=__version__,
        clock=time.time,
        profiles=_profiles,
        warm=_warm,
        agent_status=_agent_status,
        open=_open,
        check=_check,
        keep=_keep,
        forget=_forget,
        keys=_keys,
        diagnose=_diagnose,
        agent=_agent,
        proxy=_proxy,
    )


def _profiles() -> ProfileFile:
    from mintmark.transport.profile_file import ProfileFile

    return ProfileFile()


def _warm(ask: Ask) -> Handed | None:
    from mintmark.transport.agent_client import AgentClient

    return AgentClient().token(ask)


def _agent_status() -> dict[str, object] | None:
    from mintmark.transport.agent_client import AgentClient

    return AgentClient().status()


def _open(name: str | None) -> OpenProfile:
    from mintmark.compose.profiles import open_profile

    return open_profile(name)


def _check(entry: ProfileEntry) -> None:
    from mintmark.compose.profiles import of_entry

    of_entry(entry).auth()


def _keep(profile: str, name: str, secret: Secret) -> None:
    from mintmark.compose.profiles import KEYRING_SERVICE, keyring_user
    from mintmark.transport.secret_sources import store_in_keyring

    store_in_keyring(KEYRING_SERVICE, keyring_user(profile, name), secret)


def _forget(entry: ProfileEntry) -> None:
    from mintmark.compose.profiles import keyring_user
    from mintmark.transport.secret_sources import remove_from_keyring

    for name, place in entry.secrets.items():
        if place.kind == "keyring":
            remove_from_keyring(place.value, keyring_user(entry.name, name))


def _keys(issuer: str) -> KeySet:
    from mintmark.compose.issuer_keys import issuer_keys

    return issuer_keys(issuer)


def _diagnose(name: str | None, options: DoctorOptions) -> Iterator[Step]:
    from mintmark.compose.doctor import diagnose

    return diagnose(name, options)


def _agent(say: Callable[[str], None]) -> None:
    from mintmark.compose.agent import run

    run(say)


def _proxy(options: ProxyOptions, say: Callable[[str], None]) -> None:
    from mintmark.compose.proxy import run

    run(options, say)
