"""Sends notices: as JSON to a webhook, signed so that its owner can tell them from others', and by mail (SMTP).

Both are asked within a time limit and raise `NotSent` with one sentence; a secret is in neither.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, ClassVar
from urllib.parse import urlsplit

from mintmark.transport.issuer_client import IssuerClient, NoResponse
from mintmark.values.secret import Secret
from mintmark.wire.http import HttpRequest

TIME_LIMIT = 10.0
SIGNATURE = "mintmark-signature"


class NotSent(Exception):
    """The notice did not arrive; one sentence."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """`secret()`: the key of the signature, read afresh. `now()`: seconds since the epoch."""

    name: ClassVar[str] = "webhook"
    url: str
    secret: Callable[[], Secret] = field(repr=False)
    now: Callable[[], float] = field(repr=False)
    client: IssuerClient = field(default_factory=lambda: IssuerClient(TIME_LIMIT), repr=False)

    def send(self, subject: str, text: str, items: Sequence[Mapping[str, Any]]) -> None:
        """POST ``{subject, text, items}``. ``Mintmark-Signature: t=SECONDS,v1=HEX`` is the HMAC of ``SECONDS.BODY``."""
        body = json.dumps({"subject": subject, "text": text, "items": list(items)}).encode()
        at = int(self.now())
        try:
            key = self.secret().reveal().encode()
        except (OSError, ValueError) as fault:
            raise NotSent(f"the webhook's secret cannot be read: {type(fault).__name__}") from None
        mac = hmac.new(key, b"%d." % at + body, hashlib.sha256).hexdigest()
        headers = (
            (b"content-type", b"application/json"),
            (SIGNATURE.encode(), f"t={at},v1={mac}".encode("ascii")),
        )
        try:
            answer = self.client(HttpRequest("POST", "", b"", headers, body, self.url), 64 * 1024)
        except NoResponse as fault:
            raise NotSent(f"the webhook: {fault}") from None
        if not 200 <= answer.status < 300:
            raise NotSent(f"the webhook answered {answer.status}")


@dataclass(frozen=True, slots=True)
class Mail:
    """`server`: ``smtp://host:port`` (STARTTLS but on loopback) or ``smtps://host:port``. `password()`: afresh."""

    name: ClassVar[str] = "mail"
    server: str
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    password: Callable[[], Secret] = field(default=lambda: Secret(""), repr=False)

    def send(self, subject: str, text: str, items: Sequence[Mapping[str, Any]]) -> None:
        """One message to all recipients."""
        del items
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = subject, self.sender, ", ".join(self.recipients)
        message.set_content(text)
        parts = urlsplit(self.server)
        host, context = parts.hostname or "", ssl.create_default_context()
        try:
            if parts.scheme == "smtps":
                with smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIME_LIMIT, context=context) as smtp:
                    self._deliver(smtp, message)
            else:
                with smtplib.SMTP(host, parts.port or 587, timeout=TIME_LIMIT) as smtp:
                    if host not in ("localhost", "127.0.0.1", "::1"):
                        smtp.starttls(context=context)
                    self._deliver(smtp, message)
        except (smtplib.SMTPException, OSError, ValueError) as fault:
            raise NotSent(f"the mail server: {type(fault).__name__}") from None

    def _deliver(self, smtp: smtplib.SMTP, message: EmailMessage) -> None:
        if self.user:
            smtp.login(self.user, self.password().reveal())
        smtp.send_message(message)
