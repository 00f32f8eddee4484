"""Idempotency-Key: a creation that is asked for again is answered as the first time, and nothing is made twice.

The answer is kept for a day, sealed, in the transaction that made what it speaks of. A key belongs to who sent it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from mintmark.authorization_server.administration.act import Act
from mintmark.authorization_server.ports import Conflict, Transaction
from mintmark.values.kept_answer import KeptAnswer
from mintmark.web.admin_api.problems import Problem
from mintmark.wire.http import HttpResponse

LIFETIME = 86400
_KEY = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_PURPOSE = b"mintmark idempotency\0"


def read_key(sent: str | None) -> str:
    """The key, or empty when none was sent. Raises Problem (400)."""
    if sent is not None and _KEY.fullmatch(sent) is None:
        raise Problem(
            400, "malformed", "The Idempotency-Key must be 1 to 200 printable characters without spaces."
        )
    return sent or ""


@dataclass(frozen=True, slots=True)
class Repeats:
    """`unseal(sealed, context)`: opens what `Act.seal` has sealed."""

    unseal: Callable[[str, str], bytes] = field(repr=False)

    def kept(self, tx: Transaction, act: Act, key: str, asked: bytes) -> HttpResponse | None:
        """The answer that was given to the same request with this key, or None.

        Raises Problem (422) when the key was used for another request.
        """
        found = tx.get(KeptAnswer, act.actor, key)
        if found is None or found.created_at + LIFETIME <= act.now:
            return None
        if not hmac.compare_digest(found.fingerprint, _fingerprint(act, asked)):
            raise Problem(
                422,
                "key_reused",
                "This Idempotency-Key was sent with another request: take a fresh one for each.",
            )
        status, headers, body = json.loads(self.unseal(found.sealed, _context(act, key)))
        return HttpResponse(
            status,
            (
                *((name.encode(), value.encode()) for name, value in headers),
                (b"idempotency-replayed", b"true"),
            ),
            body.encode(),
        )

    def keep(self, tx: Transaction, act: Act, key: str, asked: bytes, answer: HttpResponse) -> None:
        """Keep an answer, and forget those that are over. Raises Problem (409) when another has just been kept."""
        tx.forget(KeptAnswer, created_before=act.now - LIFETIME + 1)
        headers = [[name.decode(), value.decode()] for name, value in answer.headers]
        plain = json.dumps([answer.status, headers, answer.body.decode()]).encode()
        record = KeptAnswer(
            act.actor, key, _fingerprint(act, asked), act.seal(plain, _context(act, key)), act.now
        )
        try:
            tx.add(record, now=act.now)
        except Conflict:
            raise Problem(409, "conflict", "A request with this Idempotency-Key is being answered.") from None


def _context(act: Act, key: str) -> str:
    return f"kept_answer:{act.actor}/{key}"


def _fingerprint(act: Act, asked: bytes) -> str:
    return hmac.new(act.secret_key, _PURPOSE + asked, hashlib.sha256).hexdigest()
