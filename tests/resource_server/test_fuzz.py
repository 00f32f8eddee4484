"""Twenty thousand hostile inputs over header, token and key-set bytes: an answer of ours each time, and never a hang.

The inputs are grown from good ones by a seeded generator; a failure names the seed and the number. `make fuzz` runs a
million.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from mintmark.jose import base64url
from mintmark.jose.jwk import KeyFault, generate
from mintmark.jose.key_set import KeySet, parse_key_set
from mintmark.resource_server.caller import Caller
from mintmark.resource_server.guard import Doorkeeper, authorization_values
from mintmark.resource_server.introspected import NoAnswer, read_answer
from mintmark.resource_server.issuer import Issuer
from mintmark.resource_server.key_cache import KeyCache
from mintmark.resource_server.profile import PROFILES
from mintmark.resource_server.revocation_feed import FeedFault, Revocations
from mintmark.resource_server.seen_tokens import SeenTokens
from mintmark.resource_server.watch import KeysWanted, Watch
from mintmark.values.errors import OAuthError
from mintmark.wire.http import HttpResponse
from tests.resource_server.test_profiles import AUDIENCE, GOOD, ISSUER, KEY, NOW, sign

SHORT, LONG = 20_000, 1_000_000
OTHER_KEYS = (generate("RS256"), generate("EdDSA"))
GOOD_HEADERS = [sign(*GOOD[profile]) for profile in GOOD]
KEY_SET = json.dumps(KeySet([KEY.public(), *(key.public() for key in OTHER_KEYS)]).jwks()).encode()
WORDS = (
    *(
        b".",
        b"..",
        b"=",
        b" ",
        b",",
        b"\0",
        b"\n",
        b"\xff",
        b'"',
        b"\\",
        b"\\ud800",
        b"{",
        b"[",
        b"[[[[[[[[[[[[[[[[[",
    ),
    *(b"}", b"]", b":", b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"null", b"true", b'""', b"A" * 9000),
    *(b"eyJhbGciOiJub25lIn0", b"eyJ", b"Bearer ", b"Basic ", b"bearer", b'"alg":"none"', b'"alg":"HS256"'),
    *(
        b'"crit":["exp"]',
        b'"b64":false',
        b'"jwk":{}',
        b'"kid":"../../etc/passwd"',
        b'"zip":"DEF"',
        b'"kty":"oct"',
    ),
)


def grown(seed: bytes, chance: random.Random) -> bytes:
    """`seed` with one to four places cut, doubled, changed or filled with something that parsers dislike."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        length = chance.choice((0, 1, 1, 2, 8, 64))
        match chance.randrange(5):
            case 0:
                data[at : at + length] = b""
            case 1:
                data[at : at + length] = chance.choice(WORDS)
            case 2:
                data[at:at] = data[at : at + length] * chance.choice((1, 2, 40))
            case 3 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case _:
                data[at : at + length] = chance.randbytes(length)
    return bytes(data)


def inner(chance: random.Random) -> bytes:
    """A token whose header or claims were grown before they were encoded, signed as it then is."""
    _, _, token = chance.choice(GOOD_HEADERS).partition(b" ")
    parts = [base64url.decode(part) for part in token.split(b".")]
    which = chance.randrange(2)
    parts[which] = grown(parts[which], chance)
    signed = b".".join(base64url.encode(part) for part in parts[:2])
    return b"Bearer " + signed + b"." + base64url.encode(KEY.sign(signed))


def door() -> Doorkeeper:
    keys = KeyCache()
    keys.accept(KEY_SET, None, NOW)
    watches = {
        f"{ISSUER}{suffix}": Watch(Issuer(f"{ISSUER}{suffix}", profile), frozenset({AUDIENCE}), keys)
        for suffix, profile in (("", "oidc"), ("/b", "rfc9068"))
    }
    return Doorkeeper(watches, frozenset({AUDIENCE}), lambda: NOW, SeenTokens(64), frozenset({"x5t"}))


def one_door(profile: str) -> Doorkeeper:
    keys = KeyCache()
    keys.accept(KEY_SET, None, NOW)
    watch = Watch(Issuer(ISSUER, profile), frozenset({AUDIENCE}), keys)
    return Doorkeeper({ISSUER: watch}, frozenset({AUDIENCE}), lambda: NOW, SeenTokens(64))


DOORS = (door(), *(one_door(profile) for profile in PROFILES))


def through(header: bytes, chance: random.Random) -> None:
    """Ends in a caller or an OAuthError; a need for keys is answered by keys that do not come."""
    chosen = chance.choice(DOORS)
    values = authorization_values([(b"authorization", header)])
    try:
        caller = chosen.admit(values, NOW)
        if caller is None:
            steps = chosen.steps(values)
            assert isinstance(steps.send(None), KeysWanted)
            steps.send(None)
            raise AssertionError("asked twice")
    except OAuthError as error:
        assert error.status in (401, 503)
        # nothing of the token is kept in the refusal
        assert header[7:40].decode("latin-1") not in f"{error!r}{error}{error.detail}" or len(header) < 12
    except StopIteration as end:
        caller = end.value
        assert isinstance(caller, Caller)
        assert caller.audience == AUDIENCE


def header_bytes(chance: random.Random) -> None:
    through(grown(chance.choice(GOOD_HEADERS), chance), chance)


def token_bytes(chance: random.Random) -> None:
    through(inner(chance), chance)


def key_set_bytes(chance: random.Random) -> None:
    document = grown(KEY_SET, chance)
    try:
        keys = parse_key_set(document)
    except KeyFault as fault:
        assert len(str(fault)) < 200
    else:
        assert len(keys) <= 3


def answer_bytes(chance: random.Random) -> None:
    good = json.dumps({"active": True, "aud": AUDIENCE, "client_id": "c", "scope": "a", "exp": NOW}).encode()
    try:
        read_answer(HttpResponse(200, (), grown(good, chance)), ISSUER, {AUDIENCE})
    except NoAnswer as fault:
        assert len(str(fault)) < 200


def feed_bytes(chance: random.Random) -> None:
    state = Revocations(ISSUER)
    statement = inner(chance)[7:].decode("ascii")
    try:
        state.restore(statement, lambda kid: KEY.public(), NOW)
    except FeedFault as fault:
        assert len(str(fault)) < 200
    assert state.seq is None


KINDS: dict[str, Callable[[random.Random], None]] = {
    "header": header_bytes,
    "token": token_bytes,
    "key set": key_set_bytes,
    "introspection answer": answer_bytes,
    "feed": feed_bytes,
}


def run(kind: str, seed: int, count: int) -> None:
    chance = random.Random(f"{kind} {seed}")
    for number in range(count):
        try:
            KINDS[kind](chance)
        except Exception as fault:
            raise AssertionError(
                f"{kind}, seed {seed}, input {number}: {type(fault).__name__}: {fault}"
            ) from fault


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_no_bytes_bring_anything_but_an_answer_of_ours(kind: str, seed: int) -> None:
    run(kind, seed, SHORT // (len(KINDS) * 4))


@pytest.mark.fuzz
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(100, 108))
@pytest.mark.parametrize("kind", KINDS)
def test_no_bytes_at_all(kind: str, seed: int) -> None:
    run(kind, seed, LONG // (len(KINDS) * 8))
