"""Shared looks: many who ask cost the cloud one listing, and one that hangs holds up nobody for long."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from controllers.request.surveys import SharedLooks, Surveys
from infra.errors import CloudUnavailable


class HangingCloud:
    """Every listing takes a while, and fails."""

    project_id = "project-1"

    def __init__(self) -> None:
        self.lists = 0

    def project(self, project_id: str) -> HangingCloud:
        return self

    async def has(self, service: str) -> bool:
        return False

    async def list(self, *_: Any) -> list[Any]:
        self.lists += 1
        await asyncio.sleep(0.05)
        raise CloudUnavailable("no answer")


async def test_a_projects_requests_do_not_wait_for_a_hanging_cloud_one_after_the_other() -> None:
    """Who asked before a listing began shares its failure; who asks afterwards has a new one made."""
    cloud = HangingCloud()
    surveys, loop = Surveys(cast(Any, cloud)), asyncio.get_running_loop()
    asked = [surveys.servers("project-1", not_before=loop.time()) for _ in range(50)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)

    assert {CloudUnavailable} == {type(outcome) for outcome in outcomes}
    assert 1 == cloud.lists
    with pytest.raises(CloudUnavailable):
        await surveys.servers("project-1", not_before=loop.time())
    assert 2 == cloud.lists


class CountingLook:
    """Answers with its own number; the first `hanging` of them never do."""

    def __init__(self, hanging: int = 0) -> None:
        self.hanging, self.begun = hanging, 0

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        if number <= self.hanging:
            await asyncio.Event().wait()
        await asyncio.sleep(0.01)
        return number


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_three_hundred_drafts_at_once_cost_two_listings() -> None:
    """One serves all who asked before it began; whoever comes while it is under way shares the next."""
    looks, look = SharedLooks[int](), CountingLook()
    early = [asyncio.create_task(looks.get("pool", look, not_before=now())) for _ in range(150)]
    await asyncio.sleep(0.005)
    late = [asyncio.create_task(looks.get("pool", look, not_before=now())) for _ in range(150)]

    assert [1] * 150 == await asyncio.gather(*early)
    assert [2] * 150 == await asyncio.gather(*late)


async def test_whoever_asks_later_gets_no_older_answer() -> None:
    """A plan must not be made on a listing from before its request was read."""
    looks, look = SharedLooks[int](), CountingLook()
    before = now()
    await looks.get("pool", look, not_before=before)

    assert 1 == await looks.get("pool", look, not_before=before)
    assert 2 == await looks.get("pool", look, not_before=now())


async def test_a_look_that_hangs_is_waited_for_patiently_and_no_longer() -> None:
    """Another is begun beside it; it serves everybody, also who waited for the first."""
    looks, look = SharedLooks[int](patience_seconds=0.02, most_at_once=3), CountingLook(hanging=1)
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(looks.get("pool", look, not_before=now()) for _ in range(50)))

    assert [2] * 50 == answers


async def test_a_cloud_that_hangs_is_not_asked_by_everybody() -> None:
    """Three of the same listing at most: the threads to the cloud are for others, too."""
    looks, look = SharedLooks[int](patience_seconds=0.001, most_at_once=3), CountingLook(hanging=100)
    waiting = [asyncio.create_task(looks.get("pool", look, not_before=now())) for _ in range(50)]
    async with asyncio.timeout(30):
        while look.begun < 3:  # noqa: ASYNC110 - a look does not tell when it begins
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)

    assert 3 == look.begun
    for task in waiting:
        task.cancel()


async def test_who_gives_up_waiting_ends_nobody_elses_look() -> None:
    """A cancelled pass leaves the listing to those who share it."""
    looks, look = SharedLooks[int](), CountingLook()
    first = asyncio.create_task(looks.get("pool", look, not_before=now()))
    second = asyncio.create_task(looks.get("pool", look, not_before=now()))
    await asyncio.sleep(0)
    first.cancel()

    assert 1 == await second
