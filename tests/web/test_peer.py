"""The caller's address: the socket's, unless a declared proxy says otherwise in the declared header."""

from __future__ import annotations

import pytest

from mintmark.web.peer import TrustedProxies

PROXY = "10.0.0.1"


def proxies(header: str = "x-forwarded-for") -> TrustedProxies:
    return TrustedProxies.parse(["10.0.0.0/8", "fd00::/8"], header)  # type: ignore[arg-type]


def forwarded_for(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value.encode("latin-1")) for value in values]


def forwarded(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"forwarded", value.encode("latin-1")) for value in values]


def test_trusts_only_declared_networks() -> None:
    assert proxies().trusts("10.255.0.9")
    assert not proxies().trusts("11.0.0.1")
    assert not proxies().trusts("")
    assert not TrustedProxies().trusts("10.0.0.1")


def test_trusts_an_ipv4_proxy_seen_through_an_ipv6_socket() -> None:
    assert proxies().trusts("::ffff:10.0.0.1")


def test_names_a_network_it_cannot_read() -> None:
    with pytest.raises(ValueError, match=r"'10\.0\.0\.1/8' is neither an address nor a network"):
        TrustedProxies.parse(["10.0.0.1/8"])


@pytest.mark.parametrize(
    ("values", "caller"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        (["198.51.100.1, 203.0.113.7"], "203.0.113.7"),  # what the caller itself wrote is not believed
        (["203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        (["203.0.113.7", "10.0.0.2"], "203.0.113.7"),  # two header lines are one list
        (["203.0.113.7:1234"], "203.0.113.7"),
        (["[2001:db8::7]:443, 10.0.0.2"], "2001:db8::7"),
        (["2001:DB8::0:7"], "2001:db8::7"),
        (["::ffff:203.0.113.7"], "203.0.113.7"),
        ([], PROXY),
        ([""], PROXY),
        (["unknown"], PROXY),
        (["203.0.113.7, nonsense"], PROXY),
        (["nonsense, 10.0.0.2"], "10.0.0.2"),
        (["203.0.113.7,"], PROXY),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),  # all of them proxies: the farthest
        (["203.0.113.999"], PROXY),
        (["fe80::1%eth0"], PROXY),
    ],
)
def test_takes_the_rightmost_address_that_is_no_proxy(values: list[str], caller: str) -> None:
    assert proxies().caller(PROXY, forwarded_for(*values)) == caller


@pytest.mark.parametrize(
    ("values", "caller"),
    [
        (["for=203.0.113.7"], "203.0.113.7"),
        (["For=203.0.113.7;proto=https;by=10.0.0.1"], "203.0.113.7"),
        (['for="[2001:db8:cafe::17]:4711"'], "2001:db8:cafe::17"),
        (["for=198.51.100.1, for=203.0.113.7"], "203.0.113.7"),
        (["for=203.0.113.7", "for=10.0.0.2"], "203.0.113.7"),
        (["proto=https;for=203.0.113.7"], "203.0.113.7"),
        (['host="a,b;c";for=203.0.113.7'], "203.0.113.7"),  # commas inside quotes separate nothing
        (["for=_hidden"], PROXY),
        (["for=unknown, for=10.0.0.2"], "10.0.0.2"),
        (["for=203.0.113.7;for=203.0.113.8"], PROXY),
        (["for=203.0.113.7;;"], PROXY),
        (["proto=https"], PROXY),
        (['for="203.0.113.7'], PROXY),
        ([], PROXY),
    ],
)
def test_reads_forwarded_as_rfc_7239_section_4_writes_it(values: list[str], caller: str) -> None:
    assert proxies("forwarded").caller(PROXY, forwarded(*values)) == caller


def test_reads_only_the_declared_header() -> None:
    both = [*forwarded_for("203.0.113.7"), *forwarded("for=203.0.113.8")]
    assert proxies("x-forwarded-for").caller(PROXY, both) == "203.0.113.7"
    assert proxies("forwarded").caller(PROXY, both) == "203.0.113.8"
