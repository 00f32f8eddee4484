"""The admin API of a running server, asked by the command line with a token of our own client.

The client is a saved profile's, or the environment's: ``MINTMARK_CLIENT_ID``, ``MINTMARK_CLIENT_SECRET`` or
``MINTMARK_CLIENT_SECRET_FILE``, and ``MINTMARK_TOKEN_URL`` where it is not one of the operators.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import cache

from mintmark.authorization_server.administration.access import admin_audience
from mintmark.cli.services import Failure, Place, UsageFault
from mintmark.client.errors import Misconfigured, NoToken
from mintmark.client.means import SendFault
from mintmark.compose.client import source
from mintmark.compose.operators import token_url
from mintmark.compose.profiles import Opened, open_profile
from mintmark.transport.http_sender import HttpSender
from mintmark.transport.secret_sources import SecretText, from_environment, from_file
from mintmark.wire.http import HttpRequest, HttpResponse

TIME_LIMIT = 60.0
ID, SECRET, TOKEN_URL = "MINTMARK_CLIENT_ID", "MINTMARK_CLIENT_SECRET", "MINTMARK_TOKEN_URL"


@cache
def remote(place: Place) -> Callable[[HttpRequest], HttpResponse]:
    """Asks the server of `place`. Raises UsageFault when nothing says with which client, or where to is not safe."""
    server = place.server or ""
    try:
        opened = open_profile(place.profile) if place.profile is not None else _environment(server)
        opened.demand(server)
    except (Misconfigured, ValueError) as fault:
        raise UsageFault(f"{fault}") from None
    # What goes wrong is said once, by the command, and not by the client's log as well.
    logging.getLogger("mintmark.client").addHandler(logging.NullHandler())
    send, base = HttpSender(TIME_LIMIT), admin_audience(server)

    def ask(request: HttpRequest) -> HttpResponse:
        try:
            bearer = b"Bearer " + opened.source.token().reveal().encode()
            return send(
                request._replace(
                    url=base + request.path, headers=(*request.headers, (b"authorization", bearer))
                )
            )
        except Misconfigured as fault:
            raise UsageFault(f"{fault}") from None
        except NoToken as fault:
            raise Failure(f"No token for {base}: {fault}") from None
        except SendFault as fault:
            raise Failure(f"{server} cannot be asked: {fault}") from None

    return ask


def _environment(server: str) -> Opened:
    client_id = os.environ.get(ID, "")
    if not client_id:
        raise Misconfigured(
            f"nothing says with which client {server} is asked: name a profile with --profile, or set {ID} and {SECRET}"
        )
    made = source(
        token_url=os.environ.get(TOKEN_URL) or token_url(server),
        client_id=client_id,
        client_secret=_secret(),
        audience=admin_audience(server),
        origins=(server,),
    )
    return Opened(made, server, (server,))


def _secret() -> SecretText:
    file = os.environ.get(f"{SECRET}_FILE", "")
    if file and os.environ.get(SECRET):
        raise Misconfigured(f"{SECRET} and {SECRET}_FILE are both set: which one holds the secret?")
    return from_file(file) if file else from_environment(SECRET)
