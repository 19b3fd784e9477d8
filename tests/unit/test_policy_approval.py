"""Where policy approves by itself, and where it must not."""

from __future__ import annotations

from controllers.api.stored import TENANTS
from tests.build import a_spec, a_tenant
from tests.unit.world import World


async def test_policy_approves_a_small_test_environment_and_says_so() -> None:
    """Inside the department's test budget nobody has to sign; what is over it waits for people."""
    world = World()
    world.keep(TENANTS, "civil-affairs", a_tenant(monthlyTestBudgetYuan=200), status=PROJECT, namespace="")
    world.ask(a_spec(environment="Test"))
    world.ask(a_spec(environment="Test"), "second")
    for _ in range(3):
        await world.turn()
    await world.turn("second")

    assert ("True", "Ready") == world.standing()
    assert "approved: by policy (A small test" in message_of(world, "Approved")
    assert any("by policy" in event["message"] for event in world.cluster.events)
    assert ("False", "AwaitingApproval") == world.standing("Ready", "second")


async def test_production_stays_in_the_officers_hands() -> None:
    """What people have approved is not policy's to change, whatever it is called now."""
    world = World()
    world.keep(TENANTS, "civil-affairs", a_tenant(monthlyTestBudgetYuan=200), status=PROJECT, namespace="")
    in_force = await world.built()
    world.ask(a_spec(environment="Test"), generation=2)
    await world.turn()

    assert (in_force, "AwaitingApproval") == (world.status()["approvedPlan"], world.standing("Approved")[1])


PROJECT = {"projects": [{"zone": "extranet", "id": "project-1", "name": "civil-affairs-extranet"}]}


def message_of(world: World, condition: str) -> str:
    return str(next(item["message"] for item in world.status()["conditions"] if item["type"] == condition))
