"""The notice of a day: which credentials end soon or lie unused, to the operators' webhook and by mail.

Of several workers and nodes the first sends it; when nothing needs attention, nothing is sent. One that did not
arrive is tried again an hour later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

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
    """A way to send a notice."""

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
        """Send the notice of today, unless that was done; how many credentials it names. Raises NotSent."""
        now = int(self.now())
        day = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
        found = await self.administration.run(
            attention.listing, Principal.installation("scheduler"), attention.Where()
        )
        if not found or not await self.administration.store.write(lambda tx: _claim(tx, day, now)):
            return 0
        items = [row(each) for each in found]
        subject = f"Mintmark: {len(items)} credentials need attention"
        text = _text(items, self.administration.public_url)
        try:
            for way in self.ways:
                await asyncio.to_thread(way.send, subject, text, items)
        except NotSent:
            await self.administration.store.write(lambda tx: tx.remove(Notice(day, now), now=now))
            raise
        return len(items)


def _claim(tx: Transaction, day: str, now: int) -> bool:
    tx.forget(Notice, created_before=now - KEPT)
    try:
        tx.add(Notice(day, now), now=now)
    except Conflict:
        return False
    return True


def _text(items: Sequence[Mapping[str, Any]], public_url: str) -> str:
    lines = ["These credentials need attention:", ""]
    for each in items:
        what = f"{each['kind'].replace('_', ' ')} {each['credential_id']} of {each['name']} in {each['environment']}"
        when = f"ends {each['ends_at']}" if each["why"] == "ends" else "has not been used for 90 days"
        lines.append(f"- {what}: {when}; last used {each['last_used_at'] or 'never'}")
    return "\n".join([*lines, "", f"See {public_url}/console", ""])
