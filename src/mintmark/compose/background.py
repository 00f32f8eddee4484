"""What a worker does beside answering: signing keys as they are due, old audit events, the notice of the day.

Each goes on for ever; a fault that was foreseen is logged and tried again next time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mintmark.authorization_server.administration import signing_keys
from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.compose.installation import Installation
from mintmark.compose.measuring import TrailMeasures
from mintmark.compose.notices import Notices
from mintmark.config import Settings
from mintmark.storage.retention import Keep
from mintmark.transport.notifying import NotSent
from mintmark.web.refusal_log import Log

#: Seconds between two looks at whether a signing key is due, whether audit events may go, whether a notice is due.
ROTATION_INTERVAL, TRIM_INTERVAL, NOTICE_INTERVAL = 3600.0, 3600.0, 3600.0
#: Seconds between two looks at whether the audit trail has room for what comes.
ROOM_INTERVAL = 60.0
DAY = 86400


@dataclass(frozen=True, slots=True)
class Background:
    """`settings()`: as they are now; they may be read again while the server runs. `trail`: told what became of the
    audit trail.
    """

    installation: Installation
    settings: Callable[[], Settings]
    log: Log
    trail: TrailMeasures = field(default_factory=TrailMeasures)

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

    async def keep_making_room(self) -> None:
        """Make ahead what the audit trail will need, every minute, because nobody knows how much a minute brings."""
        while True:
            try:
                await self.installation.store.make_room(time.time())
            except StorageUnavailable as fault:
                self.log.error("audit_room_failed", reason=str(fault))
            await asyncio.sleep(ROOM_INTERVAL)

    async def keep_trimming(self) -> None:
        """Remove audit events that the settings let go. Where several workers do so, the first finds more to do."""
        while True:
            await self.trim()
            await asyncio.sleep(TRIM_INTERVAL)

    async def trim(self) -> None:
        """Remove them now, and measure what is left."""
        settings, now = self.settings(), time.time()
        days, most, most_bytes = (
            settings.audit_keep_days,
            settings.audit_keep_events,
            settings.audit_keep_bytes,
        )
        keep = Keep(now - days * DAY if days else 0.0, most or None, most_bytes or None)
        try:
            tended = await self.installation.store.tend_trail(keep, now)
        except StorageUnavailable as fault:
            self.log.error("audit_trim_failed", reason=str(fault))
            return
        self.trail.tended(tended.bytes, tended.removed, by_bytes=tended.by_bytes)
        if tended.waits:
            self.log.warning("audit_trim_waits", reason="Somebody reads the audit trail from end to end.")
        if tended.by_bytes and tended.removed:
            self.log.warning(
                "audit_trimmed_for_bytes", events=tended.removed, bytes=tended.bytes, most=most_bytes
            )
        elif days or most or most_bytes:
            self.log.info("audit_trimmed", events=tended.removed, bytes=tended.bytes)
        if most_bytes and tended.bytes > most_bytes:
            self.log.warning(
                "audit_beyond_bytes",
                bytes=tended.bytes,
                most=most_bytes,
                reason="What was written yesterday and today stays, and what is read just now.",
            )
