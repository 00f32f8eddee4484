"""A client's token request and the call that follows it, as texts to paste in several languages.

They are made from the request that the dialect writes, so that what is pasted is what the server reads. The texts
themselves are templates.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from mintmark.authorization_server.ports import EnvironmentView
from mintmark.values.client import Client
from mintmark.values.secret import Secret
from mintmark.web.console.services import SampleCall
from mintmark.web.console.token_requests import Endpoint, api_url, scope_to_name, token_request

#: What stands for a secret that is not known any more.
PLACEHOLDER = "YOUR_CLIENT_SECRET"
#: The languages, each with its template.
LANGUAGES: Mapping[str, str] = {
    "curl": "curl.txt",
    "Python": "python.txt",
    "JavaScript": "javascript.txt",
    "Go": "go.txt",
    "Mintmark": "mintmark.txt",
}


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text to paste; it may hold the secret. `language`: for its tab."""

    language: str
    text: str = field(repr=False)


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("mintmark.web.console", "templates/snippets"),
        autoescape=False,  # noqa: S701 - texts of programs, each value quoted as its language has it
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"shell": shlex.quote, "python": repr, "script": json.dumps}
    return made


def snippets(
    view: EnvironmentView,
    client: Client,
    endpoint: Endpoint,
    secret: Secret,
    user: tuple[str, Secret] | None,
    call: SampleCall,
) -> list[Snippet]:
    """The request and the call, in every language. Raises ValueError, which says what is missing."""
    request = token_request(view, client, endpoint, secret, user)
    audience = next(iter(client.allowed), "")
    names = frozenset[str]().union(*(form.names for form in endpoint.dialect.forms))
    url = api_url(view, audience)
    settings = {
        "token_url": endpoint.url,
        "client_id": client.client_id,
        "client_secret": secret.reveal(),
        "username": user[0] if user else "",
        "password": user[1].reveal() if user else "",
        "audience": audience if "audience" in names else "",
        "scope": scope_to_name(view, client, endpoint),
    }
    values = {
        "method": request.method,
        "target": request.url + (f"?{request.query.decode('ascii')}" if request.query else ""),
        "headers": {name.decode().title(): value.decode() for name, value in request.headers},
        "body": request.body.decode(),
        "call": {"method": call.method, "url": url + call.path, "path": call.path, "body": call.body},
        "api_url": url,
        "dialect": endpoint.dialect.name,
        "settings": {name: value for name, value in settings.items() if value},
        "json_body": json.loads(call.body) if call.body else None,
    }
    return [
        Snippet(language, _templates().get_template(name).render(values))
        for language, name in LANGUAGES.items()
    ]
