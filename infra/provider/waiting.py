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
_GROWTH = 1.4


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a pass waits for one thing, and the signal that ends all waiting."""

    deadline_seconds: float = 300.0
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, seen: Callable[[], Awaitable[T | None]], what: str) -> T:
        """Asks again and again, ever more slowly, until `seen` gives something else than None.

        Raises EngineInterrupted when the pass is stopped, CloudUnavailable at the deadline.
        """
        pause = _SHORTEST_SECONDS
        waited = 0.0
        while (found := await seen()) is None:
            if waited >= self.deadline_seconds:
                raise CloudUnavailable(f"{what} is not there after {self.deadline_seconds:.0f} s")
            await self.pause(pause)
            waited += pause
            pause = min(pause * _GROWTH, _LONGEST_SECONDS)
        return found

    async def pause(self, seconds: float) -> None:
        """Raises EngineInterrupted as soon as the pass is stopped."""
        try:
            await asyncio.wait_for(self.stopped.wait(), seconds)
        except TimeoutError:
            return
        raise EngineInterrupted("stopped while waiting; the next pass continues")
