"""A request's turn: one at a time per request, no more at once than there are slots, and each can be stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from infra.engine.run import Run
from infra.errors import EngineInterrupted
from infra.provider.waiting import Patience


class Turn:
    """What happens in it registers here, so that `stop` reaches it whatever it is doing."""

    def __init__(self, patience_seconds: float) -> None:
        self.waited_seconds = 0.0
        self._patience_seconds = patience_seconds
        self._patiences: list[Patience] = []
        self._run: Run | None = None
        self._stopped = False

    def patience(self) -> Patience:
        """A fresh one for each builder: the end of a run exhausts that of its own."""
        self.check()
        self._patiences.append(Patience(self._patience_seconds))
        return self._patiences[-1]

    def enter(self, run: Run) -> Run:
        """The run that `stop` has to end."""
        self.check()
        self._run = run
        return run

    def check(self) -> None:
        """Raises EngineInterrupted once the turn was stopped."""
        if self._stopped:
            raise EngineInterrupted("stopped; the next pass continues")

    async def stop(self) -> None:
        """Ends all waiting, and the run in order."""
        self._stopped = True
        for patience in self._patiences:
            patience.stopped.set()
        if self._run is not None:
            await self._run.stop()


class Turns:
    """Who is at work."""

    def __init__(self, slots: int, patience_seconds: float) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._patience_seconds = patience_seconds
        self._locks: dict[str, asyncio.Lock] = {}
        self._turns: dict[str, Turn] = {}
        self._closed = False
        self._running = 0

    def at_work(self) -> tuple[int, int]:
        """How many turns have a slot, and how many wait for one."""
        return self._running, len(self._turns) - self._running

    @asynccontextmanager
    async def take(self, uid: str) -> AsyncIterator[Turn]:
        """Waits for the request's turn and for a slot. A turn stopped while it waits for a slot does not begin."""
        asked = time.monotonic()
        async with self._locks.setdefault(uid, asyncio.Lock()):
            if self._closed:
                raise EngineInterrupted("the operator is stopping; the next one continues")
            turn = self._turns[uid] = Turn(self._patience_seconds)
            try:
                async with self._slots:
                    turn.check()
                    turn.waited_seconds = time.monotonic() - asked
                    self._running += 1
                    try:
                        yield turn
                    finally:
                        self._running -= 1
            finally:
                del self._turns[uid]

    async def stop(self, uid: str) -> None:
        """Stops the request's turn and waits for its end; without one, does nothing."""
        if turn := self._turns.get(uid):
            await turn.stop()
            async with self._locks[uid]:
                return

    async def stop_all(self) -> None:
        """Stops every turn; no other begins."""
        self._closed = True
        await asyncio.gather(*(self.stop(uid) for uid in list(self._turns)))
