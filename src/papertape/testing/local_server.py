"""What scripted venues share: a thread with an event loop, listening from `with` to its end."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Protocol, Self

START_S = 10.0


class Closable(Protocol):
    """Something that listens."""

    def close(self) -> object:
        """Stop listening."""
        ...


class LocalServer:
    """A server on the loopback; subclasses open what listens, and play a script beside it."""

    def __init__(self, name: str) -> None:
        """Take the thread's name; nothing listens before `with`."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def __enter__(self) -> Self:
        """Listen on free ports of the loopback."""
        self._thread.start()
        assert self._ready.wait(START_S), "the server did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close everything."""
        self._ending.set()
        self._thread.join(START_S)

    def _work(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        listening = await self._open()
        self._ready.set()
        player = asyncio.create_task(self._play())
        while not self._ending.is_set():
            await asyncio.sleep(0.01)
            if player.done() and player.exception() is not None:
                break
        player.cancel()
        self._hang_up()
        for each in listening:
            each.close()

    async def _open(self) -> list[Closable]:
        """Listen, and return what listens."""
        raise NotImplementedError

    async def _play(self) -> None:
        """Say what the script says."""

    def _hang_up(self) -> None:
        """Cut what is connected."""
