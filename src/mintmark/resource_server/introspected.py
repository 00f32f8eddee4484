"""Tokens that only their issuer can judge (RFC 7662): the question, the answer read strictly, and a bounded memory.

An answer is kept for a short time and never past the token's end; that a token is unknown is kept for less. Legacy
tokens are asked about as ``id:secret`` with the type hint ``legacy_basic``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from mintmark.resource_server.seen_tokens import SeenTokens
from mintmark.values.permission import is_scope_token
from mintmark.values.secret import Secret
from mintmark.values.token import TokenFacts
from mintmark.wire.basic import write_basic
from mintmark.wire.form import write_form
from mintmark.wire.http import HttpRequest, HttpResponse, Malformed
from mintmark.wire.jsonobject import read_object

#: Seconds for which a live token, and an unknown one, is not asked about again.
DEFAULT_ACTIVE_FOR: Final = 30.0
INACTIVE_FOR: Final = 5.0
DOUBTFUL_FOR: Final = 1.0
MOST_ACTIVE: Final = 4096
MOST_INACTIVE: Final = 512
MAX_ANSWER_BYTES: Final = 64 * 1024
_LATEST: Final = 253402300799  # the end of the year 9999


class NoAnswer(Exception):
    """The issuer did not say what a token is good for; the text is one sentence for the log."""


@dataclass(frozen=True, slots=True)
class Question:
    """`token`: the opaque token, or ``id:secret`` of a legacy one. `digest`: by which the answer is kept."""

    kind: Literal["opaque", "basic"]
    token: Secret = field(repr=False)
    digest: bytes = field(repr=False)


class Known(NamedTuple):
    """An answer that may still be used; `facts` is None for a token that is not active.

    `revision`: of the issuer's revocations when it was asked: what it knew then need not be held against the token.
    """

    facts: TokenFacts | None
    until: float
    revision: int = 0


class Introspected:
    """Answers by the digest of their token. `active_for`: seconds."""

    __slots__ = ("_active", "_active_for", "_inactive")

    def __init__(self, active_for: float = DEFAULT_ACTIVE_FOR) -> None:
        if not 0 <= active_for <= 3600:
            raise ValueError("an introspection answer is kept from 0 to 3600 seconds")
        self._active_for = active_for
        self._active: SeenTokens[Known] = SeenTokens(MOST_ACTIVE)
        self._inactive: SeenTokens[Known] = SeenTokens(MOST_INACTIVE)

    def recall(self, digest: bytes, now: float) -> Known | None:
        """What the issuer said, if that was a short while ago."""
        known = self._active.get(digest) or self._inactive.get(digest)
        return known if known is not None and now < known.until else None

    def keep(
        self,
        digest: bytes,
        facts: TokenFacts | None,
        now: float,
        revision: int = 0,
        *,
        doubtful: bool = False,
    ) -> None:
        """The issuer has answered a question that was asked at this revision of its revocations.

        `doubtful`: its feed has revoked what it calls active, so the one or the other is late.
        """
        if facts is None:
            self._active.drop(digest)
            self._inactive.put(digest, Known(None, now + INACTIVE_FOR))
            return
        end = now + min(self._active_for, DOUBTFUL_FOR if doubtful else self._active_for)
        self._active.put(
            digest,
            Known(facts, end if facts.expires_at is None else min(end, facts.expires_at), revision),
        )

    def __len__(self) -> int:
        return len(self._active) + len(self._inactive)


def write_question(endpoint: str, question: Question, client_id: str, secret: Secret) -> HttpRequest:
    """The request (RFC 7662 §2.1), with the guard's own credential by Basic (RFC 6749 §2.3.1)."""
    hint = "legacy_basic" if question.kind == "basic" else "access_token"
    return HttpRequest(
        "POST",
        "",
        headers=(
            (b"authorization", write_basic(client_id, secret.reveal(), encoded=True)),
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"accept", b"application/json"),
        ),
        body=write_form((("token", question.token.reveal()), ("token_type_hint", hint))),
        url=endpoint,
    )


def read_answer(response: HttpResponse, issuer: str, audiences: Collection[str]) -> TokenFacts | None:
    """The facts of a live token, None for any other (RFC 7662 §2.2).

    The audience is the first of `audiences` that the answer names; without one the token is for somebody else. Raises
    NoAnswer when the answer is none: another status than 200, no JSON object, a member of a wrong type.
    """
    if response.status != 200 or len(response.body) > MAX_ANSWER_BYTES:
        raise NoAnswer(f"the introspection endpoint answered {response.status}, {len(response.body)} bytes")
    try:
        members = read_object(response.body)
    except Malformed:
        raise NoAnswer("the introspection endpoint's answer is not a strict JSON object") from None
    active = members.get("active")
    if type(active) is not bool:
        raise NoAnswer("the introspection endpoint's answer does not say whether the token is active")
    if not active:
        return None
    named = members.get("aud")
    listed = named if isinstance(named, list) else [named]
    expires_at = members.get("exp")
    if expires_at is not None and (type(expires_at) not in (int, float) or not 0 <= expires_at <= _LATEST):  # type: ignore[operator]
        raise NoAnswer("the introspection endpoint's answer has an exp that is not a time in seconds")
    if "cnf" in members:  # bound to a key, whose proof a plain Bearer does not bring
        return None
    scopes = tuple(_text(members, "scope").split())
    if not all(is_scope_token(scope) for scope in scopes):
        raise NoAnswer("the introspection endpoint's answer has a malformed scope")
    client_id = _text(members, "client_id")
    issued_at = members.get("iat")
    return TokenFacts(
        issuer=_text(members, "iss") or issuer,
        tenant=_text(members, "mm_tenant"),
        subject=_text(members, "sub") or client_id,
        client_id=client_id or _text(members, "sub"),
        audience=next((one for one in listed if isinstance(one, str) and one in audiences), ""),
        scopes=scopes,
        token_id=_text(members, "jti"),
        credential_id=_text(members, "mm_cred"),
        user_id=_text(members, "mm_user") or None,
        issued_at=issued_at if type(issued_at) is int else 0,
        expires_at=expires_at,  # type: ignore[arg-type]
    )


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise NoAnswer(f"the introspection endpoint's answer has a {name} that is not text")
    return value
