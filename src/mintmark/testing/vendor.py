"""A whole vendor in this process: token endpoint, key set and a small API, in any dialect, on a loopback port.

Listens from the moment it is made until `close` (or the end of its ``with``); all of it may be used from any thread.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from mintmark.client.exchange import Exchange
from mintmark.client.functions import named_functions
from mintmark.client.profile import Profile
from mintmark.compose.client import find_dialect, real_means, register
from mintmark.dialect import Dialect, write_keyfile
from mintmark.testing.asked import Asked, Journal, count
from mintmark.testing.clock import Clock
from mintmark.testing.credentials import FakeCredentials
from mintmark.testing.endpoints import KEYS, Endpoints
from mintmark.testing.faults import Faults
from mintmark.testing.loopback import Loopback
from mintmark.testing.minting import Mint
from mintmark.transport.allowance_file import AllowanceFile
from mintmark.transport.http_sender import HttpSender
from mintmark.transport.source import Source


class FakeVendor:
    """`dialect`: a name of the catalogue, a TOML file, its content as a dict, or a `Dialect`. `form`: which of its
    forms clients write. `now`: a moment (seconds since the epoch) at which time stands still until ``clock.advance``;
    None is real time. Raises `mintmark.client.errors.Misconfigured` for a dialect that is unknown or wrong.

    `lifetime`, `quota` and `skew` may be set at any time; `faults` holds the other faults.
    """

    def __init__(
        self,
        dialect: str | Path | Dialect | Mapping[str, object] = "standard",
        *,
        form: str | int = 0,
        now: float | None = None,
    ) -> None:
        self.dialect = find_dialect(dialect)
        self.clock = Clock(now)
        closing = threading.Event()
        self.faults = Faults(self.dialect, closing)
        self._named = str(dialect) if isinstance(dialect, str | Path) else ""
        self._credentials = FakeCredentials(self.dialect, form)
        self._mint = Mint(self.dialect, self.clock, self._credentials.defaults)
        self._journal = Journal()
        self._folder: TemporaryDirectory[str] | None = None
        self._endpoints = Endpoints(
            self.dialect, self.clock, self._credentials, self._mint, self.faults, self._journal
        )
        self._loopback = Loopback(self._endpoints.respond, closing)
        self.url = self._mint.issuer = self._loopback.origin
        self._mint.audience = self.api_url

    def close(self) -> None:
        """End it: nothing listens any more, open connections break, its files are gone. Harmless when repeated."""
        self._loopback.close()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"FakeVendor({self.dialect.name!r} at {self.url})"

    # --- where, and as whom --------------------------------------------------------------------------------------

    @property
    def token_url(self) -> str:
        """The token endpoint; a variable in the dialect's own address has no effect here."""
        return self.url + self.dialect.path

    @property
    def api_url(self) -> str:
        """The API. Every path of it takes a token, and tells as JSON who called; `serve` gives other answers."""
        return f"{self.url}/api"

    @property
    def jwks_url(self) -> str:
        """The key set of the tokens' signatures; `url` is their issuer, whose metadata names it (RFC 8414)."""
        return self.url + KEYS

    @property
    def audience(self) -> str:
        """The ``aud`` of tokens for which the request names no audience."""
        return self._mint.audience

    @property
    def client_id(self) -> str:
        """The client's id; empty where the dialect has none."""
        return self._credentials.known.get("client_id", "")

    @property
    def client_secret(self) -> str:
        """The client's secret, as far as clients know; empty where the dialect has none."""
        return self._credentials.known.get("client_secret", "")

    @property
    def credentials(self) -> dict[str, str]:
        """All that clients know, by the names that `mintmark.source` takes (`username`, `password`, `subject` ...)."""
        return dict(self._credentials.known)

    @property
    def credentials_file(self) -> Path:
        """The file that the vendor hands out. Raises ValueError where the dialect has none (only some vendors do)."""
        path = self.folder / "credentials.json"
        values = {"name": "fake", "token_url": self.token_url, "audience": self.audience, **self.credentials}
        text = write_keyfile(self.dialect, values)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def folder(self) -> Path:
        """A temporary directory that lasts as long as the vendor."""
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="mintmark-fake-vendor-")
        return Path(self._folder.name)

    def source(
        self,
        *,
        scope: str | None = None,
        audience: str | Iterable[str] | None = None,
        time_limit: float = 15.0,
    ) -> Source:
        """A source of this vendor's tokens, which follows the vendor's clock and reads its secret at each exchange.

        `time_limit`: seconds of real time for one exchange. Allowances are remembered in `folder`, not in the user's.
        """
        given = self._credentials
        wanted = (audience,) if isinstance(audience, str) else tuple(audience or ())
        means = replace(
            real_means(ledger=AllowanceFile(self.folder / "allowances.json")),
            send=HttpSender(time_limit),
            clock=self.clock,
            monotonic=self.clock.monotonic,
            sleep=self.clock.sleep,
            functions=named_functions(self.clock, os.urandom),
        )
        defaults = dict(given.defaults)
        target = defaults.pop("audience", None) or defaults.pop("resource", None)
        profile = Profile(
            self.dialect,
            lambda: dict(given.secrets()),
            {**_without(defaults, "scope"), "token_url": self.token_url},
            scope=scope or defaults.get("scope"),
            audience=wanted or ((target,) if target else ()),
            form=given.form.name,
            identity=f"{self.client_id} at {self.url}",
        )
        return register(Exchange(profile, means), means, [self.url])

    def environment(self) -> dict[str, str]:
        """Variables from which `mintmark.source()` makes a source, in this or another program (with real time).

        Raises ValueError for a dialect that was given neither by name nor as a file.
        """
        if not self._named:
            raise ValueError("a dialect that is neither named nor a file cannot be put into the environment")
        defaults, known = self._credentials.defaults, self._credentials.known
        plain = {name: value for name, value in defaults.items() if name in ("scope", "audience")}
        variables = {name: value for name, value in defaults.items() if name not in plain}
        values = {"dialect": self._named, "token_url": self.token_url, "origins": self.url, **known, **plain}
        values |= {f"variable_{name}": value for name, value in variables.items()}
        return {f"MINTMARK_{name.upper()}": value for name, value in values.items()} | {
            "XDG_STATE_HOME": str(self.folder)
        }

    # --- what it does, and does wrong ----------------------------------------------------------------------------

    @property
    def lifetime(self) -> int | None:
        """Whole seconds that a token lives from its issue; with None the answer does not say, and it lives an hour."""
        return self._mint.lifetime

    @lifetime.setter
    def lifetime(self, seconds: int | None) -> None:
        if seconds is not None and seconds < 0:
            raise ValueError("a lifetime is not negative; `faults.answer` answers anything at all")
        self._mint.lifetime = seconds

    @property
    def quota(self) -> int | None:
        """Tokens per UTC day; what is left stands in ``RateLimit`` headers, and nothing left is 429."""
        return self._mint.quota

    @quota.setter
    def quota(self, most: int | None) -> None:
        self._mint.quota = most

    @property
    def skew(self) -> float:
        """Seconds by which the vendor's clock is ahead, in its ``Date`` and in the times inside its tokens."""
        return self._endpoints.skew

    @skew.setter
    def skew(self, seconds: float) -> None:
        self._endpoints.skew = seconds

    def rotate_secret(self, *, announced: bool = True) -> str:
        """From now on another secret is taken; returns it. Clients learn of it (`source`, `client_secret`,
        `credentials_file`) unless it is not `announced`. Raises ValueError where the dialect has no secret.
        """
        return self._credentials.rotate(announced=announced)

    def revoke(self, token: str | None = None) -> None:
        """The API refuses this token from now on, or all that were issued so far."""
        self._mint.revoke(token)

    def serve(self, path: str, answer: object) -> None:
        """Calls of `path` that bear a good token get `answer` as JSON; a function is called with the `Asked`."""
        self._endpoints.answers[path] = answer

    # --- what it was asked ---------------------------------------------------------------------------------------

    @property
    def requests(self) -> list[Asked]:
        """Everything, in order."""
        return self._journal.asked()

    @property
    def token_requests(self) -> list[Asked]:
        """Requests to the token endpoint, in order."""
        return self._journal.asked("token")

    @property
    def api_requests(self) -> list[Asked]:
        """Calls of the API, in order."""
        return self._journal.asked("api")

    def forget(self) -> None:
        """Begin counting anew."""
        self._journal.clear()

    def assert_asked(self, times: int) -> None:
        """There were exactly so many token requests, answered or not. Raises AssertionError that lists them."""
        __tracebackhide__ = True
        count("token requests", self.token_requests, times)

    def assert_asked_once(self) -> None:
        """There was exactly one token request."""
        __tracebackhide__ = True
        self.assert_asked(1)

    def assert_not_asked(self) -> None:
        """There was no token request."""
        __tracebackhide__ = True
        self.assert_asked(0)

    def assert_called(self, times: int, path: str | None = None) -> None:
        """There were exactly so many calls of the API, or of one path of it; replays count."""
        __tracebackhide__ = True
        calls = [asked for asked in self.api_requests if path in (None, asked.path)]
        count("calls of the API" if path is None else f"calls of {path}", calls, times)


def _without(values: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in values.items() if key != name}


#: Start a vendor: a plain call, or a context manager that ends it.
fake_vendor = FakeVendor
