"""Operations on mounts: the token endpoints of an environment, each with its dialect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mintmark.authorization_server.administration import mounts
from mintmark.authorization_server.administration.mounts import MountEntry, Use
from mintmark.authorization_server.administration.operation import Call, Instant, operation
from mintmark.authorization_server.administration.operations.inputs import EnvironmentId
from mintmark.authorization_server.ports import Transaction
from mintmark.values.tenancy import Environment, HostRole, Mount

Path = Annotated[str, "Path below the environment, such as /oauth/token."]
Roles = Annotated[tuple[HostRole, ...], "Hosts on which it stands: api, auth, manager."]
SlowSecrets = Annotated[bool, "Whether imported secrets and people's passwords are admitted here."]
Origins = Annotated[tuple[str, ...], "Web origins that may call it from a browser."]


@dataclass(frozen=True, slots=True)
class NewMount:
    """A token endpoint to be added."""

    environment: EnvironmentId
    path: Path
    dialect: Annotated[str, "How requests are written there."]
    roles: Roles = ("api",)
    ends_at: Annotated[Instant | None, "From then on it answers 410; null: never."] = None
    slow_secrets: SlowSecrets = False
    origins: Origins = ()


@dataclass(frozen=True, slots=True)
class MountChange:
    """What is given is changed; roles and origins replace all there were."""

    environment: EnvironmentId
    path: Path
    roles: Roles | None = None
    slow_secrets: SlowSecrets | None = None
    origins: Origins | None = None


@dataclass(frozen=True, slots=True)
class MountsOf:
    """The mounts of an environment."""

    environment: EnvironmentId
    since: Annotated[int, "Seconds back in which use counts."] = 30 * 86400


@dataclass(frozen=True, slots=True)
class MountEnd:
    """When a mount ends."""

    environment: EnvironmentId
    path: Path
    ends_at: Annotated[Instant | None, "From then on it answers 410; null takes back an end that is ahead."]


@dataclass(frozen=True, slots=True)
class OfMount:
    """A mount of an environment."""

    environment: EnvironmentId
    path: Path


def _one(environment: Environment, path: str) -> Mount:
    return next(mount for mount in environment.mounts if mount.path == path)


@operation("mount.add", "environment", writes=True)
def add(tx: Transaction, call: Call, given: NewMount) -> Mount:
    """Add a token endpoint."""
    mount = Mount(
        given.path, given.dialect, given.roles, given.ends_at, given.slow_secrets, tuple(given.origins)
    )
    return _one(mounts.add(tx, call.act, given.environment, mount, dialects=call.dialects), given.path)


@operation("mount.list", "environment")
def listing(tx: Transaction, call: Call, given: MountsOf) -> list[MountEntry]:
    """List token endpoints and who still uses them."""
    since = call.now - given.since

    def uses(mount: Mount) -> list[Use]:
        return [Use(*use) for use in tx.mount_users(given.environment, mount.path, since)]

    return mounts.listing(tx, given.environment, uses)


@operation("mount.change", "environment", writes=True)
def change(tx: Transaction, call: Call, given: MountChange) -> Mount:
    """Change what is given of a token endpoint; roles and origins replace all there were."""
    changed = mounts.change(
        tx,
        call.act,
        given.environment,
        given.path,
        dialects=call.dialects,
        roles=given.roles,
        slow_secrets=given.slow_secrets,
        origins=given.origins,
    )
    return _one(changed, given.path)


@operation("mount.end", "environment", writes=True)
def end(tx: Transaction, call: Call, given: MountEnd) -> Mount:
    """Let a token endpoint answer 410 from an instant on."""
    return _one(mounts.end(tx, call.act, given.environment, given.path, ends_at=given.ends_at), given.path)


@operation("mount.remove", "environment", writes=True)
def remove(tx: Transaction, call: Call, given: OfMount) -> None:
    """Remove a token endpoint: its path answers 404."""
    mounts.remove(tx, call.act, given.environment, given.path)
