"""The host's agent: one token request for any herd of processes, and no error when there is no agent."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import mintmark
from mintmark.cli.faults import Failure
from mintmark.client.agent_protocol import Ask
from mintmark.client.errors import Misconfigured, Refused
from mintmark.compose.agent import run as run_agent
from mintmark.transport.agent_client import AgentClient, agent_socket
from mintmark.transport.private_socket import OwnSocket, SocketFault, check_directory, make_directory
from tests.transport.conftest import until
from tests.transport.host import SECRET, Host
from tests.transport.host import host as host
from tests.transport.loopback import Vendor, as_json

_HERD = """
import os, sys
import mintmark
from mintmark.transport import http_sender, agent_source, agent_client  # what a first call would load
import mintmark.compose.profiles, httpx2

agent_client.HEARD_WITHIN = 60.0

count, read = int(sys.argv[1]), os.pipe()
children = []
for _ in range(count):
    out = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(read[1])
        os.read(read[0], 1)  # ends for all of them at once
        try:
            text = mintmark.source(profile="shop").token().reveal()
        except BaseException as fault:
            text = repr(fault)
        os.write(out[1], text.encode())
        os._exit(0)
    os.close(out[1])
    children.append((pid, out[0]))
os.close(read[0])
os.close(read[1])
answers = []
for pid, out in children:
    answers.append(os.read(out, 65536).decode())
    os.waitpid(pid, 0)
print(len(answers), *sorted(set(answers)))
"""


def herd(host: Host, count: int) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _HERD, str(count)],
        capture_output=True,
        text=True,
        timeout=90,
        env=host.environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_64_processes_that_are_cold_at_one_moment_cost_one_token_request(host: Host, shop: Vendor) -> None:
    host.save("shop", shop)
    with host.running("agent", ready="listening on"):
        assert herd(host, 64) == "64 T1-of-the-vendor"
        assert len(shop.token_requests) == 1
        assert herd(host, 8) == "8 T1-of-the-vendor"
    assert len(shop.token_requests) == 1


def test_an_agent_that_dies_is_missed_by_nobody_and_its_socket_is_replaced(host: Host, shop: Vendor) -> None:
    host.save("shop", shop)
    source = mintmark.source(profile="shop")
    with host.running("agent", ready="listening on") as running:
        first = source.token()
        running.process.send_signal(signal.SIGKILL)
        running.process.wait(30)
    assert agent_socket().is_socket()
    assert source.invalidate(first)
    assert source.token().reveal() == "T2-of-the-vendor"
    with host.running("agent", ready="listening on") as running:
        assert mintmark.source(profile="shop").token().reveal() == "T3-of-the-vendor"
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(30) == 0
    assert not agent_socket().exists()


def test_a_source_goes_on_alone_when_the_agent_dies_while_it_waits(host: Host, shop: Vendor) -> None:
    host.save("shop", shop)
    with host.running("agent", ready="listening on") as running:
        shop.token_gate.clear()
        answers: list[str] = []
        waiting = threading.Thread(
            target=lambda: answers.append(mintmark.source(profile="shop").token().reveal())
        )
        waiting.start()
        until(lambda: shop.token_requests)
        running.process.kill()
        running.process.wait(30)
        until(lambda: len(shop.token_requests) == 2)
        shop.token_gate.set()
        waiting.join(30)
    assert answers[0] in ("T1-of-the-vendor", "T2-of-the-vendor")
    assert len(shop.token_requests) == 2


def test_without_an_agent_a_source_asks_by_itself(host: Host, shop: Vendor) -> None:
    host.save("shop", shop)
    assert mintmark.source(profile="shop").token().reveal() == "T1-of-the-vendor"


def test_what_goes_over_the_socket_is_a_name_and_no_secret_or_address(
    host: Host, shop: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = host.save("shop", shop)
    sent: list[bytes] = []
    plain = socket.socket.sendall

    def sendall(self: socket.socket, data: bytes) -> None:
        if self.family == socket.AF_UNIX:
            sent.append(bytes(data))
        plain(self, data)

    monkeypatch.setattr(socket.socket, "sendall", sendall)
    with host.agent():
        assert AgentClient().token(Ask("shop", entry.fingerprint())) is not None
    (asked,) = [data for data in sent if b'"shop"' in data]
    for word in (SECRET, "127.0.0.1", "http", "the-client"):
        assert word.encode() not in asked


def test_a_refused_token_is_replaced_once_for_all_processes(host: Host, shop: Vendor) -> None:
    host.save("shop", shop)
    with host.agent():
        sources = [mintmark.source(profile="shop") for _ in range(5)]
        tokens = [source.token() for source in sources]
        for source, token in zip(sources, tokens, strict=True):
            assert source.invalidate(token)
        assert {source.token().reveal() for source in sources} == {"T2-of-the-vendor"}
        assert len(shop.token_requests) == 2
        assert not sources[0].invalidate(sources[0].token()), (
            "the fresh one was refused, too: no third is asked for"
        )
    assert len(shop.token_requests) == 2


def test_a_token_is_handed_out_with_what_is_left_of_its_life(host: Host, shop: Vendor) -> None:
    entry = host.save("shop", shop)
    now = [0.0]

    with host.agent(lambda: now[0]):
        ask = Ask("shop", entry.fingerprint())
        first = AgentClient().token(ask)
        assert first is not None
        assert first.expires_at is not None
        now[0] = first.expires_at - 100
        second = AgentClient().token(ask)
    assert second is not None
    assert second.lifetime == pytest.approx(100, abs=2)
    assert second.id == first.id


def test_what_the_vendor_says_no_to_is_told_by_the_agent_as_it_was(host: Host, shop: Vendor) -> None:
    host.save("shop", shop)
    shop.refuse = lambda asked: as_json(401, {"error": "invalid_client"}, x_request_id="r-1")
    with host.agent():
        for _ in range(3):
            with pytest.raises(Refused) as caught:
                mintmark.source(profile="shop").token()
            assert (caught.value.code, caught.value.permanent) == ("invalid_client", True)
    assert len(shop.token_requests) == 1


def test_a_profile_that_the_agent_knows_differently_is_not_served(host: Host, shop: Vendor) -> None:
    entry = host.save("shop", shop)
    with host.agent():
        assert AgentClient().token(Ask("shop", entry.fingerprint())) is not None
        assert AgentClient().token(Ask("shop", "0" * 64)) is None
        assert AgentClient().token(Ask("other", entry.fingerprint())) is None
        changed = host.save("shop", shop, client_id="another-client")
        assert AgentClient().token(Ask("shop", entry.fingerprint())) is None
        assert AgentClient().token(Ask("shop", changed.fingerprint())) is not None
    assert len(shop.token_requests) == 2


def test_a_variable_that_the_agent_lacks_is_found_by_the_program_itself(
    host: Host, shop: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.save("shop", shop, client_secret={"env": "SHOP_SECRET"})
    with host.running("agent", ready="listening on"):
        monkeypatch.setenv("SHOP_SECRET", SECRET)
        assert mintmark.source(profile="shop").token().reveal() == "T1-of-the-vendor"


def test_a_rotated_secret_in_the_profile_file_is_used_without_a_restart(host: Host, shop: Vendor) -> None:
    entry = host.save("shop", shop)
    with host.agent():
        assert AgentClient().token(Ask("shop", entry.fingerprint())) is not None
        again = host.save("shop", shop, client_secret="another-secret")
        assert again.fingerprint() == entry.fingerprint()
        source = mintmark.source(profile="shop")
        source.invalidate(source.token())
        source.token()
    assert "another-secret" not in str(entry)
    assert shop.token_requests[0].headers["authorization"] != shop.token_requests[1].headers["authorization"]


def test_an_agent_that_hears_nothing_costs_a_short_wait_once(host: Host, shop: Vendor) -> None:
    host.save("shop", shop)
    make_directory(agent_socket().parent)
    own = OwnSocket(agent_socket())
    try:
        client = AgentClient(heard_within=0.05)
        assert client.token(Ask("shop", "")) is None
        connections = own.socket
        connections.setblocking(False)
        connections.accept()[0].close()
        assert client.token(Ask("shop", "")) is None
        with pytest.raises(BlockingIOError):
            connections.accept()
    finally:
        own.close()


@pytest.mark.parametrize("noise", [b"", b"\0", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, b"\0\0\0\x02{}"])
def test_noise_is_left_without_an_answer_and_harms_nobody(host: Host, shop: Vendor, noise: bytes) -> None:
    entry = host.save("shop", shop)
    with host.agent():
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(agent_socket()))
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(30)
            assert connection.recv(100) == b""
        assert AgentClient().token(Ask("shop", entry.fingerprint())) is not None


def test_another_users_process_is_not_served(
    host: Host, shop: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = host.save("shop", shop)
    with host.agent():
        monkeypatch.setattr("mintmark.transport.agent_server.peer_uid", lambda _: os.getuid() + 1)
        assert AgentClient().token(Ask("shop", entry.fingerprint())) is None
    assert not shop.token_requests


def test_another_users_agent_is_not_asked(host: Host, shop: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = host.save("shop", shop)
    with host.agent():
        monkeypatch.setattr("mintmark.transport.agent_client.peer_uid", lambda _: os.getuid() + 1)
        assert AgentClient().token(Ask("shop", entry.fingerprint())) is None
    assert not shop.token_requests


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_directory_that_others_can_enter_is_not_used(
    host: Host, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mintmark.compose.agent.keep_memory_to_ourselves", lambda: None)
    monkeypatch.setattr("mintmark.compose.agent.log_to_stderr", lambda: None)
    place = agent_socket().parent
    place.mkdir(mode=0o700)
    check_directory(place)
    place.chmod(mode)
    with pytest.raises(SocketFault, match="closed to others"):
        check_directory(place)
    assert AgentClient().status() is None
    with pytest.raises(Failure, match="closed to others"):
        run_agent(lambda _: None)


def test_a_link_in_place_of_the_directory_is_not_followed(host: Host, tmp_path: Path) -> None:
    agent_socket().parent.symlink_to(tmp_path)
    with pytest.raises(SocketFault):
        make_directory(agent_socket().parent)


def test_one_agent_listens_and_a_second_one_says_so(host: Host) -> None:
    with host.agent():
        ran = host.run("agent")
        assert ran.returncode == 1
        assert "Another program listens on" in ran.stderr


def test_a_file_that_is_no_socket_is_not_removed(host: Host) -> None:
    make_directory(agent_socket().parent)
    agent_socket().write_text("mine")
    with pytest.raises(SocketFault, match="cannot be listened on"):
        OwnSocket(agent_socket())
    assert agent_socket().read_text() == "mine"


def test_a_path_that_no_socket_can_have_is_named() -> None:
    with pytest.raises(SocketFault, match="too long"):
        OwnSocket(Path("/tmp") / ("x" * 200))


def test_the_status_tells_masks_and_no_token(host: Host, shop: Vendor) -> None:
    entry = host.save("shop", shop)
    assert AgentClient().status() is None
    with host.agent():
        AgentClient().token(Ask("shop", entry.fingerprint()))
        status = str(AgentClient().status())
    assert "'state': 'fresh'" in status
    assert "T1-of-the-vendor" not in status


def test_an_unknown_profile_is_our_own_fault(host: Host, shop: Vendor) -> None:
    host.save("shop", shop)
    with pytest.raises(Misconfigured, match="there is no profile 'shoq'; there are: shop"):
        mintmark.source(profile="shoq")
    with pytest.raises(Misconfigured, match="not both"):
        mintmark.source(profile="shop", client_id="c")


def test_an_event_loop_goes_on_while_the_agent_is_asked(host: Host, shop: Vendor) -> None:
    host.save("shop", shop)

    async def main() -> str:
        source = mintmark.source(profile="shop")
        shop.token_gate.clear()
        asking = asyncio.create_task(source.atoken())
        while not shop.token_requests:  # noqa: ASYNC110 - the loop turns
            await asyncio.sleep(0.001)
        shop.token_gate.set()
        return (await asking).reveal()

    with host.agent():
        assert asyncio.run(main()) == "T1-of-the-vendor"
