"""Mounts: the token endpoints of an environment, each with its dialect, added, ended on a date, removed.

A mount that takes a client secret never answers browsers of other origins; one that reads raw Basic wants
client ids so short that ``id:secret`` stays on one line of `base64`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import get_args

from mintmark.authorization_server.administration import checked, identifiers, lookup
from mintmark.authorization_server.administration.act import (
    Act,
    AdministrationFault,
    audited,
    conflict,
    not_found,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.authorization_server.status_index import PATH as STATUS_LISTS
from mintmark.dialect import Catalogue, Dialect
from mintmark.values.tenancy import Environment, HostRole, Mount

#: What may stand beside ``{id}``: unreserved characters of a URL, and the at sign of Omnissa Intelligence.
_TEMPLATE = re.compile(r"[A-Za-z0-9._~@-]*\{id\}[A-Za-z0-9._~@-]*", re.ASCII)
#: Paths that an environment serves by itself.
RESERVED = (
    "/jwks",
    "/introspect",
    "/revoke",
    "/revocations",
    "/revocations/snapshot",
    STATUS_LISTS.rstrip("/"),
)


@dataclass(frozen=True, slots=True)
class Use:
    """A client that obtained tokens at a mount: how many, and when last (seconds since the epoch)."""

    client_id: str
    tokens: int
    last_at: float


@dataclass(frozen=True, slots=True)
class MountEntry:
    """A mount and who uses it."""

    mount: Mount
    uses: tuple[Use, ...] = ()


def add(tx: Transaction, act: Act, environment: str, mount: Mount, *, dialects: Catalogue) -> Environment:
    """Add a mount. Raises AdministrationFault when its path is taken or its dialect does not fit."""
    place = lookup.environment(tx, environment)
    if any(other.path == mount.path for other in place.mounts):
        raise conflict(f"The path {mount.path} of {environment} has a mount already: remove that one first.")
    checked.later(mount.ends_at, act.now, "end of the mount")
    changed = replace(place, mounts=(*place.mounts, mount))
    check(changed, dialects)
    tx.put(changed, now=act.now)
    audited(tx, act, "mount.add", environment=environment, mount=mount.path, dialect=mount.dialect)
    return changed


def change(
    tx: Transaction,
    act: Act,
    environment: str,
    path: str,
    *,
    dialects: Catalogue,
    roles: Iterable[HostRole] | None = None,
    slow_secrets: bool | None = None,
    origins: Iterable[str] | None = None,
) -> Environment:
    """Change what is given of a mount; None leaves it. `roles` and `origins` replace all there were."""
    place, mount = _mount(tx, environment, path)
    given = {
        "roles": None if roles is None else tuple(roles),
        "slow_secrets": slow_secrets,
        "origins": None if origins is None else tuple(origins),
    }
    changes = {field: value for field, value in given.items() if value is not None}
    other = replace(mount, **changes)  # type: ignore[arg-type]
    changed = replace(place, mounts=tuple(other if each is mount else each for each in place.mounts))
    check(changed, dialects)
    tx.put(changed, now=act.now)
    detail = ", ".join(sorted(changes))
    audited(
        tx, act, "mount.change", environment=environment, mount=path, dialect=mount.dialect, detail=detail
    )
    return changed


def end(tx: Transaction, act: Act, environment: str, path: str, *, ends_at: int | None) -> Environment:
    """Let a mount answer 410 from `ends_at` on (not in the past), or (None) take that date back while it is
    ahead.
    """
    place, mount = _mount(tx, environment, path)
    if mount.ends_at is not None and mount.ends_at <= act.now:
        raise conflict(f"The mount {path} of {environment} has ended already: remove it, or add another.")
    if ends_at is not None and ends_at < act.now:
        raise AdministrationFault("The end of the mount must not lie in the past.")
    ending = replace(mount, ends_at=ends_at)
    changed = replace(place, mounts=tuple(ending if each is mount else each for each in place.mounts))
    tx.put(changed, now=act.now)
    audited(
        tx,
        act,
        "mount.end",
        environment=environment,
        mount=path,
        dialect=mount.dialect,
        detail="no end" if ends_at is None else f"ends at {ends_at}",
    )
    return changed


def remove(tx: Transaction, act: Act, environment: str, path: str) -> Environment:
    """Remove a mount: its path answers 404 from now on."""
    place, mount = _mount(tx, environment, path)
    changed = replace(place, mounts=tuple(each for each in place.mounts if each is not mount))
    tx.put(changed, now=act.now)
    audited(tx, act, "mount.remove", environment=environment, mount=path, dialect=mount.dialect)
    return changed


def listing(tx: Transaction, environment: str, uses: Callable[[Mount], Iterable[Use]]) -> list[MountEntry]:
    """The mounts of an environment by path, with who used each, as `uses` answers from the audit trail."""
    place = lookup.environment(tx, environment)
    ordered = sorted(place.mounts, key=lambda mount: mount.path)
    return [MountEntry(mount, tuple(uses(mount))) for mount in ordered]


def check_template(template: str) -> None:
    """Raise AdministrationFault unless `template` makes client ids: ``{id}`` once, ``{tenant}`` at will."""
    if _TEMPLATE.fullmatch(template.replace("{tenant}", "")) is None or len(template) > checked.LONGEST_NAME:
        raise AdministrationFault(
            "The client id template must hold {id} once; beside it {tenant}, letters, digits and ._~@- may "
            "stand."
        )


def check(environment: Environment, dialects: Catalogue) -> None:
    """Raise AdministrationFault unless all mounts of `environment` can stand together."""
    seen = set()
    for mount in environment.mounts:
        if mount.path in seen:
            raise AdministrationFault(f"The path {mount.path} is mounted twice: give each mount its own.")
        seen.add(checked.path(mount.path))
        if mount.path in RESERVED or mount.path.startswith(STATUS_LISTS):
            raise AdministrationFault(
                f"The path {mount.path} is served by the environment itself: choose another."
            )
        _check_one(environment, mount, dialects)


def _check_one(environment: Environment, mount: Mount, dialects: Catalogue) -> None:
    if mount.dialect not in dialects:
        raise not_found(
            f"There is no dialect '{mount.dialect}' for the mount {mount.path}; there are: "
            f"{', '.join(each.name for each in dialects)}."
        )
    dialect = dialects.get(mount.dialect)
    if not mount.roles or not set(mount.roles) <= set(get_args(HostRole)):
        raise AdministrationFault(
            f"The roles of the mount {mount.path} must be some of api, auth and manager."
        )
    for origin in mount.origins:
        checked.origin(origin)
    if mount.origins and not dialect.admits_cors:
        raise AdministrationFault(
            f"The dialect {dialect.name} takes a client secret, which does not belong into a browser: the "
            f"mount {mount.path} cannot admit web origins."
        )
    if reads_raw_basic_only(dialect):
        identifiers.refuse_long(environment.client_id_template, environment.tenant)


def reads_raw_basic_only(dialect: Dialect) -> bool:
    """Whether some form carries the client's id and secret in raw Basic (Omnissa Intelligence)."""
    return any(
        form.basic is not None and form.basic.codec == "raw" and "client_secret" in form.names
        for form in dialect.forms
    )


def _mount(tx: Transaction, environment: str, path: str) -> tuple[Environment, Mount]:
    place = lookup.environment(tx, environment)
    for mount in place.mounts:
        if mount.path == path:
            return place, mount
    raise not_found(f"{environment} has no mount at the path {path}; list the mounts to see those it has.")
