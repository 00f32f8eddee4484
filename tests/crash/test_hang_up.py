"""A caller that hangs up in the middle stalls nobody, and what was committed for it counts as issued."""

from __future__ import annotations

import socket
import struct
import time

from tests.crash.askers import Askers
from tests.crash.site import TOKEN_PATH, Holder, Site
from tests.end_to_end.server import PATIENCE

RESET = struct.pack("ii", 1, 0)


def ask_and_hang_up(site: Site, holder: Holder, part: float = 1.0) -> None:
    """Send the first `part` of a request, then break the connection with a reset."""
    body = f"grant_type=client_credentials&client_id={holder.client_id}&client_secret={holder.secret}"
    head = f"POST {TOKEN_PATH} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    request = (head + body).encode()
    with socket.create_connection(("127.0.0.1", site.port), timeout=PATIENCE) as connection:
        connection.sendall(request[: int(len(request) * part)])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def test_callers_that_hang_up_stall_nobody_and_count_when_committed(site: Site) -> None:
    rude, polite = site.holders[0], site.holders[1:]
    server = site.serve()
    try:
        with Askers(site, polite, threads=3) as askers:
            askers.wait_for(10)
            for number in range(120):
                ask_and_hang_up(site, rude, part=(1.0, 0.9, 0.3)[number % 3])
                if number % 10 == 0:
                    time.sleep(0.01)
            askers.wait_for(50)
        assert askers.refused == []
        assert askers.broken == 0
        assert site.ask(rude).status == 200
    finally:
        assert server.stop() == 0
    books = site.books()
    books.check(askers.jtis)
    assert 1 <= books.issued[rude.client_id] <= 41
    assert "Traceback" not in server.output
