"""The level-triggered work queue: whatever happened, the key is worked on again, by one pass at a time.

Every due key is worked on at once: a pass that waits (for the engine, for a cloud that hangs) costs a coroutine and
holds up nobody. What is scarce bounds itself: the engine has its slots, the cloud its threads, the API server its
connections. Three rules carry the rest: an add while a key is being worked on runs it once more afterwards; of several
timers for a key the earliest wins; nothing is ever dropped because it looked old.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog

from infra.errors import KunlunError, TransientError

Key = TypeVar("Key", bound=Hashable)
Told = TypeVar("Told", bound=Hashable, contravariant=True)

FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 300.0
# Everything a pass waits for has its own, shorter deadline; this one is for what we did not think of.
LONGEST_PASS_SECONDS = 7200.0
log = structlog.get_logger(__name__)


class Ended(Protocol[Told]):
    """Is told of the end of every pass: what it returned, what it raised, and how many seconds it took."""

    def __call__(self, key: Told, retry_after: float | None, error: BaseException | None, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Standing(Generic[Key]):
    """The queue at one moment; seconds since a key was due, since its pass began, and until it is due."""

    due: Mapping[Key, float]
    at_work: Mapping[Key, float]
    again: frozenset[Key]  # once more, after the pass that runs
    later: Mapping[Key, float]


class WorkQueue(Generic[Key]):
    """Runs `reconcile` for keys; it returns the seconds after which it wants to run again. Not thread-safe.

    Errors are retried with growing delays; a TransientError's own `retry_after_seconds` is the least delay.
    """

    def __init__(
        self,
        reconcile: Callable[[Key], Awaitable[float | None]],
        *,
        longest_pass_seconds: float = LONGEST_PASS_SECONDS,
        ended: Ended[Key] = lambda *_: None,
    ) -> None:
        self._reconcile = reconcile
        self._ended = ended
        self._longest_pass_seconds = longest_pass_seconds
        self._passes: dict[Key, asyncio.Task[None]] = {}
        self._unbegun: dict[Key, float] = {}  # and since when they are due
        self._again: set[Key] = set()
        self._begun: dict[Key, float] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._stopped = False

    def add(self, key: Key) -> None:
        """Work on the key now; if it is being worked on, once more after that."""
        if self._stopped or key in self._unbegun:
            return
        loop = asyncio.get_running_loop()
        if key in self._passes:
            self._again.add(key)
        else:
            self._unbegun[key] = loop.time()
            self._passes[key] = loop.create_task(self._work(key))

    def add_after(self, key: Key, seconds: float) -> None:
        """Work on the key in `seconds`, or earlier if it is due earlier already."""
        loop = asyncio.get_running_loop()
        known = self._timers.get(key)
        if self._stopped or (known is not None and known.when() <= loop.time() + seconds):
            return
        if known is not None:
            known.cancel()
        self._timers[key] = loop.call_later(seconds, self._due, key)

    def standing(self) -> Standing[Key]:
        """For whoever asks; costs nothing until then."""
        now = asyncio.get_running_loop().time()
        return Standing(
            {key: now - since for key, since in self._unbegun.items()},
            {key: now - since for key, since in self._begun.items()},
            frozenset(self._again),
            {key: timer.when() - now for key, timer in self._timers.items()},
        )

    async def stop(self) -> None:
        """No other pass begins; those that still run are cancelled, and their end is awaited. Idempotent."""
        self._stopped = True
        for timer in self._timers.values():
            timer.cancel()
        for running in self._passes.values():
            running.cancel()
        await asyncio.gather(*self._passes.values(), return_exceptions=True)

    async def _work(self, key: Key) -> None:
        self._begun[key] = asyncio.get_running_loop().time()
        self._unbegun.pop(key, None)
        try:
            async with asyncio.timeout(self._longest_pass_seconds):
                retry_after = await self._reconcile(key)
            self._failures.pop(key, None)
            if retry_after is not None:
                self.add_after(key, retry_after)
            self._tell(key, retry_after, None)
        except Exception as error:  # the last resort: a bug must not end the work on its key
            self._tell(key, None, error)
            self.add_after(key, self._pause_after(key, error))
        except asyncio.CancelledError as error:
            self._tell(key, None, error)
            raise
        finally:
            del self._passes[key], self._begun[key]
            if key in self._again:
                self._again.discard(key)
                self.add(key)

    def _tell(self, key: Key, retry_after: float | None, error: BaseException | None) -> None:
        self._ended(key, retry_after, error, asyncio.get_running_loop().time() - self._begun[key])

    def _pause_after(self, key: Key, error: Exception) -> float:
        self._failures[key] = failures = self._failures.get(key, 0) + 1
        pause = backoff_seconds(failures, jitter=random.uniform(0.8, 1.2))
        if isinstance(error, TransientError):
            pause = max(pause, error.retry_after_seconds)
        if isinstance(error, KunlunError):
            log.info("retry", key=key, reason=error.reason, message=error.message, seconds=round(pause, 1))
        else:
            log.error("reconcile failed", key=key, seconds=round(pause, 1), exc_info=error)
        return pause

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)


def backoff_seconds(failures: int, *, jitter: float) -> float:
    """1, 2, 4 … 300 seconds, times `jitter`."""
    return min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(failures, 16)) * jitter
