"""Attempts of others: who is waited for, who is not, and what nobody may say for somebody else."""

from __future__ import annotations

from controllers.api.cutoversteps import Step
from controllers.api.times import later_by
from tests.unit.cutover_world import World
from tests.unit.world import versioned


async def test_a_step_of_somebody_else_is_waited_for() -> None:
    """One at a time: a person at work by hand is let finish, as long as they said; then it is begun anew."""
    world = World()
    await world.settle()
    await world.go(stage="Rehearse")
    line = next(body for body in world.cluster.bodies.values() if body["spec"].get("step") == "Rehearse")
    for key in [key for key, body in world.cluster.bodies.items() if body["spec"].get("step") == "Rehearse"]:
        del world.cluster.bodies[key]
    until = later_by(world.today, 600)
    by_hand = {**line, "spec": {**line["spec"], "by": "ops.wang", "until": until}}
    world.cluster.bodies["cutoversteps", line["metadata"]["name"]] = by_hand
    await world.settle()
    assert f"step Rehearse is run by ops.wang, until {until} at most" == world.message()

    world.today = until
    await world.settle()
    assert ["Rehearse/1 Begun", "Rehearse/2 Begun", "Rehearse/2 Done"] == world.journal()[4:]


async def test_nobody_waits_for_an_attempt_that_was_given_up() -> None:
    """By hand it failed, and was done by the next attempt of the same person."""
    world = World()
    await world.settle()
    begun = next(body for body in world.cluster.bodies.values() if body["spec"].get("event") == "Begun")
    until = later_by(world.today, 86_400)
    for attempt, event in ((7, "Begun"), (8, "Begun"), (8, "Done")):
        spec = begun["spec"] | {"by": "ops.wang", "attempt": attempt, "event": event, "step": "Rehearse"}
        name = f"by-hand-{attempt}-{event.lower()}"
        meta = {
            "name": name,
            "uid": name,
            "creationTimestamp": world.today,
            "namespace": begun["metadata"]["namespace"],
        }
        body = versioned({"metadata": meta, "spec": spec | {"until": until if event == "Begun" else None}})
        world.cluster.bodies["cutoversteps", name] = body
    await world.go(stage="Rehearse")

    assert ("True", "Rehearsed") == world.standing("Rehearsed")


async def test_nobody_who_goes_back_waits_for_a_watch() -> None:
    """It changes nothing, and may be somebody's who is not there any more."""
    world = World()
    await world.ready_to_cut()
    world.runner.held.add(Step.WATCH)
    await world.settle()
    name, line = next(one for one in world.cluster.bodies.items() if one[1]["spec"].get("step") == "Watch")
    until = later_by(world.today, 30 * 86_400)
    world.cluster.bodies[name] = {**line, "spec": {**line["spec"], "by": "ops.wang", "until": until}}
    world.start()
    await world.settle()
    waiting = world.message()
    await world.go(stage="RollBack")

    assert "step Watch is run by ops.wang" in waiting
    assert (True, False) == (world.hosts.source, world.hosts.target)


async def test_an_end_that_comes_when_others_have_gone_on_says_nothing() -> None:
    """Somebody opens the target by hand, falls asleep over it, and the operator has gone back meanwhile."""
    world = World()
    await world.ready_to_cut()
    world.runner.held.add(Step.UNFREEZE_TARGET)
    await world.settle()
    lines = world.cluster.bodies.items()
    name, line = next(one for one in lines if one[1]["spec"].get("step") == "UnfreezeTarget")
    by_hand = {**line["spec"], "by": "ops.wang", "until": later_by(world.today, 60)}
    world.cluster.bodies[name] = {**line, "spec": by_hand}
    world.start()
    world.today = later_by(world.today, 120)
    await world.go(stage="RollBack")
    end = {**line["metadata"], "name": "too-late", "creationTimestamp": world.today}
    late = versioned({"metadata": end, "spec": by_hand | {"event": "Done", "until": None}})
    world.cluster.bodies["cutoversteps", "too-late"] = late
    await world.settle()

    assert "Source" == world.status()["live"]


async def test_nobody_ends_the_attempt_of_another() -> None:
    """A line that says Done of what somebody else has begun, says nothing."""
    world = World()
    world.runner.held.add(Step.PREFLIGHT)
    await world.settle()
    begun = next(iter(world.cluster.bodies.items()))
    forged = {**begun[1], "spec": {**begun[1]["spec"], "event": "Done", "by": "li.na", "until": None}}
    forged["metadata"] = {**forged["metadata"], "name": "forged", "resourceVersion": "999999"}
    world.cluster.bodies["cutoversteps", "forged"] = forged
    await world.settle()

    assert ("False", "StepRunning") == world.standing("Prepared")
