"""The work queue: level-triggered, one worker per key, nothing lost."""

from __future__ import annotations

import asyncio
import contextlib

from controllers.queue import WorkQueue, backoff_seconds, work


async def drained(queue: WorkQueue[str], reconcile: object, seconds: float = 0.2) -> None:
    """Let three workers work for a while."""
    workers = [asyncio.create_task(work(queue, reconcile)) for _ in range(3)]  # type: ignore[arg-type]
    await asyncio.sleep(seconds)
    for worker in workers:
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker


async def test_many_adds_before_work_are_one_pass() -> None:
    """The state is looked at once, however often we were told."""
    queue, passes = WorkQueue[str](), []

    async def reconcile(key: str) -> None:
        passes.append(key)

    for _ in range(10):
        queue.add("a")
    await drained(queue, reconcile)

    assert ["a"] == passes


async def test_an_add_during_work_is_one_more_pass_and_never_two_at_once() -> None:
    """What changed while we looked is looked at again, by one worker at a time."""
    queue, running, most, passes = WorkQueue[str](), 0, 0, 0

    async def reconcile(key: str) -> None:
        nonlocal running, most, passes
        running, passes = running + 1, passes + 1
        most = max(most, running)
        if passes == 1:
            for _ in range(5):
                queue.add(key)
        await asyncio.sleep(0.01)
        running -= 1

    queue.add("a")
    await drained(queue, reconcile)

    assert (2, 1) == (passes, most)


async def test_the_earliest_timer_wins() -> None:
    """A later wish never delays an earlier one."""
    queue, passes = WorkQueue[str](), []

    async def reconcile(key: str) -> None:
        passes.append(key)

    queue.add_after("a", 0.05)
    queue.add_after("a", 30)
    await drained(queue, reconcile)

    assert ["a"] == passes


async def test_a_failing_pass_is_tried_again_and_harms_no_other_key() -> None:
    """A bug in one object is that object's problem."""
    queue, passes = WorkQueue[str](), []

    async def reconcile(key: str) -> None:
        passes.append(key)
        if key == "bad":
            raise ValueError(key)

    queue.add("bad")
    queue.add("good")
    await drained(queue, reconcile)

    assert ["bad", "good"] == passes
    assert [2.0, 4.0, 300.0] == [backoff_seconds(failures, jitter=1) for failures in (1, 2, 20)]
