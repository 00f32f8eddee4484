"""Every key that a dialect file may hold, by the table it stands in; `*` is a name that the file chooses.

Tables that are not listed hold names of their own: templates, the arguments of a function, the values of an example.
"""

from __future__ import annotations

from collections.abc import Mapping

SCHEMA: Mapping[str, tuple[str, ...]] = {
    "": (
        "name",
        "title",
        "documentation",
        "page",
        "grant_type",
        "path",
        "method",
        "url",
        "secret_in_query",
        "forms",
        "parameters",
        "response",
        "errors",
        "present",
        "limits",
        "functions",
        "keyfile",
        "examples",
    ),
    "forms": (
        "name",
        "encoding",
        "content_type",
        "query",
        "headers",
        "cookies",
        "basic",
        "body",
        "may_repeat",
    ),
    "forms.basic": ("user", "password", "codec", "scheme"),
    "parameters.*": (
        "required",
        "missing",
        "only",
        "secret",
        "repeat",
        "delimiter",
        "everything",
        "description",
    ),
    "response": (
        "encoding",
        "content_type",
        "body",
        "headers",
        "cookies",
        "also",
        "success",
        "token_type",
        "expiry",
        "extras",
        "secrets",
    ),
    "response.also": ("at", "is"),
    "response.success": ("status", "at", "in", "absent_ok"),
    "errors": ("body", "status", "codes", "token_dead"),
    "errors.codes.*": ("code", "status"),
    "present": ("headers", "query", "cookies"),
    "limits": ("lifetime", "idle", "renew_before", "reissue", "live", "quotas"),
    "limits.quotas": ("most", "per", "by"),
    "examples": ("form", "variables", "request", "sends", "issued_at", "response", "answers"),
}
