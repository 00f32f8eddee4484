"""What a guard in front of a proxied API demands of a request: a small TOML file of paths, methods and scopes.

The first route whose path fits decides, whatever the method; what no route names is denied. A path that two programs
could read differently is not looked up at all: `read_path` refuses it.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from mintmark.values.permission import is_scope_token

#: The longest that a proxy may remember an answer, in seconds; revocation does not reach into a proxy's memory.
LONGEST_MEMORY: Final = 300
LONGEST_TARGET: Final = 8192
ANY: Final = "any"
OPEN: Final = "open"
#: RFC 3986 §3.3 without ";", by which some servers cut a segment short.
_PATH: Final = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,=:@/-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_METHOD: Final = re.compile(r"[A-Z]{1,20}", re.ASCII)
#: What must not stand behind a percent sign: separators, path parameters, and the percent sign itself.
_SEPARATORS: Final = frozenset("/\\;?#%")


class PolicyFault(Exception):
    """The policy is not one: a sentence that says where and what to do."""


class Denied(Exception):
    """No route admits the request. `reason`: a stable word, such as ``ambiguous_path``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request needs: a token with all of `scopes`, or, when `open`, nothing."""

    scopes: tuple[str, ...] = ()
    open: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """`segments`: of the path, decoded. `below`: whether all that lies below fits, too. `demands`: by method."""

    segments: tuple[str, ...]
    below: bool
    demands: Mapping[str, Demand]

    def fits(self, segments: Sequence[str]) -> bool:
        """Whether a path of these segments is this route's."""
        size = len(self.segments)
        return tuple(segments[:size]) == self.segments and (self.below or len(segments) == size)

    def resembles(self, segments: Sequence[str]) -> bool:
        """Whether a server that does not tell upper from lower case would say that it `fits`."""
        size = len(self.segments)
        folded = tuple(map(_folded, segments[:size]))
        return folded == tuple(map(_folded, self.segments)) and (self.below or len(segments) == size)

    def demand(self, method: str) -> Demand | None:
        """What `method` needs; HEAD as GET unless it is named."""
        named = self.demands.get(method)
        if named is None and method == "HEAD":
            named = self.demands.get("GET")
        return named or self.demands.get(ANY)


@dataclass(frozen=True, slots=True)
class Policy:
    """`max_age`: the seconds for which a proxy may remember that a request was let in; 0: not at all."""

    routes: tuple[Route, ...]
    max_age: int = 0

    def demand(self, method: str, target: str) -> Demand:
        """What a request with this method and request target needs. Raises Denied."""
        if _METHOD.fullmatch(method) is None:
            raise Denied("ambiguous_method")
        segments = read_path(target)
        for route in self.routes:
            if route.fits(segments):
                demand = route.demand(method)
                if demand is None:
                    raise Denied("method_not_admitted")
                return demand
            if route.resembles(segments):
                raise Denied("ambiguous_path")
        raise Denied("no_route")


def read_path(target: str) -> tuple[str, ...]:
    """The decoded segments of a request target's path; one slash at its end says nothing. Raises Denied.

    Refused is what a proxy and the program behind it may understand differently: empty segments, dot segments, a
    dot at a segment's end, spaces around it, backslashes, path parameters, encoded separators, letters encoded
    without need, double encoding, control characters, text that Unicode would normalise to another.
    """
    path, _, _ = target.partition("?")
    if len(target) > LONGEST_TARGET or _PATH.fullmatch(path) is None:
        raise Denied("ambiguous_path")
    parts = path[1:].split("/")
    if parts[-1] == "":
        parts.pop()
    return tuple(_segment(part) for part in parts)


def _segment(part: str) -> str:
    for code in re.findall(r"%([0-9A-Fa-f]{2})", part):
        number = int(code, 16)
        character = chr(number)
        if number < 0x80 and (
            number < 0x20
            or number == 0x7F
            or character in _SEPARATORS
            or character.isalnum()
            or character in "-._~"
        ):
            raise Denied("ambiguous_path")
    try:
        text = unquote_to_bytes(part).decode("utf-8")
    except UnicodeDecodeError:
        raise Denied("ambiguous_path") from None
    if not text.isprintable() or text != text.strip() or text[-1:] in ("", "."):
        raise Denied("ambiguous_path")
    if unicodedata.normalize("NFKC", text) != text:
        raise Denied("ambiguous_path")
    return text


def _folded(segment: str) -> str:
    return segment.upper().casefold()


def parse_policy(text: str) -> Policy:
    """Read a policy file. Raises PolicyFault."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise PolicyFault(f"it is not TOML: {fault}") from None
    for name in document:
        if name not in ("route", "max_age"):
            raise PolicyFault(f"{name!r} means nothing here; there are max_age and [[route]]")
    max_age = document.get("max_age", 0)
    if type(max_age) is not int or not 0 <= max_age <= LONGEST_MEMORY:
        raise PolicyFault(f"max_age is a whole number of seconds from 0 to {LONGEST_MEMORY}")
    listed = document.get("route")
    if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
        raise PolicyFault("it has no [[route]], so that every request would be denied")
    routes: list[Route] = []
    for number, entry in enumerate(listed, 1):
        route = _route(entry, f"route {number}")
        for earlier, other in enumerate(routes, 1):
            if other.resembles(route.segments) and (other.below or not route.below):
                raise PolicyFault(
                    f"route {number} is never reached, because route {earlier} fits all that it fits: put it first, "
                    "or write both as one"
                )
        routes.append(route)
    return Policy(tuple(routes), max_age)


def _route(entry: Mapping[str, object], place: str) -> Route:
    path = entry.get("path")
    if not isinstance(path, str):
        raise PolicyFault(f"{place} has no path")
    below = path.endswith("/*")
    plain = path.removesuffix("/*") if below else path
    if "*" in plain or "?" in plain:
        raise PolicyFault(
            f"{place}: {path!r} is no path: a star stands alone after the last slash, and nowhere else"
        )
    try:
        segments = read_path(plain or "/")
    except Denied:
        raise PolicyFault(
            f"{place}: {path!r} is no path that can be asked for: write it as a client sends it, percent-encoded only "
            "where it must be, without dot segments, semicolons, backslashes and doubled slashes"
        ) from None
    demands = {name: _demand(value, f"{place}, {name}") for name, value in entry.items() if name != "path"}
    if not demands:
        raise PolicyFault(f'{place} names no method: write GET = ["scope"], or any = ["scope"]')
    for name in demands:
        if name != ANY and _METHOD.fullmatch(name) is None:
            raise PolicyFault(
                f"{place}: {name!r} is no method: methods are in capitals, or {ANY!r} for all others"
            )
    return Route(segments, below, demands)


def _demand(value: object, place: str) -> Demand:
    if value == OPEN:
        return Demand(open=True)
    if not isinstance(value, list) or not all(isinstance(one, str) and is_scope_token(one) for one in value):
        raise PolicyFault(
            f'{place}: write a list of scopes, [] for any good token, or "open" for no token at all'
        )
    return Demand(tuple(dict.fromkeys(value)))
