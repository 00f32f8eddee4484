"""Tokens by their numbers: one each, in the order of the commits, and those that a revocation ended found by it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from mintmark.authorization_server.ports import AuditQuery, Committed, Issuance, Transaction
from mintmark.storage.database import Database
from mintmark.storage.issued_tokens import SqlIssuedTokens
from mintmark.storage.ledger import SqlLedger
from mintmark.storage.store import SqlStore
from mintmark.values.audit_event import AuditEvent
from mintmark.values.revocation import Revocation, RevokedKind
from mintmark.values.tenancy import Environment, Tenant

NOW = 1_800_000_000
HOME, AWAY = "acme/production", "acme/staging"
#: Far enough for every number of a test.
ALL = (0, 10**9)


class Place:
    """Two environments, their ledger, and the tokens as the status lists see them."""

    def __init__(self, database: Database) -> None:
        self.store = SqlStore(database)
        self.ledger = SqlLedger(database, lambda: NOW)
        self.issued = SqlIssuedTokens(database)

    async def token(self, *, place: str = HOME, numbered: bool = True, at: float = NOW, **named: str) -> int:
        """Its number."""
        event = AuditEvent(at, "token", "issued", place, **named)
        position = await self.store.read(lambda tx: tx.position())
        outcome = await self.ledger.commit(Issuance(position, (), 0, (), event, numbered=numbered))
        assert isinstance(outcome, Committed)
        return outcome.number

    async def revoke(self, kind: RevokedKind, name: str, *, place: str = HOME, at: float = NOW) -> None:
        def work(tx: Transaction) -> None:
            tx.revoke(place, Revocation(kind, name), now=at)

        await self.store.write(work)

    async def ended(
        self, *, place: str = HOME, numbers: tuple[int, int] = ALL, after: int = 0
    ) -> tuple[list[int], int, int]:
        found: list[int] = []
        newest, last = await self.issued.ended(place, numbers, after, found.append)
        return sorted(found), newest, last


def play(database: Database, story: Callable[[Place], Awaitable[None]]) -> None:
    async def run() -> None:
        place = Place(database)

        def fill(tx: Transaction) -> None:
            tx.add(Tenant("acme", "Acme"), now=NOW)
            for name in (HOME, AWAY):
                issuer = f"https://auth.example/t/{name}"
                tx.add(Environment("acme", name.partition("/")[2], issuer), now=NOW)

        await place.store.write(fill)
        try:
            await story(place)
        finally:
            await place.ledger.close()

    asyncio.run(run())


def test_a_number_is_given_once_and_only_where_it_is_wanted(database: Database) -> None:
    async def story(here: Place) -> None:
        async def one(index: int) -> int:
            return await here.token(numbered=index % 3 != 0, jti=f"j{index}", place=(HOME, AWAY)[index % 2])

        numbers = await asyncio.gather(*(one(index) for index in range(60)))
        wanted = [number for index, number in enumerate(numbers) if index % 3]
        assert len(set(wanted)) == len(wanted) == 40
        assert all(wanted)
        alone = await asyncio.gather(*(here.token(numbered=False) for _ in range(3)))
        assert alone == [0, 0, 0]
        events = {event.jti: number for number, event in await here.store.events(AuditQuery(limit=99))}
        assert all(events[f"j{index}"] == number for index, number in enumerate(numbers) if index % 3)

    play(database, story)


@pytest.mark.parametrize(
    ("kind", "name", "named"),
    [
        ("client", "abc", {"client_id": "abc"}),
        ("credential", "v1", {"credential_id": "v1"}),
        ("signature_key", "k1", {"credential_id": "k1"}),
        ("user", "u1", {"user_id": "u1"}),
        ("token", "j1", {"jti": "j1"}),
        ("api", "https://api.example", {"audience": "https://api.example"}),
        ("tenant", "acme", {}),
        ("environment", HOME, {}),
    ],
)
def test_each_kind_of_revocation_ends_its_tokens(
    database: Database, kind: RevokedKind, name: str, named: dict[str, str]
) -> None:
    others = {"client_id": "x", "credential_id": "x", "user_id": "x", "jti": "x", "audience": "x"}

    async def story(here: Place) -> None:
        mine, other = await here.token(**named), await here.token(**others)
        away = await here.token(place=AWAY, **named)
        await here.revoke(kind, name, at=NOW + 5)
        later = await here.token(at=NOW + 6, **named)
        in_the_same_second = await here.token(at=NOW + 5.9, **named)
        expected = [mine, in_the_same_second] if named else [mine, other, in_the_same_second]
        assert await here.ended() == (expected, 1, in_the_same_second)
        assert await here.ended(place=AWAY) == ([], 0, away)
        assert later not in expected

    play(database, story)


def test_only_what_is_asked_for_is_looked_at(database: Database) -> None:
    async def story(here: Place) -> None:
        first, second, third = [await here.token(client_id="abc", jti=f"j{n}") for n in range(3)]
        await here.revoke("token", "j0")
        assert await here.ended() == ([first], 1, third)
        await here.revoke("client", "abc", at=NOW + 1)
        assert await here.ended(after=1) == ([first, second, third], 2, third)
        assert await here.ended(after=2) == ([], 2, third)
        assert await here.ended(numbers=(second, second)) == ([second], 2, second)
        assert await here.ended(numbers=(third + 1, third + 9)) == ([], 2, third)

    play(database, story)


def test_what_was_refused_or_administered_is_no_token(database: Database) -> None:
    async def story(here: Place) -> None:
        first = await here.token(client_id="abc")
        here.ledger.note(AuditEvent(NOW, "token", "refused", HOME, client_id="abc"))
        await here.ledger.flush()
        await here.revoke("client", "abc", at=NOW + 1)
        found, _, last = await here.ended()
        assert found == [first]
        assert last > first

    play(database, story)


def test_the_numbers_of_a_while_are_told(database: Database) -> None:
    async def story(here: Place) -> None:
        assert await here.issued.numbers_since(HOME, 0) is None
        numbers = [await here.token(at=NOW + second) for second in range(5)]
        await here.token(place=AWAY, at=NOW + 9)
        assert await here.issued.numbers_since(HOME, 0) == (numbers[0], numbers[4])
        assert await here.issued.numbers_since(HOME, NOW + 3) == (numbers[3], numbers[4])
        assert await here.issued.numbers_since(HOME, NOW + 5) is None

    play(database, story)
