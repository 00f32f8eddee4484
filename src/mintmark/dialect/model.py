"""The dialect record: where things stand in a token request and its answer, never what they mean.

Records are made by `loader.load_dialect` only, which proves what the readers and writers rely on: every place has a
known name, secrets stand in no query unless declared, and forms are told apart without reading the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal as OneOf

from mintmark.dialect.template import Node, Place

GrantName = OneOf["client_credentials", "user_login", "signed_subject"]
Encoding = OneOf["form", "json", "none", "text", "xml"]
Codec = OneOf["raw", "form", "either"]
#: Canonical names of a request, and those among them that are secret.
REQUEST_NAMES = frozenset(
    {"grant_type", "client_id", "client_secret", "username", "password", "subject", "signature"}
    | {"scope", "audience", "resource"}
)
REQUEST_SECRETS = frozenset({"client_secret", "password", "signature"})
#: Canonical names of an answer; every other name is an extra.
RESPONSE_NAMES = frozenset({"access_token", "token_type", "expires_in", "expires_at", "scope", "issued_at"})
MEDIA_TYPES: Mapping[str, tuple[str, ...]] = {
    "form": ("application/x-www-form-urlencoded",),
    "json": ("application/json",),
    "none": (),
    "text": ("text/plain",),
    "xml": ("application/xml", "text/xml"),
}


class DialectFault(ValueError):
    """A dialect file is wrong: one sentence, with the file and the line (from 1; 0 when no line is to blame)."""

    def __init__(self, source: str, line: int, sentence: str) -> None:
        super().__init__(f"{source}:{line}: {sentence}" if line else f"{source}: {sentence}")
        self.source = source
        self.line = line
        self.sentence = sentence


class ResponseFault(ValueError):
    """A vendor's answer to a token request makes no sense: one sentence that holds nothing of the answer."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value of the request. `missing`: the error code when it is required and absent. `only`: the one value."""

    name: str
    required: bool
    missing: str = "invalid_request"
    only: str | None = None
    secret: bool = False
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Basic:
    """A Basic header, or one built like it under another scheme word (Oracle: ``Bearer``)."""

    user: Node
    password: Node
    codec: Codec
    scheme: str = "Basic"


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write the request. Members are (wire name, template).

    `body`: a template tree, or None. The fields after it are derived when the record is loaded: `plain` are
    (wire name, canonical name) of a flat body without literals; `stray_*` are names that must not stand there.
    """

    name: str
    encoding: Encoding
    media_types: tuple[str, ...]
    query: tuple[tuple[str, Node], ...] = ()
    headers: tuple[tuple[str, Node], ...] = ()
    cookies: tuple[tuple[str, Node], ...] = ()
    basic: Basic | None = None
    body: Node | None = None
    may_repeat: Mapping[str, str] = field(default_factory=dict)
    plain: tuple[tuple[str, str], ...] | None = None
    uses_authorization: bool = False
    stray_query: frozenset[str] = frozenset()
    stray_body: frozenset[str] = frozenset()
    repeatable: frozenset[str] = frozenset()
    required: tuple[Parameter, ...] = ()
    fixed: tuple[Parameter, ...] = ()
    names: frozenset[str] = frozenset()
    further: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Success:
    """What tells success from refusal: one of these statuses and, at `pointer`, one of these values."""

    statuses: tuple[int, ...] = (200,)
    pointer: tuple[str, ...] | None = None
    values: tuple[object, ...] = ()
    absent_ok: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """The answer. `also`: further places to read a value from, tried in order while it is absent.

    `extras`: what else is read and written, by canonical name; `secrets` among them are kept as `Secret`.
    """

    encoding: Encoding
    content_type: bytes
    body: Node | None
    headers: tuple[tuple[str, Node], ...]
    cookies: tuple[tuple[str, Node], ...]
    also: tuple[tuple[tuple[str, ...], Place], ...]
    success: Success
    extras: tuple[str, ...]
    secrets: tuple[str, ...]
    token_type: str
    expiry: OneOf["given", "jwt-exp", "never"]
    members: tuple[tuple[str, Place | None, str], ...] | None = None


@dataclass(frozen=True, slots=True)
class VendorError:
    """How one canonical error code is spelled; None leaves code or status as it is."""

    code: str | int | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Errors:
    """The shape of a refusal. `token_dead`: statuses of an API call that mean the token is no longer good."""

    body: Node | None
    codes: Mapping[str, VendorError]
    status: int | None = None
    token_dead: tuple[int, ...] = (401,)


@dataclass(frozen=True, slots=True)
class Present:
    """How an API call carries the token: templates over the canonical names of the answer."""

    headers: tuple[tuple[str, Node], ...] = ()
    query: tuple[tuple[str, Node], ...] = ()
    cookies: tuple[tuple[str, Node], ...] = ()


@dataclass(frozen=True, slots=True)
class TokenQuota:
    """At most `most` tokens per `per` (second, minute, hour, day, month), counted by `by` (client, address ...)."""

    most: int
    per: str
    by: str = "client"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the vendor promises of its tokens, in seconds. `reissue`: what a second request does to the first token.

    `lifetime`: how long a token lives when the answer does not say. `idle`: how long unused. `live`: how many at
    once. `renew_before`: how long before its end a client asks again.
    """

    lifetime: int | None = None
    idle: int | None = None
    renew_before: int | None = None
    reissue: OneOf["new", "same", "replace"] = "new"
    live: int | None = None
    quotas: tuple[TokenQuota, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """A value that a named function makes (jwt, hmac, uuid ...); `arguments` may hold places."""

    call: str
    arguments: Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class Example:
    """One exchange: the request and answer in bytes, and the canonical values they stand for."""

    form: str
    variables: Mapping[str, str]
    request: Mapping[str, str]
    sends: str
    issued_at: int
    response: Mapping[str, object]
    answers: str
    line: int


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one vendor speaks. `documentation`: the address of the vendor's page, `page`: that page in words; either
    may be empty. `url`: template of the token endpoint's address, for clients; `path`: where a server mounts it by
    default. `admits_cors`: whether a browser on another origin may be let in at all (never where a
    client secret is taken). `choice`: (media type, Authorization header present) -> form.
    `reads`: the headers of a request that anything is read from. `everything`: the scope that stands for all that may
    be granted, where the vendor has one.
    """

    name: str
    title: str
    documentation: str
    page: str
    grant_type: GrantName
    path: str
    method: str
    url: Node
    forms: tuple[Form, ...]
    choice: Mapping[tuple[str, bool], Form] = field(repr=False)
    parameters: Mapping[str, Parameter] = field(repr=False)
    response: Response = field(repr=False)
    errors: Errors = field(repr=False)
    present: Present = field(repr=False)
    limits: Limits = field(repr=False)
    functions: Mapping[str, Function] = field(repr=False)
    examples: tuple[Example, ...] = field(repr=False)
    keyfile: Node | None = field(repr=False, default=None)
    scope_delimiter: str = " "
    everything: str | None = None
    secret_in_query: bool = False
    admits_cors: bool = False
    challenge: str = "Basic"
    reads: frozenset[bytes] = frozenset({b"authorization", b"content-type"})

    def form(self, which: str | int = 0) -> Form:
        """A form by name or index. Raises KeyError."""
        for index, form in enumerate(self.forms):
            if which in (index, form.name):
                return form
        raise KeyError(which)
