"""Configurations of proxies that Debian lacks, read by those proxies' own definitions where Go can fetch them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mintmark.web.forward_auth import IDENTITY
from tests.interop.proxies.programs import FILES

pytestmark = [pytest.mark.interop, pytest.mark.timeout(900)]

ENVOY = """package main

import (
    "fmt"
    "os"

    bootstrap "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
    _ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
    _ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
    _ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
    "google.golang.org/protobuf/encoding/protojson"
    "sigs.k8s.io/yaml"
)

func main() {
    text, err := os.ReadFile(os.Args[1])
    if err == nil {
        text, err = yaml.YAMLToJSONStrict(text)
    }
    var read bootstrap.Bootstrap
    if err == nil {
        err = protojson.Unmarshal(text, &read)
    }
    if err == nil {
        err = read.ValidateAll()
    }
    if err != nil {
        fmt.Println(err)
        os.Exit(1)
    }
}
"""


TRAEFIK = """package main

import (
    "fmt"
    "os"

    "github.com/traefik/paerser/file"
    "github.com/traefik/traefik/v3/pkg/config/dynamic"
)

func main() {
    var read dynamic.Configuration
    if err := file.Decode(os.Args[1], &read); err != nil {
        fmt.Println(err)
        os.Exit(1)
    }
}
"""
#: Traefik keeps two empty types in a module beside its own, which only its repository has.
TRAEFIK_MODULE = """module interop

replace github.com/traefik/traefik/dynamic/ext => ./ext
"""


def built(here: Path, program: str, module: str) -> Path:
    if (go := shutil.which("go")) is None:
        pytest.skip("there is no go on this machine")
    (here / "main.go").write_text(program)
    (here / "go.mod").write_text(module)
    for command in ([go, "mod", "tidy"], [go, "build", "-o", "check", "."]):
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode != 0:
            pytest.skip(f"the definitions cannot be fetched here: {done.stderr[-200:]}")
    return here / "check"


@pytest.fixture(scope="module")
def check_envoy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("envoy"), ENVOY, "module interop\n")


@pytest.fixture(scope="module")
def check_traefik(tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("traefik")
    (here / "ext").mkdir()
    (here / "ext" / "go.mod").write_text("module github.com/traefik/traefik/dynamic/ext\n")
    (here / "ext" / "ext.go").write_text("package ext\n\ntype HTTP struct{}\ntype Router struct{}\n")
    return built(here, TRAEFIK, TRAEFIK_MODULE)


def read(check: Path, file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([check, file], capture_output=True, text=True, timeout=60, check=False)


def test_envoys_definitions_admit_its_configuration(check_envoy: Path) -> None:
    done = read(check_envoy, FILES / "envoy" / "envoy.yaml")
    assert done.returncode == 0, done.stdout


def test_that_check_finds_a_misspelt_field(check_envoy: Path, tmp_path: Path) -> None:
    text = (FILES / "envoy" / "envoy.yaml").read_text()
    (tmp_path / "envoy.yaml").write_text(text.replace("failure_mode_allow", "failure_mode_alow"))
    assert "failure_mode_alow" in read(check_envoy, tmp_path / "envoy.yaml").stdout


def test_traefiks_definitions_admit_its_configuration(check_traefik: Path) -> None:
    done = read(check_traefik, FILES / "traefik" / "dynamic.yml")
    assert done.returncode == 0, done.stdout


def test_that_check_finds_a_misspelt_option(check_traefik: Path, tmp_path: Path) -> None:
    text = (FILES / "traefik" / "dynamic.yml").read_text()
    (tmp_path / "dynamic.yml").write_text(text.replace("trustForwardHeader", "trustForwardHeadr"))
    assert "trustForwardHeadr" in read(check_traefik, tmp_path / "dynamic.yml").stdout


def test_traefik_takes_every_identity_header_from_the_guard_and_none_from_a_client() -> None:
    text = (FILES / "traefik" / "dynamic.yml").read_text()
    for name in IDENTITY:
        spelt = "-".join(part.capitalize() for part in name.decode().split("-"))
        assert f"          - {spelt}\n" in text
        assert f'          {spelt}: ""\n' in text
