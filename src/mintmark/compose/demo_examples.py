"""What `mintmark demo` prints: each document's own command with real values, then the same call in curl.

Every block is complete in itself; the curl blocks are plain bash and sed, pasted as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Form = Literal["curl", "http", "fetch"]
_ACCESS_TOKEN = """sed -n 's/.*"access_token" *: *"\\([^"]*\\)".*/\\1/p'"""
_TOKEN = """sed -n 's/.*"token" *: *"\\([^"]*\\)".*/\\1/p'"""


@dataclass(frozen=True, slots=True)
class Example:
    """One block to paste. `form`: a shell command (``curl``), an HTTPie command, or JavaScript."""

    tenant: str
    form: Form
    title: str
    text: str


def examples(tenant: str, values: Mapping[str, str | None]) -> list[Example]:
    """The blocks of a tenant. `values`: its entry of the credentials file."""
    given = {key: value for key, value in values.items() if value is not None}
    return [Example(tenant, form, title, text) for form, title, text in _WRITERS[tenant](given)]


Blocks = list[tuple[Form, str, str]]


def _call_api(token_command: str, extract: str, v: Mapping[str, str], api_url: str | None = None) -> str:
    """Bash that obtains a token and calls the API with it."""
    lines = [f"TOKEN=$({token_command} | {extract})"]
    call = f"curl -s -w '\\n' -X {v['api_method']} '{api_url or v['api_url']}' -H \"Authorization: Bearer $TOKEN\""
    if v.get("api_body"):
        call += f" -H \"Content-Type: application/json\" -d '{v['api_body']}'"
    return "\n".join([*lines, call])


def _silent(command: str) -> str:
    return command.replace("curl ", "curl -s ", 1)


def _omnilab(v: Mapping[str, str]) -> Blocks:
    token = (
        f"""curl -X POST "{v["token_url"]}" -H "Content-Type: application/json" -d '{{\n"""
        f'"client_id": "{v["client_id"]}",\n"client_secret": "{v["client_secret"]}",\n'
        f'"audience": "{v["audience"]}",\n"grant_type": "client_credentials"\n}}\''
    )
    return [
        ("curl", "the page's own command", token),
        ("curl", "look up a booking with a token", _call_api(_silent(token), _ACCESS_TOKEN, v)),
        (
            "curl",
            "cancel a booking with a token",
            _call_api(_silent(token), _ACCESS_TOKEN, {**v, "api_method": "POST"}, v["api_url"] + ":cancel"),
        ),
    ]


def _oleria(v: Mapping[str, str]) -> Blocks:
    token = (
        f"curl -X POST {v['token_url']} \\\n"
        '-H "Content-Type: application/x-www-form-urlencoded" \\\n'
        '-d "grant_type=client_credentials" \\\n'
        f'-d "client_id={v["client_id"]}" \\\n'
        f'-d "client_secret={v["client_secret"]}" \\\n'
        f'-d "scope={v["scope"]}"'
    )
    return [
        ("curl", "the page's own command", token),
        ("curl", "call the API with a token", _call_api(_silent(token), _ACCESS_TOKEN, v)),
    ]


def _fyma(v: Mapping[str, str]) -> Blocks:
    fields = ("grant_type", "audience", "client_id", "client_secret")
    values = {**v, "grant_type": "client_credentials"}
    page = " \\\n".join([f"http {v['token_url']}", *(f"  {name}={values[name]}" for name in fields)])
    body = json.dumps({name: values[name] for name in fields})
    token = f"curl -X POST {v['token_url']} -H 'Content-Type: application/json' -d '{body}'"
    legacy = f"{v['legacy_token_id']}:{v['legacy_token_secret']}"
    return [
        ("http", "the page's own command", page),
        ("curl", "the same call", token),
        ("curl", "call the API with a token", _call_api(_silent(token), _ACCESS_TOKEN, v)),
        ("http", "call the API with a legacy token", f"http -a {legacy} {v['api_url']}"),
        ("curl", "the same legacy call", f"curl -s -w '\\n' -u {legacy} {v['api_url']}"),
    ]


def _omneo(v: Mapping[str, str]) -> Blocks:
    form = {
        "grant_type": "client_credentials",
        **{name: v[name] for name in ("client_id", "client_secret", "username", "password")},
        "scope": "*",
    }
    members = ",\n".join(f"      {name}: '{value}'" for name, value in form.items())
    password_page = (
        f"const response = await fetch(\n  '{v['token_url']}',\n  {{\n    method: 'POST',\n"
        "    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },\n"
        f"    body: new URLSearchParams({{\n{members}\n    }})\n  }}\n);\n"
        "const { access_token } = await response.json();\nconsole.log(access_token);"
    )
    password = f"curl -X POST {v['token_url']} \\\n" + " \\\n".join(
        f"  --data-urlencode '{name}={value}'" for name, value in form.items()
    )
    api_token = (
        f"TOKEN={v['api_token']}\n"
        "curl -H 'Accept: application/json' \\\n     -H \"Authorization: Bearer ${TOKEN}\" \\\n"
        f"     {v['api_url']}"
    )
    customer, signature = v["shopify_customer_id"], v["shopify_signature"]
    shopify_page = (
        f"const customerId = '{customer}';\nconst customerSignature = '{signature}';\n"
        f"const response = await fetch(\n  `{v['shopify_token_url']}`,\n  {{\n    method: 'POST',\n"
        "    headers: { 'Content-Type': 'application/json' },\n    body: JSON.stringify({\n"
        "      id: customerId,\n      signature: customerSignature\n    })\n  }\n);\n"
        "const { token } = await response.json();\nconsole.log(token);"
    )
    shopify = (
        f"curl -X POST {v['shopify_token_url']} -H 'Content-Type: application/json' "
        f"""-d '{{"id": "{customer}", "signature": "{signature}"}}'"""
    )
    user, secret = v["proxy_username"], v["proxy_password"]
    proxy_page = (
        f"const PROXY_URL = '{v['proxy_login_url'].removesuffix('/login')}';\n"
        f"const username = '{user}';\nconst password = '{secret}';\n"
        "const response = await fetch(`${PROXY_URL}/login`, {\n  method: 'POST',\n  headers: {\n"
        "    'Authorization': 'Basic ' + btoa(username + ':' + password)\n  }\n});\n"
        "const { token, expiry } = await response.json();\nconsole.log(token, expiry);"
    )
    proxy = f"curl -X POST {v['proxy_login_url']} -u '{user}:{secret}'"
    return [
        ("fetch", "method 1, the page's own command", password_page),
        ("curl", "method 1, the same call", password),
        ("curl", "method 1, call the API with a token", _call_api(_silent(password), _ACCESS_TOKEN, v)),
        ("curl", "method 2, an API token: the page's own command", api_token),
        ("fetch", "method 3, a Shopify customer: the page's own command", shopify_page),
        ("curl", "method 3, the same call", shopify),
        (
            "curl",
            "method 3, the customer's own profile with a token",
            _call_api(_silent(shopify), _TOKEN, v, v["api_url"] + "/me"),
        ),
        ("fetch", "method 4, through a proxy: the page's own command", proxy_page),
        ("curl", "method 4, the same call", proxy),
        ("curl", "method 4, call the API with a token", _call_api(_silent(proxy), _TOKEN, v)),
    ]


def _omnissa(v: Mapping[str, str]) -> Blocks:
    host = v["token_url"].removesuffix("/oauth/token")
    setting = (
        f"CLIENT_ID='{v['client_id']}'\nCLIENT_SECRET='{v['client_secret']}'\nAUTH_HOST='{host}'\n"
        """BASIC=$(printf '%s:%s' "$CLIENT_ID" "$CLIENT_SECRET" | base64)\n"""
    )
    token = (
        'curl -s -X POST "$AUTH_HOST/oauth/token?grant_type=client_credentials" \\\n'
        '  -H "Authorization: Basic $BASIC" \\\n  -H "Accept: application/json"'
    )
    return [
        ("curl", "the page's own command", setting + token),
        ("curl", "call the API with a token", setting + _call_api(token, _ACCESS_TOKEN, v)),
    ]


def _standard(v: Mapping[str, str]) -> Blocks:
    token = f"curl -X POST {v['token_url']} -u '{v['client_id']}:{v['client_secret']}' -d grant_type=client_credentials"
    return [
        ("curl", "RFC 6749 section 4.4.2", token),
        ("curl", "call the API with a token", _call_api(_silent(token), _ACCESS_TOKEN, v)),
    ]


_WRITERS = {
    "omnilab": _omnilab,
    "oleria": _oleria,
    "fyma": _fyma,
    "omneo": _omneo,
    "omnissa": _omnissa,
    "standard": _standard,
}
