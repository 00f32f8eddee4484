"""What an issuer has revoked, as its feed says (docs/revocation-feed.md): followed entry by entry, asked in O(1).

Pure state. Entries are JWS of their own type, numbered and chained by hash; a gap, a broken chain or silence makes the
state cut off, which `serves_until` turns into the guard's policy: serve on for a while, or close. What was once
refused stays refused until no token that it speaks of can live.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from mintmark.jose import base64url
from mintmark.jose.json_object import parse_object
from mintmark.jose.jwk import PublicKey
from mintmark.jose.jws import TokenFault, parse_compact

#: The `typ` of every signed statement of the feed; no access token has it.
TYPE: Final = "mintmark-revocation+jwt"
#: Which claim of a token an entry's `id` is compared with. An environment is the whole issuer.
CLAIM_OF: Final[Mapping[str, str]] = {
    "client": "client_id",
    "credential": "mm_cred",
    "signature_key": "mm_cred",
    "user": "mm_user",
    "token": "jti",
    "tenant": "mm_tenant",
    "api": "aud",
    "environment": "",
}
#: Seconds. The issuer speaks every 5; after three times that the guard is cut off.
HEARTBEAT: Final = 5
SILENCE: Final = 15.0
#: How far the issuer's clock may lie from ours.
LEEWAY: Final = 60.0
DEFAULT_GRACE: Final = 3600.0
MAX_SNAPSHOT_BYTES: Final = 16 * 1024 * 1024
_LONGEST_ID: Final = 1024
_NEVER: Final = (-1.0, -1.0)

FeedPolicy = Literal["serve", "close"]
KeyOf = Callable[[str | None], PublicKey | None]


class FeedFault(Exception):
    """What came is not the feed's next word; one sentence. `gap`: a snapshot is needed. `unknown_key`: its `kid`."""

    def __init__(self, sentence: str, *, gap: bool = False, unknown_key: bool = False) -> None:
        super().__init__(sentence)
        self.gap = gap
        self.unknown_key = unknown_key


class Revocations:
    """The live revocations of one issuer. One thread calls `read`, `restore` and `fail`; any may ask.

    `policy`: what a guard that is cut off does: ``"serve"`` on for `grace` seconds, or ``"close"`` at once.
    """

    __slots__ = (
        *("_by_claim", "_ends", "_issuer", "_policy_grace", "_whole"),
        *(
            "_started_at",
            "failures",
            "head",
            "heard_at",
            "last_fault",
            "revision",
            "seq",
            "serves_until",
            "spoken_at",
        ),
    )

    def __init__(self, issuer: str, policy: FeedPolicy = "serve", grace: float = DEFAULT_GRACE) -> None:
        if policy not in ("serve", "close") or grace < 0:
            raise ValueError('feed_policy is "serve" or "close", and the grace is not negative')
        self._issuer = issuer
        self._policy_grace = grace if policy == "serve" else 0.0
        self._by_claim: dict[str, dict[str, tuple[float, float]]] = {
            claim: {} for claim in CLAIM_OF.values() if claim
        }
        self._whole = -1.0
        self._ends: list[tuple[float, str, str]] = []
        self._started_at: float | None = None
        self.seq: int | None = None
        self.head = ""
        self.heard_at: float | None = None
        self.spoken_at = 0.0
        self.serves_until = 0.0
        self.revision = 0
        self.failures = 0
        self.last_fault = ""

    def __len__(self) -> int:
        return sum(map(len, self._by_claim.values())) + (self._whole >= 0)

    def waited_for(self, now: float) -> bool:
        """Whether a first answer is still to be expected; starts the grace of a guard that has heard nothing yet."""
        if self.heard_at is not None:
            return False
        if self._started_at is None:
            self._started_at = now
            self.serves_until = now + self._policy_grace
        return self.failures == 0

    def cut_off(self, now: float) -> bool:
        """Whether the issuer has been silent for too long."""
        return self.heard_at is None or not 0 <= now - self.heard_at < SILENCE

    def refuse(self, claims: Mapping[str, object]) -> bool:
        """Whether a token with these claims was revoked: it bears a revoked id and was issued no later than that."""
        if self.revision == 0:
            return False
        issued = claims.get("iat")
        at = issued if isinstance(issued, int | float) else 0
        if at <= self._whole:
            return True
        for claim, revoked in self._by_claim.items():
            if not revoked:
                continue
            value = claims.get(claim)
            if type(value) is str:
                if at <= revoked.get(value, _NEVER)[0]:
                    return True
            elif type(value) is list and any(
                type(one) is str and at <= revoked.get(one, _NEVER)[0] for one in value
            ):
                return True
        return False

    def read(self, statements: Sequence[str], key: KeyOf, now: float) -> None:
        """The answer to a poll: the entries after `seq` in order, then a heartbeat. Raises FeedFault.

        Entries before the one that is at fault hold; the answer counts as heard only when its heartbeat does.
        """
        if self.seq is None:
            raise FeedFault("the feed is read from a snapshot on", gap=True)
        if not statements:
            raise FeedFault("the feed's answer is empty; it must end with a heartbeat")
        for statement in statements[:-1]:
            self._next(statement, self._open(statement, key))
        self._heartbeat(self._open(statements[-1], key), now)

    def restore(self, statement: str, key: KeyOf, now: float) -> None:
        """Begin at a snapshot. What is refused already stays so. Raises FeedFault."""
        claims = self._open(statement, key, MAX_SNAPSHOT_BYTES)
        listed, seq, head = claims.get("revocations"), claims.get("seq"), claims.get("prev")
        if claims.get("kind") != "snapshot" or type(seq) is not int or seq < 0 or type(head) is not str:
            raise FeedFault("the snapshot is not one")
        if type(listed) is not list:
            raise FeedFault("the snapshot lists no revocations")
        read = []
        for entry in listed:
            if type(entry) is not list or len(entry) != 4:
                raise FeedFault("an entry of the snapshot is not kind, id, issued_before and until")
            read.append(_entry(dict(zip(("kind", "id", "issued_before", "until"), entry, strict=True))))
        self._current(claims, now)
        for entry in read:
            self._refuse_from_now_on(*entry)
        self.seq, self.head = seq, head
        self._heard(now)

    def fail(self, fault: str, now: float) -> None:
        """The feed could not be read; `waited_for` no longer holds anybody up."""
        self.waited_for(now)
        self.failures += 1
        self.last_fault = fault

    def _next(self, statement: str, claims: Mapping[str, object]) -> None:
        seq = (self.seq or 0) + 1
        if claims.get("seq") != seq or claims.get("prev") != self.head:
            raise FeedFault("an entry of the feed does not follow the last one", gap=True)
        self._refuse_from_now_on(*_entry(claims))
        self.seq = seq
        self.head = digest_of(statement)

    def _heartbeat(self, claims: Mapping[str, object], now: float) -> None:
        if claims.get("kind") != "heartbeat":
            raise FeedFault("the feed's answer does not end with a heartbeat")
        if claims.get("seq") != self.seq or claims.get("prev") != self.head:
            raise FeedFault("the feed's heartbeat is of another state", gap=True)
        self._current(claims, now)
        self._heard(now)

    def _current(self, claims: Mapping[str, object], now: float) -> None:
        """That a statement was made now: an old one, replayed, would hide what was revoked since."""
        spoken_at = claims.get("iat")
        if type(spoken_at) is not int or abs(spoken_at - now) > LEEWAY or spoken_at < self.spoken_at:
            raise FeedFault("the feed's answer is not of this moment; check the clocks")
        self.spoken_at = spoken_at

    def _heard(self, now: float) -> None:
        self.failures, self.last_fault = 0, ""
        self.heard_at = now
        self.serves_until = now + SILENCE + self._policy_grace
        while self._ends and self._ends[0][0] < now - LEEWAY:
            end, claim, name = heapq.heappop(self._ends)
            if self._by_claim[claim].get(name, _NEVER)[1] == end:
                del self._by_claim[claim][name]

    def _refuse_from_now_on(self, claim: str, name: str, issued_before: float, until: float) -> None:
        if not claim:
            self._whole = max(self._whole, issued_before)
        else:
            revoked = self._by_claim[claim]
            before, end = revoked.get(name, _NEVER)
            if issued_before <= before and until <= end:
                return
            revoked[name] = max(issued_before, before), max(until, end)
            heapq.heappush(self._ends, (max(until, end), claim, name))
        self.revision += 1

    def _open(self, statement: str, key: KeyOf, limit: int = 8192) -> dict[str, object]:
        """The claims of a statement that this issuer signed as one of its feed."""
        try:
            header, payload, signed, signature = parse_compact(statement, limit)
            found = key(header.kid)
            if found is None:
                raise FeedFault("a statement of the feed names a key that is not known", unknown_key=True)
            genuine = header.alg == found.algorithm and found.verify(signature, signed)
            if not genuine or header.typ != TYPE:
                raise FeedFault("a statement of the feed is not signed by the issuer as one")
            claims = parse_object(payload)
        except (TokenFault, ValueError):
            raise FeedFault("a statement of the feed is malformed") from None
        if claims.get("iss") != self._issuer:
            raise FeedFault("a statement of the feed is another issuer's")
        return claims


def digest_of(statement: str) -> str:
    """The hash by which the next entry names this one: SHA-256 of its base64url payload, in base64url.

    Not of the signature: whichever key signs an entry, the chain is the same.
    """
    return _hash(statement.split(".")[1])


def first_digest(issuer: str) -> str:
    """What stands for the hash of an entry before the first one: SHA-256 of the issuer's identifier."""
    return _hash(issuer)


def _hash(text: str) -> str:
    return base64url.encode(hashlib.sha256(text.encode("ascii")).digest()).decode("ascii")


def _entry(claims: Mapping[str, object]) -> tuple[str, str, float, float]:
    """The claim that an entry speaks of, its value, and its two instants. Raises FeedFault."""
    kind, name = claims.get("kind"), claims.get("id")
    issued_before, until = claims.get("issued_before"), claims.get("until")
    if type(kind) is not str or kind not in CLAIM_OF:
        raise FeedFault("the feed revokes a kind of thing that this version does not know")
    if type(name) is not str or not 0 < len(name) <= _LONGEST_ID:
        raise FeedFault("an entry of the feed has no id")
    if type(issued_before) is not int or type(until) is not int or not 0 <= issued_before <= until <= 1 << 40:
        raise FeedFault("an entry of the feed has no time bounds in whole seconds")
    return CLAIM_OF[kind], name, float(issued_before), float(until)
