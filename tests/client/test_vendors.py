"""Every vendor that is known as data: its exchange, from today's credentials to a token that a call can bear."""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from mintmark.client.exchange import Exchange, Pause, Steps
from mintmark.client.functions import named_functions
from mintmark.client.means import Means
from mintmark.client.profile import Profile
from mintmark.client.token import Credentials, Token
from mintmark.dialect import Dialect, catalogue, load_dialect, read_request, write_response
from mintmark.dialect.address import variables_of
from mintmark.dialect.catalogue import vendors
from mintmark.dialect.model import Example
from mintmark.dialect.proof import http_response, request_of
from mintmark.dialect.template import Place, places
from mintmark.values.secret import Secret
from mintmark.values.token import TokenResponse
from mintmark.wire.http import HttpRequest, HttpResponse

FOLDER = Path(__file__).parent.parent / "dialect" / "vendors"
SECRETS = ("client_secret", "password", "signature")


def _examples() -> Iterator[tuple[Dialect, Example]]:
    for dialect in catalogue().everything():
        for example in dialect.examples:
            yield dialect, example


EXAMPLES = list(_examples())
SURVEYED = [load_dialect(path.read_text(), path.name) for path in sorted(FOLDER.glob("*.toml"))]
SURVEYED += [catalogue().get(name) for name in vendors()]


def finish(steps: Steps, answer: str) -> tuple[HttpRequest, Token]:
    request = next(steps)
    assert not isinstance(request, Pause)
    try:
        steps.send(http_response(answer))
    except StopIteration as done:
        return request, done.value
    raise AssertionError("one answer is enough")


@pytest.mark.parametrize(("dialect", "example"), EXAMPLES, ids=[f"{d.name}-{e.form}" for d, e in EXAMPLES])
def test_the_documented_exchange_is_made_from_credentials(dialect: Dialect, example: Example) -> None:
    wanted = request_of(dialect, example)
    made = named_functions(lambda: example.issued_at, os.urandom)
    credentials: Credentials = {
        name: Secret(value) if name in SECRETS or dialect.parameters[name].secret else value
        for name, value in example.request.items()
        if name not in dialect.functions and name not in ("scope", "audience", "resource", "subject")
    }
    for function in dialect.functions.values():
        for place in chain.from_iterable(places(node) for node in function.arguments.values()):
            credentials.setdefault(place.name, Secret("given-to-the-function"))
    means = Means(
        send=lambda _: http_response(example.answers),
        clock=lambda: example.issued_at,
        monotonic=lambda: 0.0,
        sleep=lambda _: None,
        entropy=os.urandom,
        functions=made,
    )
    profile = Profile(
        dialect,
        lambda: credentials,
        {**example.variables, "client_id": example.request.get("client_id", "")},
        scope=wanted.scope,
        audience=wanted.audience,
        subject=wanted.subject,
        form=example.form,
    )
    request, token = finish(Exchange(profile, means).steps(patient=True), example.answers)
    read = read_request(dialect, request)
    for name in (
        "grant_type",
        "client_id",
        "client_secret",
        "username",
        "password",
        "subject",
        "scope",
        "audience",
    ):
        assert getattr(read, name) == getattr(wanted, name), name
    assert token.reveal() == example.response["access_token"]
    shown = token.presentation
    assert any(token.reveal() in value for _, value in chain(shown.headers, shown.query, shown.cookies))
    assert token.reveal() not in repr(token)


@pytest.mark.parametrize("dialect", SURVEYED, ids=[dialect.name for dialect in SURVEYED])
def test_a_surveyed_vendor_gets_its_request_and_its_answer_is_understood(dialect: Dialect) -> None:
    inner = {
        place.name
        for function in dialect.functions.values()
        for node in function.arguments.values()
        for place in places(node)
    }
    now = 1_700_000_040
    for form in dialect.forms:
        values = {
            name: dialect.parameters[name].only or "15"
            for name in (form.names | inner) - dialect.functions.keys()
            if name in dialect.parameters and name != "grant_type"
        }
        credentials: Credentials = {
            name: Secret(value) if name in SECRETS else value for name, value in values.items()
        }
        variables = {
            name: "https://vendor.example/token" if position == 0 and starts(dialect) else "vendor.example"
            for position, name in enumerate(variables_of(dialect.url))
        }
        means = Means(
            send=lambda _: HttpResponse(500),
            clock=lambda: now,
            monotonic=lambda: 0.0,
            sleep=lambda _: None,
            entropy=os.urandom,
            functions=named_functions(lambda: now, os.urandom),
        )
        profile = Profile(dialect, lambda given=credentials: given, variables, form=form.name)  # type: ignore[misc]
        steps = Exchange(profile, means).steps(patient=False)
        request = next(steps)
        assert isinstance(request, HttpRequest)
        read = read_request(dialect, request)
        for name in ("client_id", "username", "scope"):
            if name in form.names:
                assert getattr(read, name) == values[name]
        extras = dict.fromkeys(dialect.response.extras, "extra")
        answer = TokenResponse(Secret(a_jwt(now + 3600)), "Bearer", now, now + 3600, "15", extras)
        with pytest.raises(StopIteration) as done:
            steps.send(write_response(dialect, answer))
        assert done.value.value.reveal() == a_jwt(now + 3600)


def starts(dialect: Dialect) -> bool:
    """Whether a variable begins the address, and so is an address itself."""
    return isinstance(getattr(dialect.url, "parts", (dialect.url,))[0], Place)


def a_jwt(expires_at: int) -> str:
    claims = urlsafe_b64encode(json.dumps({"exp": expires_at}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"
