"""The credentials file: the vendor's keys in the vendor's order, and strict reading."""

from __future__ import annotations

import json

import pytest

from mintmark.dialect import catalogue, read_keyfile, write_keyfile
from mintmark.dialect.keyfile import LARGEST
from mintmark.values.secret import Secret

OMNISSA = catalogue().get("omnissa")
VALUES: dict[str, str | Secret] = {
    "name": "reportscript",
    "token_url": "https://auth.example/oauth/token",
    "client_id": "your-client-id@acme.data.workspaceone.com",
    "client_secret": Secret("s3cret"),
    "audience": "api.data.workspaceone.com",
}
#: As its Authentication page shows it.
FILE = """{
  "name": "reportscript",
  "tokenEndpoint": "https://auth.example/oauth/token",
  "clientId": "your-client-id@acme.data.workspaceone.com",
  "clientSecret": "s3cret",
  "authorizedGrantType": [
    "CLIENT_CREDENTIALS"
  ],
  "resourceIds": [
    "api.data.workspaceone.com"
  ]
}
"""


def test_the_file_has_exactly_the_documents_keys_in_order() -> None:
    assert write_keyfile(OMNISSA, VALUES) == FILE
    assert read_keyfile(OMNISSA, FILE) == VALUES


def test_further_keys_are_ignored_and_several_resources_kept() -> None:
    tree = json.loads(FILE) | {"resourceIds": ["a", "b"], "createdBy": "someone"}
    assert read_keyfile(OMNISSA, json.dumps(tree))["audience"] == "a b"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"clientSecret": None}, "lacks 'clientSecret'"),
        ({"clientId": ""}, "lacks 'clientId'"),
        ({"clientId": 7}, "client_id must be text"),
        ({"clientSecret": "s3cret\n"}, "control"),
        ({"authorizedGrantType": ["PASSWORD"]}, "authorizedGrantType"),
        ({"authorizedGrantType": None}, "authorizedGrantType"),
        ({"resourceIds": "x"}, "array of text"),
    ],
)
def test_refuses_a_file_that_does_not_fit(change: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        read_keyfile(OMNISSA, json.dumps(json.loads(FILE) | change))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a":1,"a":2}', "\ud800", " " * (LARGEST + 1)])
def test_refuses_what_is_no_credentials_file(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|UTF-8|large|repeated"):
        read_keyfile(OMNISSA, text)


def test_refuses_to_write_half_a_file() -> None:
    with pytest.raises(ValueError, match="needs token_url"):
        write_keyfile(OMNISSA, {**VALUES, "token_url": ""})
    with pytest.raises(ValueError, match="has no credentials file"):
        write_keyfile(catalogue().get("standard"), VALUES)
