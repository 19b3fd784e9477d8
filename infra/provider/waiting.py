"""Bounded waiting for what OpenStack does in the background, given up at once when the pass is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from infra.errors import CloudUnavailable, EngineInterrupted

T = TypeVar("T")

_SHORTEST_SECONDS = 0.2
_LONGEST_SECONDS = 2.0
_GROWTH = 1.2


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a pass waits for one thing, and the signal that ends all waiting."""

    deadline_seconds: float = 300.0
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, seen: Callable[[], Awaitable[T | None]], what: str) -> T:
        """Asks again and again, ever more slowly, until `seen` gives something else than None.

        Raises EngineInterrupted when the pass is stopped, CloudUnavailable at the deadline.
        """
        clock = asyncio.get_running_loop().time
        pause, deadline = _SHORTEST_SECONDS, clock() + self.deadline_seconds
        while (found := await seen()) is None:
            if clock() >= deadline:
                raise CloudUnavailable(f"{what} is not there after {self.deadline_seconds:.0f} s")
            await self.pause(pause)
            pause = min(pause * _GROWTH, _LONGEST_SECONDS)
        return found

    async def pause(self, seconds: float) -> None:
        """Raises EngineInterrupted as soon as the pass is stopped."""
        try:
            await asyncio.wait_for(self.stopped.wait(), seconds)
        except TimeoutError:
            return
        raise EngineInterrupted("stopped while waiting; the next pass continues")


@dataclass(slots=True)
class Departures:
    """One repeated list call serves everybody who waits for something to disappear from a collection."""

    patience: Patience
    listed: Callable[[], Awaitable[frozenset[str]]]
    _pause_seconds: float = _SHORTEST_SECONDS
    _next_look: asyncio.Future[frozenset[str]] | None = None

    async def until_gone(self, object_id: str, what: str) -> None:
        """Raises EngineInterrupted when the pass is stopped, CloudUnavailable at the deadline."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.patience.deadline_seconds
        while object_id in await self._look():
            if clock() > deadline:
                raise CloudUnavailable(f"{what} is still there after {self.patience.deadline_seconds:.0f} s")

    async def is_gone(self, object_id: str) -> bool:
        """What the next list call says, without waiting for more."""
        return object_id not in await self._look()

    async def _look(self) -> frozenset[str]:
        """What the next list call shows: it begins after this question was asked."""
        if self._next_look is None:
            self._next_look = asyncio.ensure_future(self._list_soon())
        return await asyncio.shield(self._next_look)

    async def _list_soon(self) -> frozenset[str]:
        try:
            await self.patience.pause(self._pause_seconds)
        finally:
            self._next_look = None
        self._pause_seconds = min(self._pause_seconds * _GROWTH, _LONGEST_SECONDS)
        return await self.listed()
