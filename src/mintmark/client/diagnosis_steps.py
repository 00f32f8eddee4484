"""The steps of a diagnosis as values: what probes saw, what it means, and the one sentence for a fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StepName = Literal[
    "configuration",
    "name resolution",
    "TCP",
    "TLS",
    "clock",
    "token endpoint",
    "client authentication",
    "token contents",
    "API call",
]
Outcome = Literal["ok", "skipped", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`symptom`: what was seen. `cause` and `fix`: what is likely behind it, and what to do."""

    symptom: str
    cause: str
    fix: str

    @property
    def sentence(self) -> str:
        """All of it in one sentence."""
        return f"{self.symptom}: {self.cause}; {self.fix}."


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the walk. `detail`: what was seen, for people; it holds no secret."""

    name: StepName
    outcome: Outcome
    detail: str = ""
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """What a probe of the network saw at `host`. `what`: ``token endpoint`` or ``API``, or ``proxy`` on the way there.

    `trouble`: empty when it went well; ``unknown``, ``refused``, ``timeout``, ``unreachable``; for TLS also
    ``no_tls``, ``wrong_host``, ``expired``, ``not_yet_valid``, ``self_signed``, ``untrusted``, ``other``.
    `detail`: what was seen.
    """

    host: str
    what: str
    trouble: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a token request was: `client`: its id, or the user's name; `fields`: the names that it sent; `host`:
    where.
    """

    host: str
    client: str = ""
    fields: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Called:
    """What an API answered to a call with a fresh token. `error`: of its challenge (RFC 6750 §3.1), or empty."""

    host: str
    method: str
    status: int
    error: str = ""
    scope: str = ""
    request_id: str = ""
    dead: frozenset[int] = frozenset({401})


def ok(name: StepName, detail: str) -> Step:
    """A step without a fault."""
    return Step(name, "ok", detail)


def skipped(name: StepName, why: str) -> Step:
    """A step that there was nothing to do for."""
    return Step(name, "skipped", why)


def fault(name: StepName, symptom: str, cause: str, fix: str, detail: str = "") -> Step:
    """A step that ends the walk."""
    return Step(name, "fault", detail or symptom, Finding(symptom, cause, fix))
