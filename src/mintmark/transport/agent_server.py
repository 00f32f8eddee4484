"""The host's agent: holds the tokens of saved profiles in memory and hands them to processes of the same user.

One source per profile does all the asking, so that any herd of processes costs one token request. Who connects is
checked by the kernel's word; a question has bounded size and time, and so has the number of open ones. Nothing is
written.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from mintmark.client.agent_protocol import (
    LARGEST_ASK,
    LENGTH_BYTES,
    Ask,
    ProtocolFault,
    UnknownProfile,
    frame,
    length_of,
    read_ask,
    write_fault,
    write_handed,
    write_heard,
)
from mintmark.client.errors import Misconfigured, NoToken, Unreachable
from mintmark.client.profile_entry import ProfileEntry
from mintmark.client.through_agent import handed_over
from mintmark.client.token import Token
from mintmark.transport.private_socket import OwnSocket, peer_uid
from mintmark.transport.source import Source

logger = logging.getLogger("mintmark.agent")
ASK_WITHIN = 5.0
#: Sooner than clients give up, so that they hear of trouble from the agent.
ANSWER_WITHIN = 25.0
STOP_WITHIN = 2.0
MOST_CONNECTIONS = 1024


@dataclass(slots=True)
class _Held:
    entry: ProfileEntry
    source: Source
    token: Token | None = None
    id: str = ""


class Agent:
    """`lookup`: today's profile of a name, raises Misconfigured; `open_source`: a source that asks the vendor
    itself.
    """

    def __init__(
        self,
        lookup: Callable[[str], ProfileEntry],
        open_source: Callable[[ProfileEntry], Source],
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._lookup = lookup
        self._open_source = open_source
        self._clock = clock
        self._entropy = entropy
        self._held: dict[str, _Held] = {}

    async def answer(self, ask: Ask) -> bytes:
        """The frame that answers a question; every trouble is one, too."""
        if not ask.profile:
            return frame({"status": self.status()})
        try:
            held = self._holding(ask)
            if ask.refused and ask.refused == held.id and held.token is not None:
                held.source.invalidate(held.token)
            async with asyncio.timeout(ANSWER_WITHIN):
                token = await held.source.atoken()
        except TimeoutError:
            return write_fault(Unreachable("the token endpoint has not answered the agent yet"))
        except (NoToken, UnknownProfile) as fault:
            return write_fault(fault)
        if held.token is not token:
            held.token, held.id = token, self._entropy(16).hex()
        return write_handed(handed_over(token, held.id, self._clock()))

    def status(self) -> dict[str, object]:
        """What the agent holds, by profile; tokens are masks."""
        return {
            "pid": os.getpid(),
            "profiles": {
                name: {
                    "dialect": status.dialect,
                    "state": status.state,
                    "token": status.token,
                    "expires_at": status.expires_at,
                    "renew_at": status.renew_at,
                    "exchanges": status.exchanges,
                    "last_error": None if status.last_error is None else str(status.last_error),
                }
                for name, status in (
                    (name, held.source.status()) for name, held in sorted(self._held.items())
                )
            },
        }

    def _holding(self, ask: Ask) -> _Held:
        """The profile's source, made anew when the profile has changed. Raises UnknownProfile, Misconfigured."""
        held = self._held.get(ask.profile)
        try:
            entry = self._lookup(ask.profile)
        except Misconfigured:
            self._held.pop(ask.profile, None)
            raise UnknownProfile from None
        if entry.fingerprint() != ask.fingerprint:
            raise UnknownProfile
        if held is None or held.entry.fingerprint() != entry.fingerprint():
            held = self._held[ask.profile] = _Held(entry, self._open_source(entry))
        return held


async def serve(own: OwnSocket, agent: Agent, stop: asyncio.Event) -> None:
    """Answer on the socket until `stop` is set; who is being answered then is given a moment."""
    talks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None  # noqa: S101 - asyncio runs this as a task
        talks.add(talk)
        talk.add_done_callback(talks.discard)
        try:
            if len(talks) <= MOST_CONNECTIONS and peer_uid(writer.get_extra_info("socket")) == os.getuid():
                await _converse(reader, writer, agent)
        except (OSError, EOFError, ProtocolFault, TimeoutError):
            pass  # who does not speak the protocol is left without an answer
        except Exception as fault:  # its text may hold what must not be shown
            logger.error("a question could not be answered: %s", type(fault).__name__)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_unix_server(connected, sock=own.socket, limit=LARGEST_ASK)
    await stop.wait()
    asyncio.get_running_loop().remove_reader(own.socket)
    await asyncio.sleep(
        0.05
    )  # whoever has just been accepted becomes a talk, which a closed server would not allow
    server.close()
    if talks:
        await asyncio.wait(talks, timeout=STOP_WITHIN)


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, agent: Agent) -> None:
    async with asyncio.timeout(ASK_WITHIN):
        head = await reader.readexactly(LENGTH_BYTES)
        ask = read_ask(await reader.readexactly(length_of(head, LARGEST_ASK)))
    writer.write(write_heard())
    await writer.drain()
    writer.write(await agent.answer(ask))
    async with asyncio.timeout(ASK_WITHIN):
        await writer.drain()
