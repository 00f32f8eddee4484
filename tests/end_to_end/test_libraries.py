"""Client libraries that Oleria's page names, unmodified: they send Basic first, which this mount takes as well."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import call_api, environment

GO_PROGRAM = """package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/oauth2/clientcredentials"
)

func main() {
	config := clientcredentials.Config{
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		TokenURL:     os.Getenv("TOKEN_URL"),
		Scopes:       []string{os.Getenv("SCOPE")},
	}
	token, err := config.Token(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(token.AccessToken)
}
"""


@pytest.mark.parametrize("tenant", ["oleria", "standard"])
@pytest.mark.parametrize("include_client_id", [None, True, False])
def test_requests_oauthlib_runs_unmodified(
    demo: Demo, tenant: str, include_client_id: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # the library refuses http, loopback included
    entry = demo.entries[tenant]
    scope = [entry["scope"]] if "scope" in entry else None
    client = BackendApplicationClient(client_id=entry["client_id"], scope=scope)
    with OAuth2Session(client=client) as session:
        token = session.fetch_token(
            token_url=entry["token_url"],
            client_id=entry["client_id"],
            client_secret=entry["client_secret"],
            include_client_id=include_client_id,
        )
        assert (
            session.request(entry["api_method"], entry["api_url"], data=entry["api_body"]).status_code == 200
        )
    assert token["token_type"] == "Bearer"


@pytest.mark.interop
@pytest.mark.timeout(600)
@pytest.mark.parametrize("tenant", ["oleria", "standard"])
def test_gos_clientcredentials_runs_unmodified(demo: Demo, tenant: str, tmp_path: Path) -> None:
    if (go := shutil.which("go")) is None:
        pytest.skip("there is no go on this machine")
    entry = demo.entries[tenant]
    (tmp_path / "main.go").write_text(GO_PROGRAM)
    (tmp_path / "go.mod").write_text("module interop\n")
    got = subprocess.run(
        [go, "get", "golang.org/x/oauth2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if got.returncode != 0:
        pytest.skip("golang.org/x/oauth2 cannot be fetched here")
    given = environment(
        CLIENT_ID=entry["client_id"],
        CLIENT_SECRET=entry["client_secret"],
        TOKEN_URL=entry["token_url"],
        SCOPE=entry.get("scope", "things:read"),
    )
    done = subprocess.run(
        [go, "run", "."], cwd=tmp_path, env=given, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert call_api(entry, done.stdout).status == 200
