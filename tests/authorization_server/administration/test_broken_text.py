"""Text that is no Unicode, which JSON and argument lists can carry, names nothing and stops nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mintmark.authorization_server.administration import (
    access_requests,
    api_tokens,
    apis,
    client_secrets,
    clients,
    legacy_tokens,
    machine_users,
    people,
    signature_keys,
    signing_keys,
    tenants,
)
from tests.authorization_server.administration.conftest import ENVIRONMENT, House

BROKEN = "\ud800"
PLACE = {"environment": ENVIRONMENT}


@pytest.mark.parametrize(
    ("function", "arguments", "options"),
    [
        (tenants.disable, [BROKEN], {}),
        (clients.create, [], {"environment": f"acme/{BROKEN}", "name": "x"}),
        (apis.disable, [ENVIRONMENT, BROKEN], {}),
        (clients.disable, [ENVIRONMENT, BROKEN], {}),
        (client_secrets.revoke, [], {**PLACE, "client_id": BROKEN, "secret_id": "x"}),
        (api_tokens.revoke, [], {**PLACE, "token_id": BROKEN}),
        (legacy_tokens.revoke, [], {**PLACE, "token_id": BROKEN}),
        (signature_keys.revoke, [], {**PLACE, "key_id": BROKEN}),
        (signing_keys.withdraw, [], {**PLACE, "kid": BROKEN}),
        (machine_users.disable, [ENVIRONMENT, BROKEN], {}),
        (people.disable, [BROKEN], {}),
        (access_requests.approve, [BROKEN], {}),
    ],
)
def test_it_names_nothing(
    acme: House, function: Callable[..., Any], arguments: list[str], options: dict[str, str]
) -> None:
    acme.refuses("not_found", function, *arguments, **options)


def test_it_is_no_user_name(acme: House) -> None:
    acme.refuses("invalid", machine_users.create, **PLACE, username=BROKEN, digest="d")
