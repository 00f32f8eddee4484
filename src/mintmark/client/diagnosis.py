"""From what probes saw to one sentence: the likely cause and the fix. Pure: no probe is made here.

The steps are walked in order and the first fault ends the walk. What the findings say follows the troubleshooting table
of Oleria's page "Authentication", and RFC 6749 §5.2 and RFC 6750 §3.1 where that is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mintmark.client.errors import HeldBack, Misconfigured, NoSense, NoToken, Refused
from mintmark.client.inspection import Inspected

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
#: Seconds by which our clock and the vendor's may differ; our own verifier admits as much.
CLOCK_TOLERANCE = 60.0


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
class Report:
    """The steps that were walked, in order."""

    steps: tuple[Step, ...]

    @property
    def fault(self) -> Step | None:
        """The step that failed, if one did."""
        return next((step for step in self.steps if step.outcome == "fault"), None)


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
    variables: Mapping[str, str] = field(default_factory=dict)


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


def of_configuration(error: NoToken) -> Step:
    """Our own side is wrong before anybody was asked."""
    return fault(
        "configuration", _lower_end(error.sentence), "the configuration is incomplete or wrong", "correct it"
    )


def of_resolution(seen: Contact) -> Step:
    """What looking up a host name gave."""
    if not seen.trouble:
        return ok("name resolution", f"{seen.host} is {seen.detail}")
    if seen.trouble == "timeout":
        return fault(
            "name resolution",
            f"the name server did not answer for {seen.host}",
            "the network or its name server is down or blocked",
            "check the name server of this machine",
        )
    return fault(
        "name resolution",
        f"the host name {seen.host} of the {seen.what} is not known",
        "the address is misspelled, or the name server of this network does not know it",
        "correct the host name in the address, or let this network resolve it",
    )


def of_connection(seen: Contact) -> Step:
    """What connecting to a host gave."""
    if not seen.trouble:
        return ok("TCP", f"connected to {seen.detail}")
    if seen.trouble == "refused":
        return fault(
            "TCP",
            f"{seen.host} refused the connection of the {seen.what}",
            "nothing listens on that port, or a firewall turns the connection away",
            "check the port in the address and the firewall's rules",
        )
    if seen.trouble == "timeout":
        return blocked("TCP", seen)
    return fault(
        "TCP",
        f"{seen.host} cannot be reached ({seen.detail})",
        "this machine has no route there, or a firewall forbids it",
        f"allow-list {seen.host} in your egress firewall and check the network",
    )


def blocked(name: StepName, seen: Contact) -> Step:
    """Nothing came back in time."""
    return fault(
        name,
        f"{seen.host} took longer than {seen.detail} to answer",
        f"network egress to the host of the {seen.what} is blocked",
        f"allow-list {seen.host}, and the API's host, in your egress firewall",
    )


_TLS: Mapping[str, tuple[str, str, str]] = {
    "no_tls": (
        "{host} does not speak TLS",
        "the address has https:// but the port is not one for HTTPS",
        "correct the address",
    ),
    "wrong_host": (
        "the certificate of {host} is for another host name",
        "the address names the wrong host, or something in between answers in its place",
        "use the host name that the vendor documents",
    ),
    "expired": (
        "the certificate of {host} has expired",
        "the vendor has not renewed it, or the clock of this machine is ahead",
        "check the clock of this machine, then tell the vendor",
    ),
    "not_yet_valid": (
        "the certificate of {host} is not valid yet",
        "the clock of this machine is behind",
        "set the clock",
    ),
    "self_signed": (
        "the certificate of {host} is signed by nobody whom this machine trusts",
        "a proxy of your network inspects TLS, or the host has a private certificate",
        "have its authority's certificate trusted on this machine (SSL_CERT_FILE)",
    ),
    "other": (
        "TLS with {host} failed ({detail})",
        "the two sides share no version or cipher of TLS, or something in between breaks it",
        "check what stands between this machine and the vendor",
    ),
}


def of_tls(seen: Contact) -> Step:
    """What a TLS handshake gave."""
    if not seen.trouble:
        return ok("TLS", seen.detail)
    if seen.trouble == "timeout":
        return blocked("TLS", seen)
    said = _TLS.get("self_signed" if seen.trouble == "untrusted" else seen.trouble, _TLS["other"])
    symptom, cause, fix = (text.format(host=seen.host, detail=seen.detail) for text in said)
    return fault("TLS", symptom, cause, fix)


def of_clock(theirs: float | None, ours: float) -> Step:
    """The vendor's clock against ours, both in seconds since the epoch; None when the vendor did not say."""
    if theirs is None:
        return skipped("clock", "the vendor's answer has no Date header")
    apart = ours - theirs
    if abs(apart) <= CLOCK_TOLERANCE:
        return ok("clock", f"the clocks differ by {abs(apart):.0f} s")
    return fault(
        "clock",
        f"the clock of this machine is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} the vendor's",
        "tokens will seem expired or not yet valid",
        "set the clock of this machine, and keep it right by NTP",
    )


_REFUSALS: Mapping[str, tuple[str, str]] = {
    "invalid_request": (
        "a required field is missing or misspelled",
        "compare the fields that were sent ({fields}) with the vendor's sample request",
    ),
    "invalid_client": (
        "the client id or the secret is wrong, or the credentials are not active in this environment",
        "confirm the credentials of {client} with the vendor, and that {host} is the right environment",
    ),
    "invalid_grant": (
        "the user's name or password, the signature or the assertion that was sent is not valid",
        "confirm it with the vendor",
    ),
    "unauthorized_client": (
        "this client may not use this way of obtaining a token",
        "have the vendor allow it",
    ),
    "unsupported_grant_type": (
        "the token endpoint does not know this grant type",
        "check that the dialect is this vendor's, and the address its token endpoint's",
    ),
    "invalid_scope": (
        "the scope is misspelled, or more than this client may have",
        "correct the scope, or have the vendor grant it",
    ),
    "invalid_target": (
        "the audience is unknown or not allowed to this client",
        "correct the audience, or have the vendor allow it",
    ),
    "quota_exceeded": (
        "the allowance of tokens is used up",
        "wait until it returns, reuse tokens (`mintmark agent` does), and find out who asks so often",
    ),
    "rate_limited": (
        "too many tokens were asked for in a short time",
        "wait, and reuse tokens (`mintmark agent` does)",
    ),
}


def of_refusal(error: NoToken, asked: Asked) -> Step:
    """Why there is no token, where the host itself was reached."""
    if isinstance(error, Misconfigured):
        return of_configuration(error)
    if isinstance(error, HeldBack):
        return fault(
            "token endpoint", error.sentence, "too many tokens were asked for", "wait, and reuse tokens"
        )
    if not isinstance(error, Refused):
        return _no_answer(error, asked)
    symptom = f"{error.status} {error.code} from the token endpoint"
    if error.request_id:
        symptom += f" (request id {error.request_id})"
    known = _REFUSALS.get(error.code)
    name: StepName = "client authentication" if error.code == "invalid_client" else "token endpoint"
    if known is None and error.status == 401:
        known, name = _REFUSALS["invalid_client"], "client authentication"
    elif known is None and error.status in (404, 405, 410):
        known = (
            "there is no token endpoint at this address",
            "correct the path of the token endpoint's address",
        )
    elif known is None and error.status == 403:
        known = (
            "something in front of the token endpoint, such as a list of admitted addresses, turns you away",
            "ask the vendor whether the address of this machine is admitted",
        )
    elif known is None and error.status == 429:
        known = _REFUSALS["rate_limited"]
    elif known is None and error.status >= 500:
        known = ("the vendor has a fault of its own", "try again later, and tell the vendor if it lasts")
    elif known is None:
        known = ("the vendor does not accept the request as it is", "compare it with the vendor's page")
    cause, fix = known
    values = {
        "fields": ", ".join(asked.fields) or "none",
        "client": f"'{asked.client}'" if asked.client else "this client",
        "host": asked.host,
    }
    return fault(name, symptom, cause, fix.format(**values), f"{symptom}: {error.description}")


def _no_answer(error: NoToken, asked: Asked) -> Step:
    if isinstance(error, NoSense):
        return fault(
            "token endpoint",
            _lower_end(error.sentence),
            "the address is not that of a token endpoint, or the dialect is not this vendor's",
            "compare both with the vendor's page",
        )
    if "longer than" in error.sentence:
        return blocked("token endpoint", Contact(asked.host, "token endpoint", detail="the time limit"))
    return fault(
        "token endpoint",
        _lower_end(error.sentence),
        "the network between this machine and the vendor is troubled",
        "try again, and check what stands in between",
    )


def of_token(inspected: Inspected, asked: Asked) -> Step:
    """What a fresh token says of itself."""
    if not inspected.is_jwt:
        return skipped("token contents", "the token is opaque; only the vendor can read it")
    if any(seen.reason in ("expired", "not_yet_valid") for seen in inspected.faults):
        expired = any(seen.reason == "expired" for seen in inspected.faults)
        return fault(
            "token contents",
            f"the fresh token {'has expired already' if expired else 'is not valid yet'}",
            "the clocks of this machine and of the vendor differ",
            "set the clock of this machine, or tell the vendor",
        )
    wanted, given = set(asked.audience), set(inspected.audiences)
    if wanted and given and wanted.isdisjoint(given):
        return fault(
            "token contents",
            f"the token is for {', '.join(sorted(given))} and not for {', '.join(sorted(wanted))}",
            "the vendor did not grant the audience that was asked for",
            "correct the audience, or have the vendor allow it to this client",
        )
    return ok("token contents", inspected.summary)


def of_call(seen: Called) -> Step:
    """What the API answered."""
    answered = f"{seen.status} from the API at {seen.host}"
    if seen.request_id:
        answered += f" (request id {seen.request_id})"
    if seen.status == 403 or seen.error == "insufficient_scope":
        needs = f", which needs '{seen.scope}'" if seen.scope else ""
        return fault(
            "API call",
            answered,
            f"the token is valid but the credential is not scoped for this resource{needs}",
            "have the vendor confirm that the credential has the right permissions",
        )
    if seen.status in seen.dead:
        return fault(
            "API call",
            f"{answered} after a successful token call",
            "the token is not for this API or has expired, or the Authorization header is malformed on its way",
            "check that the audience and the environment are this API's, and that the header arrives as "
            "`Authorization: Bearer <token>`",
        )
    if seen.status >= 500:
        return fault(
            "API call",
            answered,
            "the API has a fault of its own",
            "try again later, and tell the vendor if it lasts",
        )
    if seen.status == 404:
        return ok("API call", f"{answered}: the token was not refused, but there is nothing at this address")
    if seen.status >= 300:
        return ok("API call", f"{answered} to {seen.method}: the token was not refused")
    return ok("API call", answered)


def of_api_contact(seen: Contact) -> Step:
    """The API was not reached; `seen` as for the token endpoint."""
    step = {"unknown": of_resolution, "refused": of_connection, "unreachable": of_connection}.get(
        seen.trouble, of_tls
    )(seen)
    return Step("API call", step.outcome, step.detail, step.finding)


def _lower_end(sentence: str) -> str:
    return sentence.rstrip(".")
