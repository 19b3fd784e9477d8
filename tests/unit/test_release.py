"""The end of a request that is to be released: signed like everything else, and nothing is deleted."""

from __future__ import annotations

import pytest

from controllers.api.plan import Operation
from controllers.api.stored import PLANS
from infra.errors import CloudUnavailable
from infra.stackplan import Kind as CloudKind
from tests.build import NAMESPACE, a_content, a_spec
from tests.unit.world import World

RELEASE = a_spec(deletionPolicy="Release")


async def built(world: World) -> None:
    """A request under Release, approved and built."""
    world.ask(RELEASE)
    await world.turn()
    world.approve()
    await world.turn()
    await world.turn()


def test_officers_sign_for_what_the_end_will_be() -> None:
    """A change of the policy is a plan of its own, and says what it means."""
    before = a_content()
    after = a_content(RELEASE, in_force=before.stack, generation=2)
    back = a_content(in_force=after.stack, generation=3)

    assert [(Operation.UPDATE, "Request", "permit-portal")] == [
        (action.operation, action.kind, action.name) for action in after.actions
    ]
    assert "deleting it deletes nothing" in after.actions[0].detail
    assert "deletes everything" in back.actions[0].detail


async def test_a_request_under_release_is_released() -> None:
    """The status says so while it happens, an Event what was let go; then the request goes."""
    world = World()
    await built(world)
    world.ask(RELEASE, deletionTimestamp="2026-01-02T00:00:00Z")
    world.clock += 1000
    await world.turn()

    assert [] == world.engine.removed
    assert ["releasing everything that was built; nothing is deleted"] == world.engine.released
    assert CloudKind.SERVER == world.engine.expected["id-server-web-0"]
    released = next(event for event in world.cluster.events if event["reason"] == "Released")
    assert "server-web-0 (id-server-web-0)" in released["message"]
    assert [[]] == world.cluster.finalizers


async def test_a_policy_that_nobody_signed_does_not_count() -> None:
    """The plan in force decides, not the newest word of the spec."""
    world = World()
    await built(world)
    world.ask(a_spec(), generation=2)
    await world.turn()
    world.ask(a_spec(), generation=2, deletionTimestamp="2026-01-02T00:00:00Z")
    world.clock += 1000
    await world.turn()

    assert ([], 1) == (world.engine.removed, len(world.engine.released))


async def test_a_plan_that_went_before_its_request_is_remembered() -> None:
    """Deleting in the foreground takes the Plans first; what they said of the end is in the status."""
    world = World()
    await built(world)
    for plan in world.cache.all(PLANS, NAMESPACE):
        world.cache.drop(PLANS, world.cache.body(PLANS, NAMESPACE, plan.meta.name) or {})
    world.ask(RELEASE, deletionTimestamp="2026-01-02T00:00:00Z")
    world.clock += 1000
    await world.turn()

    assert ([], 1) == (world.engine.removed, len(world.engine.released))


async def test_a_release_that_fails_is_tried_again() -> None:
    """The finalizer stays until everything is let go."""
    world = World()
    await built(world)
    world.ask(RELEASE, deletionTimestamp="2026-01-02T00:00:00Z")
    world.clock += 1000
    world.engine.failure = CloudUnavailable("away", retry_after_seconds=7)

    assert 7 == await world.turn()
    assert [] == world.cluster.finalizers


@pytest.mark.parametrize("policy", ["Delete", "Release"])
async def test_the_status_says_what_deleting_does(policy: str) -> None:
    """By the plan in force."""
    world = World()
    world.ask(a_spec(deletionPolicy=policy))
    await world.turn()
    world.approve()
    await world.turn()

    assert policy == world.status()["deletionPolicy"]
