"""Saved profiles as token sources: by name from the user's profile file, through the host's agent where one runs."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from mintmark.client.agent_protocol import Ask
from mintmark.client.errors import Misconfigured
from mintmark.client.profile_entry import ProfileEntry, SecretPlace
from mintmark.client.through_agent import ThroughAgent
from mintmark.compose.client import register, source
from mintmark.transport.agent_client import AgentClient
from mintmark.transport.agent_source import AgentSource
from mintmark.transport.profile_file import ProfileFile
from mintmark.transport.secret_sources import (
    SecretText,
    from_command,
    from_environment,
    from_file,
    from_keyring,
)
from mintmark.transport.source import Source
from mintmark.values.secret import Secret
from mintmark.wire.origin import is_safe, origin_of

#: Under which name our secrets stand in the system's keyring.
KEYRING_SERVICE = "mintmark"
#: Without any of these a source would look into the environment.
_WHOSE = frozenset({"credentials", "token_url", "client_id", "username", "subject"})


class Opened(NamedTuple):
    """A profile in use. `api_url`: the API's address, or empty. `origins`: where the token may go."""

    source: Source
    api_url: str
    origins: tuple[str, ...]

    def demand(self, url: str) -> str:
        """The origin of `url`, which the token may go to. Raises Misconfigured."""
        try:
            wanted = origin_of(url)
            admitted = {origin_of(origin) for origin in self.origins}
        except ValueError as fault:
            raise Misconfigured(f"an address of the API is wrong: {fault}") from None
        if not admitted:
            raise Misconfigured(
                "nothing says where the token may go: name the API's address in the profile (--api-url or --origin) or "
                "in MINTMARK_API_URL"
            )
        if wanted not in admitted:
            raise Misconfigured(
                f"the token is for {', '.join(sorted(admitted))} and is not sent to {wanted}: name that in the profile "
                "(--origin) or in MINTMARK_ORIGINS"
            )
        return self.safe(url)

    def auth(self) -> Any:
        """For httpx2 alone, so that no other library is imported. Raises Misconfigured."""
        from mintmark.transport.auth import auth_for

        return auth_for(self.source, self.origins, ("httpx2",))

    def safe(self, url: str) -> str:
        """The origin of `url`, where a secret may travel to. Raises Misconfigured."""
        origin = origin_of(url)
        if not is_safe(origin):
            raise Misconfigured(
                f"a token or secret goes by https:// or stays on this machine, so not to {origin}"
            )
        return origin


def open_profile(name: str | None, *, agent: bool = True) -> Opened:
    """The saved profile `name`, or what the environment says when it is None. `agent`: whether its tokens may come from
    the agent. Raises Misconfigured.
    """
    if name is None:
        made = source()
        api_url = os.environ.get("MINTMARK_API_URL", "")
        return Opened(made, api_url, (*made.origins, *((api_url,) if api_url else ())))
    entry = ProfileFile().get(name)
    return Opened(_through_agent(entry) if agent else of_entry(entry), entry.api_url, entry.origins)


def of_profile(name: str) -> Source:
    """A source of the saved profile `name`; its tokens come from the agent while that answers. Raises Misconfigured."""
    return _through_agent(ProfileFile().get(name))


def _through_agent(entry: ProfileEntry) -> Source:
    alone = of_entry(entry)
    ask = Ask(entry.name, entry.fingerprint())
    through = ThroughAgent(AgentClient().token, ask, alone.obtains, time.time)
    return register(through, alone.means, alone.origins, AgentSource)


def of_entry(entry: ProfileEntry, file: ProfileFile | None = None) -> Source:
    """A source that asks the vendor itself. Raises Misconfigured."""
    given: dict[str, Any] = {name: value for name, value in entry.texts.items() if name != "api_url"}
    for name, place in entry.secrets.items():
        given[name] = _secret(entry, name, place, file or ProfileFile())
    if not (entry.secrets or entry.variables or given.keys() & _WHOSE):
        raise Misconfigured(
            f"the profile '{entry.name}' says neither whose token is wanted nor with which secret"
        )
    variables: Mapping[str, str] = entry.variables
    return source(
        **given, audience=entry.lists.get("audience", ()), variables=variables, origins=entry.origins
    )


def keyring_user(profile: str, secret: str) -> str:
    """Under which user a profile's secret stands in the keyring."""
    return f"{profile}/{secret}"


def _secret(entry: ProfileEntry, name: str, place: SecretPlace, file: ProfileFile) -> SecretText:
    match place.kind:
        case "env":
            return from_environment(place.value)
        case "file":
            return from_file(place.value)
        case "command":
            return from_command(place.value)
        case "keyring":
            return from_keyring(place.value, keyring_user(entry.name, name))

    def here() -> Secret:
        """Read afresh, so that a changed file needs no restart."""
        now = file.get(entry.name).secrets.get(name)
        return now.text if now is not None and now.kind == "here" else place.text

    return here
