"""From an operation and its input to the answer: preconditions, repeats, pages and entity tags, around the one `run`.

What has to hold together does so in one transaction: the right to do it, the state that If-Match names, the work, and
the answer that an Idempotency-Key keeps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

from mintmark.authorization_server.administration.access import Principal
from mintmark.authorization_server.administration.act import Act
from mintmark.authorization_server.administration.bindings import BINDINGS, Binding
from mintmark.authorization_server.administration.operation import Call, Operation
from mintmark.authorization_server.administration.operations import REGISTRY
from mintmark.authorization_server.administration.running import Administration
from mintmark.authorization_server.administration.showing import row
from mintmark.authorization_server.ports import Transaction
from mintmark.values.secret import Secret
from mintmark.web.admin_api.cursors import read_cursor, write_cursor
from mintmark.web.admin_api.preconditions import etag, refuse_changed, unchanged
from mintmark.web.admin_api.repeats import Repeats
from mintmark.wire.http import Headers, HttpResponse

PAGE, LARGEST_PAGE = 50, 500
_JSON: Headers = ((b"content-type", b"application/json"),)
_NO_STORE: Headers = ((b"cache-control", b"no-store"),)
_REVALIDATE: Headers = ((b"cache-control", b"private, no-cache"),)


class Asked(NamedTuple):
    """What came beside the input. `fingerprint`: the whole request, by which a repeat is known."""

    principal: Principal
    request_id: str
    peer: str
    if_match: str | None = None
    if_none_match: str | None = None
    idempotency_key: str = ""
    fingerprint: bytes = b""
    limit: int = PAGE
    cursor: str | None = None


def written(value: Any, *, reveal: bool) -> bytes:
    """A row as JSON. A secret in it is revealed only where `reveal` says so. Raises TypeError for any other."""

    def plain(each: object) -> str:
        if isinstance(each, Secret) and reveal:
            return each.reveal()
        raise TypeError(f"{type(each).__name__} does not belong into this answer")

    return json.dumps(value, default=plain, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Performance:
    """Performs operations for the API. `base`: the URL of the API, for Location."""

    administration: Administration
    repeats: Repeats
    base: str

    async def perform(
        self, operation: Operation[Any, Any], binding: Binding, given: Any, asked: Asked
    ) -> HttpResponse:
        """The answer. Raises Problem, AdministrationFault, StorageUnavailable."""
        if binding.order:
            return await self._page(operation, binding, given, asked)
        if not operation.writes:
            made = await self._run(operation, given, asked)
            return self._shown(written(row(made), reveal=False), asked)
        act = self.administration.act(asked.principal.actor, asked.request_id, asked.peer)
        key = asked.idempotency_key
        if key and operation.hashed is not None:
            again = await self.administration.store.read(
                lambda tx: self._again(tx, operation, given, asked, act)
            )
            if again is not None:
                return again
        hashed = await self.administration.hash(operation, asked.principal, given, act)

        def unit(tx: Transaction) -> HttpResponse:
            call = self.administration.call(tx, operation, asked.principal, given, act, hashed)
            if key:
                kept = self.repeats.kept(tx, act, key, asked.fingerprint)
                if kept is not None:
                    return kept
            if binding.state:
                refuse_changed(
                    asked.if_match, self._state(tx, call, binding, given), required=binding.must_match
                )
            made = operation.work(tx, call, given)
            answer = self._done(tx, call, operation, binding, given, made)
            if key:
                self.repeats.keep(tx, act, key, asked.fingerprint, answer)
            return answer

        return await self.administration.store.write(unit)

    def _again(
        self, tx: Transaction, operation: Operation[Any, Any], given: Any, asked: Asked, act: Act
    ) -> HttpResponse | None:
        self.administration.admit(tx, operation, asked.principal, given)
        return self.repeats.kept(tx, act, asked.idempotency_key, asked.fingerprint)

    async def _run(self, operation: Operation[Any, Any], given: Any, asked: Asked) -> Any:
        return await self.administration.run(
            operation, asked.principal, given, request_id=asked.request_id, peer=asked.peer
        )

    def _state(self, tx: Transaction, call: Call, binding: Binding, given: Any) -> str:
        """The entity tag of what `binding` changes, as it is now."""
        state = REGISTRY[binding.state]
        seen = state.given(**{each.name: getattr(given, each.name) for each in fields(state.given)})
        return etag(written(row(state.work(tx, call, seen)), reveal=False))

    def _done(
        self,
        tx: Transaction,
        call: Call,
        operation: Operation[Any, Any],
        binding: Binding,
        given: Any,
        made: Any,
    ) -> HttpResponse:
        if made is None:
            return HttpResponse(204, _NO_STORE)
        shown = row(made)
        headers = _JSON + _NO_STORE
        if binding.state:
            headers += ((b"etag", self._state(tx, call, binding, given).encode()),)
        if not binding.creates:
            return HttpResponse(200, headers, written(shown, reveal=operation.once))
        location = self._location(operation, given, shown)
        if location:
            headers += ((b"location", location.encode("ascii")),)
        return HttpResponse(201, headers, written(shown, reveal=operation.once))

    def _location(self, operation: Operation[Any, Any], given: Any, shown: Mapping[str, Any]) -> str:
        """Where what was made is shown, if it is by itself."""
        name = f"{operation.noun}.show"
        if name not in BINDINGS or operation.verb not in ("create", "import", "ask"):
            return ""
        known = {each.name: getattr(given, each.name) for each in fields(given)} | dict(shown)
        known |= {"tenant": shown.get("handle"), "request_id": shown.get("id")}
        seen = REGISTRY[name].given(**{each.name: known[each.name] for each in fields(REGISTRY[name].given)})
        return self.base + BINDINGS[name].filled(seen)

    def _shown(self, body: bytes, asked: Asked) -> HttpResponse:
        tag = etag(body)
        headers: Headers = (*_JSON, *_REVALIDATE, (b"etag", tag.encode()))
        if unchanged(asked.if_none_match, tag):
            return HttpResponse(304, headers)
        return HttpResponse(200, headers, body)

    async def _page(
        self, operation: Operation[Any, Any], binding: Binding, given: Any, asked: Asked
    ) -> HttpResponse:
        """One page of a list, and the cursor of the next."""
        secret = self.administration.act(asked.principal.actor).secret_key
        who = asked.principal
        bound_to = (operation.name, who.actor, who.tenant, who.environment, repr(given))
        start = None if asked.cursor is None else read_cursor(secret, bound_to, asked.cursor)
        names = [each.name for each in fields(given)]
        if "limit" in names:  # it pages by itself
            place = "before" if "before" in names else "after"
            narrowed = {"limit": asked.limit + 1} | ({} if start is None else {place: start[0]})
            rows = [row(made) for made in await self._run(operation, replace(given, **narrowed), asked)]
        else:
            made = [row(each) for each in await self._run(operation, given, asked)]
            made.sort(key=lambda each: _position(binding, each), reverse=binding.newest_first)
            rows = [each for each in made if start is None or _behind(binding, each, start)]
        shown = rows[: asked.limit]
        following = None
        if len(rows) > len(shown):
            following = write_cursor(secret, bound_to, _position(binding, shown[-1]))
        return self._shown(written({"items": shown, "next": following}, reveal=False), asked)


def _position(binding: Binding, shown: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple("" if shown[name] is None else shown[name] for name in binding.order)


def _behind(binding: Binding, shown: Mapping[str, Any], start: tuple[Any, ...]) -> bool:
    position = _position(binding, shown)
    return position < start if binding.newest_first else position > start
