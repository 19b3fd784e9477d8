"""A new credential is noticed, once, and wakes what waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import chain, repeat
from typing import Any, cast

from controllers.rotation import watch_credential, woken_by_credential
from infra.errors import CredentialsRejected
from tests.unit.world import World


async def test_each_change_is_told_once() -> None:
    """Looking costs nothing, waking everybody does."""
    told: list[int] = []
    generations = chain([0, 0, 1, 1, 2], repeat(2))

    class RotatedClouds:
        def generation(self) -> int:
            return next(generations)

    watching = asyncio.create_task(
        watch_credential(cast(Any, RotatedClouds()), lambda: told.append(1), every_seconds=0.001)
    )
    await asyncio.sleep(0.1)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching

    assert 2 == len(told)


async def test_a_request_that_rests_for_the_old_credential_goes_on_at_once() -> None:
    """Not after its minute; zones and tenants are asked, too."""
    world = World()
    world.ask()
    await world.turn()
    world.approve()
    world.engine.failure = CredentialsRejected("no")
    await world.turn()
    world.engine.failure = None
    woken = list(woken_by_credential(world.cache, world.parts.memories))
    await world.turn()

    assert ["Zone", "Tenant", "ResourceRequest"] == [kind for kind, _, _ in woken]
    assert 2 == len(world.engine.passes)
