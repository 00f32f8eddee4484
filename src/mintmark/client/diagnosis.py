"""What is wrong with a configuration, a token request, a token or an API call: the likely cause and the fix. Pure.

The steps of `mintmark doctor` are walked in order and the first fault ends the walk. What the findings say follows
the troubleshooting table of Oleria's page "Authentication", and RFC 6749 §5.2 and RFC 6750 §3.1 where that is silent.
"""

from __future__ import annotations

from collections.abc import Mapping

from mintmark.client.diagnosis_network import blocked
from mintmark.client.diagnosis_steps import Asked, Called, Contact, Step, StepName, fault, ok, skipped
from mintmark.client.errors import HeldBack, Misconfigured, NoSense, NoToken, Refused
from mintmark.client.inspection import Inspected


def of_configuration(error: NoToken) -> Step:
    """Our own side is wrong before anybody was asked."""
    return fault(
        "configuration", _lower_end(error.sentence), "the configuration is incomplete or wrong", "correct it"
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


def _lower_end(sentence: str) -> str:
    return sentence.rstrip(".")
