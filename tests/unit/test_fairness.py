"""Requests do not wait for each other: turns in the order of asking, and no lock is held while a cloud hangs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

from controllers.api.stored import REQUESTS
from controllers.request.reconcile import reconcile
from controllers.request.surveys import Surveys
from infra.engine.turn import Turns
from tests.build import NAMESPACE
from tests.unit.world import World


async def test_turns_are_given_in_the_order_of_asking() -> None:
    """Fifty requests approved at once: none overtakes another, and no more work at once than there are slots."""
    turns, began, working, most = Turns(3, 1.0), list[str](), 0, 0

    async def work(uid: str) -> None:
        nonlocal working, most
        async with turns.take(uid):
            began.append(uid)
            working += 1
            most = max(most, working)
            await asyncio.sleep(0.001)
            working -= 1

    uids = [f"uid-{number}" for number in range(50)]
    await asyncio.gather(*(work(uid) for uid in uids))

    assert uids == began
    assert 3 == most


class HangingCloud:
    """A cloud whose first listing never ends, and the others only when two plans are waiting for one."""

    def __init__(self) -> None:
        self.listings, self.waiting, self.two_wait = 0, 0, asyncio.Event()

    def admin(self) -> HangingCloud:
        """Asked for once by each plan, before it waits."""
        self.waiting += 1
        if self.waiting > 1:
            self.two_wait.set()
        return self

    async def list(self, *_: Any) -> list[Any]:
        self.listings += 1
        await (asyncio.Event() if self.listings == 1 else self.two_wait).wait()
        return []


async def test_a_listing_that_hangs_holds_up_no_other_plan() -> None:
    """Addresses are given out one plan at a time, but not while OpenStack is being asked."""
    world = World()
    parts = replace(world.parts, surveys=Surveys(cast(Any, HangingCloud())))
    world.ask(name="stuck")
    world.ask(name="free")
    stuck, free = (world.cache.get(REQUESTS, NAMESPACE, name) for name in ("stuck", "free"))
    assert stuck is not None and free is not None
    hanging = asyncio.create_task(reconcile(stuck, parts))
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await reconcile(free, parts)

    assert ("True", "Planned") == world.standing("Planned", "free")
    hanging.cancel()
