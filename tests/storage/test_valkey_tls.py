"""Valkey by TLS: whom a private authority vouches for is trusted, nobody else, and no password is said before that.

The server of the wheel speaks no TLS, so a relay in front of it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mintmark.authorization_server.ports import Take
from mintmark.storage.counters import MemoryCounters
from mintmark.storage.replays import MemoryReplays
from mintmark.storage.valkey_address import ValkeyAddress
from mintmark.storage.valkey_counters import ValkeyCounters
from mintmark.storage.valkey_replays import ValkeyReplays
from mintmark.storage.valkey_server import ValkeyServer
from mintmark.values.secret import Secret
from tests.valkeys import PATIENCE, Valkey, valkey

PASSWORD = "not in any log"


class Authority(NamedTuple):
    """`ca`: its certificate. `server`: one for localhost by it, with the key."""

    ca: Path
    server: Path


def authority(folder: Path) -> Authority:
    folder.mkdir()
    now = datetime.datetime.now(datetime.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("ours", "valkey")]
    ours = x509.SubjectKeyIdentifier.from_public_key(keys[0].public_key())
    made = []
    for key, name in zip(keys, names, strict=True):
        ca = name is names[0]
        usage = x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[0])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ours), critical=False
            )
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        )
        made.append(builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.pem").write_bytes(made[0])
    (folder / "server.pem").write_bytes(made[1] + private)
    return Authority(folder / "ca.pem", folder / "server.pem")


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls") / "others")


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("locked"), "--requirepass", PASSWORD) as server:
        yield server


class Relay:
    """Ends TLS in front of a server. `port`: where; `heard`: all that callers said within TLS."""

    port = 0

    def __init__(self, to: int) -> None:
        self._to = to
        self.heard = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", self._to)

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, told: bool) -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    self.heard += data if told else b""
                    target.write(data)
                    await target.drain()
            target.close()

        await asyncio.gather(copy(reader, behind_writer, True), copy(behind_reader, writer, False))

    @contextlib.asynccontextmanager
    async def listening(self, certificate: Path) -> AsyncIterator[None]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()


def play(
    locked: Valkey,
    certificate: Path,
    ca: Path | None,
    work: Callable[[ValkeyServer, Relay], Awaitable[None]],
    host: str = "localhost",
) -> None:
    async def run() -> None:
        relay = Relay(locked.port)
        async with relay.listening(certificate):
            address = ValkeyAddress.parse(f"valkeys://{host}:{relay.port}/0")
            server = ValkeyServer(address, Secret(PASSWORD), ca, lambda there, why: None, PATIENCE)
            try:
                await work(server, relay)
            finally:
                await server.close()

    asyncio.run(run())


async def trusted(server: ValkeyServer, relay: Relay) -> None:
    await server.look()
    assert (server.there, server.why) == (True, "")


async def not_trusted(server: ValkeyServer, relay: Relay) -> None:
    await server.look()
    assert not server.there
    assert "certificate verify failed" in server.why
    assert PASSWORD not in server.why
    assert relay.heard == b""


def test_limits_and_what_is_accepted_once_are_shared_through_tls(locked: Valkey, ours: Authority) -> None:
    async def work(server: ValkeyServer, relay: Relay) -> None:
        nodes = [ValkeyCounters(server, MemoryCounters(), "tls:") for _ in range(2)]
        given = [(await node.take((Take("k", 3, 3600),), 0.0))[0].allowed for node in nodes * 3]
        assert given == [True] * 3 + [False] * 3
        replays = [ValkeyReplays(server, MemoryReplays(lambda: 0.0), "tls:") for _ in range(2)]
        assert [await each.accept_once("a", 600) for each in replays] == [True, False]
        assert (server.there, server.losses) == (True, 0)
        assert PASSWORD.encode() in relay.heard  # all of it went through TLS

    play(locked, ours.server, ours.ca, work)


def test_a_server_that_another_authority_vouches_for_is_told_no_password(
    locked: Valkey, ours: Authority, others: Authority
) -> None:
    play(locked, others.server, ours.ca, not_trusted)


def test_valkey_ca_stands_instead_of_the_systems_certificates(
    locked: Valkey, ours: Authority, others: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.ca))
    play(locked, ours.server, None, trusted)
    play(locked, ours.server, others.ca, not_trusted)


def test_a_certificate_for_another_name_is_refused(locked: Valkey, ours: Authority) -> None:
    play(locked, ours.server, ours.ca, not_trusted, host="127.0.0.1")


def test_a_server_without_tls_is_away_and_told_no_password(locked: Valkey, ours: Authority) -> None:
    async def run() -> None:
        address = ValkeyAddress.parse(f"valkeys://localhost:{locked.port}/0")
        server = ValkeyServer(address, Secret(PASSWORD), ours.ca, lambda there, why: None, 0.2)
        await server.look()
        assert not server.there
        assert server.why
        assert PASSWORD not in server.why
        await server.close()

    asyncio.run(run())
