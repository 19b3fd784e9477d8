"""The operator is killed at every step of a cut and of its way back: it resumes or goes back, and never are both live.

The hosts of the world fail the test at the moment when a side is opened while the other takes writes.
"""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api.cutover import Stage
from controllers.api.cutoversteps import Side, Step
from controllers.api.times import later_by
from controllers.cutover.way import AFTER, FORWARD, SWITCH
from tests.unit.cutover_world import Killed, World

HOUR = 3600.0
MOMENTS = ["before it did anything", "after it did all"]
TRIED = [step for step in FORWARD[Stage.CUT] if step not in (*SWITCH, *AFTER)]
BACK = [Step.FREEZE_TARGET, Step.COUNT_LOSSES, Step.RETURN_CALLERS, Step.UNFREEZE_SOURCE]


async def killed(world: World, step: Step, moment: str) -> None:
    """Go on until the operator is killed at the step; the next one remembers nothing."""
    name = "dies" if moment == MOMENTS[0] else "dies_after"
    setattr(world.runner, name, lambda one: one is step)
    with pytest.raises(Killed):
        await world.settle()
    assert world.journal()[-1] == f"{step}/1 Begun"
    world.start()


def sides(world: World) -> tuple[bool, bool, Side]:
    return world.hosts.source, world.hosts.target, world.hosts.callers


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("step", [*SWITCH, *AFTER])
async def test_a_cut_that_is_killed_resumes_at_its_step(step: Step, moment: str) -> None:
    """Inside the window: what was done is not done again, what was begun is begun anew, under the same key."""
    world = World()
    await world.ready_to_cut()
    await killed(world, step, moment)
    await world.settle()

    assert (False, True, Side.TARGET) == sides(world)
    assert [f"{step}/1 Begun", f"{step}/2 Begun", f"{step}/2 Done"] == lines_of(world, step)
    assert 1 == len({line["key"] for line in lines(world) if line["step"] == step})
    for other in {*SWITCH, *AFTER} - {step}:
        assert [f"{other}/1 Begun", f"{other}/1 Done"] == lines_of(world, other)


@pytest.mark.parametrize("overrun", ["RollBack", "Complete"])
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("step", SWITCH)
async def test_a_cut_that_is_killed_past_its_window_goes_back(step: Step, moment: str, overrun: str) -> None:
    """Unless callers may have been switched and it is to be completed then; it is never left in the middle."""
    world = World()
    await world.ready_to_cut(overrun=overrun)
    await killed(world, step, moment)
    world.today = later_by(world.today, 2 * HOUR)
    await world.settle()

    completed = overrun == "Complete" and step in (Step.SWITCH_CALLERS, Step.VERIFY_ZONES, Step.UNFREEZE_TARGET)
    expected = (False, True, Side.TARGET) if completed else (True, False, Side.SOURCE)
    assert expected == sides(world)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("step", BACK)
async def test_a_rollback_that_is_killed_goes_on(step: Step, moment: str) -> None:
    """Long after the window: the way back has none."""
    world = World()
    await world.ready_to_cut()
    await world.settle()
    world.today = later_by(world.today, 40 * HOUR)
    world.ask(stage="RollBack")
    await killed(world, step, moment)
    await world.settle()

    assert (True, False, Side.SOURCE) == sides(world)
    assert ("True", "RolledBack") == world.standing()


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("step", BACK)
async def test_a_rollback_that_is_killed_and_called_off_never_has_both_live(step: Step, moment: str) -> None:
    """Forward again, unless the source may have been opened already: then it is."""
    world = World()
    await world.ready_to_cut()
    await world.settle()
    world.ask(stage="RollBack")
    await killed(world, step, moment)
    world.ask(stage="Cut")
    world.today = later_by(world.today, 2 * HOUR)
    await world.settle()

    opened = step is Step.UNFREEZE_SOURCE
    assert ((True, False, Side.SOURCE) if opened else (False, True, Side.TARGET)) == sides(world)


@pytest.mark.parametrize("stage", ["RollBack", "Trial"])
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("step", SWITCH)
async def test_a_cut_that_is_killed_and_called_off_goes_back(step: Step, moment: str, stage: str) -> None:
    """Whoever takes the question back gets the source back."""
    world = World()
    await world.ready_to_cut()
    await killed(world, step, moment)
    world.ask(stage=stage)
    await world.settle()

    assert (True, False, Side.SOURCE) == sides(world)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("step", TRIED)
async def test_a_trial_that_is_killed_resumes(step: Step, moment: str) -> None:
    """And makes one report."""
    world = World()
    world.ask(stage="Trial")
    if step is Step.END_TRIAL:
        await world.settle()
        world.today = later_by(world.today, 31 * 24 * HOUR)
    await killed(world, step, moment)
    await world.settle()
    world.today = later_by(world.today, 31 * 24 * HOUR)
    await world.settle()

    assert ("True", "Tried") == world.standing("Tried")
    assert 1 == len(world.reports())
    assert world.hosts.source


async def test_writes_since_a_cut_that_is_killed_are_not_lost_by_itself() -> None:
    """Killed while opening the target, past the window: what was written meanwhile keeps it open."""
    world = World()
    await world.ready_to_cut()
    await killed(world, Step.UNFREEZE_TARGET, MOMENTS[1])
    world.hosts.writes = 4
    world.today = later_by(world.today, 2 * HOUR)
    await world.settle()

    assert (False, True, Side.TARGET) == sides(world)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_release_that_is_killed_is_no_way_back_any_more(moment: str) -> None:
    """It may be half erased: it is released to its end, whatever is asked."""
    world = World()
    await world.ready_to_cut()
    await world.settle()
    world.ask(stage="Release")
    world.today = world.status()["retainUntil"]
    for party, signer in (("department", "li.na"), ("provider", "ops.wang")):
        world.sign(party, signer, of="Release")
    await killed(world, Step.RELEASE, moment)
    await world.go(stage="RollBack")
    assert (False, True) == sides(world)[:2]

    await world.go(stage="Release")
    assert world.hosts.released


async def test_killed_before_the_line_is_written_nothing_has_happened() -> None:
    """The line comes first, so what is not in the journal was not done."""
    world = World()
    await world.ready_to_cut()

    def die(body: Any) -> None:
        if body["spec"].get("step") == "FreezeSource":
            raise Killed

    world.cluster.before_create = die
    with pytest.raises(Killed):
        await world.settle()
    assert world.hosts.source
    assert [] == lines_of(world, Step.FREEZE_SOURCE)

    world.cluster.before_create = lambda _: None
    world.start()
    await world.settle()
    assert (False, True, Side.TARGET) == sides(world)


def lines(world: World) -> list[dict[str, Any]]:
    """Every line of the journal."""
    return [body["spec"] for (plural, _), body in world.cluster.bodies.items() if plural == "cutoversteps"]


def lines_of(world: World, step: Step) -> list[str]:
    """Those about a step, as `Step/attempt Event`."""
    return [line for line in world.journal() if line.startswith(f"{step}/")]
