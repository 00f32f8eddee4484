"""What is wrong on the way to a host: its name, the connection, TLS, its clock. Pure: no probe is made here.

"Token request hangs or times out: network egress is blocked" is a row of Oleria's troubleshooting table.
"""

from __future__ import annotations

from collections.abc import Mapping

from mintmark.client.diagnosis_steps import Contact, Step, StepName, fault, ok, skipped

#: Seconds by which our clock and the vendor's may differ; our own verifier admits as much.
CLOCK_TOLERANCE = 60.0


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


def of_api_contact(seen: Contact) -> Step:
    """The API was not reached; `seen` as for the token endpoint."""
    step = {"unknown": of_resolution, "refused": of_connection, "unreachable": of_connection}.get(
        seen.trouble, of_tls
    )(seen)
    return Step("API call", step.outcome, step.detail, step.finding)
