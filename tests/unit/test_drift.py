"""Drift as one pass after the other tells it: what is said, what is put right unasked, and what is asked for first.

The fake cloud shows servers only: all else is missing, which a plan in force permits to make again.
"""

from __future__ import annotations

import pytest

from controllers.api.approval import Decision
from controllers.api.plan import Operation
from controllers.api.stored import APPROVALS, PLANS, Plan
from controllers.request.plans import is_repair
from tests.build import NAMESPACE, a_flow, a_server, a_spec, an_approval
from tests.unit.world import World

LATER = 1000.0


async def look(world: World) -> None:
    """The next turn to look, and the pass that follows from it."""
    world.clock += LATER
    await world.turn()
    await world.turn()


async def rebuilt_by_hand() -> tuple[World, str]:
    """A built request of which somebody has rebuilt a server from another image; and its plan."""
    world = World()
    plan = await world.built()
    world.surveys.servers_of[0]["image"] = {"id": "another"}
    await look(world)
    return world, plan


def newest(world: World) -> Plan:
    plan = world.cache.get(PLANS, NAMESPACE, world.status()["plan"])
    assert plan is not None
    return plan


def message(world: World, condition: str = "Provisioned") -> str:
    return str(next(item["message"] for item in world.status()["conditions"] if item["type"] == condition))


async def test_what_needs_another_object_becomes_a_plan_to_approve() -> None:
    """The plan in force stays in force and watched; nothing is replaced unasked."""
    world, plan = await rebuilt_by_hand()

    assert (plan, True) == (world.status()["approvedPlan"], is_repair(newest(world)))
    assert [(Operation.REPLACE, "server-web-0")] == [(one.operation, one.name) for one in newest(world).spec.actions]
    assert ("False", "AwaitingApproval") == world.standing("Approved")
    assert ("False", "Drifted") == world.standing("Provisioned")
    assert "image_id is another, approved is id-debian-12" in message(world)
    assert f"Plan {newest(world).meta.name} repairs it when it is approved" in message(world)
    assert 1 == len(world.engine.passes)


async def test_an_approved_repair_is_carried_out_and_the_request_is_ready_again() -> None:
    """It is the plan in force from then on, and the next looks find nothing to repair."""
    world, _ = await rebuilt_by_hand()
    repair = world.approve()
    await world.turn()
    assert repair == world.status()["approvedPlan"]
    assert (repair, True) == world.engine.passes[1]
    await look(world)

    assert repair == world.status()["plan"]
    assert ("True", "Approved") == world.standing("Approved")


async def test_the_same_drift_makes_one_plan_however_long_it_lasts() -> None:
    """Also over a restart, when nothing is remembered; a settled look writes nothing."""
    world, _ = await rebuilt_by_hand()
    repair, writes = newest(world).meta.name, len(world.cluster.statuses)
    for _ in range(3):
        await look(world)
    world.parts.memories.by_uid.clear()
    await look(world)
    await look(world)

    assert repair == newest(world).meta.name
    assert 2 == len(list(world.cache.all(PLANS)))
    assert writes == len(world.cluster.statuses)


async def test_another_drift_makes_another_plan_and_the_undecided_one_goes() -> None:
    """However often somebody changes something, there is one repair to decide on."""
    world, plan = await rebuilt_by_hand()
    first = newest(world).meta.name
    world.surveys.servers_of[1]["image"] = {"id": "another"}
    await look(world)

    assert {plan, newest(world).meta.name} == {one.meta.name for one in world.cache.all(PLANS)}
    assert first != newest(world).meta.name
    assert 2 == len(newest(world).spec.actions)


@pytest.mark.parametrize("forgotten", [False, True], ids=["remembered", "after a restart"])
async def test_what_was_put_back_needs_no_plan_any_more(forgotten: bool) -> None:
    """The plan in force is the newest again, and the repair that nobody decided on is gone."""
    world, plan = await rebuilt_by_hand()
    world.surveys.servers_of[0]["image"] = {"id": "id-debian-12"}
    if forgotten:
        world.parts.memories.by_uid.clear()
        await world.turn()
    await look(world)

    assert plan == world.status()["plan"]
    assert [plan] == [one.meta.name for one in world.cache.all(PLANS)]
    assert ("True", "Approved") == world.standing("Approved")


async def test_a_denied_repair_stays_denied_while_the_drift_lasts() -> None:
    """The decision is kept for the record, and nobody is asked again for the same."""
    world, plan = await rebuilt_by_hand()
    repair = newest(world)
    denial = an_approval(repair, decision=Decision.DENIED, reason="ask them first").spec
    world.keep(APPROVALS, "denial", denial)
    await look(world)
    assert ("False", "Denied") == world.standing("Approved")
    world.surveys.servers_of[0]["image"] = {"id": "id-debian-12"}
    await look(world)

    assert ("True", "Approved") == world.standing("Approved")
    assert {plan, repair.meta.name} == {one.meta.name for one in world.cache.all(PLANS)}


async def test_a_newer_spec_comes_before_a_repair() -> None:
    """Officers decide on one plan at a time; the drift is told, and repaired when that plan is in force."""
    world, _ = await rebuilt_by_hand()
    world.ask(a_spec(flows=[a_flow(ports=["tcp/8443"])]), generation=2)
    await look(world)

    assert not is_repair(newest(world))
    assert "gets a plan to approve once the newest plan is in force" in message(world)


async def test_an_unapproved_policy_of_correcting_corrects_what_was_approved() -> None:
    """It asks for nothing new: what is missing is made again; what needs a plan still waits for one."""
    world, plan = await rebuilt_by_hand()
    assert "`driftPolicy: Correct` puts right in place" in message(world)
    world.ask(a_spec(driftPolicy="Correct"), generation=2)
    world.clock += 5
    passes = len(world.engine.passes)
    await world.turn()

    assert passes + 1 == len(world.engine.passes)
    assert (plan, True) == world.engine.passes[-1]


async def test_what_is_known_to_be_gone_is_not_looked_for_again() -> None:
    """A difference that lasts costs one look a turn."""
    world = World()
    await world.built()
    await look(world)
    looks = world.surveys.looks
    await look(world)

    assert looks + 1 == world.surveys.looks


async def test_a_lost_data_volume_is_told_and_nothing_is_corrected_meanwhile() -> None:
    """An empty one in its place would look as if all were well."""
    world = World()
    volumes = [{"name": "records", "sizeGiB": 10}]
    world.ask(a_spec(servers=[a_server(volumes=volumes)], driftPolicy="Correct"))
    await world.turn()
    world.approve()
    await world.turn()
    await look(world)
    passes = len(world.engine.passes)
    await look(world)

    assert passes == len(world.engine.passes) == 1
    assert "A lost data volume is not made again by itself" in message(world)
