"""A fake vendor speaks every dialect that is known, in each of its forms, to a source that does not know it is fake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

import mintmark
from mintmark.client.errors import Misconfigured, Refused
from mintmark.dialect import Dialect, catalogue, load_dialect
from mintmark.testing import FakeVendor

NOW = 1_700_000_040
SURVEY = Path(__file__).parent.parent / "dialect" / "vendors"
DIALECTS = [
    *catalogue().everything(),
    *(load_dialect(path.read_text(encoding="utf-8"), path.name) for path in sorted(SURVEY.glob("*.toml"))),
]
FORMS = [(dialect, form.name) for dialect in DIALECTS for form in dialect.forms]
#: Those whose request holds a secret: not only what a named function made of it, and more than an id.
PRESENTING = [
    dialect
    for dialect in DIALECTS
    if not dialect.forms[0].names.isdisjoint({"client_secret", "password", "signature"})
]

Start = Callable[..., FakeVendor]


@pytest.mark.parametrize(
    ("dialect", "form"), FORMS, ids=[f"{dialect.name}-{form}" for dialect, form in FORMS]
)
def test_a_token_is_had_and_opens_the_api(fake_vendor: Start, dialect: Dialect, form: str) -> None:
    vendor = fake_vendor(dialect, form=form, now=NOW)
    source = vendor.source()
    with httpx2.Client(auth=source.auth()) as client:
        assert client.get(vendor.api_url).status_code == 200
        assert client.post(f"{vendor.api_url}/things", content=b"12345").json()["bytes"] == 5
    vendor.assert_asked_once()
    vendor.assert_called(2)
    (asked,) = vendor.token_requests
    assert asked.request is not None
    assert asked.request.grant_type == dialect.grant_type


@pytest.mark.parametrize("dialect", PRESENTING, ids=[dialect.name for dialect in PRESENTING])
def test_a_wrong_secret_is_refused_in_the_dialects_shape(fake_vendor: Start, dialect: Dialect) -> None:
    vendor = fake_vendor(dialect, now=NOW)
    vendor.rotate_secret(announced=False)
    with pytest.raises(Refused) as caught:
        vendor.source().token()
    assert caught.value.permanent
    assert vendor.token_requests[0].status == caught.value.status or dialect.errors.status == 200


@pytest.mark.parametrize("name", ["standard", "omnissa", "oleria", "omneo-shopify", "gigachat", "workeasy"])
def test_the_environment_is_enough_for_a_program(
    fake_vendor: Start, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    vendor = fake_vendor(name)
    for variable, value in vendor.environment().items():
        monkeypatch.setenv(variable, value)
    with httpx2.Client(auth=mintmark.source().auth()) as client:
        assert client.get(vendor.api_url).status_code == 200
    vendor.assert_asked_once()


def test_a_file_of_ones_own_and_a_dict_are_dialects_too(fake_vendor: Start, tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(
        'name = "acme"\ntitle = "Acme"\npath = "/t"\n[[forms]]\nencoding = "json"\n'
        'body = { key = "${client_id}", secret = "${client_secret}", realm = "${realm}" }\n'
        '[parameters.realm]\nrequired = true\n[response]\nbody = { token = "${access_token}" }\n'
    )
    for given in (file, str(file)):
        vendor = fake_vendor(given)
        vendor.source().token()
        assert vendor.token_requests[0].json() == {
            "key": "fake-client",
            "secret": "fake-secret-1",
            "realm": "fake-realm",
        }
        assert vendor.environment()["MINTMARK_DIALECT"] == str(file)
    from_dict = fake_vendor(
        {
            "name": "acme",
            "title": "Acme",
            "path": "/t",
            "forms": [{"body": {"id": "${client_id}", "key": "${client_secret}"}}],
            "response": {"body": {"token": "${access_token}"}},
        }
    )
    from_dict.source().token()
    with pytest.raises(ValueError, match="neither named nor a file"):
        from_dict.environment()


def test_an_unknown_dialect_is_named(fake_vendor: Start) -> None:
    with pytest.raises(Misconfigured, match="there is no dialect 'klingon'"):
        fake_vendor("klingon")
    with pytest.raises(KeyError):
        fake_vendor("omnissa", form="telegram")


def test_the_vendors_credentials_file_is_written_with_todays_secret(fake_vendor: Start) -> None:
    vendor = fake_vendor("omnissa")
    file = vendor.credentials_file
    assert file.stat().st_mode & 0o777 == 0o600
    assert vendor.client_id == "fake-client@acme.data.workspaceone.com"
    mintmark.source("omnissa", credentials=file, origins=[vendor.url]).token()
    fresh = vendor.rotate_secret()
    assert fresh not in file.read_text()
    assert fresh in vendor.credentials_file.read_text() and fresh == vendor.client_secret
    vendor.close()
    assert not file.exists()
    with pytest.raises(ValueError, match="has no credentials file"):
        fake_vendor("oleria").credentials_file  # noqa: B018


@pytest.mark.parametrize(("reissue", "tokens"), [("new", 2), ("same", 1), ("replace", 2)])
def test_a_second_request_does_what_the_dialect_says(fake_vendor: Start, reissue: str, tokens: int) -> None:
    standard = catalogue().get("standard")
    vendor = fake_vendor(replace(standard, limits=replace(standard.limits, reissue=reissue)))  # type: ignore[arg-type]
    first, second = (vendor.source().token().reveal() for _ in range(2))
    assert len({first, second}) == tokens
    good = httpx2.get(vendor.api_url, headers={"Authorization": f"Bearer {first}"})
    assert good.status_code == (401 if reissue == "replace" else 200)
    assert httpx2.get(vendor.api_url, headers={"Authorization": f"Bearer {second}"}).status_code == 200


def test_other_parameters_are_asked_for_as_the_dialects_example_has_them(fake_vendor: Start) -> None:
    vendor = fake_vendor("mattr")
    vendor.source().token()
    vendor.source(audience="https://other.example").token()
    asked = [one.request.audience for one in vendor.token_requests if one.request]
    assert asked == [("https://your-tenant.example",), ("https://other.example",)]
    oleria = fake_vendor("oleria")
    oleria.source().token()
    assert oleria.token_requests[0].request is not None
    assert (
        oleria.token_requests[0].request.scope
        == "ClientCredentialsResourceServer/client_credentials_base_scope"
    )


def test_a_dialect_without_a_secret_has_none_to_rotate(fake_vendor: Start) -> None:
    vendor = fake_vendor(
        {
            "name": "open",
            "title": "Open",
            "path": "/t",
            "forms": [{"body": {"id": "${client_id}"}}],
            "response": {"body": {"token": "${access_token}"}},
        }
    )
    assert vendor.source().token()
    assert vendor.client_secret == ""
    with pytest.raises(ValueError, match="has no secret"):
        vendor.rotate_secret()
