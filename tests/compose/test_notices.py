"""Notices to a real webhook and a real mail server, once a day, again when they did not arrive."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from mintmark.authorization_server.administration import clients
from mintmark.authorization_server.administration.running import Administration
from mintmark.compose.notices import Notices, ways
from mintmark.config import Settings
from mintmark.storage.store import SqlStore
from mintmark.transport.notifying import NotSent
from tests.authorization_server.administration.conftest import ENVIRONMENT, NOW, House, furnish, open_house
from tests.end_to_end.server import free_port

KEY = "the key of the webhook"


class Hook:
    """A webhook on loopback. `status`: what it answers."""

    def __init__(self) -> None:
        self.status = 204
        self.received: list[tuple[str, bytes]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.received.append((self.headers["Mintmark-Signature"], body))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/notices"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as house:
        furnish(house)
        house.do(clients.create, environment=ENVIRONMENT, name="export", expires_at=NOW + 86400)
        yield house


class Days:
    """Notices of a house at a time that a test moves."""

    def __init__(self, house: House, settings: dict[str, Any]) -> None:
        self.now = float(NOW)

        def act(actor: str, request_id: str = "", peer: str = "") -> Any:
            return replace(house.act, actor=actor, now=int(self.now))

        administration = Administration(SqlStore(house.database), act, house.dialects, "https://mint.example")
        chosen = ways(Settings.model_construct(**{**_defaults(), **settings}), lambda: self.now)
        self.notices = Notices(administration, chosen, lambda: self.now)

    def send(self) -> int:
        return asyncio.run(self.notices.send_due())


def _defaults() -> dict[str, Any]:
    return {name: field.get_default() for name, field in Settings.model_fields.items()}


def webhook(hook: Hook, folder: Path) -> dict[str, Any]:
    file = folder / "webhook.key"
    file.write_text(KEY + "\n")
    return {"notify_webhook": hook.url, "notify_webhook_secret_file": file}


def test_a_webhook_is_told_once_a_day_and_can_check_who_says_it(
    house: House, hook: Hook, tmp_path: Path
) -> None:
    days = Days(house, webhook(hook, tmp_path))
    assert [days.send(), days.send()] == [1, 0]
    days.now += 3600
    assert days.send() == 0
    days.now = NOW // 86400 * 86400 + 86400.0 - 1
    assert days.send() == 0
    days.now += 1
    assert days.send() == 1
    signature, body = hook.received[0]
    at, _, mac = signature.removeprefix("t=").partition(",v1=")
    assert int(at) == NOW
    assert hmac.new(KEY.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest() == mac
    told = json.loads(body)
    assert told["items"][0]["name"] == "export"
    assert "1 credentials need attention" in told["subject"]
    assert KEY not in body.decode()


def test_what_did_not_arrive_is_sent_again(house: House, hook: Hook, tmp_path: Path) -> None:
    days = Days(house, webhook(hook, tmp_path))
    hook.status = 500
    with pytest.raises(NotSent, match="answered 500"):
        days.send()
    hook.status = 200
    assert days.send() == 1
    assert len(hook.received) == 2


@pytest.mark.parametrize("damage", ["absent", "no text"])
def test_a_secret_that_cannot_be_read_delays_the_notice_and_loses_none(
    house: House, hook: Hook, tmp_path: Path, damage: str
) -> None:
    settings = webhook(hook, tmp_path)
    file: Path = settings["notify_webhook_secret_file"]
    if damage == "absent":
        file.unlink()
    else:
        file.write_bytes(b"\xff")
    days = Days(house, settings)
    with pytest.raises(NotSent, match="secret cannot be read"):
        days.send()
    file.write_text(KEY)
    assert days.send() == 1


def test_what_arrived_one_way_is_not_sent_again_because_another_is_away(
    house: House, hook: Hook, tmp_path: Path
) -> None:
    away = {"notify_smtp": f"smtp://127.0.0.1:{free_port()}", "notify_to": ("ops@mint.example",)}
    days = Days(house, {**webhook(hook, tmp_path), **away})
    for _ in range(3):
        with pytest.raises(NotSent, match="the mail server"):
            days.send()
    assert len(hook.received) == 1


def test_a_mail_goes_to_all_recipients(house: House) -> None:
    received: list[Any] = []

    class Inbox:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            received.append(envelope)
            return "250 OK"

    controller = Controller(
        Inbox(), hostname="127.0.0.1", port=free_port(), ready_timeout=30, server_hostname="mail.example"
    )
    controller.start()
    try:
        settings = {
            "notify_smtp": f"smtp://127.0.0.1:{controller.port}",
            "notify_from": "mintmark@mint.example",
            "notify_to": ("ops@mint.example", "sec@mint.example"),
        }
        assert Days(house, settings).send() == 1
    finally:
        controller.stop()
    (envelope,) = received
    assert envelope.rcpt_tos == ["ops@mint.example", "sec@mint.example"]
    text = envelope.content.decode()
    assert "Subject: Mintmark: 1 credentials need attention" in text
    assert "of export in acme/production: ends" in text


def test_a_mail_server_that_is_away_is_one_sentence(house: House) -> None:
    settings = {"notify_smtp": f"smtp://127.0.0.1:{free_port()}", "notify_to": ("ops@mint.example",)}
    with pytest.raises(NotSent, match="the mail server"):
        Days(house, settings).send()


def test_nothing_is_sent_when_nothing_needs_attention_or_nobody_wants_it(tmp_path: Path, hook: Hook) -> None:
    assert ways(Settings.model_construct(**_defaults()), lambda: 0.0) == []
    with open_house(tmp_path) as house:
        furnish(house)
        assert Days(house, webhook(hook, tmp_path)).send() == 0
    assert hook.received == []
