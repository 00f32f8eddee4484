"""What a host's agent and its clients say to each other: frames of JSON with a length before them, all of bounded size.

A client names a profile, and the id of a token that an API refused; never a secret, a token or an address. The agent
answers at once that it has heard, and later with a token, a fault, or what it holds. Both sides state the version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from mintmark.client.errors import HeldBack, Misconfigured, NoSense, NoToken, Refused, Unreachable
from mintmark.values.secret import Secret

VERSION = 1
LARGEST_ASK = 4096
LARGEST_REPLY = 1 << 20
LENGTH_BYTES = 4
_FAULTS: Mapping[str, type[NoToken]] = {
    kind.__name__: kind for kind in (Unreachable, NoSense, Misconfigured, HeldBack, NoToken)
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{0,64}", re.ASCII)
Pairs = tuple[tuple[str, str], ...]


class ProtocolFault(ValueError):
    """What the other side said is not of this protocol; one sentence without anything of it."""


class Ask(NamedTuple):
    """`profile`: whose token, empty to ask what the agent holds. `fingerprint`: of the profile as the client knows it.
    `refused`: the id under which the agent handed out a token that an API refused, or empty.
    """

    profile: str = ""
    fingerprint: str = ""
    refused: str = ""


class Handed(NamedTuple):
    """A token on its way from the agent. Times are seconds since the epoch; `lifetime`: what is left of it when it is
    handed out, None for ever, 0 when nobody said. `id`: what to name when an API refuses it.
    """

    secret: Secret
    token_type: str
    id: str
    expires_at: float | None
    lifetime: float | None
    scope: str | None
    request_id: str
    headers: Pairs
    query: Pairs
    cookies: Pairs

    def __repr__(self) -> str:
        return f"Handed({self.secret.mask()})"


class UnknownProfile(Exception):
    """The agent does not know the profile as the client knows it: the client goes on alone."""


def frame(message: Mapping[str, object], largest: int = LARGEST_REPLY) -> bytes:
    """A message with its length before it. Raises ProtocolFault when it is too large."""
    data = json.dumps({"version": VERSION, **message}, separators=(",", ":")).encode("ascii")
    if len(data) > largest:
        raise ProtocolFault("the message is too large")
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def length_of(head: bytes, largest: int) -> int:
    """How many bytes follow. Raises ProtocolFault."""
    length = int.from_bytes(head, "big")
    if len(head) != LENGTH_BYTES or not 0 < length <= largest:
        raise ProtocolFault("the message has no length, or is too large")
    return length


def parse(data: bytes) -> dict[str, object]:
    """A message of this version. Raises ProtocolFault."""
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or message.get("version") != VERSION:
        raise ProtocolFault(f"the message is not JSON of version {VERSION}")
    return message


def write_ask(ask: Ask) -> bytes:
    """The frame of a question."""
    return frame({"ask": "token" if ask.profile else "status", **ask._asdict()}, LARGEST_ASK)


def read_ask(data: bytes) -> Ask:
    """A question. Raises ProtocolFault."""
    message = parse(data)
    if message.get("ask") == "status":
        return Ask()
    profile, fingerprint, refused = (_text(message, name) for name in ("profile", "fingerprint", "refused"))
    if (
        message.get("ask") != "token"
        or _NAME.fullmatch(profile) is None
        or _HEX.fullmatch(fingerprint) is None
        or _HEX.fullmatch(refused) is None
    ):
        raise ProtocolFault("the message asks for nothing that there is")
    return Ask(profile, fingerprint, refused)


def write_heard() -> bytes:
    """The agent is there and works on it."""
    return frame({"heard": True})


def write_handed(handed: Handed) -> bytes:
    """The frame of a token."""
    return frame({"token": {**handed._asdict(), "secret": handed.secret.reveal()}})


def write_fault(fault: Exception) -> bytes:
    """The frame of a reason why there is no token."""
    if not isinstance(fault, NoToken):
        return frame({"fault": {"kind": type(fault).__name__}})
    members = ("sentence", "dialect", "request_id", "retry_at", "status", "code", "description", "permanent")
    said = {name: getattr(fault, name) for name in members if hasattr(fault, name)}
    return frame({"fault": {"kind": type(fault).__name__, **said}})


def read_reply(data: bytes) -> Handed | dict[str, object] | None:
    """A token; or what the agent holds; or None when it has merely heard.

    Raises NoToken as the agent met it, UnknownProfile, or ProtocolFault.
    """
    message = parse(data)
    if message.get("heard") is True:
        return None
    for name in ("token", "fault", "status"):
        value = message.get(name)
        if isinstance(value, dict):
            if name == "token":
                return _handed(value)
            if name == "fault":
                raise _fault(value)
            return value
    raise ProtocolFault("the agent's answer makes no sense")


def _handed(said: dict[str, object]) -> Handed:
    secret = _text(said, "secret")
    if not secret:
        raise ProtocolFault("the agent's answer has an empty token")
    return Handed(
        Secret(secret),
        _text(said, "token_type"),
        _text(said, "id"),
        _number(said, "expires_at"),
        _number(said, "lifetime"),
        _text(said, "scope") if said.get("scope") is not None else None,
        _text(said, "request_id"),
        _pairs(said, "headers"),
        _pairs(said, "query"),
        _pairs(said, "cookies"),
    )


def _fault(said: dict[str, object]) -> Exception:
    kind = _text(said, "kind")
    if kind == "UnknownProfile":
        return UnknownProfile()
    sentence, dialect, request_id = (_text(said, name) for name in ("sentence", "dialect", "request_id"))
    retry_at = _number(said, "retry_at")
    if kind == "Refused":
        status = _number(said, "status")
        return Refused(
            int(status or 0),
            _text(said, "code"),
            _text(said, "description"),
            permanent=said.get("permanent") is True,
            dialect=dialect,
            request_id=request_id,
            retry_at=retry_at,
        )
    if kind not in _FAULTS:
        return ProtocolFault("the agent could not answer")
    return _FAULTS[kind](sentence, dialect=dialect, request_id=request_id, retry_at=retry_at)


def _text(message: Mapping[str, object], name: str) -> str:
    value = message.get(name, "")
    if not isinstance(value, str):
        raise ProtocolFault(f"'{name}' must be text")
    return value


def _number(message: Mapping[str, object], name: str) -> float | None:
    value = message.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProtocolFault(f"'{name}' must be a number")
    return value


def _pairs(message: Mapping[str, object], name: str) -> Pairs:
    value = message.get(name)
    if not isinstance(value, list):
        raise ProtocolFault(f"'{name}' must be a list")
    pairs = []
    for item in value:
        if not isinstance(item, list) or len(item) != 2 or not all(isinstance(text, str) for text in item):
            raise ProtocolFault(f"'{name}' must hold names and values")
        pairs.append((item[0], item[1]))
    return tuple(pairs)
