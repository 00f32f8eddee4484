"""Templates to bytes: one Jinja environment that escapes everything and knows how instants and numbers are written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from mintmark.web.console import assets
from mintmark.web.console.navigation import navigation
from mintmark.web.console.sentences import SAID
from mintmark.web.console.visit import Page, Visit


def instant(text: str) -> datetime:
    """An instant as rows show it."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def moment(text: str) -> str:
    """``27 Nov 2026, 18:03 UTC``."""
    return f"{instant(text):%-d %b %Y, %H:%M} UTC"


def span(seconds: float) -> str:
    """A length of time in its largest unit: ``3 minutes``."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return plural(int(seconds // size), unit)
    return plural(max(0, int(seconds)), "second")


def plural(count: int, noun: str) -> str:
    """``1 client``, ``2 clients``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class Rendering:
    """`base`: the path of the public URL, which every link begins with."""

    def __init__(self, public_url: str) -> None:
        self.base = urlsplit(public_url).path.rstrip("/")
        self._environment = Environment(
            loader=PackageLoader("mintmark.web.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "moment": moment,
            "span": span,
            "plural": plural,
            "segment": lambda text: quote(str(text), safe=""),
        }
        self._environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
        self._environment.globals |= {"asset": lambda name: self.base + assets.url(name)}

    def render(self, visit: Visit, page: Page) -> bytes:
        """The page for this visit, in UTF-8."""

        def ago(text: str) -> str:
            seconds = visit.now - instant(text).timestamp()
            if abs(seconds) < 45:
                return "just now"
            return f"{span(seconds)} ago" if seconds > 0 else f"in {span(-seconds)}"

        values: dict[str, Any] = {
            "visit": visit,
            "base": self.base,
            "root": f"{self.base}/console",
            "ago": ago,
            "navigation": navigation(visit),
            "said": SAID.get(visit.query.one("said")) if visit.request.method == "GET" else None,
            **page.values,
        }
        return self._environment.get_template(page.template).render(values).encode()
