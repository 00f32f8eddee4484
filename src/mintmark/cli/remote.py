"""Operations run on a server, through its admin API: the same input, the same rows, the same faults as in place.

The HTTP client with its access token is handed in; nothing here knows where credentials come from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from typing import Any, get_args, get_origin, get_type_hints
from urllib.parse import urlencode

from mintmark.authorization_server.administration.act import AdministrationFault, FaultKind
from mintmark.authorization_server.administration.bindings import BINDINGS
from mintmark.authorization_server.administration.operation import Operation
from mintmark.authorization_server.administration.showing import shape_of
from mintmark.cli.faults import Failure
from mintmark.values.secret import Secret
from mintmark.wire.http import HttpRequest, HttpResponse

Ask = Callable[[HttpRequest], HttpResponse]
"""Sends a request whose `path` is below the API, with the token; raises Failure when nothing comes back."""
LARGEST_PAGE = 500
_KINDS: Mapping[int, FaultKind] = {
    400: "invalid",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    412: "conflict",
    413: "invalid",
    422: "invalid",
}


def run(ask: Ask, operation: Operation[Any, Any], given: Any) -> Any:
    """The rows of what the operation has made; a list for a list, None for nothing.

    Raises AdministrationFault as it would in place, Failure when the server cannot be used.
    """
    binding = BINDINGS[operation.name]
    path, values = binding.filled(given), _beside(operation, given, binding.beside(operation))
    if binding.order:
        return _pages(ask, path, values)
    headers = [(b"if-match", b"*")] if binding.must_match else []
    if binding.method == "GET":
        answer = ask(HttpRequest("GET", path, urlencode(values).encode()))
    else:
        body = json.dumps(values).encode() if binding.beside(operation) else b""
        if body:
            headers.append((b"content-type", b"application/json"))
        answer = ask(HttpRequest(binding.method, path, b"", tuple(headers), body))
    made = _read(answer)
    return None if made is None else _hidden(operation, made)


def _pages(ask: Ask, path: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    most = values.pop("limit", None)
    cursor: dict[str, str] = {}
    while True:
        limit = LARGEST_PAGE if most is None else min(LARGEST_PAGE, most - len(found))
        query = urlencode({**values, **cursor, "limit": limit})
        page = _read(ask(HttpRequest("GET", path, query.encode())))
        found += page["items"]
        if page["next"] is None or (most is not None and len(found) >= most):
            return found
        cursor = {"cursor": page["next"]}


def _beside(operation: Operation[Any, Any], given: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """What does not stand in the path, as JSON has it; what is as it would be anyway is left out, but for `limit`."""
    hints = get_type_hints(operation.given, include_extras=True)
    values = {}
    for each in fields(operation.given):
        value = getattr(given, each.name)
        usual = each.default_factory() if each.default_factory is not MISSING else each.default
        if each.name in names and (value != usual or each.name == "limit"):
            values[each.name] = _plain(value, instant=_is_instant(hints[each.name]))
    return values


def _is_instant(hint: Any) -> bool:
    return "instant" in getattr(hint, "__metadata__", ()) or any(map(_is_instant, get_args(hint)))


def _plain(value: Any, *, instant: bool) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if instant and isinstance(value, int):
        try:
            return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        except (ValueError, OverflowError, OSError):
            raise AdministrationFault("A time lies beyond the calendar.") from None
    if isinstance(value, Mapping):
        return {key: _plain(each, instant=False) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return list(value)
    return value


def _hidden(operation: Operation[Any, Any], made: dict[str, Any]) -> dict[str, Any]:
    """The row with its secrets as `Secret`, so that they are shown once and nowhere by accident."""
    hints = get_type_hints(shape_of(operation.made))
    secret = {name for name, hint in hints.items() if hint is Secret or get_origin(hint) is Secret}
    return {name: Secret(value) if name in secret else value for name, value in made.items()}


def _read(answer: HttpResponse) -> Any:
    if answer.status == 204:
        return None
    try:
        told = json.loads(answer.body)
        if answer.status in (200, 201):
            return told
        sentence = str(told["detail"])
    except (ValueError, KeyError, TypeError):
        raise Failure(
            f"The server answered {answer.status} and not as an admin API does: check the URL of --server."
        ) from None
    kind = _KINDS.get(answer.status)
    if kind is None:
        raise Failure(f"The server refuses: {sentence}")
    raise AdministrationFault(sentence, kind)
