"""From (host, path) to an environment, by dictionary lookup: nothing is normalised, decoded or guessed.

An environment stands at ``/t/{tenant}/{environment}`` below the public URL, at its host aliases (each in one
role), and at the host of its issuer when that is a host of its own. The Host header only chooses among
these; no URL that we emit is made from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol
from urllib.parse import urlsplit

from mintmark.authorization_server.ports import EnvironmentView
from mintmark.authorization_server.status_index import PATH as STATUS_LISTS
from mintmark.dialect import Dialect
from mintmark.values.tenancy import HostRole, Mount

Document = Literal["metadata", "keys", "openapi"]
Endpoint = Literal["introspection", "revocation", "revocations", "snapshot", "status_lists", "status_list"]
#: Where each endpoint of an issuer stands below it.
ENDPOINTS: Mapping[str, Endpoint] = {
    "/introspect": "introspection",
    "/revoke": "revocation",
    "/revocations": "revocations",
    "/revocations/snapshot": "snapshot",
    STATUS_LISTS.rstrip("/"): "status_lists",
}
_WELL_KNOWN = "/.well-known/oauth-authorization-server"
_PREFIX = "/t/"
_STANDARD_PORTS = {"http": 80, "https": 443}


class Environments(Protocol):
    """What is known of all environments. `generation` rises whenever one was changed, added or removed."""

    @property
    def generation(self) -> int:
        """How often the environments have changed."""
        ...

    def environment(self, environment_id: str) -> EnvironmentView | None:
        """The environment, enabled or not, or None."""
        ...

    def environments(self) -> Mapping[str, EnvironmentView]:
        """Every environment by its id."""
        ...


class Located(NamedTuple):
    """Where a request arrived. `path`: below the environment. `role`: of the host alias, None when by path.

    `mounted`: the token endpoint that stands there, with its dialect. `document`: the public document.
    `endpoint`: the issuer's other endpoint.
    """

    view: EnvironmentView
    path: str
    role: HostRole | None
    mounted: tuple[Mount, Dialect] | None = None
    document: Document | None = None
    endpoint: Endpoint | None = None


class Misdirected(Exception):
    """The Host header names no host of this server."""


def same_hosts(url: str) -> frozenset[str]:
    """The spellings of a URL's host in a Host header: with its port, and without where it is the scheme's."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else (parts.hostname or "")
    standard = _STANDARD_PORTS.get(parts.scheme)
    port = parts.port or standard
    return frozenset({f"{host}:{port}", host}) if port == standard else frozenset({f"{host}:{port}"})


def loopback_hosts(port: int) -> frozenset[str]:
    """The names under which a loopback listener is called, with its port."""
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


@dataclass(slots=True)
class _Tables:
    """Made anew when the environments have changed. `own`: (host or "", path) -> environment, and what the issuer has
    there; a path that ends in a slash stands for every name below it.

    `mounts`: (host, path) -> what was found there, for token endpoints only, so that it stays small.
    """

    generation: int = -1
    aliases: dict[str, tuple[str, HostRole | None]] = field(default_factory=dict)
    own: dict[tuple[str, str], tuple[str, Document | None, Endpoint | None]] = field(default_factory=dict)
    mounts: dict[tuple[str, str], Located] = field(default_factory=dict)

    def named(self, host: str, path: str) -> tuple[str, Document | None, Endpoint | None] | None:
        """What an issuer has at the path, or for every name of its parent."""
        return self.own.get((host, path)) or self.own.get((host, path[: path.rfind("/") + 1]))


class Routes:
    """Finds the environment that a request is for. `hosts`: the Host values that mean the public URL."""

    def __init__(self, environments: Environments, public_url: str, hosts: Iterable[str] = ()) -> None:
        self._environments = environments
        self._public = same_hosts(public_url) | frozenset(hosts)
        self._base = urlsplit(public_url).path.rstrip("/")
        self._tables = _Tables()

    def find(self, host: str, path: str) -> Located | None:
        """The environment at this host and path, or None (404). Raises Misdirected (421).

        `host`: the Host header in lower case. `path`: the raw path of the request target.
        """
        tables = self._current()
        found = tables.mounts.get((host, path))
        if found is not None:
            return found
        found = self._search(tables, host, path)
        if found is not None and found.mounted is not None:
            tables.mounts[host, path] = found
        return found

    def _search(self, tables: _Tables, host: str, path: str) -> Located | None:
        if host in self._public:
            return self._by_path(tables, path)
        named = tables.named(host, path)
        alias = tables.aliases.get(host)
        if named is not None:
            return self._own(path, *named)
        if alias is None:
            raise Misdirected
        return self._located(alias[0], path, alias[1])

    def below_public_url(self, host: str, path: str) -> str | None:
        """The path below the public URL, beginning with a slash; None when the request is not for it."""
        if host not in self._public or not path.startswith(f"{self._base}/"):
            return None
        return path[len(self._base) :]

    def find_environment(self, environment_id: str) -> EnvironmentView | None:
        """The environment, if it is still there."""
        return self._environments.environment(environment_id)

    def stands(self, environment_id: str, path: str) -> bool:
        """Whether there is a mount at `path` of the environment now."""
        view = self._environments.environment(environment_id)
        return view is not None and path in view.mounts

    def _by_path(self, tables: _Tables, path: str) -> Located | None:
        named = tables.named("", path)
        if named is not None:
            return self._own(path, *named)
        if self._base:
            if not path.startswith(self._base + _PREFIX):
                return None
            path = path[len(self._base) :]
        elif not path.startswith(_PREFIX):
            return None
        parts = path.split("/", 4)
        if len(parts) < 5:
            return None
        return self._located(f"{parts[2]}/{parts[3]}", "/" + parts[4], None)

    def _own(
        self, path: str, environment_id: str, document: Document | None, endpoint: Endpoint | None
    ) -> Located | None:
        view = self._environments.environment(environment_id)
        return None if view is None else Located(view, path, None, None, document, endpoint)

    def _located(self, environment_id: str, path: str, role: HostRole | None) -> Located | None:
        view = self._environments.environment(environment_id)
        if view is None:
            return None
        mounted = view.mounts.get(path)
        if mounted is not None and role is not None and role not in mounted[0].roles:
            mounted = None
        return Located(view, path, role, mounted)

    def _current(self) -> _Tables:
        generation = self._environments.generation
        if self._tables.generation != generation:
            self._tables = self._build(generation, self._environments.environments())
        return self._tables

    def _build(self, generation: int, environments: Mapping[str, EnvironmentView]) -> _Tables:
        tables = _Tables(generation)
        for environment_id, view in environments.items():
            issuer = urlsplit(view.environment.issuer)
            own = same_hosts(view.environment.issuer)
            hosts = [""] if own & self._public else sorted(own)
            path = issuer.path.rstrip("/")
            for host in hosts:
                if host and not path:
                    tables.aliases.setdefault(host, (environment_id, None))
                own_paths = tables.own
                own_paths[host, _WELL_KNOWN + path] = (environment_id, "metadata", None)
                own_paths[host, path + _WELL_KNOWN] = (environment_id, "metadata", None)
                own_paths[host, path + "/jwks.json"] = (environment_id, "keys", None)
                own_paths[host, path + "/openapi.json"] = (environment_id, "openapi", None)
                for below, endpoint in ENDPOINTS.items():
                    own_paths[host, path + below] = (environment_id, None, endpoint)
                own_paths[host, path + STATUS_LISTS] = (environment_id, None, "status_list")
        for environment_id, view in environments.items():
            for alias in view.environment.hosts:
                if alias.host not in self._public:
                    tables.aliases.setdefault(alias.host.lower(), (environment_id, alias.role))
        return tables
