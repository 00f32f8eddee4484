"""OAuth errors as values that can be raised: what leaves the process, and what stays in the audit trail.

`code`, `status`, `description` and `retry_after` are for the caller; `reason` (a stable word such as
``secret_expired``) and `detail` are for the audit trail and the log only. RFC 6749 §5.2, RFC 6750 §3.1,
RFC 8707 §2. No argument ever holds a secret.
"""

from __future__ import annotations


class OAuthError(Exception):
    """A refusal.

    `code`: the wire code (RFC 6749 §5.2 or ours: ``rate_limited``, ``quota_exceeded``).
    `status`: HTTP status. `description`: one public sentence, printable ASCII without ``"`` and ``\\``
    (RFC 6749 §5.2 grammar). `reason`: why, for the owner of the credential. `detail`: private, for
    operators. `retry_after`: whole seconds, or None. `limit`: (name, units, seconds) of the limit that refused.
    """

    def __init__(
        self,
        code: str,
        status: int,
        description: str,
        *,
        reason: str,
        detail: str = "",
        retry_after: int | None = None,
        limit: tuple[str, int, int] | None = None,
    ) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.status = status
        self.description = description
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after
        self.limit = limit

    def __repr__(self) -> str:
        return f"OAuthError(code={self.code!r}, status={self.status}, reason={self.reason!r})"


def invalid_request(description: str, *, reason: str = "malformed_request", detail: str = "") -> OAuthError:
    """400: a parameter is missing, repeated, malformed, or the request is not what the endpoint takes."""
    return OAuthError("invalid_request", 400, description, reason=reason, detail=detail)


def invalid_client(*, reason: str, detail: str = "") -> OAuthError:
    """401: client authentication failed. The public sentence never says which part was wrong."""
    return OAuthError("invalid_client", 401, "Client authentication failed.", reason=reason, detail=detail)


def invalid_grant(description: str, *, reason: str, detail: str = "") -> OAuthError:
    """400: the user's password, the signature or another presented grant is not valid."""
    return OAuthError("invalid_grant", 400, description, reason=reason, detail=detail)


def unauthorized_client(description: str, *, reason: str, detail: str = "") -> OAuthError:
    """400: this client may not use this grant."""
    return OAuthError("unauthorized_client", 400, description, reason=reason, detail=detail)


def unsupported_grant_type(description: str, *, reason: str = "unsupported_grant_type") -> OAuthError:
    """400: this endpoint does not know the grant type."""
    return OAuthError("unsupported_grant_type", 400, description, reason=reason)


def invalid_scope(description: str, *, reason: str, detail: str = "") -> OAuthError:
    """400: the scope is malformed, unknown, or more than this client may have."""
    return OAuthError("invalid_scope", 400, description, reason=reason, detail=detail)


def invalid_target(description: str, *, reason: str, detail: str = "") -> OAuthError:
    """400: the audience or resource is unknown or not allowed (RFC 8707 §2)."""
    return OAuthError("invalid_target", 400, description, reason=reason, detail=detail)


def rate_limited(
    retry_after: int, *, reason: str, detail: str = "", limit: tuple[str, int, int] | None = None
) -> OAuthError:
    """429: too many requests in a short window."""
    return OAuthError(
        "rate_limited",
        429,
        "Too many requests; wait before trying again.",
        reason=reason,
        detail=detail,
        retry_after=retry_after,
        limit=limit,
    )


def quota_exceeded(
    retry_after: int, *, reason: str, detail: str = "", limit: tuple[str, int, int] | None = None
) -> OAuthError:
    """429: the day's allowance of tokens is used up; it returns at midnight UTC."""
    return OAuthError(
        "quota_exceeded",
        429,
        "The daily limit of access tokens is reached; reuse the tokens already issued.",
        reason=reason,
        detail=detail,
        retry_after=retry_after,
        limit=limit,
    )


def temporarily_unavailable(retry_after: int, *, reason: str, detail: str = "") -> OAuthError:
    """503: nothing can be made durable, or the server is busy; nothing was issued."""
    return OAuthError(
        "temporarily_unavailable",
        503,
        "The server cannot issue tokens right now; try again later.",
        reason=reason,
        detail=detail,
        retry_after=retry_after,
    )


def invalid_token(description: str, *, reason: str, detail: str = "") -> OAuthError:
    """401 of a resource server: the token is missing, malformed, expired, revoked or not for it (RFC 6750 §3.1)."""
    return OAuthError("invalid_token", 401, description, reason=reason, detail=detail)


def insufficient_scope(description: str, *, reason: str = "scope_missing", detail: str = "") -> OAuthError:
    """403 of a resource server: the token is valid but lacks a permission (RFC 6750 §3.1)."""
    return OAuthError("insufficient_scope", 403, description, reason=reason, detail=detail)
