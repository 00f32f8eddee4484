"""What the client commands need from outside: a record of callables that `compose` fills, light until they are
called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from mintmark.client.agent_protocol import Ask, Handed
    from mintmark.client.diagnosis_steps import Step
    from mintmark.client.profile_entry import ProfileEntry
    from mintmark.jose.key_set import KeySet
    from mintmark.transport.profile_file import ProfileFile
    from mintmark.transport.source import Source
    from mintmark.values.secret import Secret


class DoctorOptions(NamedTuple):
    """`url`: the API call to try, empty for the profile's own or none. `time_limit`: seconds for each probe."""

    url: str = ""
    method: str = "GET"
    time_limit: float = 10.0


class ProxyOptions(NamedTuple):
    """`listen`: (host, port), or None for the Unix socket at `socket` (None: the usual place). `upstream`: the API's
    origin, empty for the profile's own. `key_file`: where the local key is kept, None for the usual place.
    """

    profile: str | None
    listen: tuple[str, int] | None = None
    socket: Path | None = None
    upstream: str = ""
    key_file: Path | None = None


class OpenProfile(Protocol):
    """A profile in use. `api_url`: the API's address, or empty."""

    @property
    def source(self) -> Source:
        """Its tokens."""
        ...

    @property
    def api_url(self) -> str:
        """Where `call` and `doctor` begin."""
        ...

    @property
    def origins(self) -> tuple[str, ...]:
        """Where the token may go."""
        ...

    def demand(self, url: str) -> str:
        """The origin of `url`. Raises Misconfigured when the token may not go there."""
        ...

    def auth(self) -> Any:
        """The token on calls of httpx2."""
        ...


class ClientServices(NamedTuple):
    """`warm(ask)`: a token from the agent, or None. `open(name)`: a saved profile, or the environment's for None;
    raises Misconfigured. `check(entry)`: raises Misconfigured unless a source can be made of it. `keep(profile, name,
    secret)` and `forget(entry)`: secrets in the keyring. `keys(issuer)`: raises UsageFault, Failure. `diagnose`: each
    step as soon as it is done. `agent` and `proxy` run until stopped.
    """

    version: str
    clock: Callable[[], float]
    profiles: Callable[[], ProfileFile]
    warm: Callable[[Ask], Handed | None]
    agent_status: Callable[[], dict[str, object] | None]
    open: Callable[[str | None], OpenProfile]
    check: Callable[[ProfileEntry], None]
    keep: Callable[[str, str, Secret], None]
    forget: Callable[[ProfileEntry], None]
    keys: Callable[[str], KeySet]
    diagnose: Callable[[str | None, DoctorOptions], Iterator[Step]]
    agent: Callable[[Callable[[str], None]], None]
    proxy: Callable[[ProxyOptions, Callable[[str], None]], None]
