"""`mintmark call`: an API call with a token, in the words of curl (`-H -d -o -i -L`) and HTTPie (`name:value
name=value`).

Exit codes: 0 for 2xx, 3, 4 and 5 for 3xx, 4xx and 5xx, 6 when the network failed, 1 without a token, 2 for bad
input. The token goes to the profile's origins only, also along redirects.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from mintmark.cli import plain
from mintmark.cli.client.parsing import Parser, profile_name
from mintmark.cli.client.services import ClientServices
from mintmark.cli.faults import UsageFault
from mintmark.client.profile_entry import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

#: A body up to this size is read as a whole, so that a call can be repeated after a 401.
REPLAYABLE = 1 << 20
NETWORK_FAILED = 6
_ITEMS = {
    ":=": "a field of JSON",
    "==": "a parameter of the query",
    "=": "a field of text",
    ":": "a header",
}


class Wanted(NamedTuple):
    """What the arguments ask for."""

    profile: str | None
    method: str
    url: str
    headers: list[tuple[str, str]]
    query: list[tuple[str, str]]
    fields: dict[str, object]


_EPILOG = """\
items, as HTTPie has them: name:value is a header, name==value a parameter of the query, name=value a field
of a JSON body, name:=value one that is no text.

exit codes: 0 for 2xx; 3, 4, 5 for 3xx, 4xx, 5xx; 6 when the network failed; 1 without a token; 2 for bad input."""
_WORDS = "PROFILE (optional, as in `mintmark token`), METHOD, URL or a path below the profile's api-url, and items."
_DATA = "TEXT|@FILE|@-"


def parser(name: str, about: str) -> Parser:
    """Of this command."""
    made = Parser(
        name, about, usage="mintmark call [PROFILE] METHOD URL [ITEM ...] [OPTION ...]", epilog=_EPILOG
    )
    option = made.add_argument
    option("words", nargs="+", metavar="WORD", help=_WORDS)
    option(
        "-H",
        "--header",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="Add a header; repeatable.",
    )
    option("-d", "--data", metavar=_DATA, help="Body, as it is; @ reads a file, @- standard input.")
    option("--json", metavar=_DATA, help="Body in JSON, with the headers that say so.")
    option("-o", "--output", type=Path, metavar="FILE", help="Write the answer's body to a file.")
    option("-i", "--include", action="store_true", help="Show status and headers of the answer first.")
    option("-L", "--location", action="store_true", help="Follow redirects.")
    option(
        "-m",
        "--max-time",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="Longest silence of the API [300].",
    )
    return made


def run(given: argparse.Namespace, services: ClientServices) -> int:
    """Call, and show the answer; the exit code tells what it was."""
    wanted = _wanted(given)
    opened = services.open(wanted.profile)
    try:
        url = _address(wanted, opened.api_url)
    except ValueError:
        raise UsageFault("The URL is not one.") from None
    opened.demand(url)
    import httpx2

    with ExitStack() as stack:
        body = _body(given, wanted, stack)
        headers = _headers(given, wanted)
        output = stack.enter_context(_opened(given.output))
        try:
            auth = opened.auth()
            client = stack.enter_context(
                httpx2.Client(auth=auth, follow_redirects=given.location, timeout=given.max_time)
            )
            request = client.build_request(wanted.method, url, headers=headers, content=body)
            with plain.progress(f"waiting for {urlsplit(url).hostname}"):
                answer = client.send(request, stream=True)
            with closing(answer):
                if given.include:
                    _show_head(answer)
                _copy(answer, output)
        except httpx2.InvalidURL:
            raise UsageFault("The URL is not one.") from None
        except httpx2.TimeoutException:
            plain.error(f"The API took longer than {given.max_time:g} s.")
            return NETWORK_FAILED
        except httpx2.HTTPError as fault:
            plain.error(f"The API could not be reached, or its answer broke off ({type(fault).__name__}).")
            return NETWORK_FAILED
    return {2: 0, 3: 3, 4: 4, 5: 5}.get(answer.status_code // 100, 1)


def _wanted(given: argparse.Namespace) -> Wanted:
    words = list(given.words)
    profile = None
    if words[0].upper() not in METHODS:
        profile = words.pop(0)
    if len(words) < 2 or words[0].upper() not in METHODS - {"CONNECT"}:
        raise UsageFault(
            "A call needs a method and a URL: `mintmark call PROFILE GET https://api.example/things`."
        )
    wanted = Wanted(profile_name(profile), words[0].upper(), words[1], [], [], {})
    for item in words[2:]:
        _sort(item, wanted)
    bodies = sum((given.data is not None, given.json is not None, bool(wanted.fields)))
    if bodies > 1:
        raise UsageFault("There is one body: -d, --json, or items such as name=value.")
    if not 0 < given.max_time <= 86400:
        raise UsageFault("--max-time must be from 0 to 86400 seconds.")
    return wanted


def _sort(item: str, wanted: Wanted) -> None:
    found = [(item.index(mark), -len(mark), mark) for mark in _ITEMS if mark in item]
    if not found or not min(found)[0]:
        raise UsageFault("An item is none of name:value, name==value, name=value, name:=value.")
    at, _, mark = min(found)
    name, value = item[:at], item[at + len(mark) :]
    if mark == ":":
        wanted.headers.append((name, value.strip()))
    elif mark == "==":
        wanted.query.append((name, value))
    elif mark == "=":
        wanted.fields[name] = value
    else:
        try:
            wanted.fields[name] = json.loads(value)
        except ValueError:
            raise UsageFault(f"The item {name}:= is not followed by JSON.") from None


def _address(wanted: Wanted, api_url: str) -> str:
    url = wanted.url
    if not urlsplit(url).scheme:
        if not api_url or url.startswith("//"):
            raise UsageFault(
                "The URL must begin with https://: the profile has no api-url that it could begin with."
            )
        url = urljoin(api_url, url)
    if wanted.query:
        more = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in wanted.query)
        url = f"{url}{'&' if urlsplit(url).query else '?'}{more}"
    return url


def _headers(given: argparse.Namespace, wanted: Wanted) -> list[tuple[str, str]]:
    headers = list(wanted.headers)
    for line in given.header:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise UsageFault("-H takes a header as 'Name: value'.")
        headers.append((name.strip(), value.strip()))
    for name, value in headers:
        if (
            not name.isascii()
            or not value.isprintable()
            or not name.replace("-", "").replace("_", "").isalnum()
        ):
            raise UsageFault("A header's name or value holds characters that no header carries.")
        if name.lower() in ("authorization", "host", "content-length", "transfer-encoding"):
            raise UsageFault(f"The header {name} is made by the call itself and cannot be given.")
    known = {name.lower() for name, _ in headers}
    implied: dict[str, str] = {}
    if given.json is not None or wanted.fields:
        implied = {"Content-Type": "application/json", "Accept": "application/json"}
    elif given.data is not None:
        implied = {"Content-Type": "application/x-www-form-urlencoded"}
    return headers + [(name, value) for name, value in implied.items() if name.lower() not in known]


def _body(given: argparse.Namespace, wanted: Wanted, stack: ExitStack) -> bytes | Iterator[bytes] | None:
    if wanted.fields:
        return json.dumps(wanted.fields).encode()
    text: str | None = given.json if given.data is None else given.data
    if text is None:
        return None
    if not text.startswith("@"):
        return text.encode()
    source: IO[bytes] = sys.stdin.buffer if text == "@-" else stack.enter_context(_readable(Path(text[1:])))
    start = source.read(REPLAYABLE + 1)
    return start if len(start) <= REPLAYABLE else _rest(start, source)


def _rest(start: bytes, source: IO[bytes]) -> Iterator[bytes]:
    yield start
    while part := source.read(65536):
        yield part


def _readable(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as fault:
        raise UsageFault(f"{path} cannot be read: {fault.strerror}.") from None


def _opened(path: Path | None) -> IO[bytes]:
    if path is None:
        return open(sys.stdout.fileno(), "wb", closefd=False)
    try:
        return path.open("wb")
    except OSError as fault:
        raise UsageFault(f"{path} cannot be written: {fault.strerror}.") from None


def _show_head(answer: httpx2.Response) -> None:
    plain.say(f"{answer.http_version} {answer.status_code} {answer.reason_phrase}".rstrip())
    for name, value in answer.headers.multi_items():
        plain.say(f"{name}: {value}")
    plain.say("")
    sys.stdout.flush()


def _copy(answer: httpx2.Response, output: IO[bytes]) -> None:
    try:
        for part in answer.iter_bytes():
            output.write(part)
            output.flush()
    except BrokenPipeError:
        raise
    except OSError as fault:
        raise UsageFault(f"The answer cannot be written: {fault.strerror}.") from None
