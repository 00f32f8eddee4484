"""The menu: what a person can reach from anywhere, without what they may not do."""

from __future__ import annotations

from dataclasses import dataclass

from mintmark.authorization_server.ports import EnvironmentView
from mintmark.web.console.visit import Visit


@dataclass(frozen=True, slots=True)
class Link:
    """`path`: below the root of the console. `current`: whether the page shown is it, or below it."""

    title: str
    path: str
    icon: str
    current: bool


@dataclass(frozen=True, slots=True)
class Section:
    """Links under a heading; the first has none."""

    title: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Navigation:
    """`environment`: the one that the menu is about; `others`: those it can be about instead, on the same page."""

    sections: tuple[Section, ...] = ()
    environment: EnvironmentView | None = None
    others: tuple[tuple[EnvironmentView, str], ...] = ()


#: Title, path below the environment, icon, and the operation that one must be allowed.
_SETTINGS = (
    ("Manage APIs", "applications", "key", "client.list"),
    ("Service accounts", "service-accounts", "robot", "service_account.create"),
    ("API tokens", "api-tokens", "ticket", "api_token.list"),
    ("Machine users", "machine-users", "user", "machine_user.list"),
)
_PLACE = (
    ("APIs", "apis", "globe", "api.list"),
    ("Endpoints and limits", "settings", "sliders", "mount.list"),
    ("Signing keys", "signing-keys", "shield", "signing_key.list"),
    ("Signature keys", "signature-keys", "pen", "signature_key.list"),
    ("Hand-overs", "hand-overs", "gift", "hand_over.list"),
    ("Legacy tokens", "legacy-tokens", "clock", "legacy_token.list"),
)
#: Title, path, icon, and the operation that one must be allowed.
_WHOLE = (
    ("Access requests", "/access-requests", "inbox", "access_request.list"),
    ("Tenants", "/tenants", "building", "tenant.create"),
    ("All APIs", "/apis", "globe", "tenant.create"),
    ("People", "/people", "people", "person.list"),
)


def navigation(visit: Visit) -> Navigation:
    """The menu of a visit; empty before one has signed in."""
    if visit.person is None:
        return Navigation()
    places = visit.environments()
    here = _here(visit, places)
    path = visit.request.path.removeprefix("/console")

    def link(title: str, target: str, icon: str) -> Link:
        current = (
            path.rstrip("/") == target if target == "" else path == target or path.startswith(f"{target}/")
        )
        return Link(title, target, icon, current)

    sections = [Section("", (link("Overview", "", "home"),))]
    others: list[tuple[EnvironmentView, str]] = []
    if here is not None:
        below = f"/e/{here.environment.id}"
        settings = [
            link(title, f"{below}/{name}", icon) for title, name, icon, needs in _SETTINGS if visit.may(needs)
        ]
        sections.append(Section("Settings", tuple(settings)))
        rest = (
            path.removeprefix(f"{below}/").partition("/")[0]
            if path.startswith(f"{below}/")
            else "applications"
        )
        others = [(each, f"/e/{each.environment.id}/{rest}") for each in places if each is not here]
    watch = []
    if here is not None and visit.may("usage.show"):
        watch.append(link("Usage", f"/e/{here.environment.id}/usage", "chart"))
    if visit.may("audit.search"):
        watch.append(link("Audit", "/audit", "list"))
    if visit.principal.is_operator:
        watch.append(link("Cluster", "/cluster", "servers"))
    sections.append(Section("Watch", tuple(watch)))
    if here is not None:
        below = f"/e/{here.environment.id}"
        sections.append(
            Section(
                "Environment",
                tuple(
                    link(title, f"{below}/{name}", icon)
                    for title, name, icon, needs in _PLACE
                    if visit.may(needs)
                ),
            )
        )
    whole = [link(title, target, icon) for title, target, icon, needs in _WHOLE if visit.may(needs)]
    sections.append(Section("Organization", tuple(whole)))
    return Navigation(tuple(section for section in sections if section.links), here, tuple(others))


def _here(visit: Visit, places: list[EnvironmentView]) -> EnvironmentView | None:
    """The environment of the page, or of the query, else the first production that there is."""
    named = (
        visit.environment
        if "tenant" in visit.where and "name" in visit.where
        else visit.query.one("environment")
    )
    ordered = sorted(
        places, key=lambda each: (each.environment.id != named, each.environment.name != "production")
    )
    return ordered[0] if ordered else None
