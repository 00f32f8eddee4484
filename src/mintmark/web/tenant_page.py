"""The page at the root of an environment and of its `manager` host: what it offers and how it is administered."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from mintmark.authorization_server.ports import EnvironmentView
from mintmark.web.answers import html, not_found
from mintmark.wire.http import HttpResponse

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:3rem auto;padding:0 1rem;color:#1b1f24}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .8rem .3rem 0;"
    "border-bottom:1px solid #d8dee4;vertical-align:top}code,pre{font:14px/1.5 ui-monospace,monospace}"
    "pre{background:#f6f8fa;padding:.8rem;overflow:auto}"
)


def tenant_page(view: EnvironmentView, now: float, console: str = "") -> HttpResponse:
    """Nothing secret: issuer, token endpoints, APIs with their scopes, and where it is administered.

    `console`: the URL of the console, where there is one.
    """
    environment = view.environment
    if not (environment.enabled and view.tenant.enabled):
        return not_found()
    title = f"{view.tenant.name}, {environment.name}"
    endpoints = [
        (f"POST {environment.issuer}{mount.path}", dialect.name)
        for mount, dialect in view.mounts.values()
        if mount.ends_at is None or now < mount.ends_at
    ]
    apis = [
        (api.audience, api.name, " ".join(sorted(api.scopes))) for api in view.apis.values() if api.enabled
    ]
    audience = apis[0][0] if apis else "AUDIENCE"
    scopes = sorted(next((api.scopes for api in view.apis.values() if api.enabled), {}))
    command = (
        f"mintmark admin api-token create {environment.id} --audience {audience} "
        f"--scope {scopes[0] if scopes else 'SCOPE'}"
    )
    manage = f"{console}/e/{environment.id}/applications"
    where = f'<p>It is administered in <a href="{escape(manage)}">the console</a>.</p>' if console else ""
    return html(
        200,
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"<p>Issuer <code>{escape(environment.issuer)}</code></p>"
        f"<h2>Token endpoints</h2>{_table(('Endpoint', 'Dialect'), endpoints)}"
        f"<h2>APIs</h2>{_table(('Audience', 'Name', 'Scopes'), apis)}"
        f"{where}<h2>API tokens</h2><p>An administrator makes one on the server's command line, too; it is shown once:"
        f"</p><pre>{escape(command)}</pre></body></html>",
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    titles = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join(
        "<tr>" + "".join(f"<td><code>{escape(cell)}</code></td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{titles}</tr>{lines}</table>"
