"""Many objects deleted at once: each kind as soon as what has to be gone before it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from infra.errors import EngineInterrupted
from infra.provider.builder import Builder
from infra.provider.kinds import GONE_BEFORE, REMOVAL_ORDER
from infra.provider.observed import ObservedObject
from infra.stackplan import Kind


@asynccontextmanager
async def departing(builder: Builder, objects: Collection[ObservedObject]) -> AsyncIterator[None]:
    """The objects are deleted beside the block, and not after it: when the block fails, nothing new is begun."""
    task = asyncio.ensure_future(delete_together(builder, objects))
    try:
        yield
    except BaseException:
        builder.patience.stopped.set()
        raise
    finally:
        await asyncio.gather(task, return_exceptions=True)
        await builder.settle()
    task.result()


async def delete_together(builder: Builder, objects: Collection[ObservedObject]) -> None:
    """Raises the first failure when nothing is under way any more; what had to wait for what failed is not begun."""
    ends: dict[Kind, asyncio.Future[None]] = {}
    for kind in REMOVAL_ORDER:
        going = [found for found in objects if found.kind is kind]
        before = [ends[earlier] for earlier in GONE_BEFORE[kind]]
        ends[kind] = asyncio.ensure_future(_delete_kind(builder, going, before))
    _raise_first(await asyncio.gather(*ends.values(), return_exceptions=True))


async def _delete_kind(
    builder: Builder, going: Sequence[ObservedObject], before: Collection[asyncio.Future[None]]
) -> None:
    """Nobody of the kind is left behind by a failing neighbour."""
    await asyncio.gather(*before)
    if going and builder.patience.stopped.is_set():
        raise EngineInterrupted("stopped while deleting; the next pass continues")
    ends = [builder.delete(found.kind, found.id, found.name) for found in going]
    _raise_first(await asyncio.gather(*ends, return_exceptions=True))


def _raise_first(ends: Collection[BaseException | None]) -> None:
    for failure in filter(None, ends):
        raise failure
