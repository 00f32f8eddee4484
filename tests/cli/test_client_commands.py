"""token, call, inspect, doctor, profile and their faults, as somebody types them; the vendor is on a loopback port."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from mintmark.cli import plain
from mintmark.cli.client import commands
from mintmark.compose.client_commands import services
from mintmark.transport.profile_file import ProfileFile
from tests.transport.host import SECRET, Host
from tests.transport.host import host as host
from tests.transport.loopback import Vendor, as_json, vendor


@pytest.fixture
def shop() -> Iterator[Vendor]:
    with vendor() as running:
        yield running


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(host: Host, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process, in the host's surroundings."""
    monkeypatch.chdir(host.folder)

    def run(*arguments: str, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capfd.readouterr()
        code = commands.run(arguments, services())
        out, err = capfd.readouterr()
        assert SECRET not in out + err
        assert "Traceback" not in err
        return Ran(code, out, err)

    return run


def refused(ran: Ran, code: int = 2) -> str:
    """The one sentence of a refusal."""
    assert (ran.code, ran.out) == (code, ""), ran
    assert ran.err.startswith("mintmark: ")
    assert ran.err.count("\n") == 1
    assert ran.err.rstrip().endswith((".", "?"))
    return ran.err


def test_token_prints_the_token_alone(host: Host, shop: Vendor, run: Run) -> None:
    host.save("shop", shop)
    assert run("token", "shop") == Ran(0, "T1-of-the-vendor\n", "")
    assert run("token", "shop", "--header").out == "Authorization: Bearer T2-of-the-vendor\n"
    answer = run("token", "shop", "--json").json
    assert (answer["access_token"], answer["token_type"], answer["scope"]) == (
        "T3-of-the-vendor",
        "Bearer",
        None,
    )
    assert answer["expires_at"].endswith("Z")


def test_token_comes_from_the_agent_and_costs_nothing_then(host: Host, shop: Vendor, run: Run) -> None:
    host.save("shop", shop)
    with host.agent():
        for form in ([], [], ["--header"], ["--json"]):
            assert "T1-of-the-vendor" in run("token", "shop", *form).out
    assert len(shop.token_requests) == 1


def test_everything_works_from_environment_variables_alone(
    host: Host, shop: Vendor, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "TOKEN_URL": f"{shop.url}/token",
        "CLIENT_ID": "c",
        "CLIENT_SECRET": SECRET,
        "API_URL": f"{shop.url}/v1/",
    }.items():
        monkeypatch.setenv(f"MINTMARK_{name}", value)
    assert run("token").out == "T1-of-the-vendor\n"
    assert run("call", "GET", "things").code == 0
    assert shop.calls[-1].path == "/v1/things"
    assert run("doctor").code == 0
    host.save("other", shop, client_id="another")
    monkeypatch.setenv("MINTMARK_PROFILE", "other")
    assert run("token", "--json").code == 0
    assert shop.token_requests[-1].headers["authorization"] != shop.token_requests[0].headers["authorization"]


def test_a_token_that_cannot_be_had_is_one_sentence(host: Host, shop: Vendor, run: Run) -> None:
    host.save("shop", shop)
    assert "There is no profile 'shoq'; there are: shop" in refused(run("token", "shoq"))
    assert "nothing says whose token is wanted" in refused(run("token")).lower()
    shop.refuse = lambda asked: as_json(401, {"error": "invalid_client", "error_description": "Wrong."})
    assert "401 invalid_client: Wrong." in refused(run("token", "shop"), 1)
    host.save("gone", shop, client_secret={"env": "NOT_SET_ANYWHERE"})
    assert "NOT_SET_ANYWHERE is not set" in refused(run("token", "gone"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "--nonsense"),
        ("token", "a", "b"),
        ("token", "shop", "--json", "--header"),
        ("call",),
        ("call", "shop"),
        ("call", "shop", "GET"),
        ("call", "shop", "FETCH", "/"),
        ("call", "shop", "CONNECT", "/"),
        ("call", "shop", "GET", "/", "word"),
        ("call", "shop", "GET", "/", ":=3"),
        ("call", "shop", "GET", "/", "a:=x"),
        ("call", "shop", "GET", "/", "-H", "no colon"),
        ("call", "shop", "GET", "/", "-H", "Authorization: Bearer x"),
        ("call", "shop", "GET", "/", "-H", "A: b\x00c"),
        ("call", "shop", "GET", "//elsewhere.example/"),
        ("call", "shop", "GET", "http://[bad/"),
        ("call", "shop", "POST", "/", "-d", "a", "--json", "b"),
        ("call", "shop", "POST", "/", "-d", "a", "b=c"),
        ("call", "shop", "POST", "/", "-d", "@/nowhere"),
        ("call", "shop", "GET", "/", "-o", "/nowhere/file"),
        ("call", "shop", "GET", "/", "-m", "0"),
        ("call", "shop", "GET", "ftp://elsewhere.example/"),
        ("call", "shop", "GET", "https://elsewhere.example/"),
        ("doctor", "shop", "--method", "X Y"),
        ("doctor", "shop", "--timeout", "0"),
        ("doctor", "shop", "--timeout", "soon"),
        ("profile",),
        ("profile", "fly"),
        ("profile", "add"),
        ("profile", "add", "GET", "--client-id", "c"),
        ("profile", "add", "../x", "--client-id", "c"),
        ("profile", "add", "shop", "--client-id", "c"),
        ("profile", "add", "new", "--secret-from", "env:X", "--dialect", "no-such"),
        ("profile", "add", "new", "--secret-from", "env:X", "--variable", "x"),
        ("profile", "add", "new", "--secret-from", "command:echo 'a", "--client-id", "c"),
        (
            "profile",
            "add",
            "new",
            "--secret-from",
            "env:X",
            "--client-id",
            "c",
            "--origin",
            "http://api.example",
        ),
        ("profile", "add", "new", "--dialect", "standard", "--secret-from", "keyring", "--client-id", "c"),
        ("profile", "show", "none"),
        ("profile", "remove", "none"),
        ("inspect",),
        ("inspect", "--issuer", "http://elsewhere.example"),
        ("proxy", "--listen", "0.0.0.0:1"),
        ("proxy", "--listen", "127.0.0.1:x"),
        ("proxy", "--listen", "127.0.0.1:1", "--socket", "s"),
        ("proxy", "--key-file", "k"),
        ("proxy", "--profile", "none"),
        ("completion", "tcsh"),
        ("token", "\udcff"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    host: Host, shop: Vendor, run: Run, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mintmark.compose.proxy.keep_memory_to_ourselves", lambda: None)
    host.save("shop", shop)
    refused(run(*arguments))
    assert shop.calls == []


def test_call_sends_what_curl_and_httpie_users_write(host: Host, shop: Vendor, run: Run) -> None:
    host.save("shop", shop)
    ran = run("call", "shop", "GET", f"{shop.url}/v1/x?a=1", "-H", "X-One: 1", "x-two:2", "q==a b")
    assert (ran.code, ran.json) == (0, {"token": "T1-of-the-vendor"})
    asked = shop.calls[-1]
    assert (asked.method, asked.path) == ("GET", "/v1/x?a=1&q=a%20b")
    assert (asked.headers["x-one"], asked.headers["x-two"]) == ("1", "2")
    run("call", "shop", "post", "/v1/x", "name=x y", "count:=3", "flag:=true")
    assert json.loads(shop.calls[-1].body) == {"name": "x y", "count": 3, "flag": True}
    assert shop.calls[-1].headers["content-type"] == "application/json"
    run("call", "shop", "PUT", "/v1/x", "-d", "a=b&c=d")
    assert (shop.calls[-1].body, shop.calls[-1].headers["content-type"]) == (
        b"a=b&c=d",
        "application/x-www-form-urlencoded",
    )
    run(
        "call",
        "shop",
        "POST",
        "/v1/x",
        "--json",
        "@-",
        "content-type:application/merge+json",
        stdin='{"a": 1}',
    )
    assert (shop.calls[-1].body, shop.calls[-1].headers["content-type"]) == (
        b'{"a": 1}',
        "application/merge+json",
    )


def test_call_takes_its_body_from_a_file_of_any_size(host: Host, shop: Vendor, run: Run) -> None:
    host.save("shop", shop)
    (host.folder / "body").write_bytes(b"x" * (3 << 20))
    assert run("call", "shop", "POST", "/v1/x", "-d", "@body").code == 0
    assert len(shop.calls[-1].body) == 3 << 20


def test_call_shows_the_head_or_writes_the_body_to_a_file(host: Host, shop: Vendor, run: Run) -> None:
    host.save("shop", shop)
    shop.respond = lambda asked: (200, {"x-odd": "a\x1b[31mb"}, b"\x00\xffbytes")
    ran = run("call", "shop", "GET", "/", "-i", "-o", "out")
    assert ran.out.startswith("HTTP/1.1 200 OK\n")
    assert "x-odd: a\\x1b[31mb\n" in ran.out
    assert (host.folder / "out").read_bytes() == b"\x00\xffbytes"


@pytest.mark.parametrize(
    ("status", "code"), [(200, 0), (204, 0), (302, 3), (403, 4), (404, 4), (500, 5), (503, 5)]
)
def test_the_exit_code_of_a_call_tells_what_was_answered(
    host: Host, shop: Vendor, run: Run, status: int, code: int
) -> None:
    host.save("shop", shop)
    shop.respond = lambda asked: (status, {}, b"")
    assert run("call", "shop", "GET", "/v1/x").code == code


def test_a_network_that_fails_is_told_from_an_api_that_refuses(host: Host, shop: Vendor, run: Run) -> None:
    host.save("shop", shop, origins=["http://127.0.0.1:1"])
    ran = run("call", "shop", "GET", "http://127.0.0.1:1/")
    assert ran.code == 6
    assert ran.err.count("\n") == 1


def test_a_call_that_is_refused_is_made_once_more_with_a_new_token(
    host: Host, shop: Vendor, run: Run
) -> None:
    host.save("shop", shop)
    shop.respond = lambda asked: as_json(401, {}) if len(shop.calls) == 1 else None
    assert run("call", "shop", "POST", "/v1/x", "a=b").code == 0
    assert [call.headers["authorization"] for call in shop.calls] == [
        "Bearer T1-of-the-vendor",
        "Bearer T2-of-the-vendor",
    ]


def test_the_token_goes_to_no_other_origin_also_along_a_redirect(host: Host, shop: Vendor, run: Run) -> None:
    host.save("shop", shop)
    with vendor() as elsewhere:
        elsewhere.respond = lambda asked: (200, {}, b"here")
        assert "is not sent to" in refused(run("call", "shop", "GET", f"{elsewhere.url}/"))
        shop.respond = lambda asked: (302, {"location": f"{elsewhere.url}/"}, b"")
        run("call", "shop", "GET", "/", "-L")
        assert all("authorization" not in asked.headers for asked in elsewhere.calls)
    host.save("nowhere", shop, api_url="")
    assert (
        "nothing says where the token may go"
        in refused(run("call", "nowhere", "GET", f"{shop.url}/")).lower()
    )


def test_inspect_tells_times_in_words_and_hides_the_signature(run: Run) -> None:
    token = "eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjE3MDAwMDAwMDAsImlzcyI6ImkiLCJhdWQiOiJhIn0.c2lnbmF0dXJl"
    ran = run("inspect", stdin=token)
    assert ran.code == 1
    assert "expires 2023-11-14T22:13:20Z" in ran.out
    assert "WRONG: It has expired." in ran.out
    assert "c2lnbmF0dXJl" not in ran.out
    shown = run("inspect", "--json", "--audience", "b", stdin=f"Authorization: Bearer {token}\n")
    assert [fault["reason"] for fault in shown.json["faults"]] == ["expired", "wrong_audience"]
    assert "c2lnbmF0dXJl" not in shown.out


def test_inspect_tells_an_opaque_token_and_never_shows_it(run: Run) -> None:
    ran = run("inspect", stdin="0pAqUe-token-text\n")
    assert (ran.code, "opaque" in ran.out, "0pAqUe" in ran.out) == (0, True, False)


def test_a_profile_is_saved_listed_shown_and_removed(host: Host, run: Run) -> None:
    added = run(
        *("profile", "add", "vendor", "--dialect", "oleria", "--token-url", "https://auth.example/t"),
        *(
            "--client-id",
            "c",
            "--secret-from",
            "file:secret.txt",
            "--scope",
            "a b",
            "--origin",
            "https://api.example",
        ),
    )
    assert added.code == 0, added.err
    path = ProfileFile().path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shown = run("profile", "show", "vendor", "--json").json
    assert shown["client_secret"] == f"file {host.folder}/secret.txt"
    assert shown["origins"] == ["https://api.example"]
    assert run("profile", "list", "--json").json == [shown]
    assert run("profile", "list", "--names").out == "vendor\n"
    assert "oleria" in run("profile", "list").out
    assert "api.example" in run("profile", "show", "vendor").out
    assert "already" in refused(run("profile", "add", "vendor", "--client-id", "d", "--secret-from", "env:X"))
    assert run("profile", "remove", "vendor", "--json").json == {"removed": "vendor"}
    assert run("profile", "list").err.startswith("There are none")


def test_a_secret_is_in_the_profile_file_only_when_asked_for(host: Host, run: Run) -> None:
    ran = run(
        *(
            "profile",
            "add",
            "v",
            "--token-url",
            "https://a.example/t",
            "--client-id",
            "c",
            "--secret-from",
            "here",
        ),
        stdin=f"{SECRET}\n",
    )
    assert ran.code == 0, ran.err
    assert SECRET in ProfileFile().path.read_text()
    assert run("profile", "show", "v", "--json").json["client_secret"] == "profile file"
    ProfileFile().path.chmod(0o644)
    assert "can be read by others" in refused(run("profile", "list"))
    ProfileFile().path.chmod(0o666)
    assert "can be written by others" in refused(run("profile", "list"))


def test_a_secret_in_place_of_its_whereabouts_is_not_repeated(run: Run) -> None:
    said = refused(run("profile", "add", "v", "--client-id", "c", "--secret-from", SECRET))
    assert "takes no secret" in said
    assert SECRET not in said


class _Ring:
    """A keyring in memory, as the library's own backends are."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, user: str) -> str | None:
        return self.held.get((service, user))

    def set_password(self, service: str, user: str, password: str) -> None:
        self.held[service, user] = password

    def delete_password(self, service: str, user: str) -> None:
        del self.held[service, user]


def test_a_secret_is_kept_in_the_keyring_by_default(
    host: Host, shop: Vendor, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = _Ring()
    monkeypatch.setitem(sys.modules, "keyring", ring)  # type: ignore[arg-type]
    assert (
        run("profile", "add", "v", "--token-url", f"{shop.url}/token", "--client-id", "c", stdin=SECRET).code
        == 0
    )
    assert ring.held == {("mintmark", "v/client_secret"): SECRET}
    assert SECRET not in ProfileFile().path.read_text()
    assert run("token", "v").out == "T1-of-the-vendor\n"
    again = ("profile", "add", "v", "--replace", "--token-url", f"{shop.url}/token", "--client-id", "c")
    assert run(*again, "--secret-from", "env:X").code == 0
    assert ring.held == {}
    assert run(*again, stdin="another").code == 0
    assert run("profile", "remove", "v").code == 0
    assert ring.held == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[v]\nclient_id = 3\n", "'client_id' must be text"),
        ("[v]\nnonsense = 'x'\n", "unknown key 'nonsense'"),
        ("[v]\nclient_secret = { vault = 'x' }\n", "must name its place"),
        ("[v]\norigins = 'x'\n", "must be a list"),
        ("[v]\nvariables = 'x'\n", "must be a table"),
        ("v = 1\n", "is not a table"),
        ("[v\n", "is not TOML"),
        ("['a b']\nclient_id = 'x'\n", "a profile's name"),
    ],
)
def test_a_profile_file_that_is_wrong_is_named_with_the_key(run: Run, text: str, words: str) -> None:
    path = ProfileFile().path
    path.parent.mkdir(parents=True)
    path.write_text(text)
    path.chmod(0o600)
    said = refused(run("profile", "list"))
    assert words in said
    assert str(path) in said


def test_odd_values_survive_the_profile_file(host: Host, run: Run) -> None:
    odd = "q\"\\u0041' é 𝄞 #=[]"
    assert run("profile", "add", "v", "--client-id", odd, "--secret-from", "command:echo 'a b'").code == 0
    assert run("profile", "show", "v", "--json").json["client_id"] == odd


def test_an_answer_that_nobody_reads_to_its_end_is_no_fault(host: Host, shop: Vendor) -> None:
    host.save("shop", shop)
    code = (
        f"{sys.executable} -m mintmark.compose.main completion bash | head -n 1 >&2; exit ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(
        ["bash", "-c", code], env=host.environment(), capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr


def test_what_takes_longer_than_a_second_is_told_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream(io.StringIO):
        terminal = True
        told = threading.Event()

        def isatty(self) -> bool:
            return self.terminal

        def flush(self) -> None:
            self.told.set()

    stream = Stream()
    monkeypatch.setattr(sys, "stderr", stream)
    with plain.progress("asking", after=0.001):
        assert stream.told.wait(10)
    assert "asking ... " in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")
    Stream.terminal, quiet = False, Stream()
    monkeypatch.setattr(sys, "stderr", quiet)
    with plain.progress("asking", after=0):
        pass
    assert quiet.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.6, "1 min"), (3661, "1 h 1 min"), (90000, "1 d 1 h"), (-5, "5 s")]
)
def test_periods_are_told_in_words(seconds: float, words: str) -> None:
    assert plain.period(seconds) == words


_IMPORTED = """
import sys
sys.argv = ["mintmark", *sys.argv[1:]]
from mintmark.compose.main import main
try:
    main()
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules} | set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "never"),
    [
        (
            ("token", "shop"),
            (
                "asyncio",
                "ssl",
                "httpx2",
                "cryptography",
                "urllib.request",
                "mintmark.dialect",
                "mintmark.compose.client",
            ),
        ),
        (
            ("call", "shop", "GET", "/v1/x"),
            ("mintmark.authorization_server", "mintmark.resource_server", "uvicorn"),
        ),
    ],
)
def test_a_command_of_a_client_loads_no_more_than_it_needs(
    host: Host, shop: Vendor, arguments: tuple[str, ...], never: tuple[str, ...]
) -> None:
    host.save("shop", shop)
    with host.agent():
        done = subprocess.run(
            [sys.executable, "-c", _IMPORTED, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            env=host.environment(),
            check=False,
        )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split())
    assert "argparse" in loaded
    assert loaded.isdisjoint({"rich", "pydantic", "sqlalchemy", "typer", "structlog", *never})


def test_without_the_servers_libraries_the_client_commands_are_there(host: Host, shop: Vendor) -> None:
    host.save("shop", shop)
    core = host.folder / "sitecustomize.py"
    core.write_text(
        "import sys\n"
        "for name in ('typer', 'rich', 'pydantic', 'sqlalchemy', 'structlog', 'uvicorn', 'keyring', 'argon2'):\n"
        "    sys.modules[name] = None\n"
    )
    path = os.pathsep.join([str(host.folder), host.environment()["PYTHONPATH"]])
    assert host.run("token", "shop", PYTHONPATH=path).stdout == "T1-of-the-vendor\n"
    listed = host.run("--help", PYTHONPATH=path)
    assert all(f"  {name} " in listed.stdout for name in commands.COMMANDS)
    for arguments in (["serve"], ["proxy", "--profile", "shop"]):
        ran = host.run(*arguments, PYTHONPATH=path)
        assert (ran.returncode, ran.stderr.count("\n")) == (2, 1), ran.stderr
        assert "pip install 'mintmark[" in ran.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command(run: Run, shell: str) -> None:
    script = run("completion", shell).out
    for word in (*commands.COMMANDS, "--secret-from", "service-account", "--header", "profile list --names"):
        assert word in script


def test_bash_completes_commands_options_and_profiles(host: Host, shop: Vendor, run: Run) -> None:
    host.save("shop", shop)
    script = run("completion", "bash").out
    probe = "mintmark() { echo shop; }\n"
    probe += 'for line in "token " "profile sh" "profile add --sec" "admin tenant cr" "tok"; do\n'
    probe += 'COMP_WORDS=(mintmark $line); [[ $line == *" " ]] && COMP_WORDS+=("")\n'
    probe += 'COMP_CWORD=$((${#COMP_WORDS[@]}-1)); COMPREPLY=(); _mintmark; echo "${COMPREPLY[*]}"; done\n'
    done = subprocess.run(["bash", "-c", script + probe], capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[1:5] == ["show", "--secret-from", "create", "token"], done.stderr
    assert "shop" in done.stdout.split("\n")[0]
