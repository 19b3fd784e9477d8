"""The work queue: level-triggered, one pass per key at a time, nobody waits for another, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from controllers.queue import WorkQueue, backoff_seconds


async def drained(queue: WorkQueue[str], seconds: float = 0.2) -> None:
    """Let it work for a while."""
    await asyncio.sleep(seconds)
    await queue.stop()


def recording(passes: list[str]) -> Callable[[str], Awaitable[None]]:
    async def reconcile(key: str) -> None:
        passes.append(key)

    return reconcile


async def test_many_adds_before_work_are_one_pass() -> None:
    """The state is looked at once, however often we were told."""
    passes: list[str] = []
    queue = WorkQueue[str](recording(passes))
    for _ in range(10):
        queue.add("a")
    await drained(queue, 0.02)

    assert ["a"] == passes


async def test_an_add_during_work_is_one_more_pass_and_never_two_at_once() -> None:
    """What changed while we looked is looked at again, by one pass at a time."""
    running, most, passes = 0, 0, 0

    async def reconcile(key: str) -> None:
        nonlocal running, most, passes
        running, passes = running + 1, passes + 1
        most = max(most, running)
        if passes == 1:
            for _ in range(5):
                queue.add(key)
        await asyncio.sleep(0.01)
        running -= 1

    queue = WorkQueue[str](reconcile)
    queue.add("a")
    await drained(queue)

    assert (2, 1) == (passes, most)


async def test_any_number_of_passes_that_hang_hold_up_no_other() -> None:
    """A cloud that does not answer stops its own requests, and no others."""
    passes: list[str] = []

    async def reconcile(key: str) -> None:
        if key.startswith("stuck"):
            await asyncio.Event().wait()
        passes.append(key)

    queue = WorkQueue[str](reconcile)
    for number in range(500):
        queue.add(f"stuck-{number}")
    queue.add("free")
    await drained(queue, 0.05)

    assert ["free"] == passes


async def test_no_pass_hangs_for_ever() -> None:
    """What waits for something we did not think of is given up and begun again."""
    passes: list[str] = []

    async def reconcile(key: str) -> None:
        passes.append(key)
        await asyncio.Event().wait()

    queue = WorkQueue[str](reconcile, longest_pass_seconds=0.01)
    queue.add("a")
    await asyncio.sleep(0.05)
    queue.add("a")
    await drained(queue, 0.02)

    assert ["a", "a"] == passes


async def test_the_earliest_timer_wins() -> None:
    """A later wish never delays an earlier one."""
    passes: list[str] = []
    queue = WorkQueue[str](recording(passes))
    queue.add_after("a", 0.05)
    queue.add_after("a", 30)
    await drained(queue)

    assert ["a"] == passes


async def test_a_failing_pass_is_tried_again_and_harms_no_other_key() -> None:
    """A bug in one object is that object's problem."""
    passes: list[str] = []

    async def reconcile(key: str) -> None:
        passes.append(key)
        if key == "bad":
            raise ValueError(key)

    queue = WorkQueue[str](reconcile)
    queue.add("bad")
    queue.add("good")
    await drained(queue)

    assert ["bad", "good"] == passes
    assert [2.0, 4.0, 300.0] == [backoff_seconds(failures, jitter=1) for failures in (1, 2, 20)]


async def test_stopping_ends_every_pass_and_begins_no_other() -> None:
    """After the stop nothing of ours runs, and nothing that comes later starts anything."""
    passes: list[str] = []
    ended: list[str] = []

    async def reconcile(key: str) -> None:
        passes.append(key)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(key)

    queue = WorkQueue[str](reconcile)
    queue.add("a")
    queue.add_after("late", 0.01)
    await asyncio.sleep(0)
    queue.add("a")
    await queue.stop()
    queue.add("b")
    await asyncio.sleep(0.02)

    assert (["a"], ["a"]) == (passes, ended)
