"""Passes that lead back to the source: by request, by the end of the window, by what the watch has seen."""

from __future__ import annotations

import pytest

from controllers.api.cutoversteps import Side, Step
from controllers.api.times import later_by
from tests.unit.cutover_world import World, failed


async def test_a_rollback_stops_what_runs_and_goes_back() -> None:
    """While it watches, say: the watch ends, the target is frozen, counted, and the source serves again."""
    world = World()
    await world.ready_to_cut()
    world.runner.held.add(Step.WATCH)
    await world.settle()
    assert "Watch" == world.status()["underway"]["step"]

    await world.go(stage="RollBack")
    assert [Step.WATCH] == world.runner.stopped
    assert (True, False, Side.SOURCE) == (world.hosts.source, world.hosts.target, world.hosts.callers)
    assert ("True", "RolledBack") == world.standing()
    assert ("False", "RolledBack") == world.standing("CutOver")
    assert "switchedTime" not in world.status()


async def test_a_rollback_that_loses_writes_waits_until_they_are_named() -> None:
    """Counted on the frozen target; then it goes on, or forward again if somebody changes their mind."""
    world = World()
    await world.ready_to_cut()
    await world.settle()
    world.hosts.writes = 3
    await world.go(stage="RollBack")
    losses = world.status()["losses"]
    assert (3, "Neither") == (losses["writes"], world.status()["live"])
    assert ("False", "RollingBack") == world.standing()
    assert losses["digest"] in world.message()

    await world.go(stage="Cut")
    assert ("Target", True) == (world.status()["live"], world.hosts.target)

    await world.go(stage="RollBack")
    await world.go(rollBack={"loses": world.status()["losses"]["digest"], "reason": "the portal is down"})
    assert (True, False) == (world.hosts.source, world.hosts.target)


async def test_what_the_watch_sees_leads_back_by_itself() -> None:
    """Once, and only if no more is lost than the spec allows; it is not cut over again by itself."""
    world = World()
    await world.ready_to_cut()
    world.runner.failing[Step.WATCH] = failed("portal answers 500", failures_in_a_row=5)
    await world.settle()

    assert (True, False) == (world.hosts.source, world.hosts.target)
    assert "to cut over again, ask again" in world.message()


async def test_what_the_watch_sees_loses_nothing_by_itself() -> None:
    """More writes than the spec allows to lose: the target is opened again, and people decide."""
    world = World()
    await world.ready_to_cut()
    world.runner.failing[Step.WATCH] = failed("portal answers 500", failures_in_a_row=5)
    world.runner.held.add(Step.COUNT_LOSSES)
    await world.settle()
    world.runner.ended = failed("unreachable")  # counted only the second time, when there is something to count
    world.runner.held.clear()
    world.hosts.writes = 9
    for _ in range(4):
        world.today = later_by(world.today, 60)
        await world.settle()

    assert (False, True) == (world.hosts.source, world.hosts.target)
    assert ("True", "CutOver") == world.standing("CutOver")
    assert ("False", "StepFailed") == world.standing("Supervised")


async def test_the_end_of_the_window_leads_back() -> None:
    """What is not switched by then goes back, and stays there."""
    world = World()
    await world.ready_to_cut()
    world.runner.failing[Step.FINAL_SYNC] = failed("old-db does not answer")
    await world.settle()
    assert not world.hosts.source

    world.today = later_by(world.today, 3600)
    await world.settle()
    assert world.hosts.source
    assert ("False", "RolledBack") == world.standing("CutOver")


@pytest.mark.parametrize(("overrun", "target"), [("Complete", True), ("RollBack", False)])
async def test_a_switch_that_overruns_its_window_does_as_the_spec_says(overrun: str, target: bool) -> None:
    """Completed, or rolled back; the service is not left nowhere."""
    world = World()
    await world.ready_to_cut(overrun=overrun)
    world.runner.failing[Step.VERIFY_ZONES] = failed("no answer from zone private")
    await world.settle()
    world.today = later_by(world.today, 3600)
    world.runner.failing.clear()
    await world.settle()

    assert (not target, target) == (world.hosts.source, world.hosts.target)
