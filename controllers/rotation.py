"""Noticing that the operator's credential changed, so that whatever waits for it goes on at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Protocol

from controllers.api.stored import REQUESTS, TENANTS, ZONES
from controllers.cache import Cache
from infra.cloud import Clouds
from infra.errors import CredentialsRejected, KunlunError

LOOK_SECONDS = 2.0


class Resting(Protocol):
    """Where failed work rests."""

    def wake(self, reason: type[KunlunError]) -> None: ...


async def watch_credential(clouds: Clouds, changed: Callable[[], None], *, every_seconds: float = LOOK_SECONDS) -> None:
    """Calls `changed` after each change, for ever. A look is one `stat` of the file."""
    generation = clouds.generation()
    while True:
        await asyncio.sleep(every_seconds)
        if generation != (generation := clouds.generation()):
            changed()


def woken_by_credential(cache: Cache, resting: Resting) -> Iterator[tuple[str, str, str]]:
    """Ends all rest because of the old credential. Yields whoever may have met it: a settled pass costs nothing."""
    resting.wake(CredentialsRejected)
    for items in (cache.all(ZONES), cache.all(TENANTS), cache.all(REQUESTS)):
        yield from ((item.kind.name, item.meta.namespace, item.meta.name) for item in items)
