"""The signals of a running server: SIGTERM drains it before it stops, SIGHUP has it read its settings again."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable


class Signals:
    """From `take` to `give_back`, on the main thread; elsewhere nothing is taken.

    `drain()`: told at SIGTERM; `seconds()` later whoever had the signal before gets it. A second SIGTERM goes there at
    once. `reload()`: told at SIGHUP.
    """

    def __init__(
        self, drain: Callable[[], None], seconds: Callable[[], float], reload: Callable[[], None]
    ) -> None:
        self._drain, self._seconds, self._reload = drain, seconds, reload
        self._before: object = None
        self._taken: list[signal.Signals] = []

    def take(self) -> None:
        """Begin to listen for them."""
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        self._before = signal.getsignal(signal.SIGTERM)
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        self._taken = [signal.SIGTERM, signal.SIGHUP]

    def give_back(self) -> None:
        """As it was before."""
        if signal.SIGHUP in self._taken:
            self._taken.remove(signal.SIGHUP)
            asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
        self._hand_on()

    def _hand_on(self) -> None:
        """SIGTERM is again whoever's it was."""
        if signal.SIGTERM in self._taken:
            self._taken.remove(signal.SIGTERM)
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
            if callable(self._before):
                signal.signal(signal.SIGTERM, self._before)

    def _terminate(self) -> None:
        self._hand_on()
        self._drain()
        asyncio.get_running_loop().call_later(self._seconds(), signal.raise_signal, signal.SIGTERM)
