"""The notice of a day: which credentials end soon or lie unused, to the operators' webhook and by mail.

Of several workers and nodes the first sends it; when nothing needs attention, nothing is sent. Where it did not
arrive it is tried again an hour later, and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, Protocol

from mintmark.authorization_server.administration.access import Principal
from mintmark.authorization_server.administration.operations import attention
from mintmark.authorization_server.administration.running import Administration
from mintmark.authorization_server.administration.showing import row
from mintmark.authorization_server.ports import Conflict, Transaction
from mintmark.config import Settings
from mintmark.transport.notifying import Mail, NotSent, Webhook
from mintmark.values.notice import Notice
from mintmark.values.secret import Secret

KEPT = 30 * 86400


class Way(Protocol):
    """A way to send a notice, with a name of its own."""

    name: ClassVar[str]

    def send(self, subject: str, text: str, items: Sequence[Mapping[str, Any]]) -> None:
        """Raises NotSent."""
        ...


def ways(settings: Settings, now: Callable[[], float]) -> list[Way]:
    """Those that the settings name."""
    found: list[Way] = []
    if settings.notify_webhook and settings.notify_webhook_secret_file is not None:
        file = settings.notify_webhook_secret_file
        found.append(Webhook(settings.notify_webhook, lambda: Secret(file.read_text("utf-8").strip()), now))
    if settings.notify_smtp and settings.notify_to:
        password = settings.notify_smtp_password_file
        found.append(
            Mail(
                settings.notify_smtp,
                settings.notify_from,
                settings.notify_to,
                settings.notify_smtp_user,
                lambda: Secret("" if password is None else password.read_text("utf-8").strip()),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Notices:
    """`now()`: seconds since the epoch."""

    administration: Administration
    ways: Sequence[Way]
    now: Callable[[], float] = field(repr=False)

    async def send_due(self) -> int:
        """Send the notice of today each way, unless that was done; how many credentials it names, 0 when it was.

        Raises NotSent when it did not arrive one way; the others have it.
        """
        now = int(self.now())
        day = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
        found = await self.administration.run(
            attention.listing, Principal.installation("scheduler"), attention.Where()
        )
        if not found:
            return 0
        items = [row(each) for each in found]
        subject = f"Mintmark: {len(items)} credentials need attention"
        text = _text(items, self.administration.public_url)
        sent, faults = 0, list[NotSent]()
        for way in self.ways:
            notice = Notice(f"{day} {way.name}", now)
            if not await self.administration.store.write(partial(_claim, notice=notice)):
                continue
            try:
                await asyncio.to_thread(way.send, subject, text, items)
                sent = len(items)
            except NotSent as fault:
                await self.administration.store.write(partial(_give_back, notice=notice))
                faults.append(fault)
        if faults:
            raise faults[0]
        return sent


def _claim(tx: Transaction, notice: Notice) -> bool:
    tx.forget(Notice, created_before=notice.created_at - KEPT)
    try:
        tx.add(notice, now=notice.created_at)
    except Conflict:
        return False
    return True


def _give_back(tx: Transaction, notice: Notice) -> None:
    tx.remove(notice, now=notice.created_at)


def _text(items: Sequence[Mapping[str, Any]], public_url: str) -> str:
    lines = ["These credentials need attention:", ""]
    for each in items:
        what = f"{each['kind'].replace('_', ' ')} {each['credential_id']} of {each['name']} in {each['environment']}"
        when = f"ends {each['ends_at']}" if each["why"] == "ends" else "has not been used for 90 days"
        lines.append(f"- {what}: {when}; last used {each['last_used_at'] or 'never'}")
    return "\n".join([*lines, "", f"See {public_url}/console", ""])
