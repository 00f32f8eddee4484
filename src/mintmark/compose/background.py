"""What a worker does beside answering: signing keys as they are due, old audit events, the notice of the day.

Each goes on for ever; a fault that was foreseen is logged and tried again next time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from mintmark.authorization_server.administration import signing_keys
from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.compose.installation import Installation
from mintmark.compose.notices import Notices
from mintmark.config import Settings
from mintmark.transport.notifying import NotSent
from mintmark.web.refusal_log import Log

#: Seconds between two looks at whether a signing key is due, whether audit events may go, whether a notice is due.
ROTATION_INTERVAL, TRIM_INTERVAL, NOTICE_INTERVAL = 3600.0, 3600.0, 3600.0
DAY = 86400


@dataclass(frozen=True, slots=True)
class Background:
    """`settings()`: as they are now; they may be read again while the server runs."""

    installation: Installation
    settings: Callable[[], Settings]
    log: Log

    async def rotate(self) -> None:
        """Make, publish and drop signing keys as they are due."""
        installation, act = self.installation, self.installation.act("scheduler")
        try:
            made = await installation.store.write(
                lambda tx: signing_keys.rotate_due(tx, act, schedule=installation.schedule)
            )
        except StorageUnavailable as fault:
            self.log.error("rotation_failed", reason=str(fault))
            return
        for key in made:
            self.log.info(
                "signing_key_published", environment=key.environment, kid=key.kid, signs_at=key.signs_at
            )

    async def keep_rotating(self) -> None:
        """`rotate`, every hour."""
        while True:
            await asyncio.sleep(ROTATION_INTERVAL)
            await self.rotate()

    async def keep_noticing(self, notices: Notices) -> None:
        """Send the notice of each day."""
        while True:
            try:
                sent = await notices.send_due()
                if sent:
                    self.log.info("notice_sent", credentials=sent)
            except (NotSent, OSError, StorageUnavailable) as fault:
                self.log.error("notice_failed", reason=str(fault))
            await asyncio.sleep(NOTICE_INTERVAL)

    async def keep_trimming(self) -> None:
        """Remove audit events that the settings let go. Where several workers do so, the first finds more to do."""
        while True:
            await self._trim()
            await asyncio.sleep(TRIM_INTERVAL)

    async def _trim(self) -> None:
        settings = self.settings()
        days, most = settings.audit_keep_days, settings.audit_keep_events
        if not (days or most):
            return
        now = time.time()
        older_than = now - days * DAY if days else 0.0
        try:
            removed = await self.installation.store.trim_trail(older_than, most or None, now)
        except StorageUnavailable as fault:
            self.log.error("audit_trim_failed", reason=str(fault))
        else:
            self.log.info("audit_trimmed", events=removed)
