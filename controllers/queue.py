"""The level-triggered work queue: whatever happened, the key is worked on again, one worker at a time.

Three rules carry it: an add while a key is being worked on runs it once more afterwards; of several timers
for a key the earliest wins; nothing is ever dropped because it looked old.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import structlog

from infra.errors import TransientError

Key = TypeVar("Key", bound=Hashable)

FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 300.0
log = structlog.get_logger(__name__)


class WorkQueue(Generic[Key]):
    """Keys to work on. Lives in one event loop; not thread-safe."""

    def __init__(self) -> None:
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._queued: set[Key] = set()
        self._working: set[Key] = set()
        self._again: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}

    def add(self, key: Key) -> None:
        """Work on the key as soon as a worker is free; if it is being worked on, once more after that."""
        if key in self._working:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._ready.put_nowait(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Work on the key in `seconds`, or earlier if it is due earlier already."""
        loop = asyncio.get_running_loop()
        known = self._timers.get(key)
        if known is not None and known.when() <= loop.time() + seconds:
            return
        if known is not None:
            known.cancel()
        self._timers[key] = loop.call_later(seconds, self._due, key)

    async def take(self) -> Key:
        """The next key; the caller must call `done` with it, whatever happens."""
        key = await self._ready.get()
        self._queued.discard(key)
        self._working.add(key)
        return key

    def succeeded(self, key: Key) -> None:
        """Forget earlier failures."""
        self._failures.pop(key, None)

    def failed(self, key: Key) -> int:
        """Count one more failure; returns how many there were in a row."""
        self._failures[key] = self._failures.get(key, 0) + 1
        return self._failures[key]

    def done(self, key: Key) -> None:
        """The worker has finished with the key."""
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)


def backoff_seconds(failures: int, *, jitter: float) -> float:
    """1, 2, 4 … 300 seconds, times `jitter`."""
    return min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(failures, 16)) * jitter


async def work(queue: WorkQueue[Key], reconcile: Callable[[Key], Awaitable[float | None]]) -> None:
    """Work for ever: run `reconcile` on each key; it returns the seconds after which it wants to run again.

    Errors are retried with growing delays; a TransientError's own `retry_after_seconds` is the least delay.
    """
    while True:
        key = await queue.take()
        try:
            retry_after = await reconcile(key)
            queue.succeeded(key)
            if retry_after is not None:
                queue.add_after(key, retry_after)
        except Exception as error:  # the last resort: a bug must not stop the worker
            delay = backoff_seconds(queue.failed(key), jitter=random.uniform(0.8, 1.2))
            if isinstance(error, TransientError):
                delay = max(delay, error.retry_after_seconds)
                log.info("retry", key=key, reason=error.reason, message=error.message, seconds=round(delay, 1))
            else:
                log.exception("reconcile failed", key=key, seconds=round(delay, 1))
            queue.add_after(key, delay)
        finally:
            queue.done(key)
